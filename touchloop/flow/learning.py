"""What is learned over the lake, each kind at its own pace and one at a time: models.

One process of its own, at a low priority: nobody waits for it. Any number may run; each kind is
learned by one of them. What goes by a schedule waits until the worker and the lake have caught up,
so that a model is not learned from half a year; what somebody asked for is run at once.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from touchloop.core import clock, db, locks
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.flow import motion, scoring
from touchloop.insight.likeness import api as likeness
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Due, Kind, RunInfo
from touchloop.interactions import api as interactions

LOOK_SECONDS = 0.5
FAULT_SECONDS = 5.0
LONGEST_AWAY = 5.0
FIRST_LOOK_SECONDS = 15.0  # a product that just started has more urgent things to do
PATIENCE_SECONDS = 3_600.0  # for the lake to catch up; then what is there has to do
BEHIND_SHARE = 0.005  # of the log: seconds of a loading are months of a year

log = logging.getLogger("touchloop.flow")


def match_customers(conn: Connection, now: datetime, *, stop: Callable[[], bool]) -> int:
    """Look who may be the same person, when that is due; 1 when it was done. Commits."""
    from touchloop.insight.matching import api as matching  # and what it needs, only where it runs

    due = matching.due(conn, now)
    conn.commit()
    if not due:
        return 0

    def watch(step: str, share: float) -> None:
        if stop():
            raise models.Stopped("stopped with the process")

    with contextlib.closing(db.connect(autocommit=True, application="touchloop learn")) as own:
        row = own.execute("SELECT pg_try_advisory_lock(%s, %s)", locks.MATCHING).fetchone()
        if not (row and row[0]):  # it falls with this connection
            return 0
        try:
            matching.run(own, now, watch)
        except models.Stopped:
            return 0
    return 1


def withdraw_scores(conn: Connection, now: datetime) -> int:
    """Take out scores of customers whose choices no longer allow them."""
    gone = models.withdraw(conn)
    scoring.decide_again(conn, gone)
    return sum(map(len, gone.values()))


def retire_lookalikes(conn: Connection, now: datetime) -> int:
    """Take out what was said of the like of segments that were deleted."""
    gone = likeness.retire(conn)
    scoring.decide_again(conn, gone)
    return sum(map(len, gone.values()))


# What is seen to besides the models: name, duty, seconds between two turns.
BESIDE: tuple[tuple[str, Callable[[Connection, datetime], int], float], ...] = (
    ("withdrawals", withdraw_scores, 600.0),
    ("lookalikes", retire_lookalikes, 5.0),
    ("motion", motion.measure_motion, 60.0),
)


@dataclass(slots=True)
class Learner:
    """What is due is run, one after the other; `stop` ends the run that is at work, too."""

    stop: Callable[[], bool]
    kinds: Sequence[Kind]
    started: float = field(default_factory=time.monotonic)
    waiting_since: float | None = None
    done: dict[str, float] = field(default_factory=dict)

    def beside(self, conn: Connection) -> None:
        """Do what is due besides the models; a duty that fails waits its time like any other."""
        for name, duty, seconds in BESIDE:
            if time.monotonic() - self.done.get(name, self.started) < seconds:
                continue
            self.done[name] = time.monotonic()
            with _noted(conn, name):
                duty(conn, clock.now())
                conn.commit()
        if not self.stop() and self._may(conn):
            with _noted(conn, "matching"):
                match_customers(conn, clock.now(), stop=self.stop)

    def turn(self, conn: Connection) -> int:
        """Run what is due now; gives how many runs."""
        now = clock.now()
        due = models.due(conn, [*self.kinds, *likeness.kinds(conn)], now)
        conn.commit()
        asked = [one for one in due if one.asked]
        scheduled = [one for one in due if not one.asked]
        if scheduled and not self._may(conn):
            scheduled = []
        for done, one in enumerate([*asked, *scheduled]):
            if self.stop():
                return done
            run(conn, one, stop=self.stop)
            if not one.asked:
                return done + 1  # somebody may have asked meanwhile
        return len(asked) + len(scheduled)

    def _may(self, conn: Connection) -> bool:
        """Whether what goes by a schedule may run now."""
        if time.monotonic() - self.started < FIRST_LOOK_SECONDS:
            return False
        if not behind(conn):
            self.waiting_since = None
            return True
        self.waiting_since = self.waiting_since or time.monotonic()
        return time.monotonic() - self.waiting_since > PATIENCE_SECONDS


def learn(*, stop: Callable[[], bool]) -> None:
    """Learn what is due until `stop()` says so. Reconnects when the database was away; a run that
    fails says so in its row, and the others go on.
    """
    learner, pause = Learner(stop, kinds()), 0.1
    while not stop():
        try:
            with contextlib.closing(db.connect(application="touchloop learn")) as conn:
                pause = 0.1
                while not stop():
                    learner.turn(conn)
                    learner.beside(conn)
                    time.sleep(LOOK_SECONDS)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the database is away (%s); trying again", str(error).strip()[:200])
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_AWAY)
        except Exception:
            log.exception("learning failed; it is tried again")
            time.sleep(FAULT_SECONDS)


def learn_once(
    names: Iterable[str] = (), *, stop: Callable[[], bool] = lambda: False
) -> list[RunInfo]:
    """Run what is due, or the kinds of these names whether due or not; gives the runs, in order.

    Left out is a kind at which another process is working. NotFound for a name that is no kind.
    """
    wanted = list(names)
    by_name = {kind.name: kind for kind in kinds()}
    for name in wanted:
        if name not in by_name:
            raise NotFound(f"there is no model {name!r}; there are: {', '.join(by_name) or 'none'}")
    with contextlib.closing(db.connect(application="touchloop learn")) as conn:
        due = (
            [Due(by_name[name], "train", True) for name in wanted]
            if wanted
            else models.due(conn, [*kinds(), *likeness.kinds(conn)], clock.now())
        )
        conn.commit()
        found = [run(conn, one, stop=stop) for one in due if not stop()]
        if not wanted:
            for _name, duty, _seconds in BESIDE:
                duty(conn, clock.now())
                conn.commit()
            match_customers(conn, clock.now(), stop=stop)
    return [one for one in found if one is not None]


def run(conn: Connection, due: Due, *, stop: Callable[[], bool]) -> RunInfo | None:
    """One run; customers whose score it changed are decided again. Commits."""
    return models.attempt(conn, due.kind, due.act, stop=stop, touched=scoring.decide_again)


def ask_to_learn() -> int:
    """Have all kinds learned that never were, when it suits; gives how many. Commits."""
    with contextlib.closing(db.connect(application="touchloop")) as conn:
        there = models.latest(conn)
        new = [kind for kind in kinds() if kind.name not in there]
        for kind in new:
            models.ask(conn, kind.name, by=None)
        conn.commit()
    return len(new)


def kinds() -> Sequence[Kind]:
    """All kinds of models. What they need is loaded only by those who ask."""
    from touchloop.insight.learning.api import KINDS

    return KINDS


@contextlib.contextmanager
def _noted(conn: Connection, name: str) -> Iterator[None]:
    """A fault is logged, and what was done is undone; only a lost connection goes on."""
    try:
        yield
    except Exception:
        if conn.closed:
            raise
        conn.rollback()
        log.exception("%s failed; it is tried again", name)


def behind(conn: Connection) -> bool:
    """Whether a share of the log that matters waits for the worker, or for the lake."""
    waiting, _seconds = interactions.depth(conn)
    row = conn.execute(_BEHIND).fetchone()
    conn.commit()
    assert row is not None
    unexported, logged = row
    return bool(waiting + unexported > BEHIND_SHARE * logged)


_BEHIND = """
SELECT (SELECT coalesce(sum(messages), 0)::bigint FROM flow_batches WHERE exported IS NULL),
       (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'interactions'::regclass)
"""
