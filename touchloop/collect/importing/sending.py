"""From DuckDB to PostgreSQL: the rows of a query, written as CSV and copied in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from touchloop.core.db import Connection

BLOCK = 1 << 20
FIELD, QUOTE = "\x02", "\x01"  # characters that JSON and names do not have: hardly a cell is quoted


def send(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    conn: Connection,
    table: str,
    columns: Sequence[str],
) -> None:
    """Append the rows of a DuckDB query to a PostgreSQL table, in the caller's transaction."""
    with tempfile.TemporaryDirectory(prefix="touchloop-import-") as folder:
        path = Path(folder) / "rows.csv"
        connection.execute(
            f"copy ({query}) to '{path}' (format csv, header false, delimiter '{FIELD}',"
            f" quote '{QUOTE}', escape '{QUOTE}')"
        )
        statement = (
            f"copy {table} ({', '.join(columns)}) from stdin"
            f" (format csv, delimiter '{FIELD}', quote '{QUOTE}')"
        )
        with conn.cursor() as cursor, cursor.copy(statement) as copy, path.open("rb") as file:
            while block := file.read(BLOCK):
                copy.write(block)
