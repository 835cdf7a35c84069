"""The compiler's second caller: the customers just touched, from rows in memory.

One DuckDB per process, on one thread: the work is too small to share out, and the worker's other
half needs the other core. Rules are compiled once per set; constants and rows are bound as Arrow.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from touchloop.core import clock
from touchloop.insight.segments.compile import Compiled, compile_rules, words
from touchloop.insight.segments.deciding import on_arrays
from touchloop.insight.segments.grammar import RuleSet
from touchloop.insight.segments.relations import Relation

Ids = np.ndarray[Any, np.dtype[np.int64]]

# The relations that rules read. A table may leave out columns that no rule of the set asks for.
SCHEMAS: dict[str, pa.Schema] = {
    "interactions": pa.schema(
        [
            ("customer_id", pa.int64()), ("interaction_id", pa.int64()), ("type", pa.string()),
            ("name", pa.string()), ("channel", pa.string()), ("location", pa.string()),
            ("occurred_at", pa.timestamp("us")), ("value", pa.float64()),
            ("properties", pa.string()),
        ]
    ),
    "lines": pa.schema(
        [
            ("customer_id", pa.int64()), ("interaction_id", pa.int64()), ("name", pa.string()),
            ("occurred_at", pa.timestamp("us")), ("product_id", pa.string()),
            ("product", pa.string()), ("department", pa.string()), ("category", pa.string()),
            ("brand", pa.string()), ("quantity", pa.float64()), ("price", pa.float64()),
            ("amount", pa.float64()),
        ]
    ),
    "customers": pa.schema(
        [
            ("customer_id", pa.int64()), ("traits", pa.string()), ("stage", pa.string()),
            ("allowed", pa.int64()), ("first_seen_at", pa.timestamp("us")),
        ]
    ),
    "members": pa.schema([("customer_id", pa.int64()), ("segment_id", pa.int32())]),
    "scores": pa.schema(
        [("customer_id", pa.int64()), ("name", pa.string()), ("value", pa.float64())]
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveResult:
    """Who is in which segment, and when each customer must be looked at again by itself."""

    members: dict[int, Ids]
    due: dict[int, datetime]


def evaluate(
    rules: RuleSet,
    relations: Mapping[str, pa.Table],
    customers: Sequence[int],
    now: datetime,
) -> LiveResult:
    """Decide these rules for these customers from all of their rows that the rules need."""
    if not rules.rules or not len(customers):
        return LiveResult({key: np.empty(0, np.int64) for key in rules.ids}, {})
    compiled = compiled_live(rules)
    rows = _run(compiled, relations, customers, now)
    found = rows["customer_id"]
    bits = [rows[name] for name in words(len(compiled.numbers))]
    decided: dict[int, Any] = {}
    for key, verdict in compiled.verdicts:
        decided[key] = on_arrays(verdict, bits, decided)
    members = {key: found[decided[key]] for key in rules.ids}
    due = np.ma.asarray(rows["due"])
    known = ~np.ma.getmaskarray(due)
    pairs = zip(found[known].tolist(), np.ma.getdata(due)[known].tolist(), strict=True)
    return LiveResult(members, {customer: clock.from_micros(at) for customer, at in pairs})


@lru_cache(maxsize=64)
def compiled_live(rules: RuleSet) -> Compiled:
    """The statement for some customers, with the next instant of change."""
    return compile_rules(rules, everyone=False, due=True)


def _run(
    compiled: Compiled, relations: Mapping[str, pa.Table], customers: Sequence[int], now: datetime
) -> dict[str, Any]:
    room = _room()
    tables = {name: relations.get(name, schema.empty_table()) for name, schema in SCHEMAS.items()}
    tables["wanted"] = pa.table({"customer_id": np.asarray(customers, np.int64)})
    tables |= {constant.name: _table(constant) for constant in compiled.constants}
    rows: dict[str, Any] = room.query(compiled.bound_sql(now), tables).fetchnumpy()
    return rows


@lru_cache(maxsize=512)
def _table(constant: Relation) -> pa.Table:
    return constant.as_table()


class _Slot:
    """A name in DuckDB whose rows are exchanged without a new registration, which costs 1.7 ms."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


# Parts of DuckDB's optimizer that find nothing in these statements, and cost a fifth of a call.
_IDLE = "join_order,projection_pullup,cte_filter_pusher,common_subplan,duplicate_groups,in_clause"


class _Room:
    """DuckDB with a slot per relation and set of columns."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        self._connection.execute(f"SET disabled_optimizers = '{_IDLE}'")
        self._slots: dict[str, _Slot] = {}

    def query(self, sql: str, tables: Mapping[str, pa.Table]) -> duckdb.DuckDBPyConnection:
        for name, table in tables.items():
            slot = self._slots.get(name)
            if slot is not None and slot.table.schema.equals(table.schema):
                slot.table = table
            else:
                self._slots[name] = _Slot(table)
                self._connection.register(name, self._slots[name])
        return self._connection.execute(sql)


_local = threading.local()


def _room() -> _Room:
    found: _Room | None = getattr(_local, "room", None)
    if found is None:
        found = _local.room = _Room()
    return found
