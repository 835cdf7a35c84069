"""Customers by a score, with other scores beside it: for tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.insight.scores.keeping import Score

MOST = 1_000  # rows that are looked through; who wants more filters first


@dataclass(frozen=True, slots=True)
class Ranked:
    """A customer and the scores that were asked for; one he does not have is missing."""

    id: int
    scores: dict[str, Score]


def ranked(
    conn: Connection, names: Sequence[str], *, by: str, descending: bool = True, skip: int = 0,
    limit: int = 50,
) -> list[Ranked]:  # fmt: skip
    """A page of customers in the order of the score `by`, each with the scores of these names."""
    order = "DESC" if descending else "ASC"
    ids = [
        row[0]
        for row in conn.execute(
            f"SELECT customer_id FROM scores WHERE name = %s ORDER BY value {order}, customer_id"
            " LIMIT %s OFFSET %s",
            (by, min(limit, MOST), min(skip, MOST)),
        ).fetchall()
    ]
    found = {id: Ranked(id, {}) for id in ids}
    rows = conn.execute(_SCORES, (arrays.numbers(ids), arrays.texts(names))).fetchall()
    for customer_id, name, value, inputs, at, version in rows:
        found[customer_id].scores[name] = Score(name, value, inputs, at, version)
    return list(found.values())


_SCORES = """
SELECT customer_id, name, value, inputs, computed_at, model_version_id FROM scores
WHERE customer_id = ANY(%s::bigint[]) AND name = ANY(%s::text[])
"""
