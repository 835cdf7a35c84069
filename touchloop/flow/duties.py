"""What a worker does besides its batches, each at its own pace: figures, lake, heartbeat.

It happens beside the batches, in a thread with a connection of its own: while the lake is written,
an order still reaches its segments at once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg

from touchloop.core import clock, db, locks
from touchloop.core.db import Connection
from touchloop.flow import attending, exporting, scoring, trying
from touchloop.insight.scores import api as scores
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

KEEP_BATCHES = timedelta(days=7)
LOOK_SECONDS = 0.1
AT_ONCE = 20_000  # messages after which a worker that comes to rest brings the lake up first of all
WORTH_ANOTHER = 2_000  # rows that came while the lake was written
# A worker that says nothing for so long is not counted on. One that merges files of the lake is
# silent meanwhile; and the lanes of a dead one are taken by whoever has nothing else to do.
SILENT = timedelta(seconds=60)

log = logging.getLogger("touchloop.flow")


@dataclass(slots=True)
class Pulse:
    """What the batches of a worker tell its duties, and what outlives its connections."""

    name: str
    processed: int = 0
    exported: int = 0  # how many were processed when the lake was last seen to
    busy: bool = False
    owed: list[int] = field(default_factory=list)  # blocks with an attempt to be taken back
    place: tuple[int, int] = (0, 1)  # among the workers alive, from 0, and how many they are


@contextlib.contextmanager
def attended(pulse: Pulse) -> Iterator[None]:
    """See to the duties of a worker until the block ends; what is begun is finished."""
    done = threading.Event()
    thread = threading.Thread(target=_attend, args=(pulse, done), name="duties", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def fold_figures(conn: Connection, pulse: Pulse | None = None) -> None:
    """Add finished batches up into the ledger and the catalogue."""
    while interactions.fold(conn, now=clock.now()):
        pass


def export(conn: Connection, pulse: Pulse) -> None:
    """Write finished batches to the lake; at rest also those that came while it was written."""
    pulse.exported = pulse.processed
    while exporting.export_finished(conn) and not pulse.busy:
        if exporting.rows_waiting(conn) < WORTH_ANOTHER:
            break


def compact(conn: Connection, pulse: Pulse) -> None:
    """Merge the small files of the lake."""
    exporting.compact(conn)


def score(conn: Connection, pulse: Pulse) -> None:
    """Compute the scores anew, one worker at a time."""
    locked = conn.execute("SELECT pg_try_advisory_lock(%s, %s)", locks.SCORES).fetchone()
    conn.commit()
    if locked and locked[0]:
        try:
            scoring.refresh_scores(conn)
        finally:
            conn.execute("SELECT pg_advisory_unlock(%s, %s)", locks.SCORES)
            conn.commit()


def expire_intents(conn: Connection, pulse: Pulse) -> None:
    """Take back what was said of visits that are over."""
    scores.expire_intents(conn, clock.now())
    conn.commit()


def count_members(conn: Connection, pulse: Pulse) -> None:
    """Note the sizes of the segments, for lists."""
    segments.recount(conn, clock.now())
    conn.commit()


def attend_segments(conn: Connection, pulse: Pulse) -> None:
    """Refresh, export and compare segments as it was planned or asked."""
    attending.attend_segments(conn)


def thin_sizes(conn: Connection, pulse: Pulse) -> None:
    """Of the sizes of segments on days long past keep one."""
    segments.thin_sizes(conn, clock.now())
    conn.commit()


def collect_trials(conn: Connection, pulse: Pulse) -> None:
    """Hand the holdouts that are over to uplift."""
    trying.collect_trials(conn)


def beat(conn: Connection, pulse: Pulse) -> None:
    """Say that this worker lives; forget workers that have been silent for an hour."""
    now = clock.now()
    conn.execute(_BEAT, {"worker": pulse.name, "now": now, "n": pulse.processed})
    conn.execute("DELETE FROM heartbeats WHERE seen_at < %s", (now - timedelta(hours=1),))
    conn.commit()


def leave(conn: Connection, pulse: Pulse) -> None:
    """Say that this worker is gone, so that nobody leaves lanes to it."""
    conn.execute("DELETE FROM heartbeats WHERE worker = %s", (pulse.name,))
    conn.commit()


def find_place(conn: Connection, pulse: Pulse) -> None:
    """Note the worker's place among those alive: it takes the blocks of its own lanes first."""
    rows = conn.execute(
        "SELECT worker FROM heartbeats WHERE seen_at > %s ORDER BY worker", (clock.now() - SILENT,)
    ).fetchall()
    conn.commit()
    alive = [row[0] for row in rows]
    pulse.place = (alive.index(pulse.name), len(alive)) if pulse.name in alive else (0, 1)


def tidy(conn: Connection, pulse: Pulse) -> None:
    """Drop the rows of batches that are folded, exported and a week old."""
    conn.execute(
        "DELETE FROM flow_batches WHERE folded AND exported IS NOT NULL AND started_at < %s",
        (clock.now() - KEEP_BATCHES,),
    )
    conn.commit()


@dataclass(slots=True)
class Timetable:
    """When each duty was done last."""

    done: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A worker that just started has more urgent things to do than the slow duties.
        self.done = {duty.__name__: time.monotonic() for duty, pace, _ in _PACE if pace >= 60}

    def attend(self, conn: Connection, pulse: Pulse) -> None:
        """Do what is due. The lake waits for a quiet moment, though not for ever."""
        for duty, pace, patience in _PACE:
            since = time.monotonic() - self.done.get(duty.__name__, 0.0)
            left = duty is export and pulse.processed - pulse.exported >= AT_ONCE
            if since >= (patience if pulse.busy else 0 if left else pace):
                duty(conn, pulse)
                self.done[duty.__name__] = time.monotonic()


# duty, seconds between two turns when idle, and when busy
_PACE: tuple[tuple[Callable[[Connection, Pulse], None], float, float], ...] = (
    (beat, 5.0, 5.0),
    (find_place, 1.0, 1.0),
    (fold_figures, 0.5, 2.0),
    (export, 2.0, 5.0),
    (compact, 60.0, 300.0),
    (count_members, 5.0, 30.0),
    (expire_intents, 30.0, 60.0),
    (attend_segments, 2.0, 30.0),
    (thin_sizes, 3_600.0, 7_200.0),
    (score, 3_600.0, 7_200.0),
    (collect_trials, 600.0, 3_600.0),
    (tidy, 3_600.0, 3_600.0),
)


def _attend(pulse: Pulse, done: threading.Event) -> None:
    timetable = Timetable()
    while not done.is_set():
        try:
            with contextlib.closing(db.connect(application="touchloop work duties")) as conn:
                while not done.wait(LOOK_SECONDS):
                    timetable.attend(conn, pulse)
                leave(conn, pulse)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            done.wait(1.0)  # the database is away; the batches say so
        except Exception:
            log.exception("a duty failed; it is tried again")
            done.wait(5.0)


_BEAT = """
INSERT INTO heartbeats (worker, started_at, seen_at, processed)
VALUES (%(worker)s, %(now)s, %(now)s, %(n)s)
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, processed = excluded.processed
"""
