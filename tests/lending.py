"""Connections to the test database are lent: a server process outlives the test that asked for it.

A new one costs ten milliseconds until it knows the tables, and a test asks for dozens. Who closes
a connection gives it back as new (rolled back, then DISCARD ALL: locks, settings, temporary tables
and prepared statements are gone); who opens the next one gets the same process.
"""

from __future__ import annotations

import os
import select
import threading
from collections import defaultdict
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

MOST = 30  # of the sixty that the server takes
_SPENT = pq.PGconn.connect(b"host=/dev/null")
_SPENT.finish()
_idle: defaultdict[str, list[pq.abc.PGconn]] = defaultdict(list)
_lock = threading.Lock()
os.register_at_fork(after_in_child=_idle.clear)  # they belong to the parent


class Lent(psycopg.Connection[Any]):
    """A connection whose server process goes back when it is closed."""

    key: str | None = None

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Any:
        ours = _lendable(conninfo)
        found = _take(conninfo) if ours else None
        made = cls(found) if found else (yield from super()._connect_gen(conninfo))
        made.key = conninfo if ours else None
        return made

    def close(self) -> None:
        few = sum(map(len, _idle.values())) < MOST
        if few and self.key and not self.closed and _as_new(self.pgconn):
            with _lock:
                _idle[self.key].append(self.pgconn)
            self._closed, self.pgconn = True, _SPENT
        super().close()


def lend() -> None:
    """From now on, whoever connects to a test database is lent a connection."""
    psycopg.connect = Lent.connect


def end() -> None:
    """End the processes that wait for somebody: a database that is used cannot be dropped."""
    with _lock:
        for pgconn in [each for kept in _idle.values() for each in kept]:
            pgconn.finish()
        _idle.clear()


def _lendable(conninfo: str) -> bool:
    """Those of the door are counted and killed by their name."""
    said = conninfo_to_dict(conninfo)
    door = said.get("application_name") == "touchloop collect"
    return str(said.get("dbname")).startswith("test_") and not door


def _take(key: str) -> pq.abc.PGconn | None:
    with _lock:
        while _idle[key]:
            found = _idle[key].pop()
            waiting = select.poll()
            waiting.register(found.socket, select.POLLIN)
            if not waiting.poll(0):  # else it is the server's word that the process has ended
                return found
    return None


def _as_new(pgconn: pq.abc.PGconn) -> bool:
    if pgconn.transaction_status not in _AT_REST:
        return False
    undone = pgconn.transaction_status == pq.TransactionStatus.IDLE or _done(pgconn, b"ROLLBACK")
    return undone and _done(pgconn, b"DISCARD ALL")


def _done(pgconn: pq.abc.PGconn, command: bytes) -> bool:
    return pgconn.exec_(command).status == pq.ExecStatus.COMMAND_OK


_AT_REST = (
    pq.TransactionStatus.IDLE,
    pq.TransactionStatus.INTRANS,
    pq.TransactionStatus.INERROR,
)
