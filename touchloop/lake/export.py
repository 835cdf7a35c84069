"""Rows of the log go into the lake, each exactly once.

An export is planned (which batches, under which number) before anything is written. Each table
takes it in one commit that carries the number. Only then are the batches marked. Whatever moment
a crash chooses, the next run finds the plan, asks each table which number it holds, and does what
is missing. A second exporter that believed itself alone would fail at Delta's own check, which
refuses two commits of one application at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from touchloop.core import clock
from touchloop.lake import locks, tables
from touchloop.lake.tables import Lake, Rows

Connection = psycopg.Connection[Any]
Waiting = Callable[[Connection], Sequence[int]]
Read = Callable[[Connection, Sequence[int]], Rows]
Mark = Callable[[Connection, Sequence[int], int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """The batches of one export, and its number."""

    seq: int
    batch_ids: tuple[int, ...]


def export(
    conn: Connection, *, waiting: Waiting, read: Read, mark: Mark, lake: Lake | None = None
) -> int | None:
    """Bring the waiting batches into the lake; gives the number of rows of the log.

    None: another exporter is at work, or nothing waits. `waiting` names the batches to take,
    `read` gives their rows, `mark` notes in the log that they lie in the lake: it runs in the
    transaction that ends the export. `conn` must be the caller's own, with no open transaction.
    """
    with locks.held(conn, locks.EXPORT) as alone:
        if not alone:
            return None
        planned = unfinished(conn) or plan(conn, waiting(conn))
        if planned is None:
            return None
        rows = read(conn, planned.batch_ids)
        conn.rollback()  # nothing stays locked in the database while files are written
        return export_batches(
            conn,
            seq=planned.seq,
            batch_ids=planned.batch_ids,
            interactions=rows.interactions,
            lines=rows.lines,
            mark=mark,
            lake=lake,
        )


def export_batches(
    conn: Connection,
    *,
    seq: int,
    batch_ids: Sequence[int],
    interactions: Any,
    lines: Any,
    mark: Mark,
    lake: Lake | None = None,
) -> int:
    """Write the rows of a planned export into the tables that do not hold it yet, then mark it."""
    rows = Rows(interactions, lines)
    for name in tables.TABLES:
        table = tables.open_table(name, lake=lake)
        if tables.exported(table, name) < seq and rows.of(name).num_rows:
            tables.append(table, name, rows.of(name), seq=seq)
    finish(conn, seq=seq, batch_ids=batch_ids, rows=interactions.num_rows, mark=mark)
    return int(interactions.num_rows)


def unfinished(conn: Connection) -> Plan | None:
    """The export that a crash left behind."""
    row = conn.execute(
        "select seq, batch_ids from lake_exports where state = 'planned' order by seq limit 1"
    ).fetchone()
    return Plan(row[0], tuple(row[1])) if row else None


def plan(conn: Connection, batch_ids: Sequence[int]) -> Plan | None:
    """Write down the next export, and commit that."""
    if not batch_ids:
        conn.rollback()
        return None
    row = conn.execute(
        "insert into lake_exports (seq, batch_ids, rows, state, planned_at)"
        " select coalesce(max(seq), 0) + 1, %s::bigint[], 0, 'planned', %s from lake_exports"
        " returning seq",
        [list(batch_ids), clock.now()],
    ).fetchone()
    conn.commit()
    assert row is not None
    return Plan(row[0], tuple(batch_ids))


def finish(conn: Connection, *, seq: int, batch_ids: Sequence[int], rows: int, mark: Mark) -> None:
    """Mark the batches and the export in one transaction."""
    mark(conn, batch_ids, seq)
    conn.execute(
        "update lake_exports set state = 'done', done_at = %s, rows = %s where seq = %s",
        [clock.now(), rows, seq],
    )
    conn.commit()
