"""Two workers at once, a crash between, many runs: each step is done once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.channels import api as channels
from touchloop.core import db
from touchloop.engage.triggers import acting, walking
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.tests.conftest import Happen, Make, Named, Postbox
from touchloop.flow.tests.conftest import Clock

CART = {"event": "Cart Updated"}
LETTER = {"do": "send", "template": "t", "channels": ["letter"], "kind": "service"}
MANY = 200


def start_many(conn: db.Connection, named: Named, happen: Happen, clock: Clock, n: int) -> None:
    batch = [happen(named(f"c{number}"), "Cart Updated") for number in range(n)]
    assert triggers.on_batch(conn, batch, clock.at).started == n
    conn.commit()


def wanted(conn: db.Connection) -> Counter[str]:
    return Counter(row[0] for row in conn.execute("SELECT cause FROM deliveries").fetchall())


def test_two_workers_never_do_the_same_step(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox,
) -> None:  # fmt: skip
    make(when=[CART], steps=[LETTER, {"do": "case", "title": "Look"}])
    start_many(conn, named, happen, held_clock, MANY)
    done: list[int] = []
    barrier = threading.Barrier(3)

    def work() -> None:
        with db.connect() as own:
            barrier.wait()
            while steps := triggers.due(own, held_clock.at, 7):
                own.commit()
                done.append(steps)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == 2 * MANY
    assert set(wanted(conn).values()) == {1} and len(wanted(conn)) == MANY
    channels.hand_off(conn, held_clock.at, 10 * MANY)
    assert len({each.subject_id for each in postbox.taken}) == len(postbox.taken) == MANY


def test_a_crash_between_act_and_commit_doubles_nothing(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Forty times the worker dies at a random place of its turn; then one finishes."""
    make(when=[CART], steps=[LETTER, {"do": "wait", "n": 1, "unit": "minutes"}, LETTER])
    start_many(conn, named, happen, held_clock, 60)
    chance = random.Random(7)

    class Killed(BaseException):
        pass

    def dying(real: Any) -> Any:
        def maybe(*args: Any, **kwargs: Any) -> Any:
            if chance.random() < 0.3:
                raise Killed
            found = real(*args, **kwargs)
            if chance.random() < 0.3:
                raise Killed
            return found

        return maybe

    kills = 0
    with monkeypatch.context() as patched:
        patched.setattr("touchloop.engage.triggers.walking.act", dying(acting.act))
        patched.setattr(walking, "_write", dying(walking._write))
        while kills < 40:
            held_clock.at += timedelta(seconds=5)
            with db.connect() as own:
                try:
                    triggers.due(own, held_clock.at, 5)
                    if chance.random() < 0.2:
                        raise Killed
                    own.commit()
                except Killed:
                    kills += 1
                    own.rollback()
    held_clock.at += timedelta(hours=1)
    while triggers.due(conn, held_clock.at):
        held_clock.at += timedelta(minutes=2)
    conn.commit()
    assert len(wanted(conn)) == 120 and set(wanted(conn).values()) == {1}
    rows = conn.execute("SELECT state, count(*) FROM trigger_runs GROUP BY 1").fetchall()
    assert rows == [("done", 60)]


def test_an_exit_and_an_act_at_the_same_moment_agree(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox,
) -> None:  # fmt: skip
    """Whichever commits first: who left gets nothing."""
    make(when=[CART], steps=[LETTER], until=[{"event": "Order Completed"}])
    start_many(conn, named, happen, held_clock, MANY)
    left = [named(f"c{number}") for number in range(0, MANY, 2)]
    exits = [happen(subject, "Order Completed") for subject in left]

    def leave() -> None:
        with db.connect() as own:
            for each in exits:
                triggers.on_batch(own, [each], held_clock.at)
                own.commit()

    def act() -> None:
        with db.connect() as own:
            while triggers.due(own, held_clock.at, 11):
                own.commit()

    both = [threading.Thread(target=leave), threading.Thread(target=act)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    triggers.due(conn, held_clock.at)
    conn.commit()
    channels.hand_off(conn, held_clock.at, 10 * MANY)
    assert sorted(each.subject_id for each in postbox.taken) == sorted(
        named(f"c{number}") for number in range(1, MANY, 2)
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-180, 400), max_size=12))
def test_whatever_the_clock_does_each_step_is_done_once_and_not_early(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    jumps: list[int],
) -> None:  # fmt: skip
    """Minutes by which the clock moves, forwards and back."""
    conn.execute("DELETE FROM trigger_runs")
    conn.execute("DELETE FROM inbox")
    made = make(
        when=[CART],
        steps=[
            {"do": "wait", "n": 60, "unit": "minutes"}, {"do": "ask", "survey": "one"},
            {"do": "wait", "n": 30, "unit": "minutes"}, {"do": "ask", "survey": "two"},
        ],
    )  # fmt: skip
    start = now = held_clock.at
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], start)
    latest = start
    for minutes in jumps:
        now += timedelta(minutes=minutes)
        latest = max(latest, now)
        triggers.due(conn, now)
        row = conn.execute("SELECT coalesce(sum(messages), 0) FROM inbox").fetchone()
        assert row is not None
        said = int(row[0])
        assert said <= 2
        assert (said >= 1) == (latest >= start + timedelta(minutes=60))
        assert said < 2 or latest >= start + timedelta(minutes=90)
    triggers.abort(conn, made.id, now=now)


def test_the_holdout_is_drawn_again_the_same_and_of_its_share(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    from touchloop.engage.triggers.starting import held_out

    drawn = [held_out("seed", customer, 0.2) for customer in range(1, 20_001)]
    assert abs(sum(drawn) / 20_000 - 0.2) < 4 * (0.2 * 0.8 / 20_000) ** 0.5
    assert drawn == [held_out("seed", customer, 0.2) for customer in range(1, 20_001)]
    assert drawn != [held_out("other", customer, 0.2) for customer in range(1, 20_001)]
    make(when=[CART], steps=[{"do": "case", "title": "Look"}], holdout=0.5)
    start_many(conn, named, happen, held_clock, 60)
    triggers.due(conn, held_clock.at)
    counted = "SELECT held_out, count(*) FROM trigger_runs GROUP BY 1"
    found: dict[bool, int] = dict(conn.execute(counted).fetchall())
    assert 15 < found[True] < 45
    cases = conn.execute("SELECT count(*) FROM cases").fetchone()
    assert cases == (found[False],)
    rows = conn.execute("SELECT DISTINCT state, reason FROM trigger_runs WHERE held_out").fetchall()
    assert rows == [("skipped", "holdout")]
