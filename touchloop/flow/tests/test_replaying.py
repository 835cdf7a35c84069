"""Replay: what is kept beside the log follows from it again, from any row; nothing else happens."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from touchloop.core import db
from touchloop.flow import engaging, replaying, worker
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.insight.segments import api as segments

pytestmark = pytest.mark.django_db(transaction=True)

DERIVED = {
    "activity": "customer_id, first_seen_at, last_seen_at, interactions, orders, spend",
    "customers": "id, display_name, email, phone, traits, allowed, stage",
    "trait_statements": "*",
    "visits": "*",
    "segment_members": "segment_id, customer_id",
    "refreshes": "customer_id, due_at",
}
SPOILED = (
    "UPDATE activity SET orders = 7, spend = -1, interactions = 0, last_seen_at = first_seen_at",
    "UPDATE customers SET display_name = 'Nobody', traits = '{}', stage = 'prospect'",
    "DELETE FROM trait_statements",
    "DELETE FROM visits",
)
BOUGHT = {
    "interactions": {
        "events": ["Order Completed"],
        "measure": "count",
        "op": "gte",
        "value": 2,
        "window": {"last": 90, "unit": "days"},
    }
}


@pytest.fixture
def told(conn: db.Connection, say: Say, held_clock: Clock) -> Clock:
    """Two customers who visited, said who they are and bought, in three batches of rows."""
    segments.create("Often", rule=BOUGHT, purpose="service", actor=None, now=NOON)
    place = {"touchpoint": {"channel": "store", "location": "330"}}
    for user in ("u1", "u2"):
        say("identify", userId=user, traits={"name": f"Name of {user}", "city": "Delft"})
        say("page", userId=user, name="Home", work=True)
    for day in (1, 20):
        for user in ("u1", "u2"):
            say(
                event="Order Completed",
                userId=user,
                timestamp=f"2026-02-{day:02}T12:00:00Z",
                properties={"revenue": 12.5, "products": [{"product_id": "p1", "price": 12.5}]},
                context=place,
            )
        worker.drain()
    return held_clock


def test_what_was_spoiled_follows_from_the_log_again(conn: db.Connection, told: Clock) -> None:
    before, log = _state(conn), _log(conn)
    assert all(before.values())
    for statement in SPOILED:
        conn.execute(statement)
    conn.commit()
    assert _state(conn) != before
    done = worker.replay()
    assert _state(conn) == before
    assert _log(conn) == log
    assert done == replaying.Replayed(rows=8, customers=2)


def test_a_lost_membership_is_entered_again_and_said(conn: db.Connection, told: Clock) -> None:
    before, log = _state(conn), _log(conn)
    conn.execute("DELETE FROM segment_members")
    conn.execute("DELETE FROM refreshes")
    conn.commit()
    done = worker.replay()
    assert _state(conn) == before
    assert done.entered == 2
    assert len(_log(conn)) == len(log) + 2


def test_healthy_rows_change_nothing_from_wherever_they_are_replayed(
    conn: db.Connection, told: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, log = _state(conn), _log(conn)
    monkeypatch.setattr(replaying, "SUBJECTS", 1)
    for first in (0, *log):
        done = worker.replay(first=first)
        assert done.entered == done.left == 0
    assert worker.replay(first=log[0], last=log[0]).rows == 1
    assert worker.replay(first=max(log) + 1).rows == 0
    assert (_state(conn), _log(conn)) == (before, log)


def test_the_rooms_are_shown_what_is_found_now_and_not_what_is_past(
    conn: db.Connection, told: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    spy = engaging.Room(
        "spy",
        lambda _conn, happened, _now: seen.extend(each.name for each in happened),
        lambda _conn: frozenset({"Order Completed", "Home", "Segment Entered"}),
    )
    monkeypatch.setattr(engaging, "ROOMS", (*engaging.ROOMS, spy))
    conn.execute("DELETE FROM segment_members")
    conn.commit()
    worker.replay()
    assert seen == ["Segment Entered", "Segment Entered"]
    assert conn.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM inbox").fetchone() == (0,)


def test_a_row_that_nobody_can_read_any_more_is_passed_over_and_counted(
    conn: db.Connection, told: Clock
) -> None:
    before, log = _state(conn), _log(conn)
    conn.execute("UPDATE interactions SET body = '{}' WHERE id = %s", [log[1]])
    conn.commit()
    done = worker.replay()
    assert (done.rows, done.unreadable) == (8, 1)
    assert _state(conn) == before


def test_workers_go_on_while_rows_are_replayed(
    conn: db.Connection, told: Clock, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "SUBJECTS", 1)
    for number in range(20):
        say(event="Order Completed", userId="u1", properties={"revenue": 1}, n=number)
    other = threading.Thread(target=worker.drain)
    other.start()
    worker.replay()
    other.join()
    row = conn.execute(
        "SELECT a.interactions, a.orders, a.spend FROM activity a JOIN identifiers i"
        " ON i.id = a.customer_id WHERE i.value = 'u1'"
    ).fetchone()
    assert row == (24, 22, 45.0)


def _state(conn: db.Connection) -> dict[str, list[Any]]:
    found = {
        table: sorted(map(str, conn.execute(f"SELECT {columns} FROM {table}").fetchall()))
        for table, columns in DERIVED.items()
    }
    conn.rollback()
    return found


def _log(conn: db.Connection) -> list[int]:
    rows = conn.execute("SELECT id FROM interactions ORDER BY id").fetchall()
    conn.rollback()
    return [row[0] for row in rows]
