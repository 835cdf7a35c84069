"""What pages show of the outbox: deliveries with why they were held back, and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from touchloop.channels.contacts import IN
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound

Scope = Sequence[int] | None  # touchpoint numbers whose visitors may be seen; None: everybody


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as a page shows it."""

    id: int
    subject_id: int
    customer_id: int
    kind: str
    topic: str
    channel: str
    address: str
    template: str
    template_version: int
    state: str
    reason: str
    detail: str
    not_before: datetime
    expires_at: datetime | None
    offer: str
    decision_id: UUID | None
    campaign_id: int | None
    trigger_id: int | None
    message_id: str
    attempts: int
    answer: str
    created_at: datetime
    handed_at: datetime | None
    outcome_at: datetime | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Which:
    """Which deliveries are asked for; what is empty does not restrict."""

    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    channels: Sequence[str] = ()
    reasons: Sequence[str] = ()
    template: str = ""
    customer_id: int | None = None
    campaign_id: int | None = None
    trigger_id: int | None = None
    places: Scope = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """One contact in the ledger of pressure; `inbound` when the customer had come."""

    kind: str
    channel: str
    inbound: bool
    at: datetime


def deliveries(
    conn: Connection, which: Which, *, before: int | None = None, limit: int = 50
) -> list[Shown]:
    """Deliveries, the newest first; `before` is the last id of the page above."""
    values = {**_values(which), "before": before, "limit": limit}
    return [Shown(*row) for row in conn.execute(_LISTING, values)]


def one_delivery(conn: Connection, delivery_id: int) -> Shown:
    """One delivery; NotFound when there is none."""
    row = conn.execute(_ONE, {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFound(f"no delivery {delivery_id}")
    return Shown(*row)


def counts(
    conn: Connection, which: Which, *, since: datetime | None = None, newest: int | None = None
) -> dict[tuple[str, str, str], int]:
    """How many deliveries by (channel, state, reason), of those made since then.

    With `newest` no more than so many are counted, the newest: for figures that must come at once.
    """
    rows = conn.execute(_COUNTS, {**_values(which), "since": since, "newest": newest})
    return {(channel, state, reason): n for channel, state, reason, n in rows}


def held_back(
    conn: Connection, which: Which, *, before: int | None = None, limit: int = 50
) -> list[Shown]:
    """What was not handed over, or not yet, and why: deferred, dropped, suppressed."""
    states = [
        s for s in ("deferred", "dropped", "suppressed") if s in which.states or not which.states
    ]
    values = {**_values(which), "states": states, "before": before, "limit": limit}
    return [Shown(*row) for row in conn.execute(_LISTING, values)]


def pressed(
    conn: Connection, customer_ids: Sequence[int], *, since: datetime
) -> dict[int, list[Pressed]]:
    """The ledger of pressure of customers, the newest first."""
    found: dict[int, list[Pressed]] = {}
    rows = conn.execute(_PRESSED, (arrays.numbers(customer_ids), since))
    for customer, kind, channel, direction, at in rows:
        found.setdefault(customer, []).append(Pressed(kind, channel, direction == IN, at))
    return found


def _values(which: Which) -> dict[str, Any]:
    return {
        "states": list(which.states) or None,
        "kinds": list(which.kinds) or None,
        "channels": list(which.channels) or None,
        "reasons": list(which.reasons) or None,
        "template": which.template or None,
        "customer": which.customer_id,
        "campaign": which.campaign_id,
        "trigger": which.trigger_id,
        "places": None if which.places is None else list(which.places),
    }


_SHOWN: LiteralString = """
SELECT d.id, d.subject_id, coalesce(i.customer_id, d.subject_id), d.kind, d.topic, d.channel,
       d.address, d.template, d.template_version, d.state, d.reason, d.detail, d.not_before,
       d.expires_at, d.offer, d.decision_id, d.campaign_id, d.trigger_id, d.message_id, d.attempts,
       d.answer, d.created_at, d.handed_at, d.outcome_at, d.data
  FROM deliveries d LEFT JOIN identifiers i ON i.id = d.subject_id
"""
_WHERE: LiteralString = """
 WHERE (%(states)s::text[] IS NULL OR d.state = ANY(%(states)s))
   AND (%(kinds)s::text[] IS NULL OR d.kind = ANY(%(kinds)s))
   AND (%(channels)s::text[] IS NULL OR d.channel = ANY(%(channels)s))
   AND (%(reasons)s::text[] IS NULL OR d.reason = ANY(%(reasons)s))
   AND (%(template)s::text IS NULL OR d.template = %(template)s)
   AND (%(campaign)s::bigint IS NULL OR d.campaign_id = %(campaign)s)
   AND (%(trigger)s::bigint IS NULL OR d.trigger_id = %(trigger)s)
   AND (%(customer)s::bigint IS NULL OR d.subject_id IN (
         SELECT id FROM identifiers WHERE customer_id = %(customer)s))
   AND (%(places)s::int[] IS NULL OR EXISTS (
         SELECT FROM visits v JOIN identifiers o ON o.id = v.subject_id
          WHERE o.customer_id = i.customer_id AND v.touchpoint_id = ANY(%(places)s)))
"""
_LISTING: LiteralString = f"""{_SHOWN} {_WHERE}
   AND (%(before)s::bigint IS NULL OR d.id < %(before)s)
 ORDER BY d.id DESC LIMIT %(limit)s
"""
_ONE: LiteralString = f"{_SHOWN} WHERE d.id = %(id)s"
_COUNTS: LiteralString = f"""
SELECT channel, state, reason, count(*) FROM (
  SELECT d.channel, d.state, d.reason
    FROM deliveries d LEFT JOIN identifiers i ON i.id = d.subject_id {_WHERE}
     AND (%(since)s::timestamptz IS NULL OR d.created_at >= %(since)s)
   ORDER BY CASE WHEN %(newest)s::bigint IS NOT NULL THEN d.id END DESC LIMIT %(newest)s
) AS counted
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PRESSED: LiteralString = """
SELECT i.customer_id, c.kind, c.channel, c.direction, c.at
  FROM identifiers i JOIN contacts c ON c.subject_id = i.id
 WHERE i.customer_id = ANY(%s::bigint[]) AND c.at >= %s ORDER BY c.at DESC, c.id DESC
"""
