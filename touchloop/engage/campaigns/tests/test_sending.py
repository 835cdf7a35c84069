"""What a campaign sends goes straight out, by as many processes as there are."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from touchloop.core import db
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns import sending
from touchloop.engage.campaigns.tests.conftest import Enter, Make, run
from touchloop.engage.campaigns.tests.test_campaigns import members
from touchloop.engage.triggers.tests.conftest import Postbox
from touchloop.flow.tests.conftest import Clock
from touchloop.identity import api as identity


def test_it_goes_straight_out(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    subjects = enter(150)
    made = make()
    handed = threading.Barrier(3)

    def work() -> None:
        with db.connect() as own:
            handed.wait()
            while campaigns.send(own, held_clock.at):
                pass

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(each.subject_id for each in postbox.taken) == subjects
    found = campaigns.report(conn, made.id, now=held_clock.at)
    assert found.outcomes == {"handed": 150} and found.state == "done"


def test_a_fault_after_the_asking_sends_nothing(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    enter(3)
    made = make()

    def broken(*rest: Any) -> None:
        raise ValueError("not written")

    monkeypatch.setattr(sending, "_write", broken)
    run(conn)
    assert postbox.taken == [] and members(conn) == {"waiting": 3}
    assert campaigns.get(conn, made.id).trouble == "ValueError: not written"


def test_two_chunks_of_a_campaign_are_asked_for_at_once(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, postbox: Postbox
) -> None:
    """One process need not wait until another has asked; to pause it waits for both."""
    subjects = enter(100)
    made = make()
    identity.merge(conn, subjects[0], subjects[-1], actor_id=1, reason="the same")
    conn.commit()
    with db.connect() as other:
        assert sending.feed(conn, made.id, held_clock.at, limit=60) == 60
        assert sending.feed(other, made.id, held_clock.at, limit=60) == 40
        other.execute("SET lock_timeout = 50")
        other.commit()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            campaigns.pause(other, made.id, now=held_clock.at)
    conn.commit()
    assert campaigns.send(conn, held_clock.at) == 0
    assert members(conn) == {"asked": 99, "left": 1}
    assert campaigns.get(conn, made.id).state == "done"


def test_a_throttled_campaign_is_asked_for_by_one_at_a_time(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(20)
    made = make(per_minute=5)
    with db.connect() as other:
        assert sending.feed(conn, made.id, held_clock.at, limit=60) == 5
        other.execute("SET lock_timeout = 50")
        other.commit()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            sending.feed(other, made.id, held_clock.at, limit=60)
        other.rollback()
        conn.commit()
        assert sending.feed(other, made.id, held_clock.at, limit=60) == 0
