"""The way to the lake: what is exported, and when."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from touchloop.core import clock, db
from touchloop.flow import duties, exporting, worker
from touchloop.interactions import api as interactions
from touchloop.lake import api as lake

pytestmark = pytest.mark.django_db(transaction=True)

# As clients may write it; {} stands for what is said of whom.
BODIES = (
    '{"event":"A","properties":{"b":1.50,"a":"é\\u00e9"}}',
    '{"event":"A", "properties" : { "x" : [1, 2 ,{"properties":3}] } , "userId":"u1"}',
    '{"event":"A","properties":{"x":1},"properties":{"x":2}}',
    '{"event":"A","propert\\u0069es":{"x":1e3}}',
    '{"event":"A","properties":null}',
    '{"event":"A","properties":{}}',
    '{"event":"Order Completed","properties":{"revenue":"12.5","products":[{"sku":"p"}]}}',
    '{"event":"A","context":{"touchpoint":{"channel":"store","location":"7"}}}',
)


@pytest.mark.parametrize("piece", [1, 3, 8_192])
def test_what_is_exported_is_what_a_rebuild_reads(
    conn: db.Connection,
    source: interactions.Source,
    monkeypatch: pytest.MonkeyPatch,
    piece: int,
) -> None:
    monkeypatch.setattr(exporting, "ROWS_OF_A_PIECE", piece)
    for part in (BODIES[:3], BODIES[3:]):
        put(conn, source, part)
        worker.drain()
    batches = exporting.waiting(conn)
    assert len(batches) == 2
    found = exporting.read(conn, batches)
    for name in lake.TABLES:
        again = pa.concat_tables(exporting.pieces(conn, name, batches))
        assert sorted_rows(found.of(name), name) == sorted_rows(again, name)
    said = sorted_rows(found.interactions, lake.INTERACTIONS).column("properties").to_pylist()
    assert len(said) == len(BODIES)
    assert said[1] == '{ "x" : [1, 2 ,{"properties":3}] }'


def test_a_worker_that_comes_to_rest_brings_the_lake_up_at_once(
    monkeypatch: pytest.MonkeyPatch, conn: db.Connection
) -> None:
    turns: list[int] = []

    def export(_conn: db.Connection, pulse: duties.Pulse) -> None:
        pulse.exported = pulse.processed
        turns.append(pulse.processed)

    monkeypatch.setattr(duties, "export", export)
    monkeypatch.setattr(duties, "_PACE", ((export, 3_600.0, 3_600.0),))
    timetable = duties.Timetable({"export": time.monotonic()})
    timetable.done["export"] = time.monotonic()
    pulse = duties.Pulse("a", processed=duties.AT_ONCE, busy=True)
    timetable.attend(conn, pulse)
    assert turns == []  # it is still busy
    pulse.busy = False
    timetable.attend(conn, pulse)
    timetable.attend(conn, pulse)
    assert turns == [duties.AT_ONCE]
    pulse.processed += 1
    timetable.attend(conn, pulse)
    assert turns == [duties.AT_ONCE]  # a little waits for its time


def put(conn: db.Connection, source: interactions.Source, bodies: tuple[str, ...]) -> None:
    now = clock.micros(clock.now())
    records = [
        interactions.Record(
            source.id, now, "track", None, False,
            f'{{"userId":"u1","messageId":"m{BODIES.index(body)}",{body[1:]}'.encode(),
            [""], 1, "segment",
        )
        for body in bodies
    ]  # fmt: skip
    interactions.put(conn, records)
    conn.commit()


def sorted_rows(rows: pa.Table, name: str) -> pa.Table:
    schema = lake.SCHEMAS[name]
    return rows.select(schema.names).cast(schema).combine_chunks().sort_by("interaction_id")
