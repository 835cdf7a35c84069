"""What has to be known to say whether customers may be reached: read in sets, for many at once.

A customer is all its identifiers: what one of them refused, or was sent, counts for the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString

from msgspec import Struct
from msgspec.structs import replace

from touchloop.channels.hours import known_zone
from touchloop.channels.pace import Pace, paces
from touchloop.channels.policy import Contact, Mute, Policy, Pressure, after
from touchloop.channels.suppressing import Suppressed, suppressed
from touchloop.consent import api as consent
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.records.cases import api as cases

RETURN_BEGAN: Final = ("Order Returned", "Return Started")
RETURN_ENDED: Final = ("Order Refunded",)
NO_SUPPRESSIONS: Final = Suppressed()
_NO_PACE: Final = Pace()


class Situation(Struct, frozen=True):
    """One customer, as far as contact is concerned; `addresses` by namespace, the best first."""

    consent: consent.PersonConsent
    pressure: Pressure
    suppressed: Suppressed
    addresses: dict[str, list[str]] = {}

    def reached(self, contact: Contact) -> Situation:
        """The situation once this contact has been made."""
        return replace(self, pressure=after(self.pressure, contact))


def situations(
    conn: Connection,
    customer_ids: Iterable[int],
    *,
    namespaces: Iterable[str],
    policy: Policy,
    now: datetime,
    purposes: Collection[str],
) -> dict[int, Situation]:
    """The situation of each customer, with its addresses in some namespaces and what it said of
    some purposes."""
    ids = sorted(set(customer_ids))
    if not ids:
        return {}
    addresses = _addresses(conn, ids, sorted(set(namespaces)))
    held = suppressed(
        conn,
        ids,
        [
            (customer, address)
            for customer, found in addresses.items()
            for values in found.values()
            for address in values
        ],
    )
    said = consent.read_for(conn, ids, purposes)
    pressures = _pressures(conn, ids, policy, now)
    return {
        id: Situation(
            said[id],
            pressures[id],
            held.get(id, NO_SUPPRESSIONS),
            addresses.get(id, {}),
        )
        for id in ids
    }


def _pressures(
    conn: Connection, ids: Sequence[int], policy: Policy, now: datetime
) -> dict[int, Pressure]:
    window = max([168, *(cap.hours for cap in policy.caps)])
    key = arrays.numbers(ids)
    contacts: dict[int, list[Contact]] = defaultdict(list)
    rows = conn.execute(_CONTACTS, (key, now - timedelta(hours=window)), binary=True).fetchall()
    for customer, kind, at in rows:
        contacts[customer].append(Contact(kind, at))
    zones: dict[int, str] = dict(conn.execute(_ZONES, (key,), binary=True).fetchall())
    mutes = _mutes(conn, ids, policy, now)
    chosen = paces(conn, ids)
    found = {}
    for id in ids:
        pace = chosen.get(id, _NO_PACE)
        found[id] = Pressure(
            tuple(contacts.get(id, ())),
            known_zone(zones.get(id)),
            tuple(mutes.get(id, ())),
            pace.paused_until,
            pace.per_week,
        )
    return found


def _mutes(
    conn: Connection, ids: Sequence[int], policy: Policy, now: datetime
) -> dict[int, list[Mute]]:
    """Reasons to stay silent: an open complaint, goods on their way back."""
    found: dict[int, list[Mute]] = defaultdict(list)
    for customer, reason in cases.selling_muted(conn, ids).items():
        found[customer].append(Mute(reason))
    if not policy.mute_days:
        return found
    since = now - timedelta(days=policy.mute_days)
    kinds = conn.execute(
        _KINDS, {"began": list(RETURN_BEGAN), "ended": list(RETURN_ENDED)}
    ).fetchall()
    began = [id for id, begins in kinds if begins]
    if not began:
        return found
    ended = [id for id, begins in kinds if not begins]
    rows = conn.execute(
        _RETURNS,
        {"customers": arrays.numbers(ids), "since": since, "began": began, "ended": ended},
    )
    for customer, at in rows:
        found[customer].append(Mute("return_running", at + timedelta(days=policy.mute_days)))
    return found


def _addresses(
    conn: Connection, ids: Sequence[int], namespaces: Sequence[str]
) -> dict[int, dict[str, list[str]]]:
    """The one that the customer's own record names comes first, then the oldest."""
    found: dict[int, dict[str, list[str]]] = {}
    if not namespaces:
        return found
    rows = conn.execute(_ADDRESSES, (arrays.numbers(ids), list(namespaces)), binary=True).fetchall()
    for customer, namespace, value in rows:
        if (there := found.get(customer)) is None:
            found[customer] = {namespace: [value]}
        else:
            there.setdefault(namespace, []).append(value)
    return found


_CONTACTS: LiteralString = """
SELECT i.customer_id, c.kind, c.at FROM identifiers i JOIN contacts c ON c.subject_id = i.id
 WHERE i.customer_id = ANY(%s::bigint[]) AND c.at > %s AND c.kind <> 'service'
"""
_ZONES: LiteralString = """
SELECT id, traits->'timezone'->>'v' FROM customers
 WHERE id = ANY(%s::bigint[]) AND traits ? 'timezone'
"""
_KINDS: LiteralString = """
SELECT id, name = ANY(%(began)s) FROM kinds
 WHERE type = 'track' AND name = ANY(%(began)s::text[] || %(ended)s::text[])
"""
_RETURNS: LiteralString = """
WITH seen AS (
  SELECT i.customer_id,
         max(x.occurred_at) FILTER (WHERE x.kind_id = ANY(%(began)s::int[])) AS began,
         max(x.occurred_at) FILTER (WHERE x.kind_id = ANY(%(ended)s::int[])) AS ended
    FROM identifiers i JOIN interactions x ON x.subject_id = i.id
   WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND x.occurred_at > %(since)s
     AND x.kind_id = ANY(%(began)s::int[] || %(ended)s::int[])
   GROUP BY 1
)
SELECT customer_id, began FROM seen WHERE began >= coalesce(ended, '-infinity')
"""
_ADDRESSES: LiteralString = """
SELECT i.customer_id, i.namespace, i.value
  FROM identifiers i LEFT JOIN customers c ON c.id = i.customer_id
 WHERE i.customer_id = ANY(%s::bigint[]) AND i.namespace = ANY(%s) AND i.state = 'ok'
 ORDER BY i.customer_id, i.namespace, (i.value IN (lower(c.email), c.phone)) DESC NULLS LAST, i.id
"""
