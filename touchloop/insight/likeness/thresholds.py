"""How many people a threshold of resemblance reaches, and the rule that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from touchloop.core.db import Connection
from touchloop.insight.likeness.lookalikes import PREFIX


@dataclass(frozen=True, slots=True)
class Reach:
    """The `size` people outside the segment who resemble it most score `least` or more."""

    size: int
    least: float


def reach(conn: Connection, segment_id: int, *, size: int | None = None) -> list[Reach]:
    """Thresholds by size, smallest first: of twenty steps up to everybody, or of one size.

    Equal scores go together, so that a size may be somewhat larger than what was asked for.
    """
    given = {"name": f"{PREFIX}{segment_id}", "segment": segment_id, "size": size}
    rows = conn.execute(_REACH, given).fetchall()
    return [Reach(*row) for row in rows]


def rule_for(segment_id: int, least: float) -> dict[str, Any]:
    """The rule of a segment: whoever scores so much, without those who are in the seed."""
    score = {"name": f"{PREFIX}{segment_id}", "op": "gte", "value": least}
    return {"all": [{"score": score}, {"segment": {"id": segment_id, "in": False}}]}


_REACH = """
WITH others AS (
  SELECT s.value, rank() OVER (ORDER BY s.value DESC) + count(*) OVER (PARTITION BY s.value) - 1
           AS size, count(*) OVER () AS everybody
  FROM scores s
  WHERE s.name = %(name)s AND NOT EXISTS (
    SELECT FROM segment_members m
    WHERE m.customer_id = s.customer_id AND m.segment_id = %(segment)s)
), wanted AS (
  SELECT DISTINCT greatest(1, least((SELECT max(everybody) FROM others), step)) AS step
  FROM unnest(CASE WHEN %(size)s::bigint IS NOT NULL THEN ARRAY[%(size)s::bigint]
              ELSE ARRAY(SELECT (SELECT max(everybody) FROM others) * n / 20
                         FROM generate_series(1, 20) n) END) AS step
)
SELECT DISTINCT o.size, o.value FROM wanted w
CROSS JOIN LATERAL (SELECT size, value FROM others WHERE size >= w.step ORDER BY size LIMIT 1) o
ORDER BY o.size
"""
