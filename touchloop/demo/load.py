"""Load the retailer's year: through the inbox, by the workers that run anyway."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from touchloop.core import db
from touchloop.core.errors import Unavailable
from touchloop.demo import contacts, examples, loop, year
from touchloop.demo.year import Counts
from touchloop.interactions.api import Record, depth, put

RECORDS_OF_A_COMMIT = 10
WAITING_AT_MOST = 60_000  # messages in the inbox: the year need not lie on the disk twice
PATIENCE = 120.0  # seconds without any progress before saying so
PAUSE = 0.2

Progress = Callable[[int, int], None]  # messages done, messages in all
Tick = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the retailer's files hold, what is stored, and how long it took."""

    source: Counts
    stored: Counts
    seconds: float

    @property
    def complete(self) -> bool:
        return self.source == self.stored


def load(progress: Progress | None = None, *, tick: Tick | None = None) -> Loaded:
    """Send the year and wait until the workers have stored all of it.

    A year that is there already is not sent again; one that was interrupted is sent anew, and what
    was stored before counts as duplicates. `tick` is called while waiting: a caller without workers
    of its own may do their work in it. Raises Unavailable when nobody takes the messages.
    """
    started = time.perf_counter()
    source = year.source_counts()
    senders = year.sources()
    with db.connect(application="touchloop demo") as conn:
        stored = year.stored_counts(conn)
        conn.rollback()
        if stored != source:
            watch = _Watch(conn, progress or _silent, tick, year.message_count())
            days = year.shift_days(senders.till.created_at)
            for part in _parts(year.records(senders, days=days)):
                watch.put(part)
            watch.wait(until=0)
            stored = year.stored_counts(conn)
            contacts.send(conn)
            _Watch(conn, _silent, tick, 0).wait(until=0)
        examples.install()
        loop.install()
        _Watch(conn, _silent, tick, 0).wait(until=0)
    return Loaded(source, stored, time.perf_counter() - started)


class _Watch:
    """Puts messages in, no faster than they are taken, and reports how far it is."""

    def __init__(
        self, conn: db.Connection, progress: Progress, tick: Tick | None, total: int
    ) -> None:
        self.conn = conn
        self.progress = progress
        self.tick = tick
        self.total = total
        self.sent = 0

    def put(self, records: list[Record]) -> None:
        self.sent += put(self.conn, records)
        self.conn.commit()
        self.wait(until=WAITING_AT_MOST)

    def wait(self, *, until: int) -> None:
        """Until no more than so many messages wait."""
        best, seen = self._waiting(), time.monotonic()
        while best > until:
            self.tick() if self.tick else time.sleep(PAUSE)
            waiting = self._waiting()
            if waiting < best:
                best, seen = waiting, time.monotonic()
            elif time.monotonic() - seen > PATIENCE:
                raise Unavailable("no worker takes messages from the inbox: run `touchloop work`")

    def _waiting(self) -> int:
        waiting, _ = depth(self.conn)
        self.conn.rollback()
        self.progress(max(0, min(self.sent - waiting, self.total)), self.total)
        return waiting


def _parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    left = iter(records)
    while part := list(islice(left, RECORDS_OF_A_COMMIT)):
        yield part


def _silent(done: int, total: int) -> None:
    """Nobody watches."""
