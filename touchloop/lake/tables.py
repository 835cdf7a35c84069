"""The two Delta tables of the lake, and the files they consist of.

Rows are kept in sorted runs: a file is ordered by (name, subject, time), so that a query for one
kind of event reads only its row groups, and meets each customer's rows together. The tables are
not partitioned by date: docs/decisions/0003-the-lake.md has the measurements.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import TableNotFoundError

from touchloop.core import settings

INTERACTIONS = "interactions"
LINES = "lines"
TABLES = (INTERACTIONS, LINES)

# Times are UTC without a zone (Delta's timestamp_ntz): engines compare them without conversion.
_TIME = pa.timestamp("us")

SCHEMAS: dict[str, pa.Schema] = {
    INTERACTIONS: pa.schema(
        [
            ("interaction_id", pa.int64()),
            ("subject_id", pa.int64()),
            ("type", pa.string()),
            ("name", pa.string()),
            ("channel", pa.string()),
            ("location", pa.string()),
            ("occurred_at", _TIME),
            ("value", pa.float64()),
            ("properties", pa.string()),
        ]
    ),
    LINES: pa.schema(
        [
            ("interaction_id", pa.int64()),
            ("subject_id", pa.int64()),
            ("name", pa.string()),
            ("occurred_at", _TIME),
            ("product_id", pa.string()),
            ("product", pa.string()),
            ("department", pa.string()),
            ("category", pa.string()),
            ("brand", pa.string()),
            ("quantity", pa.float64()),
            ("price", pa.float64()),
            ("amount", pa.float64()),
        ]
    ),
}

SORT_KEYS = ("name", "subject_id", "occurred_at", "interaction_id")

# Statistics in the Delta log are copies of values: none of free text, which may be personal.
_CONFIGURATION = {
    "delta.dataSkippingStatsColumns": "interaction_id,subject_id,name,occurred_at",
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 6 hours",
}
# Columns of which nearly every value is another: a dictionary of them is made for nothing.
_DISTINCT = ("interaction_id", "occurred_at", "value", "properties", "price", "amount")
_WRITER = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=262_144,
    column_properties={name: ColumnProperties(dictionary_enabled=False) for name in _DISTINCT},
)


@dataclass(frozen=True, slots=True)
class Lake:
    """Where the tables lie: a folder, or the URL of a place in an object store."""

    url: str

    def table_url(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    @property
    def folder(self) -> Path | None:
        """The folder of a lake on this machine; None in an object store."""
        parts = urlsplit(self.url)
        if parts.scheme in ("", "file"):
            return Path(parts.path or self.url)
        return None


@dataclass(frozen=True, slots=True)
class File:
    """One active file of a table."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the log, in the schemas of the two tables."""

    interactions: pa.Table
    lines: pa.Table

    @staticmethod
    def nothing() -> Rows:
        return Rows(*(SCHEMAS[name].empty_table() for name in TABLES))

    def of(self, name: str) -> pa.Table:
        return self.interactions if name == INTERACTIONS else self.lines


def here() -> Lake:
    """The lake of this installation."""
    return Lake(settings.lake_url())


def open_table(name: str, *, lake: Lake | None = None) -> DeltaTable:
    """The newest version of a table; made when it is not there."""
    lake = lake or here()
    if lake.folder is not None:
        (lake.folder / name).mkdir(parents=True, exist_ok=True)
    url = lake.table_url(name)
    try:
        return DeltaTable(url)
    except TableNotFoundError:
        return DeltaTable.create(
            url, SCHEMAS[name], mode="ignore", name=name, configuration=_CONFIGURATION
        )


def app_id(name: str) -> str:
    """The name under which exports number their commits to a table."""
    return f"touchloop-{name}"


def exported(table: DeltaTable, name: str) -> int:
    """The number of the last export that this table holds; 0 for none."""
    return table.transaction_version(app_id(name)) or 0


def append(table: DeltaTable, name: str, rows: pa.Table, *, seq: int) -> None:
    """Write one export as one commit that carries its number: a number cannot count twice."""
    write_deltalake(
        table,
        in_schema(rows, name).sort_by([(key, "ascending") for key in SORT_KEYS]),
        mode="append",
        writer_properties=_WRITER,
        commit_properties=numbered(name, seq),
    )


def replace(table: DeltaTable, name: str, batches: Iterable[pa.RecordBatch], *, seq: int) -> None:
    """Swap the whole content for these rows, in one commit."""
    write_deltalake(
        table,
        pa.RecordBatchReader.from_batches(SCHEMAS[name], batches),
        mode="overwrite",
        writer_properties=_WRITER,
        commit_properties=numbered(name, seq),
    )


def numbered(name: str, seq: int) -> CommitProperties:
    """Commit properties with the number of an export."""
    return CommitProperties(
        app_transactions=[Transaction(app_id(name), seq, int(time.time() * 1000))]
    )


def in_schema(rows: pa.Table, name: str) -> pa.Table:
    """The rows with exactly the columns and types of the table."""
    schema = SCHEMAS[name]
    return rows.select(schema.names).cast(schema)


def files(table: DeltaTable) -> list[File]:
    """The active files, largest first."""
    actions = pa.table(table.get_add_actions(flatten=True))
    found = zip(
        actions.column("path").to_pylist(),
        actions.column("num_records").to_pylist(),
        actions.column("size_bytes").to_pylist(),
        strict=True,
    )
    return sorted((File(*row) for row in found), key=lambda file: -file.rows)


def stored_bytes(*, lake: Lake | None = None) -> dict[str, int]:
    """How many bytes the active files of each table take, by the tables' own statistics."""
    return {name: sum(file.bytes for file in files(open_table(name, lake=lake))) for name in TABLES}


def absolute(lake: Lake, name: str, path: str) -> str:
    """Where a file of a table lies."""
    if lake.folder is not None:
        return os.path.join(lake.folder, name, path)
    return f"{lake.table_url(name)}/{path}"
