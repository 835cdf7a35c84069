"""The canonical row of a customer, folded from the facts of all its identifiers.

Everything here can be computed again from `identifiers`, `trait_statements` and the log, so a merge
or its undoing needs no more than folding the customers concerned once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from touchloop.core import arrays
from touchloop.core.db import Connection


def fold(
    conn: Connection, customer_ids: Sequence[int], *, allowed: Mapping[int, int], now: datetime
) -> None:
    """Write the canonical rows anew. `allowed`: bitmask of permitted purposes by customer."""
    ids = sorted(set(customer_ids))
    if ids:
        masks = arrays.numbers(allowed.get(id, 0) for id in ids)
        conn.execute(_FOLD, {"ids": arrays.numbers(ids), "masks": masks, "now": now})


def forget(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Remove the rows of customers that were absorbed by another."""
    if customer_ids:
        for table, key in (("customers", "id"), ("activity", "customer_id")):
            conn.execute(f"DELETE FROM {table} WHERE {key} = ANY(%s)", (list(customer_ids),))


# The strongest value of each trait wins: authority, then the newest, then the greater tie.
_FOLD = """
WITH wanted AS (
  SELECT * FROM unnest(%(ids)s::bigint[], %(masks)s::int[]) AS w(customer_id, allowed)
), mine AS (
  SELECT i.id AS subject_id, i.customer_id, i.namespace, i.value
  FROM identifiers i JOIN wanted w USING (customer_id)
), best AS (
  SELECT DISTINCT ON (m.customer_id, t.name)
         m.customer_id, t.name, t.value, t.authority
  FROM mine m JOIN trait_values t USING (subject_id)
  ORDER BY m.customer_id, t.name, t.authority DESC, t.at DESC, t.tie DESC
), traits AS (
  SELECT customer_id,
         jsonb_object_agg(name, jsonb_build_object('v', value, 'a', authority)) AS traits,
         max(value #>> '{}') FILTER (WHERE name = 'name') AS name,
         max(value #>> '{}') FILTER (WHERE name IN ('firstName', 'first_name')) AS first_name,
         max(value #>> '{}') FILTER (WHERE name IN ('lastName', 'last_name')) AS last_name,
         max(value #>> '{}') FILTER (WHERE name = 'email') AS email,
         max(value #>> '{}') FILTER (WHERE name = 'phone') AS phone
  FROM best GROUP BY customer_id
), known AS (
  SELECT customer_id,
         min(value) FILTER (WHERE namespace = 'email') AS email,
         min(value) FILTER (WHERE namespace = 'phone') AS phone
  FROM mine GROUP BY customer_id
), told AS (
  SELECT w.customer_id, w.allowed, coalesce(t.traits, '{}'::jsonb) AS traits,
         left(coalesce(nullif(t.name, ''),
              nullif(concat_ws(' ', nullif(t.first_name, ''), nullif(t.last_name, '')), ''), ''),
              300) AS display_name,
         left(coalesce(t.email, k.email, ''), 320) AS email,
         left(coalesce(t.phone, k.phone, ''), 40) AS phone
  FROM wanted w LEFT JOIN traits t USING (customer_id) LEFT JOIN known k USING (customer_id)
)
INSERT INTO customers
  (id, display_name, email, phone, traits, allowed, created_at, updated_at)
SELECT customer_id, display_name, email, phone, traits, allowed, %(now)s, %(now)s
FROM told ORDER BY customer_id
ON CONFLICT (id) DO UPDATE
SET display_name = excluded.display_name, email = excluded.email, phone = excluded.phone,
    traits = excluded.traits, allowed = excluded.allowed, updated_at = excluded.updated_at
"""
