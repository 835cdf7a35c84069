"""The seam of an analytical engine: few methods, so that another engine is one more file.

Logic never lives in an engine: it is SQL in DuckDB's dialect, which an engine with another
dialect transpiles with SQLGlot before it runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

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


class Engine(Protocol):
    """Runs analytical SQL over the lake and over tables bound to it."""

    dialect: str

    def bind(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name; an earlier one of that name is replaced."""

    def view(self, name: str, query: str) -> None:
        """Make a query readable under a name."""

    def keep(self, name: str, query: str, params: Params = None) -> None:
        """Run a query once and keep its rows under a name for later queries."""

    def query(self, query: str, params: Params = None) -> pa.Table:
        """The rows of a query."""

    def rows(self, query: str, params: Params = None) -> list[tuple[Any, ...]]:
        """The rows of a query whose result is small."""

    def explain(self, query: str) -> str:
        """How the engine would run a query."""

    def interrupt(self) -> None:
        """Stop the query that runs now; may be called from another thread."""

    def close(self) -> None:
        """Give back memory and files."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
