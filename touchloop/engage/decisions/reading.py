"""Decisions for people: the latest, of a customer, about an offer; and what was learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from touchloop.core.db import Connection
from touchloop.engage.decisions.outcomes import WORDS
from touchloop.engage.decisions.uplift import Report, report


@dataclass(frozen=True, slots=True)
class Proposed:
    """An offer that a decision proposed, and what was answered: words of `WORDS` in order."""

    offer_id: int
    offer: str
    name: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A decision in a list. `customer_id` is the customer as it stands now."""

    id: UUID
    customer_id: int
    at: datetime
    channel: str
    location: str
    placement: str
    proposed: tuple[Proposed, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """One version of the model: when it was made, of how many lessons; shown and taken by offer."""

    version: int
    at: datetime
    lessons: int
    counts: dict[int, tuple[int, int]]


def listing(
    conn: Connection,
    *,
    customer_id: int | None = None,
    offer_id: int | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Decisions, the newest first: all, of one customer, or those that proposed one offer.

    `before` is the time of the last one shown. Three queries, whatever the limit.
    """
    rows = conn.execute(
        _LISTED,
        {"customer": customer_id, "offer": offer_id, "before": before, "limit": limit},
    ).fetchall()
    named: dict[int, tuple[str, str]] = {
        id: (slug, name)
        for id, slug, name in conn.execute(
            "SELECT id, slug, name FROM offers WHERE id = ANY(%s)",
            (sorted({id for row in rows for id in row[6]}),),
        ).fetchall()
    }
    answers: dict[tuple[UUID, int], list[str]] = {}
    for decision, offer, outcome in conn.execute(
        "SELECT decision_id, offer_id, outcome FROM offer_outcomes WHERE decision_id = ANY(%s)"
        " ORDER BY at, id",
        ([row[0] for row in rows],),
    ).fetchall():
        answers.setdefault((decision, offer), []).append(_WORD_OF[outcome])
    return [
        Listed(
            id,
            customer,
            at,
            channel,
            location,
            placement,
            tuple(
                Proposed(n, *named.get(n, ("", "")), tuple(answers.get((id, n), ())))
                for n in chosen
            ),
        )
        for id, customer, at, channel, location, placement, chosen in rows
    ]


def reports(conn: Connection, offer_ids: list[int]) -> dict[int, Report]:
    """What came of several offers."""
    return {id: report(conn, id) for id in offer_ids}


def models(conn: Connection, *, limit: int = 20) -> list[Learned]:
    """The versions of what was learned, the newest first."""
    rows = conn.execute(
        "SELECT version, at, learned, counts FROM decision_models ORDER BY version DESC LIMIT %s",
        (limit,),
    ).fetchall()
    return [
        Learned(version, at, learned, {int(id): (n, x) for id, (n, x) in counts.items()})
        for version, at, learned, counts in rows
    ]


_WORD_OF = {code: word for word, code in WORDS.items()}
_LISTED = """
SELECT d.id, i.customer_id, d.at, d.channel, d.location, d.placement, d.chosen
FROM decisions d JOIN identifiers i ON i.id = d.subject_id
WHERE (%(customer)s::bigint IS NULL OR d.subject_id IN (
        SELECT x.id FROM identifiers x WHERE x.customer_id = %(customer)s))
  AND (%(offer)s::int IS NULL OR %(offer)s = ANY(d.chosen))
  AND (%(before)s::timestamptz IS NULL OR d.at < %(before)s)
ORDER BY d.at DESC, d.id DESC LIMIT %(limit)s
"""
