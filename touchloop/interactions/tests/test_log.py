"""The inbox, the log and the shelf of held messages against a real database."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from touchloop.core import clock, db
from touchloop.interactions import held, inbox, ledger, log
from touchloop.interactions.catalogue import Catalogue
from touchloop.interactions.record import Record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect() as connection:
        yield connection
        connection.rollback()


def record(body: bytes = b'{"event":"A","userId":"u"}', n: int = 1) -> Record:
    return Record(1, 1_700_000_000_000_000, "track", None, False, body, [""] * n, n, "segment")


def test_what_is_put_is_claimed_once_and_gone_when_deleted(conn: db.Connection) -> None:
    assert inbox.put(conn, [record(), record()]) == 2
    conn.commit()
    ids = inbox.claim(conn, messages=100)
    blocks = inbox.read(conn, ids)
    assert [block.messages for block in blocks] == [2]
    assert blocks[0].records == [record(), record()]
    with db.connect() as other:
        assert inbox.read(other, ids) == []
    inbox.delete(conn, blocks)
    conn.commit()
    assert inbox.claim(conn, messages=100) == []


def test_of_many_messages_one_customer_stays_in_one_lane(conn: db.Connection) -> None:
    bodies = [b'{"userId": "u%d"}' % (n % 30) for n in range(600)]
    inbox.put(conn, [record(body) for body in bodies])
    ids = [inbox.claim(conn, messages=10_000, place=place, of=2) for place in (0, 1)]
    taken = [
        {one.body for block in inbox.read(conn, mine) for one in block.records} for mine in ids
    ]
    assert taken[0] and taken[1]
    assert not taken[0] & taken[1]
    assert taken[0] | taken[1] == set(bodies)


def test_a_worker_leaves_the_lanes_of_another_for_a_moment(conn: db.Connection) -> None:
    inbox.put(conn, [record()])
    assert len(inbox.claim(conn, messages=9, place=1, of=2)) == 1  # a few are anybody's
    conn.execute("DELETE FROM inbox")
    inbox.put(conn, [record() for _ in range(64)])
    (lane,) = conn.execute("SELECT lane FROM inbox").fetchone() or (0,)
    other = 1 - lane % 2
    assert inbox.claim(conn, messages=99, place=other, of=2) == []
    conn.execute("UPDATE inbox SET created_at = created_at - interval '1 second'")
    conn.commit()
    assert len(inbox.claim(conn, messages=99, place=other, of=2)) == 1


def test_a_block_that_was_tried_before_is_taken_alone(conn: db.Connection) -> None:
    for _ in range(3):
        inbox.put(conn, [record()])
    conn.commit()
    first = inbox.claim(conn, messages=100)
    assert len(first) == 3
    assert len(inbox.claim(conn, messages=100)) == 1
    inbox.forgive(conn, first)
    conn.execute("UPDATE inbox SET attempts = 0")
    assert len(inbox.claim(conn, messages=100)) == 3


def test_blocks_are_bounded(conn: db.Connection) -> None:
    inbox.put(conn, [record(n=1_000) for _ in range(6)])
    rows = conn.execute("SELECT messages FROM inbox ORDER BY id").fetchall()
    assert rows == [(2_000,), (2_000,), (2_000,)]


def row(number: int, key: bytes) -> log.Row:
    return log.Row(
        id=number,
        subject_id=7,
        source_id=1,
        kind_id=2,
        touchpoint_id=None,
        occurred_us=1_700_000_000_123_456,
        received_us=1_700_000_001_000_000,
        direction=log.IN,
        value=12.5,
        message_key=key,
        payload_hash=-5,
        uses=3,
        body='{"ü":"\\n"}'.encode(),
    )


def test_rows_are_written_as_they_are(conn: db.Connection) -> None:
    key = uuid4()
    log.append(conn, [row(5, key.bytes)])
    log.append_lines(
        conn, [(row(5, key.bytes), [log.Line("p1", "Milk ü", "DAIRY", "", "", 2.0, None, 3.5)])]
    )
    found = conn.execute(
        "SELECT subject_id, touchpoint_id, occurred_at, value, message_key, payload_hash, body"
        " FROM interactions WHERE id = 5"
    ).fetchone()
    assert found == (
        7,
        None,
        clock.from_micros(1_700_000_000_123_456),
        12.5,
        key,
        -5,
        '{"ü":"\\n"}',
    )
    line = conn.execute(
        "SELECT line, name, department, quantity, price, amount FROM interaction_lines"
    )
    assert line.fetchone() == (0, "Milk ü", "DAIRY", 2.0, None, 3.5)


def test_a_message_key_stands_in_the_log_once(conn: db.Connection) -> None:
    key = uuid4().bytes
    log.append(conn, [row(5, key)])
    with pytest.raises(psycopg.errors.UniqueViolation):
        log.append(conn, [row(6, key)])


def test_a_held_message_is_replayed_once_and_counted_once(conn: db.Connection) -> None:
    now = clock.now()
    one = held.Held(
        shelf=held.QUARANTINE,
        source_id=1,
        message_key=None,
        message_id="m",
        reason="plan",
        detail="x\0y",
        record=record(),
        received_at=now,
    )
    held.hold(conn, [one], now=now)
    ledger.add(conn, 1, {"sent": 1, "quarantined": 1}, now=now)
    ids = [row[0] for row in conn.execute("SELECT id FROM held_messages").fetchall()]
    assert held.replay(conn, ids, actor=None, now=now) == 1
    assert held.replay(conn, ids, actor=None, now=now) == 0
    assert inbox.depth(conn)[0] == 1
    counted = ledger.read(conn)
    assert (counted.sent, counted.quarantined, counted.pending, counted.missing) == (1, 0, 1, 0)


def test_a_discard_can_be_undone(conn: db.Connection) -> None:
    now = clock.now()
    one = held.Held(held.QUARANTINE, 1, None, "m", "plan", "", record(), now)
    held.hold(conn, [one], now=now)
    ids = [row[0] for row in conn.execute("SELECT id FROM held_messages").fetchall()]
    assert held.discard(conn, ids, actor=3, now=now) == 1
    assert held.replay(conn, ids, actor=3, now=now) == 0
    assert held.restore(conn, ids) == 1
    assert held.replay(conn, ids, actor=3, now=now) == 1


def test_a_place_that_another_worker_met_is_read_when_it_is_asked_for(conn: db.Connection) -> None:
    ours, others = Catalogue(), Catalogue()
    now = clock.from_micros(1_700_000_000_000_000)
    ours.place_ids(conn, {("store", "1"): ""}, now)
    others.place_ids(conn, {("store", "2"): ""}, now)
    known, new = ours.places["store", "1"], others.places["store", "2"]
    assert ours.places_by_id(conn, [known]) == {known: ("store", "1")}
    named = ours.places_by_id(conn, [known, new])
    assert (named[known], named[new]) == (("store", "1"), ("store", "2"))


def test_orders_without_products_end_nothing(conn: db.Connection) -> None:
    orders: list[tuple[log.Row, list[log.Line]]]
    orders = [(row(n, uuid4().bytes), []) for n in range(150)]
    bought = (row(200, uuid4().bytes), [log.Line("p1", "Milk", "", "", "", 1.0, None, None)])
    log.append_lines(conn, [*orders, bought])
    assert conn.execute("SELECT count(*) FROM interaction_lines").fetchone() == (1,)
