"""Looking at signals: of customers, and how many of which kind at which touchpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.core import arrays
from touchloop.core.db import Connection

Scope = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of a customer."""

    id: int
    customer_id: int
    kind: str
    strength: float
    channel: str
    location: str
    stage: str
    detail: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """Signals of a kind at a touchpoint, and of how many customers."""

    kind: str
    channel: str
    location: str
    n: int
    customers: int
    strength: float


def of_customers(
    conn: Connection, customer_ids: Sequence[int], *, since: datetime | None = None, limit: int = 50
) -> list[Signal]:
    """The signals of these customers, newest first."""
    rows = conn.execute(
        _OF, {"customers": arrays.numbers(customer_ids), "since": since, "limit": limit}
    ).fetchall()
    return [Signal(*row) for row in rows]


def latest(
    conn: Connection,
    *,
    kinds: Sequence[str] = (),
    touchpoint: tuple[str, str] | None = None,
    locations: Scope = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Signal]:
    """The newest signals, of some kinds or all, at a touchpoint or everywhere one may look."""
    rows = conn.execute(
        _LATEST,
        {
            "kinds": list(kinds),
            "channel": touchpoint[0] if touchpoint else None,
            "location": touchpoint[1] if touchpoint else None,
            "everywhere": locations is None,
            "locations": sorted(locations or ()),
            "limit": limit,
            "offset": offset,
        },
    ).fetchall()
    return [Signal(*row) for row in rows]


def counts(
    conn: Connection, *, since: datetime, until: datetime, locations: Scope = None
) -> list[Count]:
    """How many signals of each kind each touchpoint had in [since, until), the most first."""
    rows = conn.execute(
        _COUNTS,
        {
            "since": since,
            "until": until,
            "everywhere": locations is None,
            "locations": sorted(locations or ()),
        },
    ).fetchall()
    return [Count(*row) for row in rows]


_SIGNAL = """
SELECT s.id, i.customer_id, s.kind, s.strength, s.channel, s.location, s.stage, s.detail, s.at
FROM signals s JOIN identifiers i ON i.id = s.subject_id
"""
_SCOPE = "(%(everywhere)s OR s.location = ANY(%(locations)s::text[]) AND s.location <> '')"
_OF = f"""
{_SIGNAL} WHERE i.customer_id = ANY(%(customers)s::bigint[])
  AND (%(since)s::timestamptz IS NULL OR s.at >= %(since)s::timestamptz)
ORDER BY s.at DESC, s.id DESC LIMIT %(limit)s
"""
_LATEST = f"""
{_SIGNAL} WHERE {_SCOPE}
  AND (cardinality(%(kinds)s::text[]) = 0 OR s.kind = ANY(%(kinds)s::text[]))
  AND (%(channel)s::text IS NULL OR s.channel = %(channel)s::text)
  AND (%(location)s::text IS NULL OR s.location = %(location)s::text)
ORDER BY s.at DESC, s.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
_COUNTS = f"""
SELECT s.kind, s.channel, s.location, count(*), count(DISTINCT i.customer_id), sum(s.strength)
FROM signals s JOIN identifiers i ON i.id = s.subject_id
WHERE {_SCOPE} AND s.at >= %(since)s AND s.at < %(until)s
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""
