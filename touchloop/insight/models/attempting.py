"""One run of one kind, alone of its kind in the installation, whatever becomes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from touchloop.core import clock, locks
from touchloop.core.db import Connection
from touchloop.core.errors import TouchloopError
from touchloop.insight.models import keeping, schedule, training
from touchloop.insight.models.keeping import VersionInfo
from touchloop.insight.models.running import Cancelled, Stopped, Watch
from touchloop.insight.models.schedule import Act, RunInfo
from touchloop.insight.models.seam import Kind
from touchloop.insight.models.training import Touched

log = logging.getLogger("touchloop.models")


def attempt(
    conn: Connection,
    kind: Kind,
    act: Act = "train",
    *,
    now: datetime | None = None,
    stop: Callable[[], bool] = lambda: False,
    touched: Touched | None = None,
) -> RunInfo | None:
    """Run a kind once and write down what became of it; None when another process is at it.

    Commits. A run that fails, is cancelled or dies with its process leaves no version and no score.
    One that died is closed as lost, and waits its time: what killed it may do so again.
    """
    with _alone(conn, kind.name) as alone:
        if not alone:
            return None
        at = now or clock.now()
        if schedule.close_lost(conn, kind.name, now=at):
            conn.commit()
            return schedule.runs(conn, kind.name, limit=1)[0]
        run = schedule.begin(conn, kind.name, act, now=at)
        conn.commit()
        watch = Watch(run.id, stop)
        outcome, error, version_id = "done", "", None
        try:
            with watch.attended():
                watch("", 0.0)
                made = _do(conn, kind, run.act, watch, now=at, touched=touched)
                watch.check()
            outcome, version_id = ("done", made.id) if made else ("nothing", None)
        except Exception as problem:
            if conn.closed:  # the lock fell with it: the next learner finds the run lost
                raise
            conn.rollback()
            outcome, error = _outcome(problem, watch)
        schedule.finish(
            conn, run.id, outcome, now=now or clock.now(), error=error, version_id=version_id
        )
        conn.commit()
        return schedule.run(conn, run.id)


def roll_back(
    conn: Connection, kind: str, to_version: int, *, by: int | None, now: datetime | None = None
) -> VersionInfo:
    """Put an older version in the place of the one in use, and have everybody scored by it.

    Invalid when it cannot be used; NotFound. Commits with the caller. The next training may put a
    newer version in use again.
    """
    found = keeping.put_in_use(conn, kind, to_version)
    schedule.ask(conn, kind, by=by, now=now, act="score")
    return found


def _do(
    conn: Connection, kind: Kind, act: Act, watch: Watch, *, now: datetime, touched: Touched | None
) -> VersionInfo | None:
    if act == "score":
        return training.score(conn, kind, now=now, progress=watch, touched=touched)
    return training.train(conn, kind, now=now, progress=watch, touched=touched)


def _outcome(problem: Exception, watch: Watch) -> tuple[str, str]:
    """A query that was interrupted raises its engine's own error: the watch knows why."""
    if isinstance(problem, Cancelled) or watch.cancelled:
        return "cancelled", ""
    if isinstance(problem, Stopped) or watch.stop():
        return "stopped", ""
    if isinstance(problem, TouchloopError):
        return "failed", str(problem)
    log.error("a model failed", exc_info=problem)
    return (
        "failed",
        f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
    )


@contextmanager
def _alone(conn: Connection, kind: str) -> Iterator[bool]:
    """Holds the kind's lock; it falls with the connection."""
    row = conn.execute(
        "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (locks.MODEL, kind)
    ).fetchone()
    conn.commit()
    alone = bool(row and row[0])
    try:
        yield alone
    finally:
        if alone and not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (locks.MODEL, kind))
            conn.commit()
