"""Runs: due, asked, cancelled, stopped, lost; alone of their kind; nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.insight.models import api
from touchloop.insight.models.tests.conftest import NOON, World, put, says

LATER = NOON + timedelta(hours=24)


def left(conn: db.Connection) -> tuple[int, int]:
    row = conn.execute(
        "SELECT (SELECT count(*) FROM model_versions), (SELECT count(*) FROM scores)"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_a_kind_is_due_by_its_pace(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0})
    assert [(due.act, due.asked) for due in api.due(conn, [kind], NOON)] == [("train", False)]
    run = api.attempt(conn, kind, now=NOON)
    assert run is not None and (run.outcome, run.share, run.error) == ("done", 1.0, "")
    assert api.due(conn, [kind], LATER - timedelta(minutes=1)) == []
    assert len(api.due(conn, [kind], LATER)) == 1


def test_who_asked_comes_first_and_once(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0})
    other = says(kind, name="other")
    api.attempt(conn, other, now=NOON)
    first = api.ask(conn, "other", by=7, now=NOON)
    assert api.ask(conn, "other", by=8, now=NOON).id == first.id
    assert [due.kind.name for due in api.due(conn, [kind, other], NOON)] == ["other", "mean"]
    run = api.attempt(conn, other, now=NOON)
    assert run is not None and (run.id, run.asked_by, run.outcome) == (first.id, 7, "done")
    assert api.open_run_of(conn, "other") is None


def test_nothing_to_learn_is_tried_again_soon(conn: db.Connection, kind: api.Kind) -> None:
    run = api.attempt(conn, kind, now=NOON)
    assert run is not None and run.outcome == "nothing"
    assert api.due(conn, [kind], NOON + timedelta(minutes=59)) == []
    assert len(api.due(conn, [kind], NOON + timedelta(hours=1))) == 1


def test_a_failure_leaves_a_word_and_nothing_else(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0})

    def breaks(run: api.Run) -> None:
        raise Invalid("spend", "all customers spent the same")

    world.during = breaks
    run = api.attempt(conn, kind, now=NOON)
    assert run is not None
    assert (run.outcome, run.error) == ("failed", "spend: all customers spent the same")
    assert left(conn) == (0, 0)

    world.during = lambda run: 1 / 0  # type: ignore[assignment]
    run = api.attempt(conn, kind, now=NOON)
    assert run is not None and run.error == "ZeroDivisionError: division by zero"
    assert api.due(conn, [kind], NOON + timedelta(hours=5)) == []
    assert len(api.due(conn, [kind], NOON + timedelta(hours=6))) == 1


def test_an_error_in_scoring_takes_the_version_back(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0})

    def twice(run: api.Run, trained: api.Trained) -> list[api.Scored]:
        return [*kind.score(run, trained), *kind.score(run, trained)]

    run = api.attempt(conn, says(kind, score=twice), now=NOON)
    assert run is not None and "gives above_mean twice" in run.error
    assert left(conn) == (0, 0)


def test_a_run_is_cancelled_before_and_after_it_begins(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0})
    with pytest.raises(Invalid, match="no run"):
        api.cancel(conn, "mean", now=NOON)
    api.ask(conn, "mean", by=7, now=NOON)
    assert api.cancel(conn, "mean", now=NOON).outcome == "cancelled"
    assert api.open_run_of(conn, "mean") is None

    def somebody_cancels(run: api.Run) -> None:
        with db.connect() as elsewhere:
            seen = api.open_run_of(elsewhere, "mean")
            assert seen is not None and (seen.step, seen.share) == ("reading", 0.1)
            assert api.cancel(elsewhere, "mean", now=NOON).cancelling

    world.during = somebody_cancels
    run = api.attempt(conn, kind, now=NOON)
    assert run is not None and run.outcome == "cancelled"
    assert left(conn) == (0, 0)


def test_a_process_that_is_to_end_leaves_the_run_to_the_next(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    put(conn, {1: 10.0})
    stopping: list[bool] = []
    world.during = lambda run: stopping.append(True)
    run = api.attempt(conn, kind, now=NOON, stop=lambda: bool(stopping))
    assert run is not None and run.outcome == "stopped"
    assert left(conn) == (0, 0)
    assert len(api.due(conn, [kind], NOON)) == 1


def test_one_at_a_time_of_a_kind(conn: db.Connection, kind: api.Kind, world: World) -> None:
    put(conn, {1: 10.0})
    found: list[object] = []

    def another_tries(run: api.Run) -> None:
        with db.connect() as elsewhere:
            found.append(api.attempt(elsewhere, kind, now=NOON))

    world.during = another_tries
    api.attempt(conn, kind, now=NOON)
    assert found == [None]
    assert left(conn) == (1, 1)


def test_a_killed_training_leaves_no_half_version(conn: db.Connection, kind: api.Kind) -> None:
    put(conn, {1: 10.0})
    script = (
        "import os, signal, django; django.setup()\n"
        "from touchloop.core import db\n"
        "from touchloop.insight.models import api\n"
        "from touchloop.insight.models.tests.conftest import NOON, World\n"
        "world = World()\n"
        "def score(run, trained):\n"
        "    yield from world.score(run, trained)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "kind = api.Kind('mean', '', '', 'profile', 24.0, world.train, score)\n"
        "with db.connect() as conn: api.attempt(conn, kind, now=NOON)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "touchloop.config.settings"}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert left(conn) == (0, 0)
    conn.execute("SELECT pg_advisory_lock(7109, hashtext('mean'))")  # until the server noticed
    conn.execute("SELECT pg_advisory_unlock_all()")
    (due,) = api.due(conn, [kind], NOON)  # it looks open; whoever takes its lock sees that it died
    run = api.attempt(conn, kind, due.act, now=NOON)
    assert run is not None and (run.outcome, run.step) == ("lost", "learning")
    assert api.due(conn, [kind], NOON) == []
    run = api.attempt(conn, kind, now=NOON + timedelta(hours=1))
    assert run is not None and run.outcome == "done"
    assert left(conn) == (1, 1)
