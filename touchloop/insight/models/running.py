"""What a training or scoring is given, and how it is watched: progress, cancel, stop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.core.errors import TouchloopError
from touchloop.insight.models import consenting, simulating
from touchloop.insight.models.seam import Run
from touchloop.insight.segments import api as segments
from touchloop.lake.api import Engine

WRITE_SECONDS = 0.3  # progress is not written more often
LOOK_SECONDS = 1.0  # between two looks whether somebody cancelled

Progress = Callable[[str, float], None]


class Cancelled(TouchloopError):
    """Somebody cancelled the run."""


class Stopped(TouchloopError):
    """The process is to end; the run is taken up again by the next one."""


@contextlib.contextmanager
def open_run(
    conn: Connection,
    purpose: str = "profile",
    *,
    now: datetime | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    categories: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    simulated: bool = False,
    optional: Sequence[str] = (),
) -> Iterator[Run]:
    """A run over everybody who allows the purpose.

    Its engine has the relations `interactions`, `lines`, `customers`, `members`, `scores` and
    `people` (customer_id), which every query about persons joins; `described` are those of them who
    allow the optional categories too. What was simulated is in none of
    them, unless `simulated`. The engine is closed with it.
    """
    allowed = consenting.people(conn, purpose, categories)
    with segments.engine(conn) as engine:
        engine.bind("people", allowed)
        engine.bind("described", consenting.described(conn, purpose, categories, optional))
        if not simulated:
            simulating.leave_out(engine)
        tell = progress or _nothing
        if isinstance(progress, Watch):
            progress.engine = engine
        try:
            yield Run(conn, engine, now or clock.now(), seed, tell, settings or {})
        finally:
            if isinstance(progress, Watch):
                progress.engine = None


@dataclass(slots=True)
class Watch:
    """Writes a run's progress for the console, over a connection of its own, and looks meanwhile
    whether somebody cancelled it or the process is to stop: then the query that runs is
    interrupted, and the next word about progress raises.
    """

    run_id: int
    stop: Callable[[], bool]
    engine: Engine | None = None
    cancelled: bool = False
    _told: tuple[str, float] = ("", 0.0)
    _written: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: threading.Event = field(default_factory=threading.Event)

    def __call__(self, step: str, share: float) -> None:
        self.check()
        before, self._told = self._told, (step[:200], min(max(share, 0.0), 1.0))
        if step != before[0] or time.monotonic() - self._written >= WRITE_SECONDS:
            self._look()
            self.check()

    def check(self) -> None:
        """Raises Cancelled or Stopped when it is to end."""
        if self.cancelled:
            raise Cancelled("cancelled")
        if self.stop():
            raise Stopped("stopped with the process")

    @contextlib.contextmanager
    def attended(self) -> Iterator[Watch]:
        """Look now and then until the block ends."""
        thread = threading.Thread(target=self._attend, name="model run", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._done.set()
            thread.join()

    def _attend(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            with contextlib.suppress(Exception):  # the database was away: the next look tells
                self._look()
            if (self.cancelled or self.stop()) and self.engine is not None:
                self.engine.interrupt()

    def _look(self) -> None:
        with self._lock, contextlib.closing(_connection()) as conn:
            row = conn.execute(
                "UPDATE model_runs SET step = %s, share = %s WHERE id = %s"
                " RETURNING cancel_asked_at IS NOT NULL",
                (*self._told, self.run_id),
            ).fetchone()
            self._written = time.monotonic()
            self.cancelled = self.cancelled or bool(row and row[0])


def _connection() -> Connection:
    return db.connect(autocommit=True, application="touchloop learn progress")


def _nothing(step: str, share: float) -> None:
    """For callers who do not watch."""
