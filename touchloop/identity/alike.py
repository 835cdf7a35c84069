"""Suggestions from matching: two customers whose records are alike, with a probability and words.

They are no function of the links, so that recomputing the partition leaves them; they go when one
of the two is no customer of its own any more, or when matching says so no longer. What the staff
declined or set apart is not suggested again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity import merging
from touchloop.identity.recompute import ALIKE as REASON


@dataclass(frozen=True, slots=True)
class Alike:
    """Two customers, the probability that they are one, and what speaks for and against it."""

    one: int
    other: int
    probability: float
    words: tuple[str, ...]
    against: tuple[str, ...] = ()


def suggest_alike(conn: Connection, found: Sequence[Alike], *, now: datetime) -> int:
    """Make these the open suggestions of matching; gives how many are open now."""
    pairs = [(min(each.one, each.other), max(each.one, each.other)) for each in found]
    told = [
        json.dumps(
            {
                "identifiers": [],
                "count": 0,
                "probability": round(each.probability, 6),
                "words": each.words,
                "against": each.against,
            }
        )
        for each in found
    ]
    given = {
        "a": arrays.numbers(a for a, _ in pairs),
        "b": arrays.numbers(b for _, b in pairs),
        "evidence": arrays.texts(told),
        "reason": REASON,
        "now": now,
    }
    with conn.transaction():
        conn.execute(_WITHDRAWN, given)
        conn.execute(_OPENED, given)
    row = conn.execute(
        "SELECT count(*) FROM suggestions WHERE state = 'open' AND reason = %s", (REASON,)
    ).fetchone()
    return int(row[0]) if row else 0


def accept_alike(conn: Connection, *, at_least: float, limit: int, reason: str) -> int:
    """Accept the open suggestions of matching from a probability on; gives how many.

    Each is an operation of its own that can be undone.
    """
    rows = conn.execute(
        "SELECT id FROM suggestions WHERE state = 'open' AND reason = %s"
        " AND (evidence->>'probability')::float8 >= %s"
        " ORDER BY (evidence->>'probability')::float8 DESC, id LIMIT %s",
        (REASON, at_least, limit),
    ).fetchall()
    merged = 0
    for (id,) in rows:
        try:
            merging.answer(conn, id, accept=True, actor_id=None, reason=reason)
        except (Invalid, NotFound):  # an earlier one of these joined them, or ended it
            continue
        merged += 1
    return merged


_WITHDRAWN = """
DELETE FROM suggestions s WHERE s.reason = %(reason)s AND s.state = 'open' AND NOT EXISTS (
  SELECT FROM unnest(%(a)s::bigint[], %(b)s::bigint[]) n(a, b) WHERE n.a = s.a_id AND n.b = s.b_id)
"""
_OPENED = """
INSERT INTO suggestions (a_id, b_id, reason, evidence, state, created_at)
SELECT n.a, n.b, %(reason)s, n.evidence::jsonb, 'open', %(now)s
  FROM unnest(%(a)s::bigint[], %(b)s::bigint[], %(evidence)s::text[]) n(a, b, evidence)
  JOIN identifiers one ON one.id = n.a AND one.customer_id = n.a
  JOIN identifiers other ON other.id = n.b AND other.customer_id = n.b
 WHERE n.a <> n.b AND NOT EXISTS (
   SELECT FROM links l JOIN identifiers i ON i.id = l.a_id JOIN identifiers k ON k.id = l.b_id
    WHERE l.kind = 'cut' AND l.undone_at IS NULL
      AND ((i.customer_id = n.a AND k.customer_id = n.b)
        OR (i.customer_id = n.b AND k.customer_id = n.a)))
ON CONFLICT (a_id, b_id, reason) DO UPDATE SET evidence = excluded.evidence
 WHERE suggestions.state = 'open'
"""
