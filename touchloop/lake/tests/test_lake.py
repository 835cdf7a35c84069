"""Each row once, whatever crashes; the same content, whatever is rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from touchloop.core import db
from touchloop.lake import api, compact, export, locks, runs, tables
from touchloop.lake.tables import File, Lake, Rows

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 3, 1, 12)
PER_BATCH = 4


class Crash(Exception):
    """Stands for the end of the process."""


class Log:
    """A log of batches, as the flow keeps it: which of them are marked lies in PostgreSQL."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.size = 0
        conn.execute("create temp table log_batches (id bigint primary key, exported bigint)")
        conn.commit()

    def grow(self, conn: psycopg.Connection[Any], batches: int = 1) -> None:
        for _ in range(batches):
            self.size += 1
            conn.execute("insert into log_batches values (%s, null)", [self.size])
        conn.commit()

    def waiting(self, conn: psycopg.Connection[Any]) -> list[int]:
        found = conn.execute("select id from log_batches where exported is null order by id")
        return [row[0] for row in found.fetchall()]

    def mark(self, conn: psycopg.Connection[Any], batch_ids: Sequence[int], seq: int) -> None:
        conn.execute(
            "update log_batches set exported = %s where id = any(%s)", [seq, list(batch_ids)]
        )

    def read(self, conn: psycopg.Connection[Any], batch_ids: Sequence[int]) -> Rows:
        ids = [b * 100 + i for b in batch_ids for i in range(PER_BATCH)]
        return Rows(interactions(ids), lines(ids))

    def pieces(
        self, conn: psycopg.Connection[Any], name: str, batch_ids: Sequence[int]
    ) -> Iterator[pa.Table]:
        for batch in range(1, self.size + 1):
            yield self.read(conn, [batch]).of(name)

    def expected(self) -> list[int]:
        return [b * 100 + i for b in range(1, self.size + 1) for i in range(PER_BATCH)]


def interactions(ids: Iterable[int]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "interaction_id": i,
                "subject_id": i % 3 + 1,
                "type": "track",
                "name": "Order Completed" if i % 2 else "Product Viewed",
                "channel": "store",
                "location": "330",
                "occurred_at": START + timedelta(minutes=i),
                "value": i / 4,
                "properties": f'{{"order_id": "{i}"}}',
            }
            for i in ids
        ],
        schema=api.SCHEMAS["interactions"],
    )


def lines(ids: Iterable[int]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "interaction_id": i,
                "subject_id": i % 3 + 1,
                "name": "Order Completed",
                "occurred_at": START + timedelta(minutes=i),
                "product_id": f"p{i}",
                "department": "DELI",
                "amount": i / 4,
            }
            for i in ids
        ],
        schema=api.SCHEMAS["lines"],
    )


@pytest.fixture
def conn() -> Iterator[psycopg.Connection[Any]]:
    with db.connect() as made:
        yield made


@pytest.fixture
def log(conn: psycopg.Connection[Any]) -> Log:
    return Log(conn)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def bring(conn: psycopg.Connection[Any], log: Log, lake: Lake) -> int | None:
    return api.export(conn, waiting=log.waiting, read=log.read, mark=log.mark, lake=lake)


def ids(lake: Lake, relation: str = "interactions") -> list[int]:
    with api.engine(lake=lake) as engine:
        return [r[0] for r in engine.rows(f"select interaction_id from {relation} order by 1")]


def test_what_waits_is_exported_once(conn: psycopg.Connection[Any], log: Log, lake: Lake) -> None:
    log.grow(conn, 2)
    assert bring(conn, log, lake) == 2 * PER_BATCH
    assert bring(conn, log, lake) is None
    log.grow(conn)
    assert bring(conn, log, lake) == PER_BATCH
    assert ids(lake) == ids(lake, "lines") == log.expected()


CRASHES = ["read", "before interactions", "after interactions", "before lines", "after lines"]


@pytest.mark.parametrize("point", [*CRASHES, "mark", "finish"])
def test_a_crash_at_any_point_neither_loses_nor_doubles_rows(
    conn: psycopg.Connection[Any],
    log: Log,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    log.grow(conn, 2)
    bring(conn, log, lake)
    log.grow(conn, 3)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_at(patch, log, point)
        bring(conn, log, lake)
    conn.rollback()
    log.grow(conn)  # more arrives before the restart
    while bring(conn, log, lake) is not None:
        pass
    assert ids(lake) == ids(lake, "lines") == log.expected()
    assert conn.execute("select count(*) from lake_exports where state <> 'done'").fetchone() == (
        0,
    )


def crash_at(patch: pytest.MonkeyPatch, log: Log, point: str) -> None:
    append, mark, finish = tables.append, log.mark, export.finish

    def crashing_append(table: Any, name: str, rows: pa.Table, *, seq: int) -> None:
        if point == f"before {name}":
            raise Crash
        append(table, name, rows, seq=seq)
        if point == f"after {name}":
            raise Crash

    def crashing_mark(*arguments: Any) -> None:
        mark(*arguments)
        if point == "mark":
            raise Crash

    def crashing_read(*arguments: Any) -> Rows:
        raise Crash

    def crashing_finish(*arguments: Any, **named: Any) -> None:
        raise Crash

    patch.setattr(tables, "append", crashing_append)
    patch.setattr(log, "mark", crashing_mark)
    if point == "read":
        patch.setattr(log, "read", crashing_read)
    if point == "finish":
        patch.setattr(export, "finish", crashing_finish)
    assert finish is not crashing_finish


def test_a_second_exporter_stands_back(conn: psycopg.Connection[Any], log: Log, lake: Lake) -> None:
    log.grow(conn)
    with db.connect() as other, locks.held(other, locks.EXPORT) as got:
        assert got
        assert bring(conn, log, lake) is None
    assert bring(conn, log, lake) == PER_BATCH


def test_delta_refuses_the_same_number_from_two_exporters(lake: Lake) -> None:
    first = tables.open_table("interactions", lake=lake)
    second = tables.open_table("interactions", lake=lake)
    tables.append(first, "interactions", interactions([1]), seq=7)
    with pytest.raises(Exception, match="transaction"):
        tables.append(second, "interactions", interactions([1]), seq=7)
    assert ids(lake) == [1]


def test_compaction_keeps_the_content_and_sorts_it(
    conn: psycopg.Connection[Any], log: Log, lake: Lake
) -> None:
    for _ in range(10):
        log.grow(conn)
        bring(conn, log, lake)
    before = {name: api.content_hash(name, lake=lake) for name in api.TABLES}
    done = api.compact(conn, lake=lake)
    assert [(c.table, c.files) for c in done] == [("interactions", 10), ("lines", 10)]
    assert {name: api.content_hash(name, lake=lake) for name in api.TABLES} == before
    table = tables.open_table("interactions", lake=lake)
    assert [f.rows for f in tables.files(table)] == [10 * PER_BATCH]
    kept = table.to_pyarrow_table().select(list(tables.SORT_KEYS))
    assert kept == kept.sort_by([(key, "ascending") for key in tables.SORT_KEYS])
    log.grow(conn)
    assert bring(conn, log, lake) == PER_BATCH  # the export numbers survive
    assert ids(lake) == log.expected()


def test_an_export_during_compaction_is_kept(
    conn: psycopg.Connection[Any], log: Log, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(8):
        log.grow(conn)
        bring(conn, log, lake)
    write = runs._write

    def write_late(*arguments: Any) -> None:
        write(*arguments)
        with db.connect() as other:
            tables.append(
                tables.open_table("interactions", lake=lake),
                "interactions",
                interactions([9999]),
                seq=99,
            )
            other.rollback()

    monkeypatch.setattr(runs, "_write", write_late)
    compact_one(lake)
    assert ids(lake) == [*log.expected(), 9999]


def test_rows_erased_during_compaction_stay_erased(
    conn: psycopg.Connection[Any], log: Log, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(8):
        log.grow(conn)
        bring(conn, log, lake)
    write = runs._write

    def write_late(*arguments: Any) -> None:
        write(*arguments)
        tables.open_table("interactions", lake=lake).delete("subject_id = 1")

    monkeypatch.setattr(runs, "_write", write_late)
    with pytest.raises(Exception, match="(?i)concurrent|delete|conflict"):
        compact_one(lake)
    assert ids(lake) == [i for i in log.expected() if i % 3 + 1 != 1]


def compact_one(lake: Lake) -> None:
    table = tables.open_table("interactions", lake=lake)
    compact._merge(table, "interactions", tables.files(table), lake=lake)


def test_files_of_a_size_are_merged_and_large_ones_left() -> None:
    def sizes(*rows: int) -> list[int]:
        return [f.rows for f in compact.choose([File(str(i), n, n) for i, n in enumerate(rows)])]

    assert sizes(*[10] * 7) == []
    assert sizes(*[10] * 8, 5_000_000) == [10] * 8
    assert sizes(*[200_000] * 8, 9_000_000) == [200_000] * 8
    assert sizes(*[200_000] * 8, 1_000_000) == [*[200_000] * 8, 1_000_000]
    assert sizes(*[compact.SEALED] * 20) == []


def test_a_rebuilt_lake_equals_the_old_one(
    conn: psycopg.Connection[Any], log: Log, lake: Lake
) -> None:
    for _ in range(3):
        log.grow(conn)
        bring(conn, log, lake)
    before = {name: api.content_hash(name, lake=lake) for name in api.TABLES}
    rebuilt = api.rebuild(
        conn, waiting=log.waiting, pieces=log.pieces, read=log.read, mark=log.mark, lake=lake
    )
    assert rebuilt == 3 * PER_BATCH
    assert {name: api.content_hash(name, lake=lake) for name in api.TABLES} == before


@pytest.mark.parametrize("failing", ["interactions", "lines"])
def test_a_rebuild_that_crashes_is_finished_by_the_next_export(
    conn: psycopg.Connection[Any],
    log: Log,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    log.grow(conn, 2)
    bring(conn, log, lake)
    log.grow(conn, 2)
    replace = tables.replace

    def crashing(table: Any, name: str, batches: Any, *, seq: int) -> None:
        if name == failing:
            raise Crash
        replace(table, name, batches, seq=seq)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(tables, "replace", crashing)
        api.rebuild(
            conn, waiting=log.waiting, pieces=log.pieces, read=log.read, mark=log.mark, lake=lake
        )
    conn.rollback()
    bring(conn, log, lake)
    assert ids(lake) == ids(lake, "lines") == log.expected()


def test_erased_subjects_leave_the_lake(
    conn: psycopg.Connection[Any], log: Log, lake: Lake
) -> None:
    log.grow(conn, 3)
    bring(conn, log, lake)
    gone = [i for i in log.expected() if i % 3 + 1 == 2]
    assert api.erase_subjects([2], lake=lake) == 2 * len(gone)
    assert ids(lake) == ids(lake, "lines") == [i for i in log.expected() if i not in gone]
    assert api.erase_subjects([], lake=lake) == 0


def test_the_engine_shows_merged_subjects_as_one_customer(
    conn: psycopg.Connection[Any], log: Log, lake: Lake
) -> None:
    log.grow(conn, 3)
    bring(conn, log, lake)
    moved = pa.table({"subject_id": [3], "customer_id": [1]}, schema=api.MOVED)
    counted = "select customer_id, count(*) from {} group by 1 order by 1"
    with api.engine(lake=lake) as engine:
        assert engine.rows(counted.format("interactions")) == [(1, 4), (2, 4), (3, 4)]
    with api.engine(lake=lake, moved=moved) as engine:
        assert engine.rows(counted.format("interactions")) == [(1, 8), (2, 4)]
        assert engine.rows(counted.format("lines")) == [(1, 8), (2, 4)]


def test_the_engine_has_every_relation_of_an_empty_lake(lake: Lake) -> None:
    members = pa.table({"customer_id": [5], "segment_id": [2]}, schema=api.BOUND["members"])
    with api.engine(lake=lake, members=members) as engine:
        assert engine.rows("select * from members") == [(5, 2)]
        for relation in ("interactions", "lines", "customers", "scores"):
            assert engine.query(f"select * from {relation}").num_rows == 0
        kinds = engine.query("select customer_id, occurred_at, value from interactions").schema
        assert [str(t) for t in kinds.types] == ["int64", "timestamp[us]", "double"]


def test_history_in_bulk_is_one_sorted_file(lake: Lake) -> None:
    with api.DuckDB() as made:
        query = (
            "select range as interaction_id, range % 5 as subject_id, 'track' as type,"
            " 'Page' as name, 'web' as channel, null as location,"
            " timestamp '2026-01-01' + to_seconds(range) as occurred_at, null as value,"
            " '{}' as properties from range(100)"
        )
        assert api.load(made.connection, query, "interactions", lake=lake) == 100
    with api.engine(lake=lake) as engine:
        assert engine.rows("select count(*), max(customer_id) from interactions") == [(100, 4)]


def test_rows_of_postgresql_come_as_arrow(conn: psycopg.Connection[Any]) -> None:
    schema = pa.schema(
        [("n", pa.int64()), ("t", pa.string()), ("at", pa.timestamp("us")), ("ok", pa.bool_())]
    )
    query = (
        "select n, t, '2026-02-03 04:05:06.7+00'::timestamptz at time zone 'UTC', n = 2"
        " from unnest(%s::bigint[], %s::text[]) as x(n, t)"
    )
    texts = ["", None, 'a "quoted", text\nof two lines', "\\N", "ü"]
    numbers = [1, 2, None, 4, 5]
    found = api.copy_to_arrow(conn, query, [numbers, texts], schema)
    assert found.schema == schema
    assert found.column("t").to_pylist() == texts
    assert found.column("n").to_pylist() == numbers
    assert found.column("ok").to_pylist() == [False, True, None, False, False]
    assert found.column("at").to_pylist()[0] == datetime(2026, 2, 3, 4, 5, 6, 700_000)
    assert api.copy_to_arrow(conn, query, [[], []], schema).num_rows == 0
    pieces = list(api.copy_in_pieces(conn, query, [numbers, texts], schema, piece_bytes=1))
    assert pa.concat_tables(pieces) == found
