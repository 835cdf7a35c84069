"""DuckDB in this process, over the files of the lake."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from touchloop.core import settings
from touchloop.lake import tables
from touchloop.lake.engines.base import BOUND, MOVED, Params, Stopped, plain, relation, without
from touchloop.lake.tables import INTERACTIONS, LINES, Lake


class DuckDB:
    """One connection with its own memory limit; `connection` is DuckDB's own."""

    dialect = "duckdb"

    def __init__(self, *, threads: int | None = None, memory_mb: int | None = None) -> None:
        self.lake: dict[str, str] = {}  # what the relations of the lake are made of
        self._spill = tempfile.TemporaryDirectory(prefix="touchloop-duckdb-")
        self.connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads or settings.number("LAKE_THREADS", os.cpu_count() or 1, least=1),
                "memory_limit": f"{memory_mb or _memory_mb()}MB",
                "temp_directory": self._spill.name,
                "autoinstall_known_extensions": "false",
                "preserve_insertion_order": "false",
            },
        )
        self.connection.execute("set timezone = 'UTC'")
        # Without the bar, which is not printed, nobody counts how far a query is.
        self.connection.execute("set enable_progress_bar = true")
        self.connection.execute("set enable_progress_bar_print = false")

    def bind(self, name: str, table: pa.Table) -> None:
        self.connection.execute(f"drop view if exists {name}")  # it may be one of the lake
        self.connection.register(name, table)

    def view(self, name: str, query: str) -> None:
        self.connection.execute(f"create or replace temp view {name} as {query}")

    def keep(self, name: str, query: str, params: Params = None) -> None:
        with _stoppable():
            self.connection.execute(f"create or replace temp table {name} as {query}", params)

    def leave_out(self, ids: pa.Table) -> None:
        self.bind("left_out", ids)
        for name, source in self.lake.items():
            self.view(name, without(source))

    def query(self, query: str, params: Params = None) -> pa.Table:
        with _stoppable():
            return plain(self.connection.sql(query, params=params).to_arrow_table())

    def rows(self, query: str, params: Params = None) -> list[tuple[Any, ...]]:
        with _stoppable():
            return self.connection.execute(query, params).fetchall()

    def execute(self, query: str, params: Params = None) -> duckdb.DuckDBPyConnection:
        """DuckDB's own way, for callers that know which engine they have."""
        return self.connection.execute(query, params)

    def explain(self, query: str) -> str:
        return "\n".join(str(row[1]) for row in self.rows(f"explain {query}"))

    def interrupt(self) -> None:
        self.connection.interrupt()

    def progress(self) -> float | None:
        percent = self.connection.query_progress()
        return percent / 100 if percent >= 0 else None

    def close(self) -> None:
        self.connection.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException as error:
        raise Stopped("the query was stopped") from error


def duckdb_engine(
    *,
    lake: Lake | None = None,
    moved: pa.Table | None = None,
    threads: int | None = None,
    memory_mb: int | None = None,
    **bound: pa.Table,
) -> DuckDB:
    """DuckDB over the newest version of the lake, with the relations that segment SQL reads.

    `moved` maps subjects that belong to a customer of another id; `customers`, `members` and
    `scores` come as Arrow tables and are empty when not given. The files are those of this
    moment: rows exported later are not seen, rows compacted later are still read.
    """
    lake = lake or tables.here()
    made = DuckDB(threads=threads, memory_mb=memory_mb)
    merged = moved is not None and moved.num_rows > 0
    made.bind("moved", moved if moved is not None else MOVED.empty_table())
    for name in (INTERACTIONS, LINES):
        source = scan(made, tables.open_table(name, lake=lake), name, lake=lake)
        made.lake[name] = relation(name, source, merged=merged)
        made.view(name, made.lake[name])
    for name, schema in BOUND.items():
        made.bind(name, bound.pop(name, schema.empty_table()))
    if bound:
        raise TypeError(f"not a relation of the lake: {', '.join(bound)}")
    return made


def scan(
    made: DuckDB, table: DeltaTable, name: str, *, lake: Lake, only: Sequence[str] | None = None
) -> str:
    """SQL that reads the active files of a table, or some of them."""
    paths = list(only) if only is not None else [file.path for file in tables.files(table)]
    if not paths:
        made.bind(f"no_{name}", tables.SCHEMAS[name].empty_table())
        return f"no_{name}"
    if lake.folder is None:  # an object store is read by Delta's own client
        made.connection.register(f"remote_{name}", _dataset(table, only))
        return f"remote_{name}"
    listed = ", ".join(_quoted(tables.absolute(lake, name, path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _dataset(table: DeltaTable, only: Sequence[str] | None) -> Any:
    dataset = table.to_pyarrow_dataset()
    if only is None:
        return dataset
    wanted = set(only)
    fragments = [f for f in dataset.get_fragments() if f.path.lstrip("/") in wanted]
    return type(dataset)(fragments, dataset.schema, dataset.format, dataset.filesystem)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


def _memory_mb() -> int:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return settings.number("LAKE_MEMORY_MB", max(256, pages * 2 // 5), least=64)
