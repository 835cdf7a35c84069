"""The lake again, from the log; and whether two lakes hold the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
import pyarrow as pa

from touchloop.lake import export, locks, tables
from touchloop.lake.engines.duckdb import DuckDB, scan
from touchloop.lake.tables import Lake

Connection = psycopg.Connection[Any]
Pieces = Callable[[Connection, str, Sequence[int]], Iterable[pa.Table]]


def rebuild(
    conn: Connection,
    *,
    waiting: export.Waiting,
    pieces: Pieces,
    read: export.Read,
    mark: export.Mark,
    lake: Lake | None = None,
) -> int:
    """Write both tables anew from the log, and swap each in one commit.

    `pieces(conn, table, batch_ids)` gives every row of the log for one table, except those of
    batches that wait and are not among `batch_ids`. A crash leaves each table either as it was or
    rebuilt; the plan that remains is finished by the next export. Readers see the old files until
    the swap.
    """
    lake = lake or tables.here()
    with locks.held(conn, locks.REWRITE, wait=True), locks.held(conn, locks.EXPORT, wait=True):
        export_left(conn, read=read, mark=mark, lake=lake)
        batch_ids = list(waiting(conn))
        planned = export.plan(conn, batch_ids) or export.Plan(_last(conn), ())
        total = 0
        for name in tables.TABLES:
            counted = _Counted(pieces(conn, name, planned.batch_ids))
            tables.replace(
                tables.open_table(name, lake=lake), name, counted.batches(name), seq=planned.seq
            )
            conn.rollback()
            total = total or counted.rows
        if planned.batch_ids:
            export.finish(conn, seq=planned.seq, batch_ids=planned.batch_ids, rows=total, mark=mark)
    return total


def export_left(conn: Connection, *, read: export.Read, mark: export.Mark, lake: Lake) -> None:
    """Finish the export that a crash left planned: its number belongs to its rows."""
    left = export.unfinished(conn)
    if left is None:
        return
    rows = read(conn, left.batch_ids)
    conn.rollback()
    export.export_batches(
        conn,
        seq=left.seq,
        batch_ids=left.batch_ids,
        interactions=rows.interactions,
        lines=rows.lines,
        mark=mark,
        lake=lake,
    )


def content_hash(name: str, *, lake: Lake | None = None) -> tuple[int, int]:
    """How many rows a table holds, and the sum of their hashes: equal for equal content.

    The order of rows and their files do not matter; a row twice does. Comparable between tables
    read by the same version of DuckDB.
    """
    lake = lake or tables.here()
    columns = ", ".join(tables.SCHEMAS[name].names)
    with DuckDB() as made:
        source = scan(made, tables.open_table(name, lake=lake), name, lake=lake)
        row = made.rows(f"select count(*), sum(hash({columns})::hugeint) from {source}")[0]
    return int(row[0]), int(row[1] or 0)


def _last(conn: Connection) -> int:
    row = conn.execute("select coalesce(max(seq), 0) from lake_exports").fetchone()
    conn.commit()
    assert row is not None
    return int(row[0])


class _Counted:
    """Passes pieces on as record batches and counts their rows."""

    def __init__(self, pieces: Iterable[pa.Table]) -> None:
        self._pieces = pieces
        self.rows = 0

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        for piece in self._pieces:
            self.rows += piece.num_rows
            yield from tables.in_schema(piece, name).to_batches()
