"""Looking at cases: one, a page of them, their history, and who has one open.

A manager sees the cases of their own stores: `locations` is what the one who looks may see (None:
everything; an empty set: nothing).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.core.statements import Statement

Scope = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands. `customer_id` is whom its subject belongs to now."""

    id: int
    subject_id: int
    customer_id: int
    kind: str
    title: str
    story: str
    story_ids: tuple[int, ...]
    cause: str
    channel: str
    location: str
    stage: str
    state: str
    owner_id: int | None
    opened_at: datetime
    due_at: datetime
    waiting_since: datetime | None
    closed_at: datetime | None
    resolution: str
    reopened: int

    def overdue(self, now: datetime) -> bool:
        """The clock has run out; it stands while the case waits for the customer."""
        return self.state == "open" and now > self.due_at


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case of a customer that is not closed."""

    id: int
    kind: str
    title: str
    opened_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One act in the history of a case."""

    id: int
    at: datetime
    act: str
    by: int | None
    text: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases: every field that is set narrows; `overdue_at`: the clock had run out then."""

    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    owner_id: int | None = None
    unowned: bool = False
    overdue_at: datetime | None = None
    customer_id: int | None = None
    place: tuple[str, str] | None = None  # channel, location
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """How cases stand and went. Hours are the median between opening and closing."""

    open: int
    waiting: int
    overdue: int
    unowned: int
    opened: int
    closed: int
    closed_in_time: int
    median_hours: float | None


def get(conn: Connection, case_id: int, *, locations: Scope = None) -> Case:
    """One case. Raises NotFound, also for a case outside of `locations`."""
    row = conn.execute(
        f"{_COLUMNS} WHERE c.id = %(id)s AND {_SCOPE}", {"id": case_id, **_scope(locations)}
    ).fetchone()
    if row is None:
        raise NotFound("There is no such case.")
    return _case(row)


def listing(
    conn: Connection,
    *,
    where: Filter | None = None,
    locations: Scope = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Case]:
    """Cases: unfinished before closed, the soonest due first, then the last closed first."""
    rows = conn.execute(
        f"{_COLUMNS} WHERE {_MATCHES} AND {_SCOPE} {_ORDER} LIMIT %(limit)s OFFSET %(offset)s",
        {**_matching(where or Filter()), **_scope(locations), "limit": limit, "offset": offset},
    ).fetchall()
    return [_case(row) for row in rows]


def count(conn: Connection, *, where: Filter | None = None, locations: Scope = None) -> int:
    """How many cases `listing` has."""
    row = conn.execute(
        f"SELECT count(*) {_FROM} WHERE {_MATCHES} AND {_SCOPE}",
        {**_matching(where or Filter()), **_scope(locations)},
    ).fetchone()
    return int(row[0]) if row else 0


def history(conn: Connection, case_id: int, *, locations: Scope = None) -> list[Event]:
    """What was done about a case, in order. Raises NotFound."""
    get(conn, case_id, locations=locations)
    rows = conn.execute(
        "SELECT id, at, act, by, text, detail FROM case_events WHERE case_id = %s ORDER BY id",
        (case_id,),
    ).fetchall()
    return [Event(*row) for row in rows]


def figures(
    conn: Connection, *, since: datetime, until: datetime, now: datetime, locations: Scope = None
) -> Figures:
    """How cases stand now, and what was opened and closed in [since, until)."""
    row = conn.execute(
        _FIGURES, {"since": since, "until": until, "now": now, **_scope(locations)}
    ).fetchone()
    if row is None:
        raise NotFound("no figures")
    return Figures(*row)


def open_cases(conn: Connection, customer_ids: Sequence[int]) -> dict[int, list[OpenCase]]:
    """The cases of these customers that are not closed, oldest first; others are left out."""
    found: dict[int, list[OpenCase]] = defaultdict(list)
    for customer, *case in conn.execute(
        _OPEN_OF, {"customers": arrays.numbers(customer_ids)}
    ).fetchall():
        found[customer].append(OpenCase(*case))
    return dict(found)


def selling_muted(conn: Connection, customer_ids: Sequence[int]) -> dict[int, str]:
    """Of these customers, those to whom nothing is sold now, and why.

    The words are `complaint_open` and `detractor_open`; a complaint comes first. A request mutes
    nobody.
    """
    muted = _MUTED.rows(conn, {"customers": arrays.numbers(customer_ids)})
    return {int(customer or 0): f"{(kind or b'').decode()}_open" for customer, kind in muted}


def _case(row: Sequence[Any]) -> Case:
    return Case(*(*row[:6], tuple(row[6]), *row[7:]))


def _scope(locations: Scope) -> dict[str, Any]:
    return {"everywhere": locations is None, "locations": sorted(locations or ())}


def _matching(where: Filter) -> dict[str, Any]:
    return {
        "states": list(where.states),
        "kinds": list(where.kinds),
        "owner": where.owner_id,
        "unowned": where.unowned,
        "overdue_at": where.overdue_at,
        "customer": where.customer_id,
        "channel": where.place[0] if where.place else None,
        "location": where.place[1] if where.place else None,
        "since": where.since,
        "until": where.until,
        "words": f"%{_plain(where.words)}%" if where.words.strip() else None,
    }


def _plain(words: str) -> str:
    """What a person typed means itself in LIKE."""
    text = words.strip().lower()
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, "\\" + sign)
    return text


_FROM = "FROM cases c JOIN identifiers i ON i.id = c.subject_id"
_COLUMNS = f"""
SELECT c.id, c.subject_id, i.customer_id, c.kind, c.title, c.story, c.story_ids, c.cause, c.channel,
       c.location, c.stage, c.state, c.owner_id, c.opened_at, c.due_at, c.waiting_since,
       c.closed_at, c.resolution, c.reopened
{_FROM}
"""
_SCOPE = "(%(everywhere)s OR c.location = ANY(%(locations)s::text[]) AND c.location <> '')"
_MATCHES = """
(cardinality(%(states)s::text[]) = 0 OR c.state = ANY(%(states)s::text[]))
AND (cardinality(%(kinds)s::text[]) = 0 OR c.kind = ANY(%(kinds)s::text[]))
AND (%(owner)s::bigint IS NULL OR c.owner_id = %(owner)s::bigint)
AND (NOT %(unowned)s OR c.owner_id IS NULL)
AND (%(overdue_at)s::timestamptz IS NULL
     OR c.state = 'open' AND c.due_at < %(overdue_at)s::timestamptz)
AND (%(customer)s::bigint IS NULL OR i.customer_id = %(customer)s::bigint)
AND (%(channel)s::text IS NULL OR c.channel = %(channel)s::text)
AND (%(location)s::text IS NULL OR c.location = %(location)s::text)
AND (%(since)s::timestamptz IS NULL OR c.opened_at >= %(since)s::timestamptz)
AND (%(until)s::timestamptz IS NULL OR c.opened_at < %(until)s::timestamptz)
AND (%(words)s::text IS NULL OR lower(c.title || ' ' || c.story) LIKE %(words)s::text)
"""
_ORDER = """
ORDER BY c.state = 'closed', CASE WHEN c.state <> 'closed' THEN c.due_at END, c.closed_at DESC,
         c.id DESC
"""
_FIGURES = f"""
SELECT count(*) FILTER (WHERE c.state = 'open'), count(*) FILTER (WHERE c.state = 'waiting'),
  count(*) FILTER (WHERE c.state = 'open' AND c.due_at < %(now)s),
  count(*) FILTER (WHERE c.state <> 'closed' AND c.owner_id IS NULL),
  count(*) FILTER (WHERE c.opened_at >= %(since)s AND c.opened_at < %(until)s),
  count(*) FILTER (WHERE c.closed_at >= %(since)s AND c.closed_at < %(until)s),
  count(*) FILTER (WHERE c.closed_at >= %(since)s AND c.closed_at < %(until)s
    AND c.closed_at <= c.due_at),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.closed_at - c.opened_at) / 3600)
    FILTER (WHERE c.closed_at >= %(since)s AND c.closed_at < %(until)s)
FROM cases c WHERE {_SCOPE}
"""
_OPEN_OF = """
SELECT i.customer_id, c.id, c.kind, c.title, c.opened_at, c.due_at
FROM identifiers i JOIN cases c ON c.subject_id = i.id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND c.state <> 'closed'
ORDER BY c.opened_at, c.id
"""
_MUTED = Statement(
    "cases_muted",
    """
SELECT i.customer_id, min(c.kind) FROM identifiers i JOIN cases c ON c.subject_id = i.id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND c.state <> 'closed'
  AND c.kind IN ('complaint', 'detractor')
GROUP BY 1
""",
)
