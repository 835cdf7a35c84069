"""What a worker does besides its batches, each at its own pace: figures, lake, heartbeat."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from touchloop.core import clock
from touchloop.flow import exporting, scoring
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

if TYPE_CHECKING:
    from touchloop.flow.worker import Worker

KEEP_BATCHES = timedelta(days=7)


def fold_figures(worker: Worker) -> None:
    """Add finished batches up into the ledger and the catalogue."""
    while interactions.fold(worker.side, now=clock.now()):
        pass


def export(worker: Worker) -> None:
    """Write finished batches to the lake."""
    exporting.export_finished(worker.side)


def compact(worker: Worker) -> None:
    """Merge the small files of the lake."""
    exporting.compact(worker.side)


def score(worker: Worker) -> None:
    """Compute the scores anew, one worker at a time."""
    locked = worker.side.execute("SELECT pg_try_advisory_lock(7105, 3)").fetchone()
    worker.side.commit()
    if locked and locked[0]:
        try:
            scoring.refresh_scores(worker.side)
        finally:
            worker.side.execute("SELECT pg_advisory_unlock(7105, 3)")
            worker.side.commit()


def count_members(worker: Worker) -> None:
    """Note the sizes of the segments, for lists."""
    segments.recount(worker.side, clock.now())
    worker.side.commit()


def beat(worker: Worker) -> None:
    """Say that this worker lives; forget workers that have been silent for an hour."""
    now = clock.now()
    worker.side.execute(_BEAT, {"worker": worker.name, "now": now, "n": worker.processed})
    worker.side.execute("DELETE FROM heartbeats WHERE seen_at < %s", (now - timedelta(hours=1),))
    worker.side.commit()


def tidy(worker: Worker) -> None:
    """Drop the rows of batches that are folded, exported and a week old."""
    worker.side.execute(
        "DELETE FROM flow_batches WHERE folded AND exported IS NOT NULL AND started_at < %s",
        (clock.now() - KEEP_BATCHES,),
    )
    worker.side.commit()


@dataclass(slots=True)
class Timetable:
    """When each duty was done last."""

    done: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A worker that just started has more urgent things to do than the slow duties.
        self.done = {duty.__name__: time.monotonic() for duty, pace, _ in _PACE if pace >= 60}

    def attend(self, worker: Worker, *, busy: bool) -> None:
        """Do what is due. The lake waits for a quiet moment, though not for ever."""
        for duty, pace, patience in _PACE:
            since = time.monotonic() - self.done.get(duty.__name__, 0.0)
            if since >= (patience if busy else pace):
                duty(worker)
                self.done[duty.__name__] = time.monotonic()


# duty, seconds between two turns when idle, and when busy
_PACE: tuple[tuple[Callable[[Worker], None], float, float], ...] = (
    (beat, 5.0, 5.0),
    (fold_figures, 0.5, 2.0),
    (export, 2.0, 5.0),
    (compact, 60.0, 300.0),
    (count_members, 5.0, 30.0),
    (score, 3_600.0, 7_200.0),
    (tidy, 3_600.0, 3_600.0),
)

_BEAT = """
INSERT INTO heartbeats (worker, started_at, seen_at, processed)
VALUES (%(worker)s, %(now)s, %(now)s, %(n)s)
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, processed = excluded.processed
"""
