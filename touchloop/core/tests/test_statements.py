"""Statements by libpq itself: the same transactions and errors as psycopg's own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from touchloop.core import db
from touchloop.core.statements import Statement

pytestmark = pytest.mark.django_db(transaction=True)
SAID = Statement("test_said", "SELECT %(n)s::int + %(n)s::int, %(text)s::text, NULL, 7 %% 4")
KEPT = Statement("test_kept", "INSERT INTO test_kept VALUES (%(n)s::int)")


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as connection:
        connection.execute("CREATE TEMPORARY TABLE test_kept (n int PRIMARY KEY)")
        connection.commit()
        yield connection
        if not connection.broken:
            connection.rollback()


def test_values_go_as_text_and_bytes_come_back(conn: db.Connection) -> None:
    for n in (2, 3):
        assert SAID.rows(conn, {"text": "“é”", "n": n}) == [
            (b"%d" % (2 * n), "“é”".encode(), None, b"3")
        ]
    assert KEPT.rows(conn, {"n": 1}) == []


def test_it_runs_in_the_transaction_of_its_connection(conn: db.Connection) -> None:
    KEPT.rows(conn, {"n": 1})
    conn.rollback()
    KEPT.rows(conn, {"n": 2})
    conn.commit()
    assert conn.execute("SELECT n FROM test_kept").fetchall() == [(2,)]
    conn.rollback()
    conn.autocommit = True
    KEPT.rows(conn, {"n": 3})
    conn.autocommit = False
    conn.rollback()
    assert conn.execute("SELECT n FROM test_kept ORDER BY n").fetchall() == [(2,), (3,)]


def test_errors_are_those_of_psycopg(conn: db.Connection) -> None:
    KEPT.rows(conn, {"n": 1})
    with pytest.raises(psycopg.errors.UniqueViolation):
        KEPT.rows(conn, {"n": 1})
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        KEPT.rows(conn, {"n": 2})
    conn.rollback()
    with pytest.raises(psycopg.DataError):
        SAID.rows(conn, {"n": 1, "text": "a\0b"})
    with db.connect(autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        while True:  # until the end has arrived
            SAID.rows(conn, {"n": 1, "text": ""})
    with pytest.raises(psycopg.OperationalError):
        SAID.rows(conn, {"n": 1, "text": ""})
