"""What changes with every batch: when a customer was last seen, how often, for how much.

Writing it also locks the customer for the rest of the transaction: rows are touched in the order
of their ids, so that two workers wait for one another and never for ever. Each time it counts the
customer's turn up; who saw the turn before has missed nothing that was logged for the customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from touchloop.core import arrays
from touchloop.core.db import Connection


class Touch(Struct, frozen=True, gc=False):
    """What one batch adds to one customer."""

    customer_id: int
    first_us: int  # microseconds since 1970 UTC
    last_us: int
    interactions: int
    orders: int
    spend: float


class Touched(NamedTuple):
    """Who is new, and the turn of everybody."""

    fresh: list[int]
    turns: dict[int, int]


def touch(conn: Connection, touches: Sequence[Touch]) -> Touched:
    """Add up, and hold the customers until the transaction ends."""
    if not touches:
        return Touched([], {})
    rows = sorted(touches, key=lambda one: one.customer_id)
    done = conn.execute(
        _TOUCH,
        {
            "ids": arrays.numbers(row.customer_id for row in rows),
            "firsts": arrays.numbers(row.first_us for row in rows),
            "lasts": arrays.numbers(row.last_us for row in rows),
            "counts": arrays.numbers(row.interactions for row in rows),
            "orders": arrays.numbers(row.orders for row in rows),
            "spends": arrays.numbers(row.spend for row in rows),
        },
        binary=True,
    ).fetchall()
    return Touched([id for id, _, fresh in done if fresh], {id: turn for id, turn, _ in done})


def lock(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Hold customers that get no new interaction, in the same order."""
    conn.execute(
        "SELECT 1 FROM activity WHERE customer_id = ANY(%s::bigint[])"
        " ORDER BY customer_id FOR UPDATE",
        (arrays.numbers(sorted(customer_ids)),),
    )


def take_turn(conn: Connection, customer_ids: Sequence[int]) -> dict[int, int]:
    """Hold customers in the same order, though nothing is added up; returns the turn of each."""
    if not customer_ids:
        return {}
    rows = conn.execute(_TURN, {"ids": arrays.numbers(sorted(customer_ids))}, binary=True)
    return dict(rows.fetchall())


def recount(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Compute the activity of customers from the log anew, after their identifiers changed."""
    if customer_ids:
        conn.execute(_RECOUNT, {"ids": sorted(customer_ids)})


def advance_stages(conn: Connection, customer_ids: Sequence[int]) -> list[int]:
    """Bring prospects and new customers as far as their orders say; returns who moved.

    Further stages (satisfied, advocate, at risk, lost) are judgements, not counts: they are not
    touched here.
    """
    rows = conn.execute(
        _ADVANCE, {"ids": arrays.numbers(sorted(customer_ids)), "loyal": LOYAL_FROM}
    ).fetchall()
    return [row[0] for row in rows]


ORDER = "Order Completed"
LOYAL_FROM = 10  # orders

_TOUCH = """
WITH batch AS (
  SELECT customer_id, 'epoch'::timestamptz + first_us * interval '1 microsecond' AS first_seen_at,
         'epoch'::timestamptz + last_us * interval '1 microsecond' AS last_seen_at,
         interactions, orders, spend
  FROM unnest(%(ids)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[],
    %(counts)s::int[], %(orders)s::int[], %(spends)s::float8[])
    AS b(customer_id, first_us, last_us, interactions, orders, spend)
), written AS (
  INSERT INTO activity AS a
    (customer_id, first_seen_at, last_seen_at, interactions, orders, spend, turn)
  SELECT customer_id, first_seen_at, last_seen_at, interactions, orders, spend,
         (extract(epoch FROM clock_timestamp()) * 1e6)::bigint
  FROM batch ORDER BY customer_id
  ON CONFLICT (customer_id) DO UPDATE
  SET first_seen_at = least(a.first_seen_at, excluded.first_seen_at),
      last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
      interactions = a.interactions + excluded.interactions,
      orders = a.orders + excluded.orders,
      spend = a.spend + excluded.spend,
      turn = a.turn + 1
  RETURNING a.customer_id, a.turn, (xmax = 0) AS fresh
)
SELECT customer_id, turn, fresh FROM written
"""

_TURN = """
WITH held AS (
  SELECT customer_id FROM activity WHERE customer_id = ANY(%(ids)s::bigint[])
  ORDER BY customer_id FOR UPDATE
)
UPDATE activity a SET turn = a.turn + 1 FROM held
WHERE a.customer_id = held.customer_id RETURNING a.customer_id, a.turn
"""

_ADVANCE = """
UPDATE customers c
SET stage = CASE WHEN a.orders >= %(loyal)s THEN 'loyal' ELSE 'new' END
FROM activity a
WHERE a.customer_id = c.id AND c.id = ANY(%(ids)s::bigint[]) AND a.orders > 0
  AND (c.stage = 'prospect' OR (c.stage = 'new' AND a.orders >= %(loyal)s))
RETURNING c.id
"""

_RECOUNT = """
WITH mine AS (
  SELECT id AS subject_id, customer_id FROM identifiers WHERE customer_id = ANY(%(ids)s)
), system AS (
  SELECT id FROM sources WHERE kind = 'system'
), orders AS (
  SELECT id FROM kinds WHERE type = 'track' AND name = 'Order Completed'
), counted AS (
  SELECT m.customer_id, min(x.occurred_at) AS first_seen_at, max(x.occurred_at) AS last_seen_at,
         count(*) AS interactions,
         count(*) FILTER (WHERE x.kind_id IN (SELECT id FROM orders)) AS orders,
         coalesce(sum(x.value) FILTER (WHERE x.kind_id IN (SELECT id FROM orders)), 0) AS spend
  FROM mine m JOIN interactions x USING (subject_id)
  WHERE x.source_id NOT IN (SELECT id FROM system)
  GROUP BY m.customer_id
)
INSERT INTO activity AS a
  (customer_id, first_seen_at, last_seen_at, interactions, orders, spend, turn)
SELECT customer_id, first_seen_at, last_seen_at, interactions, orders, spend,
       (extract(epoch FROM clock_timestamp()) * 1e6)::bigint
FROM counted ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE
SET first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
    interactions = excluded.interactions, orders = excluded.orders, spend = excluded.spend,
    turn = greatest(a.turn, excluded.turn) + 2
"""
