"""Statements that are asked so often that the adapter's share of each call counts.

psycopg's `execute` costs 60 to 130 µs of this process (it adapts every value, makes a cursor, looks
for loaders); libpq itself costs 10, and a lone decision has three of them. A `Statement` gives its
values as text, and gets bytes: whoever asks knows what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from weakref import WeakSet

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from touchloop.core.db import Connection

Row = tuple[bytes | None, ...]
_DONE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Statement:
    """SQL with `%(name)s` for its values, prepared on each connection when it first runs there.

    `name` is its own among the statements of a connection. PostgreSQL must be able to tell the type
    of each value from the SQL (`%(ids)s::bigint[]`).
    """

    def __init__(self, name: str, sql: str) -> None:
        self._name = name.encode()
        self._places: dict[str, int] = {}
        self._sql = re.sub(r"%\((\w+)\)s", self._place, sql).replace("%%", "%").encode()
        self._prepared: WeakSet[Connection] = WeakSet()

    def rows(self, conn: Connection, values: Mapping[str, str | int]) -> list[Row]:
        """Run it, in the transaction that psycopg would run it in; errors are psycopg's."""
        link = conn.pgconn
        if not conn.autocommit and link.transaction_status == TransactionStatus.IDLE:
            conn.execute("SELECT")  # begins
        if conn not in self._prepared:
            _done(conn, link.prepare(self._name, self._sql))
            self._prepared.add(conn)
        found = link.exec_prepared(self._name, [_told(values[name]) for name in self._places])
        _done(conn, found)
        columns, value = range(found.nfields), found.get_value
        return [tuple([value(row, each) for each in columns]) for row in range(found.ntuples)]

    def _place(self, found: re.Match[str]) -> str:
        return f"${self._places.setdefault(found[1], len(self._places) + 1)}"


def _told(value: str | int) -> bytes:
    told = str(value).encode()
    if b"\0" in told:  # libpq would end the value there
        raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return told


def _done(conn: Connection, result: PGresult) -> None:
    if result.status in _DONE:
        return
    error = psycopg.errors.error_from_result(result)
    if conn.broken:  # libpq says it in words only
        raise psycopg.OperationalError(str(error))
    raise error
