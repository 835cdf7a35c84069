"""The desk: requests that wait at the same moment are decided together.

One set of queries and one commit serve all that came while the one before was under way, so that
the door gets faster per request the more it is asked. A request is answered after the commit that
records it.
"""

from __future__ import annotations

import logging
import threading
from asyncio import Future
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from touchloop.api.answering import Work, answered
from touchloop.api.answers import Answer, refuse
from touchloop.core.db import Connection

log = logging.getLogger("touchloop.api")

TOGETHER: Final = 64
WAITING: Final = 2_000
# Whoever asks alone would else pay more for the plan of the facts than for the facts (0.45 of 0.73
# ms): the server guesses too few rows of a plan for all, and plans anew each time.
_OPTIONS: Final = "-c timezone=UTC -c statement_timeout=10s -c plan_cache_mode=force_generic_plan"

Waiter = Future[Answer]
# Called once for all that were answered together: waking the loop costs more than an answer.
Settle = Callable[[list[tuple[Waiter, Answer]]], None]


class Desk:
    """Threads with a connection each; `offer` hands them work and returns at once.

    One thread is best: while it waits for the database, what comes meanwhile gathers.
    """

    def __init__(self, database_url: str, *, settle: Settle, threads: int = 1) -> None:
        self._url = database_url
        self._settle = settle
        self._waiting: deque[tuple[Work, Waiter]] = deque()
        self._came = threading.Condition()
        self._open = True
        self._threads = [
            threading.Thread(target=self._work, name=f"desk {n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Answer what was taken in, then end."""
        with self._came:
            self._open = False
            self._came.notify_all()
        for thread in self._threads:
            thread.join()

    def offer(self, work: Work, waiter: Waiter) -> None:
        """Raises Refused (503) when too much waits already."""
        with self._came:
            if len(self._waiting) >= WAITING or not self._open:
                raise refuse(503, "busy", "too much is waiting; ask again", retry_after=1)
            self._waiting.append((work, waiter))
            self._came.notify()

    def _work(self) -> None:
        conn: Connection | None = None
        while True:
            with self._came:
                while not self._waiting and self._open:
                    self._came.wait()
                if not self._waiting:
                    break
                taken = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            conn = self._serve(conn, taken)
        if conn is not None:
            conn.close()

    def _serve(
        self, conn: Connection | None, taken: Sequence[tuple[Work, Waiter]]
    ) -> Connection | None:
        try:
            conn = conn or self._connect()
            answers = answered(conn, [work for work, _waiter in taken])
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the database is away: %s", str(error).strip())
            _drop(conn)
            conn = None
            away = refuse(503, "database_unavailable", "the database is away", retry_after=1)
            answers = [away.answer] * len(taken)
        except Exception:
            conn = _cleared(conn)
            if len(taken) > 1:  # the others are not to suffer for one
                for one in taken:
                    conn = self._serve(conn, [one])
                return conn
            log.exception("a request failed")
            answers = [refuse(500, "failed", "the door failed; ask again").answer]
        waiters = (waiter for _work, waiter in taken)
        self._settle(list(zip(waiters, answers, strict=True)))
        return conn

    def _connect(self) -> Connection:
        return psycopg.connect(
            self._url, autocommit=True, application_name="touchloop api",
            options=_OPTIONS, connect_timeout=5,
        )  # fmt: skip


def _drop(conn: Connection | None) -> None:
    if conn is not None:
        conn.close()


def _cleared(conn: Connection | None) -> Connection | None:
    """The same connection out of its transaction; None when it is of no more use."""
    if conn is None or conn.broken:
        return None
    conn.rollback()
    return conn
