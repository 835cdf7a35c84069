"""From the inbox to the act: a batch starts a run by itself, and what is due goes out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.tests.conftest import Postbox, postbox
from touchloop.flow import delivering, engaging, worker
from touchloop.flow.delivering import Duty
from touchloop.flow.tests.conftest import Clock, Say
from touchloop.insight.segments import api as segments

__all__ = ["postbox"]

HOUR = timedelta(hours=1)
BOUGHT = {"interactions": {"events": ["Order Completed"], "op": "gte", "value": 1}}
LETTER = {"do": "send", "template": "t", "channels": ["letter"], "kind": "service"}


@pytest.fixture
def welcome(conn: Connection, held_clock: Clock, source: object) -> Iterator[triggers.Trigger]:
    """Two hours after the first order a letter, unless it was refunded."""
    now = held_clock.at
    segment = segments.create(
        "Buyers", rule=BOUGHT, purpose="service", actor=None, now=now, conn=conn
    )
    made = triggers.create(
        conn,
        name="Welcome",
        definition={
            "when": [{"entered": segment.id}],
            "steps": [{"do": "wait", "n": 2, "unit": "hours"}, LETTER],
            "until": [{"event": "Order Refunded"}],
        },
        now=now,
        state="live",
    )
    conn.commit()
    yield made


def states(conn: Connection) -> list[str]:
    rows = conn.execute("SELECT state FROM trigger_runs ORDER BY id").fetchall()
    conn.rollback()
    return [row[0] for row in rows]


def test_an_order_enters_a_segment_starts_a_run_and_brings_a_letter(
    conn: Connection, held_clock: Clock, say: Say, welcome: triggers.Trigger, postbox: Postbox
) -> None:
    say(userId="ana", event="Order Completed", properties={"total": 9}, work=True)
    assert states(conn) == ["waiting"]
    row = conn.execute(
        "SELECT r.cause, x.id FROM trigger_runs r, interactions x JOIN kinds k ON k.id = x.kind_id"
        " WHERE k.name = 'Segment Entered'"
    ).fetchone()
    assert row is not None and row[0] == f"i:{row[1]}"
    delivering.drain()
    assert postbox.taken == []
    held_clock.at += 2 * HOUR
    delivering.drain()
    assert [each.template for each in postbox.taken] == ["t"] and states(conn) == ["done"]
    worker.drain()  # what was handed over is news, and stands in the log
    told = conn.execute("SELECT name FROM kinds WHERE name LIKE 'Message%'").fetchall()
    assert told == [("Message Handed",)]


def test_a_refund_ends_it_in_the_batch_that_brings_it(
    conn: Connection, held_clock: Clock, say: Say, welcome: triggers.Trigger, postbox: Postbox
) -> None:
    say(userId="ana", event="Order Completed", properties={"total": 9}, work=True)
    held_clock.at += HOUR
    say(userId="ana", event="Order Refunded", properties={"total": 9}, work=True)
    assert states(conn) == ["exited"]
    held_clock.at += HOUR
    delivering.drain()
    assert postbox.taken == []


def test_a_batch_that_is_undone_starts_nothing(
    conn: Connection, held_clock: Clock, say: Say, welcome: triggers.Trigger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The last room fails once: the batch is taken again, and the run starts once."""
    failed: list[bool] = []

    def fails_once(conn: Connection, happened: object, now: object) -> None:
        if not failed:
            failed.append(True)
            raise ValueError("not today")

    odd = engaging.Room("odd", fails_once, lambda conn: frozenset({"Order Completed"}))
    monkeypatch.setattr(engaging, "ROOMS", (*engaging.ROOMS, odd))
    say(userId="ana", event="Order Completed", properties={"total": 9}, work=True)
    assert failed and states(conn) == ["waiting"]


def test_a_window_that_moves_is_shown_as_well(
    conn: Connection, held_clock: Clock, say: Say, postbox: Postbox
) -> None:
    """Absence: nobody sends anything, the clock alone enters the segment, and the trigger acts."""
    silent = {
        "interactions": {
            "events": ["Order Completed"], "measure": "last", "op": "gt", "value": 3, "unit": "days"
        }
    }  # fmt: skip
    segment = segments.create(
        "Silent", rule=silent, purpose="service", actor=None, now=held_clock.at, conn=conn
    )
    triggers.create(
        conn, name="Back", definition={"when": [{"entered": segment.id}], "steps": [LETTER]},
        now=held_clock.at, state="live",
    )  # fmt: skip
    conn.commit()
    say(userId="ana", event="Order Completed", work=True)
    held_clock.at += timedelta(days=3, seconds=1)
    worker.drain()
    delivering.drain()
    assert len(postbox.taken) == 1


def test_a_survey_that_is_no_more_is_passed_over(
    conn: Connection, held_clock: Clock, say: Say
) -> None:
    triggers.create(
        conn,
        name="Ask",
        definition={"when": [{"event": "Call Ended"}], "steps": [{"do": "ask", "survey": "gone"}]},
        now=held_clock.at,
        state="live",
    )
    conn.commit()
    say(userId="ana", event="Call Ended", work=True)
    delivering.drain()
    worker.drain()
    row = conn.execute("SELECT count(*) FROM held_messages").fetchone()
    assert row == (0,) and states(conn) == ["done"]


def test_a_duty_that_fails_keeps_nobody_else_from_work_and_all_stop_when_told(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: dict[str, int] = {"well": 0, "ill": 0}

    def well(conn: Connection, now: object) -> int:
        turns["well"] += 1
        return 0

    def ill(conn: Connection, now: object) -> int:
        turns["ill"] += 1
        conn.execute("SELECT nothing")
        return 0

    monkeypatch.setattr(delivering, "FAULT_SECONDS", 0.02)
    monkeypatch.setattr(
        delivering, "LANES", {"one": (Duty("ill", ill, 0.01), Duty("well", well, 0.01))}
    )
    stop = threading.Event()
    running = threading.Thread(target=delivering.run, kwargs={"stop": stop.is_set})
    running.start()
    deadline = time.monotonic() + 60
    while min(turns.values()) < 3 and time.monotonic() < deadline:
        stop.wait(0.02)
    stop.set()
    running.join(timeout=60)
    assert not running.is_alive() and min(turns.values()) >= 3


def test_lost_connections_are_made_anew(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def duty(own: Connection, now: object) -> int:
        row = own.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        seen.append(row[0])
        return 0

    monkeypatch.setattr(delivering, "LANES", {"one": (Duty("look", duty, 0.01),)})
    stop = threading.Event()
    running = threading.Thread(target=delivering.run, kwargs={"stop": stop.is_set})
    running.start()
    deadline = time.monotonic() + 60
    while len(set(seen)) < 2 and time.monotonic() < deadline:
        if seen:
            with db.connect(autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (seen[-1],))
        stop.wait(0.05)
    stop.set()
    running.join(timeout=60)
    assert len(set(seen)) >= 2
