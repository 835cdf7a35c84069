"""A worker: takes micro-batches from the inbox and walks them through the steps, for ever.

Guarantees: a block is deleted in the transaction that stores its messages; a fault outside of the
messages (the database is away, two workers met) costs nothing but time; a message that cannot be
processed is found by halving its block and becomes a dead letter after ATTEMPTS tries, while
everything else goes on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from touchloop.core import clock, db
from touchloop.core.processes import collect_rarely, take_short_turns
from touchloop.flow import cycle, duties
from touchloop.flow.batch import Batch
from touchloop.flow.histories import Histories
from touchloop.flow.replaying import Replayed, stretches
from touchloop.interactions.api import Catalogue

MESSAGES = 64_000  # of a micro-batch at most: the busier, the more a batch shares
VISITS = 500_000  # remembered at most, some 60 MB
LAST = (1 << 63) - 1  # row of the log that there can be
WAIT = 0.25  # seconds without a word from the door before looking again

log = logging.getLogger("touchloop.flow")


@dataclass(slots=True)
class Worker:
    """Connections and memory of one worker."""

    pulse: duties.Pulse
    conn: db.Connection
    side: db.Connection
    bell: db.Connection  # hears NOTIFY inbox
    catalogue: Catalogue = field(default_factory=Catalogue)
    visits: set[tuple[int, int]] = field(default_factory=set)
    histories: Histories = field(default_factory=Histories)

    @property
    def name(self) -> str:
        return self.pulse.name

    def know(self, batch: Batch) -> None:
        """Remember what is committed, so that a regular costs no look-up."""
        if len(self.visits) + len(batch.visits) > VISITS:
            self.visits.clear()
        self.visits |= batch.visits
        self.histories.keep(batch.histories, batch.stands)


def run(*, stop: Callable[[], bool], name: str | None = None, messages: int = MESSAGES) -> None:
    """Work until `stop()` says so. Reconnects when the database was away."""
    pulse = duties.Pulse(name or f"{socket.gethostname()}:{os.getpid()}")
    patience = 0.1
    take_short_turns()
    with duties.attended(pulse):
        while not stop():
            try:
                with contextlib.closing(_Connections(pulse)) as connections:
                    patience = 0.1
                    _work(connections.worker, stop, messages)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("the database is away (%s); trying again", str(error).strip()[:200])
                time.sleep(patience)
                patience = min(patience * 2, 5.0)


def drain(*, messages: int = MESSAGES, deadline: float = 600.0) -> int:
    """Work until inbox and due refreshes are empty; returns the messages processed."""
    end = time.monotonic() + deadline
    with contextlib.closing(_Connections(duties.Pulse("drain"))) as connections:
        worker = connections.worker
        while time.monotonic() < end:
            if not cycle.take(worker, messages=messages) and not cycle.wake(worker):
                duties.fold_figures(worker.side)
                return worker.pulse.processed
    raise TimeoutError("the inbox did not empty in time")


def replay(
    *, first: int = 0, last: int = LAST, told: Callable[[Replayed, int], None] = lambda *_: None
) -> Replayed:
    """Take the rows of the log from `first` to `last` through the steps once more.

    Each batch of rows is committed by itself, and `told` hears what is done and how many rows there
    are; other workers may go on meanwhile.
    """
    done = Replayed()
    with contextlib.closing(_Connections(duties.Pulse("replay"))) as connections:
        worker = connections.worker
        todo = stretches(worker.side, first, last)
        total = sum(stretch.rows for stretch in todo)
        for stretch in todo:
            done = done.plus(cycle.again(worker, stretch))
            told(done, total)
    return done


def _work(worker: Worker, stop: Callable[[], bool], messages: int) -> None:
    while not stop():
        took = cycle.take(worker, messages=messages)
        worker.pulse.busy = cycle.wake(worker) + took > 0
        if not worker.pulse.busy:
            _listen(worker)


def _listen(worker: Worker) -> None:
    for _ in worker.bell.notifies(timeout=WAIT, stop_after=1):
        break


class _Connections:
    def __init__(self, pulse: duties.Pulse) -> None:
        self.worker = Worker(
            pulse=pulse,
            conn=db.connect(application="touchloop work"),
            side=db.connect(application="touchloop work side"),
            bell=db.connect(application="touchloop work bell", autocommit=True),
        )
        self.worker.bell.execute("LISTEN inbox")
        collect_rarely()
        log.info("worker %s started at %s", pulse.name, clock.now())

    def close(self) -> None:
        for connection in (self.worker.conn, self.worker.side, self.worker.bell):
            with contextlib.suppress(Exception):
                connection.close()
