"""What is understood of a customer: segments, scores, and how often it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from touchloop.console.customers import wording
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.profiles.api import Customer

WEEKS = 26


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment that the customer is in."""

    name: str
    url: str
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ShownScore:
    """A number that was computed, with what it was made of."""

    name: str
    value: float
    at: datetime
    inputs: Sequence[tuple[str, str, str]]


def context(conn: Connection, customer: Customer) -> dict[str, Any]:
    """The right column of the page."""
    return {
        "segments": _memberships(conn, customer.id),
        "scores": _scores(conn, customer.id),
    }


def _memberships(conn: Connection, customer_id: int) -> list[Membership]:
    rows = conn.execute(
        "SELECT s.id, s.name, m.since FROM segment_members m JOIN segments s ON s.id = m.segment_id"
        " WHERE m.customer_id = %s ORDER BY m.since DESC, s.name LIMIT 60",
        (customer_id,),
    ).fetchall()
    return [
        Membership(
            name,
            reverse("segment", args=[id]),
            reverse("segment_why", args=[id, customer_id]),
            since,
        )
        for id, name, since in rows
    ]


def _scores(conn: Connection, customer_id: int) -> list[ShownScore]:
    rows = conn.execute(_SCORES, (customer_id,)).fetchall()
    return [
        ShownScore(_named(name), value, at, [*_inputs(inputs), *_version(kind, number, learned)])
        for name, value, at, inputs, kind, number, learned in rows
    ]


def _version(
    kind: str | None, number: int | None, learned: datetime | None
) -> list[tuple[str, str, str]]:
    """Which version of which model said so, and when it learned; nothing for what is counted."""
    if kind is None or learned is None:
        return []
    said = _("%(kind)s, version %(n)d") % {"kind": _named(kind), "n": number}
    when = _("learned %s") % formats.date_format(timezone.localtime(learned), "DATE_FORMAT")
    return [(_("Model"), said, when)]


def _inputs(inputs: Any) -> list[tuple[str, str, str]]:
    given = inputs if isinstance(inputs, Mapping) else {}
    return [(_named(str(name)), wording.value(value), "") for name, value in given.items()]


def _named(name: str) -> str:
    return name.replace("_", " ").capitalize()


def orders_by_week(conn: Connection, customer_id: int) -> list[int]:
    """Orders in each of the last weeks, the oldest first."""
    now = clock.now()
    rows = conn.execute(
        _ORDERS, {"customer": customer_id, "now": now, "since": now - timedelta(weeks=WEEKS)}
    ).fetchall()
    counted: dict[int, int] = dict(rows)
    return [counted.get(WEEKS - 1 - week, 0) for week in range(WEEKS)]


_SCORES = """
SELECT s.name, s.value, s.computed_at, s.inputs, v.kind, v.number, v.trained_at
FROM scores s LEFT JOIN model_versions v ON v.id = s.model_version_id
WHERE s.customer_id = %s ORDER BY s.name
"""

_ORDERS = """
SELECT floor(extract(epoch FROM %(now)s::timestamptz - x.occurred_at) / 604800)::int AS week,
       count(*)::int
FROM identifiers i JOIN interactions x ON x.subject_id = i.id
WHERE i.customer_id = %(customer)s AND x.occurred_at > %(since)s::timestamptz
  AND x.occurred_at <= %(now)s::timestamptz
  AND x.kind_id IN (SELECT id FROM kinds WHERE type = 'track' AND name = 'Order Completed')
GROUP BY 1
"""
