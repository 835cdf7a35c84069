"""Recorded decisions as they are listed, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from touchloop.console.customers.sight import Sight
from touchloop.console.offers.people import IN_SIGHT, in_sight
from touchloop.core.db import Connection

WINDOW = 20_000  # decisions looked at in one step of a search
STEPS = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions. What is empty does not narrow."""

    channel: str = ""
    location: str = ""
    offer: int | None = None
    customer: int | None = None
    holdout: str = ""  # everything, offer, none


@dataclass(frozen=True, slots=True)
class Made:
    """A recorded decision."""

    id: UUID
    at: datetime
    customer_id: int
    channel: str
    location: str
    placement: str
    chosen: tuple[int, ...]
    answers: tuple[int, ...]
    held_out: str  # "", offer, everything

    @property
    def key(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


def listing(
    conn: Connection, wanted: Wanted, sees: Sight, *, after: str, limit: int
) -> tuple[list[Made], str]:
    """The newest first, and the place where they go on ("" at the end).

    A rare offer is looked for through windows of decisions, so that no request scans them all.
    """
    place = _place(after)
    fixed: dict[str, Any] = {
        "channel": wanted.channel,
        "location": wanted.location,
        "offer": wanted.offer,
        "holdout": wanted.holdout,
        "subjects": _subjects(conn, wanted.customer),
        "window": WINDOW,
        "limit": limit + 1,
        **in_sight(conn, sees),
    }
    found: list[Made] = []
    for _step in range(STEPS):
        at, id = place or (None, None)
        looked = {**fixed, "at": at, "id": id}
        rows = conn.execute(_LISTED, looked).fetchall()
        found += map(_made, rows)
        if len(found) > limit:
            return found[:limit], found[limit - 1].key
        edge = conn.execute(_EDGE, looked).fetchone()
        if edge is None:
            return found, ""
        place = edge[0], edge[1]
        if found:
            break
    return found, f"{place[0].isoformat()}~{place[1]}" if found and place else ""


def one(conn: Connection, id: UUID) -> Made | None:
    """One recorded decision, as it was answered."""
    row = conn.execute(_ONE, {"id": id}).fetchone()
    return _made(row) if row else None


def probabilities(conn: Connection, id: UUID) -> tuple[float, ...]:
    """With which probability each proposed offer stood where it stood, as it was recorded."""
    row = conn.execute("SELECT probabilities FROM decisions WHERE id = %s", (id,)).fetchone()
    return tuple(row[0]) if row else ()


def answers(conn: Connection, id: UUID) -> list[tuple[int, int, datetime, str]]:
    """What became of what was proposed: offer, outcome, when, channel."""
    rows = conn.execute(
        "SELECT offer_id, outcome, at, channel FROM offer_outcomes WHERE decision_id = %s"
        " ORDER BY at, id",
        (id,),
    ).fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _made(row: tuple[Any, ...]) -> Made:
    id, at, customer, channel, location, placement, chosen, answered, held_out = row
    return Made(
        id, at, customer, channel, location, placement, tuple(chosen), tuple(answered or ()),
        held_out,
    )  # fmt: skip


def _subjects(conn: Connection, customer: int | None) -> list[int] | None:
    if customer is None:
        return None
    rows = conn.execute(
        "SELECT k.id FROM identifiers i JOIN identifiers k ON k.customer_id = i.customer_id"
        " WHERE i.id = %s",
        (customer,),
    ).fetchall()
    return [row[0] for row in rows]


def _place(key: str) -> tuple[datetime, UUID] | None:
    at, tilde, number = key.partition("~")
    try:
        moment, id = datetime.fromisoformat(at), UUID(number)
    except ValueError:
        return None
    return (moment, id) if tilde and moment.tzinfo else None


# Who was held out is noted for the identifier that the decision was made for, since that moment.
_SHOWN = """
s.id, s.at, i.customer_id, s.channel, s.location, s.placement, s.chosen,
(SELECT array_agg(DISTINCT o.outcome) FROM offer_outcomes o WHERE o.decision_id = s.id),
CASE WHEN EXISTS (SELECT FROM offer_exposures e WHERE e.subject_id = s.subject_id AND e.held
                   AND e.offer_id = 0 AND e.at <= s.at) THEN 'everything'
     WHEN EXISTS (SELECT FROM offer_exposures e WHERE e.subject_id = s.subject_id AND e.held
                   AND e.offer_id > 0 AND e.at <= s.at) THEN 'offer'
     ELSE '' END
"""
_WITHIN = """
FROM decisions
WHERE (%(at)s::timestamptz IS NULL OR (at, id) < (%(at)s::timestamptz, %(id)s::uuid))
  AND (%(subjects)s::bigint[] IS NULL OR subject_id = ANY(%(subjects)s::bigint[]))
ORDER BY at DESC, id DESC
"""
_LISTED = f"""
WITH s AS MATERIALIZED (
  SELECT id, at, subject_id, channel, location, placement, chosen {_WITHIN} LIMIT %(window)s
)
SELECT {_SHOWN}
FROM s JOIN identifiers i ON i.id = s.subject_id
WHERE (%(channel)s = '' OR s.channel = %(channel)s)
  AND (%(location)s = '' OR s.location = %(location)s)
  AND (%(offer)s::int IS NULL OR s.chosen @> ARRAY[%(offer)s::int])
  AND (%(holdout)s = '' OR EXISTS (
        SELECT FROM offer_exposures e WHERE e.subject_id = s.subject_id AND e.held
         AND e.at <= s.at
         AND (%(holdout)s = 'none' OR (e.offer_id = 0) = (%(holdout)s = 'everything'))
      ) = (%(holdout)s <> 'none'))
  AND {IN_SIGHT}
ORDER BY s.at DESC, s.id DESC LIMIT %(limit)s
""".encode()
_EDGE = f"SELECT at, id {_WITHIN} OFFSET %(window)s - 1 LIMIT 1".encode()
_ONE = f"""
SELECT {_SHOWN} FROM decisions s JOIN identifiers i ON i.id = s.subject_id WHERE s.id = %(id)s
""".encode()
