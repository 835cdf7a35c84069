"""Statements that are asked so often that the adapter's share of each call counts.

psycopg's `execute` costs 60 to 130 µs of this process (it adapts every value, makes a cursor, looks
for loaders); libpq itself costs 10, and a lone decision has three of them. A `Statement` gives its
values as text, and gets bytes: whoever asks knows what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from touchloop.core.db import Connection

Row = tuple[bytes | None, ...]
_DONE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_NOT_PREPARED: Final = b"26000"


class Statement:
    """SQL with `%(name)s` for its values, prepared on each connection when it first runs there.

    `name` is its own among the statements of a connection. PostgreSQL must be able to tell the type
    of each value from the SQL (`%(ids)s::bigint[]`). Within a transaction psycopg runs it.
    """

    def __init__(self, name: str, sql: str) -> None:
        self._name = name.encode()
        self._asked = cast(Any, sql)
        self._places: dict[str, int] = {}
        self._sql = re.sub(r"%\((\w+)\)s", self._place, sql).replace("%%", "%").encode()

    def rows(self, conn: Connection, values: Mapping[str, str | int]) -> list[Row]:
        """Run it, and commit it where the connection commits by itself. Errors are psycopg's."""
        alone = conn.autocommit and conn.pgconn.transaction_status == TransactionStatus.IDLE
        if alone:
            found = self._alone(conn, [_told(values[name]) for name in self._places])
        else:
            found = cast(PGresult, conn.execute(self._asked, values, prepare=True).pgresult)
        columns, value = range(found.nfields), found.get_value
        return [tuple([value(row, each) for each in columns]) for row in range(found.ntuples)]

    def _alone(self, conn: Connection, told: list[bytes]) -> PGresult:
        link = conn.pgconn
        found = link.exec_prepared(self._name, told)
        # The first time; and after a rollback psycopg lets go of all that is prepared.
        if found.error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED:
            _done(conn, link.prepare(self._name, self._sql))
            found = link.exec_prepared(self._name, told)
        return _done(conn, found)

    def _place(self, found: re.Match[str]) -> str:
        return f"${self._places.setdefault(found[1], len(self._places) + 1)}"


def _told(value: str | int) -> bytes:
    told = str(value).encode()
    if b"\0" in told:  # libpq would end the value there
        raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return told


def _done(conn: Connection, result: PGresult) -> PGresult:
    if result.status in _DONE:
        return result
    error = psycopg.errors.error_from_result(result)
    if conn.broken:  # libpq says it in words only
        raise psycopg.OperationalError(str(error))
    raise error
