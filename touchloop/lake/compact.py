"""Many small files become few sorted ones, in the background, without stopping the exporter.

Size-tiered: files are merged with others of their size, so that each row is rewritten about once
per eightfold growth of the lake. A commit removes exactly the files that were read; when one of
them was changed meanwhile, Delta refuses the commit and nothing happens.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from deltalake import DeltaTable

from touchloop.lake import locks, runs, tables
from touchloop.lake.engines.duckdb import DuckDB, scan
from touchloop.lake.tables import File, Lake

FANOUT = 8  # so many files of a size are worth merging
FLOOR = 100_000  # files below so many rows count as one size
SEALED = 64_000_000  # files of so many rows are never merged again
KEEP_HOURS = 6  # readers of an older version have so long to finish


@dataclass(frozen=True, slots=True)
class Compaction:
    """What one pass did to a table."""

    table: str
    files: int
    rows: int
    seconds: float


def compact(
    conn: psycopg.Connection[Any], *, wholly: bool = False, lake: Lake | None = None
) -> list[Compaction]:
    """Merge what is worth merging, and remove files that nobody reads any more.

    `wholly` merges everything that is not sealed into one run a table, however few the files.
    Nothing happens while another process rewrites the lake.
    """
    lake = lake or tables.here()
    done: list[Compaction] = []
    with locks.held(conn, locks.REWRITE) as alone:
        if not alone:
            return done
        for name in tables.TABLES:
            table = tables.open_table(name, lake=lake)
            chosen = choose(tables.files(table), wholly=wholly)
            if chosen:
                done.append(_merge(table, name, chosen, lake=lake))
                vacuum(table)
    return done


def choose(files: Sequence[File], *, wholly: bool = False) -> list[File]:
    """The files to merge now: the smallest ones, up to the first that outweighs them together."""
    unsealed = sorted((f for f in files if f.rows < SEALED), key=lambda file: file.rows)
    if wholly:
        return unsealed if len(unsealed) > 1 else []
    chosen: list[File] = []
    total = 0
    for file in unsealed:
        if chosen and file.rows > max(total, FLOOR):
            break
        chosen.append(file)
        total += file.rows
    return chosen if len(chosen) >= FANOUT else []


def vacuum(table: DeltaTable, *, keep_hours: int = KEEP_HOURS) -> int:
    """Delete the files that left the table longer ago than `keep_hours`."""
    return len(table.vacuum(keep_hours, dry_run=False, enforce_retention_duration=False))


def _merge(table: DeltaTable, name: str, chosen: list[File], *, lake: Lake) -> Compaction:
    started = time.perf_counter()
    with DuckDB() as made:
        source = scan(made, table, name, lake=lake, only=[file.path for file in chosen])
        rows = runs.add_run(
            made.connection, f"select * from {source}", table, name, lake=lake, instead_of=chosen
        )
    return Compaction(name, len(chosen), rows, time.perf_counter() - started)
