"""The rules for the customers just touched, from rows in memory, on arrays.

The same description of the rules as the statement over everybody, executed a second time: a
statement costs DuckDB more to plan than the few customers of a batch cost to decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from touchloop.core import clock
from touchloop.insight.segments.arrays.crowd import Crowd
from touchloop.insight.segments.arrays.deciding import NEVER, decide
from touchloop.insight.segments.arrays.plan import plan_of
from touchloop.insight.segments.deciding import on_arrays
from touchloop.insight.segments.grammar import RuleSet

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
    plan = plan_of(rules)
    ids = np.unique(np.asarray(customers, np.int64))
    tables = {**_empty(), **relations}
    found = decide(plan, Crowd(tables, ids, clock.micros(now)))
    decided: dict[int, Any] = {}
    for key, verdict in plan.described.verdicts:
        decided[key] = on_arrays(verdict, found.words, decided)
    members = {key: ids[decided[key]] for key in rules.ids}
    awaited = found.due != NEVER
    return LiveResult(members, _instants(ids[awaited], found.due[awaited]))


def _instants(ids: Ids, micros: Ids) -> dict[int, datetime]:
    ages: list[timedelta] = micros.view("timedelta64[us]").tolist()
    return {customer: _EPOCH + age for customer, age in zip(ids.tolist(), ages, strict=True)}


@cache
def _empty() -> dict[str, pa.Table]:
    """Not at once: with its first array Arrow loads pandas, which takes half a second."""
    return {name: schema.empty_table() for name, schema in SCHEMAS.items()}


_EPOCH = clock.from_micros(0)
