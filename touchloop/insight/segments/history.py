"""The relations that rules read, out of PostgreSQL: of a few customers, or beside the lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from touchloop.core.db import Connection
from touchloop.insight.segments.live import SCHEMAS
from touchloop.insight.segments.needs import Needs, Reading
from touchloop.lake.api import MOVED, copy_to_arrow


def of_customers(
    conn: Connection, needs: Needs, customers: Sequence[int], now: datetime
) -> dict[str, pa.Table]:
    """Everything the rules read of some customers."""
    found = {name: _read(conn, name, " = ANY(%(ids)s)", {"ids": list(customers)})
             for name in ("customers", "members", "scores")}  # fmt: skip
    for name, reading in (("interactions", needs.interactions), ("lines", needs.lines)):
        if reading is not None:
            found[name] = _happened(conn, name, reading, customers, now)
    return found


def of_everyone(conn: Connection) -> dict[str, pa.Table]:
    """What the lake does not hold: customers, members, scores, and who was merged into whom."""
    found = {
        name: _read(conn, name, " IS NOT NULL", {}) for name in ("customers", "members", "scores")
    }
    query = "SELECT id, customer_id FROM identifiers WHERE id <> customer_id"
    return found | {"moved": copy_to_arrow(conn, query, None, MOVED)}


def _read(conn: Connection, name: str, which: str, params: dict[str, Any]) -> pa.Table:
    return copy_to_arrow(conn, _TABLES[name] + which, params or None, SCHEMAS[name])


def _happened(
    conn: Connection, name: str, reading: Reading, customers: Sequence[int], now: datetime
) -> pa.Table:
    names = sorted(reading.names) if reading.names is not None else None
    params = {"ids": list(customers), "names": names, "since": reading.since(now)}
    return copy_to_arrow(conn, _TABLES[name], params, SCHEMAS[name])


_WHOSE = """
WHERE i.customer_id = ANY(%(ids)s) AND k.type <> 'system'
  AND (%(names)s::text[] IS NULL OR k.name = ANY(%(names)s))
  AND (%(since)s::timestamptz IS NULL OR x.occurred_at > %(since)s)
"""

_TABLES = {
    "customers": """
SELECT c.id, (
    SELECT jsonb_object_agg(t.key, t.value -> 'v') FROM jsonb_each(c.traits) t
  )::text, c.stage, c.allowed, c.created_at AT TIME ZONE 'UTC'
FROM customers c WHERE c.id""",
    "members": "SELECT customer_id, segment_id FROM segment_members WHERE customer_id",
    "scores": "SELECT customer_id, name, value FROM scores WHERE customer_id",
    "interactions": """
SELECT i.customer_id, x.id, k.type, k.name, p.channel, p.location,
  x.occurred_at AT TIME ZONE 'UTC', x.value, (x.body::json -> 'properties')::text
FROM identifiers i JOIN interactions x ON x.subject_id = i.id JOIN kinds k ON k.id = x.kind_id
LEFT JOIN touchpoints p ON p.id = x.touchpoint_id""" + _WHOSE,
    "lines": """
SELECT i.customer_id, x.interaction_id, k.name, x.occurred_at AT TIME ZONE 'UTC', x.product_id,
  x.name, x.department, x.category, x.brand, x.quantity, x.price, x.amount
FROM identifiers i JOIN interaction_lines x ON x.subject_id = i.id JOIN kinds k ON k.id = x.kind_id
""" + _WHOSE,
}  # fmt: skip
