"""The seam of an analytical engine: few methods, so that another engine is one more file.

Logic never lives in an engine: it is SQL in DuckDB's dialect, which an engine with another
dialect transpiles with SQLGlot before it runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from touchloop.core.errors import TouchloopError
from touchloop.lake import tables

Params = Sequence[Any] | Mapping[str, Any] | None

# The relations that the lake does not hold, with their columns: PostgreSQL has them.
BOUND: dict[str, pa.Schema] = {
    "customers": pa.schema(
        [
            ("customer_id", pa.int64()),
            ("traits", pa.string()),
            ("stage", pa.string()),
            ("allowed", pa.int64()),
            ("first_seen_at", pa.timestamp("us")),
        ]
    ),
    "members": pa.schema([("customer_id", pa.int64()), ("segment_id", pa.int32())]),
    "scores": pa.schema(
        [("customer_id", pa.int64()), ("name", pa.string()), ("value", pa.float64())]
    ),
}
MOVED = pa.schema([("subject_id", pa.int64()), ("customer_id", pa.int64())])


class Stopped(TouchloopError):
    """The query was stopped by `interrupt`."""


class Engine(Protocol):
    """Runs analytical SQL over the lake and over tables bound to it.

    One query at a time, from one thread; `interrupt` and `progress` may come from others.
    """

    dialect: str

    def bind(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name; an earlier one of that name is replaced."""

    def view(self, name: str, query: str) -> None:
        """Make a query readable under a name."""

    def keep(self, name: str, query: str, params: Params = None) -> None:
        """Run a query once and keep its rows under a name for later queries."""

    def leave_out(self, ids: pa.Table) -> None:
        """See no interaction of these (column `interaction_id`) any more, nor its lines."""

    def query(self, query: str, params: Params = None) -> pa.Table:
        """The rows of a query, in the types of `plain`; raises Stopped."""

    def rows(self, query: str, params: Params = None) -> list[tuple[Any, ...]]:
        """The rows of a query whose result is small; raises Stopped."""

    def explain(self, query: str) -> str:
        """How the engine would run a query."""

    def interrupt(self) -> None:
        """Stop the query that runs now; may be called from another thread."""

    def progress(self) -> float | None:
        """The share of the running query that is done, 0 to 1; None while it cannot be told."""

    def close(self) -> None:
        """Give back memory and files."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def plain(table: pa.Table) -> pa.Table:
    """The same rows in types that do not tell which engine they come from.

    Whole numbers are int64, other numbers float64, instants microseconds in UTC without a zone.
    """
    fields = [pa.field(field.name, _plain(field.type)) for field in table.schema]
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(table.columns, fields, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def relation(name: str, source: str, *, merged: bool) -> str:
    """SQL of a relation of the lake: the rows of a source, with whose they are now."""
    columns = ", ".join(
        f"r.{field.name}" for field in tables.SCHEMAS[name] if field.name != "subject_id"
    )
    if not merged:
        return f"select r.subject_id as customer_id, {columns} from {source} as r"
    return (
        f"select coalesce(m.customer_id, r.subject_id) as customer_id, {columns}"
        f" from {source} as r left join moved as m on m.subject_id = r.subject_id"
    )


def without(source: str) -> str:
    """SQL of a relation without the interactions that are left out."""
    return (
        f"select r.* from ({source}) as r where not exists"
        " (select 1 from left_out as o where o.interaction_id = r.interaction_id)"
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind
