"""A sorted run: the rows of a query as one file of a table, added in one commit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction

from touchloop.core import clock
from touchloop.lake import tables
from touchloop.lake.tables import File, Lake

_SQL_TYPES = {
    "int64": "bigint",
    "string": "varchar",
    "double": "double",
    "timestamp[us]": "timestamp",
}


def load(
    connection: duckdb.DuckDBPyConnection, query: str, name: str, *, lake: Lake | None = None
) -> int:
    """Add the rows of a DuckDB query to a table as one sorted file; gives how many.

    For history that does not come through the log (a bench, another lake). The query has the
    columns of the table's schema; calling twice adds the rows twice.
    """
    lake = lake or tables.here()
    return add_run(connection, query, tables.open_table(name, lake=lake), name, lake=lake)


def add_run(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    table: DeltaTable,
    name: str,
    *,
    lake: Lake,
    instead_of: Sequence[File] = (),
) -> int:
    """Write the rows of a query, sorted, and add the file to the table in the place of others.

    Fails, and changes nothing, when one of `instead_of` left the table meanwhile.
    """
    file_name = f"part-{uuid4()}.parquet"
    with tempfile.TemporaryDirectory(prefix="touchloop-lake-") as folder:
        # On this machine the file is written where it belongs; an object store gets it when whole.
        target = Path(lake.folder / name if lake.folder else folder) / file_name
        try:
            _write(connection, query, name, target)
            add = _added(target, name, data_change=not instead_of)
            if lake.folder is None:
                _upload(table, target)
            now = clock.micros(clock.now()) // 1000
            removes = [RemoveAction(f.path, False, now, f.bytes, {}) for f in instead_of]
            table.create_write_transaction([add, *removes], "append", table.schema())
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return int(json.loads(add.stats)["numRecords"])


def _write(connection: duckdb.DuckDBPyConnection, query: str, name: str, target: Path) -> None:
    columns = ", ".join(
        f"cast({field.name} as {_SQL_TYPES[str(field.type)]}) as {field.name}"
        for field in tables.SCHEMAS[name]
    )
    connection.execute(
        f"copy (select {columns} from ({query}) order by {', '.join(tables.SORT_KEYS)})"
        f" to '{target}' (format parquet, compression zstd, compression_level 1,"
        " row_group_size 262144)"
    )


def _added(path: Path, name: str, *, data_change: bool) -> AddAction:
    with pq.ParquetFile(path) as file:
        stats = _statistics(file.metadata, name)
    return AddAction(
        path=path.name,
        size=path.stat().st_size,
        partition_values={},
        modification_time=clock.micros(clock.now()) // 1000,
        data_change=data_change,
        stats=json.dumps(stats),
    )


def _statistics(meta: Any, name: str) -> dict[str, Any]:
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for column in ("interaction_id", "subject_id", "occurred_at"):
        index = tables.SCHEMAS[name].get_field_index(column)
        found = [meta.row_group(i).column(index).statistics for i in range(meta.num_row_groups)]
        if found and all(s is not None and s.has_min_max for s in found):
            low[column] = _plain(min(s.min for s in found))
            high[column] = _plain(max(s.max for s in found))
            nulls[column] = sum(s.null_count or 0 for s in found)
    return {
        "numRecords": meta.num_rows,
        "minValues": low,
        "maxValues": high,
        "nullCount": nulls,
    }


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def _upload(table: DeltaTable, source: Path) -> None:
    handler = DeltaStorageHandler.from_table(table._table)
    with handler.open_output_stream(source.name) as stream, source.open("rb") as file:
        while block := file.read(8 << 20):
            stream.write(block)
