"""From DuckDB to PostgreSQL: the rows of a query, copied in the binary form of COPY.

Nothing is written as text to be parsed again. A row is stretches of fixed width, made for all rows
at once, with the texts between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from touchloop.core import clock
from touchloop.core.copying import EPOCH_2000, copy_in
from touchloop.core.db import Connection

BOOL, INT2, INT4, INT8, FLOAT8 = "?", ">i2", ">i4", ">i8", ">f8"
TEXT, JSONB = "text", "jsonb"  # these alone may be null

Column = str | bytes  # a type, or what `same` gives


def same(value: float | str | datetime | date | UUID, type: str = INT4) -> bytes:
    """A column that has this value in all rows; `type` is for numbers."""
    match value:
        case datetime():
            return np.array(clock.micros(value) - EPOCH_2000, INT8).tobytes()
        case date():
            return np.array(value.toordinal() - _EPOCH_DAYS, INT4).tobytes()
        case UUID():
            return value.bytes
        case str():
            return value.encode()
        case _:
            return np.array(value, type).tobytes()


def send(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    conn: Connection,
    table: str,
    columns: Mapping[str, Column],
) -> None:
    """Append the rows of a DuckDB query to a PostgreSQL table, in the caller's transaction.

    `columns` are the table's. The query gives those that differ from row to row, in their order.
    """
    found = connection.sql(query).to_arrow_table()
    batches = found.to_batches(max_chunksize=_ROWS)
    copy_in(conn, table, ", ".join(columns), (_packed(batch, columns) for batch in batches))


def _packed(batch: pa.RecordBatch, columns: Mapping[str, Column]) -> memoryview:
    """The rows, one behind the other: for each column the length of its value, and the value."""
    pieces: list[pa.Array] = []
    stretch: list[tuple[str, Any]] = [(INT2, len(columns))]
    given = iter(batch.columns)
    for column in columns.values():
        if isinstance(column, bytes):
            stretch += [(INT4, len(column)), (f"V{len(column)}", np.void(column))]
        elif column in (TEXT, JSONB):
            text = next(given).cast(pa.binary())
            if column == JSONB:
                text = pc.binary_join_element_wise(_JSONB_VERSION, text, b"")
            stretch.append((INT4, pc.binary_length(text).fill_null(-1).to_numpy()))
            pieces += [_fixed(stretch, batch.num_rows), text.fill_null(b"")]
            stretch = []
        else:
            values = next(given).to_numpy(zero_copy_only=False)
            stretch += [(INT4, np.dtype(column).itemsize), (column, values)]
    if stretch:
        pieces.append(_fixed(stretch, batch.num_rows))
    return memoryview(pc.binary_join_element_wise(*pieces, b"").buffers()[2])


def _fixed(stretch: list[tuple[str, Any]], count: int) -> pa.Array:
    """So many texts of one width, each of these values side by side."""
    names = [(f"{number}", type) for number, (type, _) in enumerate(stretch)]
    made = np.empty(count, names)
    for (name, _), (_, values) in zip(names, stretch, strict=True):
        made[name] = values
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(made.itemsize)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(made.tobytes())]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


_ROWS = 20_000  # packed at a time
_JSONB_VERSION = b"\x01"
_EPOCH_DAYS = date(2000, 1, 1).toordinal()
