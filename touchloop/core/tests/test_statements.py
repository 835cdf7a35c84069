"""Statements by libpq itself: the same transactions and errors as psycopg's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest

from touchloop.core import db
from touchloop.core.statements import Statement

pytestmark = pytest.mark.django_db(transaction=True)
SAID = Statement("test_said", "SELECT %(n)s::int + %(n)s::int, %(text)s::text, NULL, 7 %% 4")
KEPT = Statement("test_kept", "INSERT INTO test_kept VALUES (%(n)s::int)")


@pytest.fixture(params=[True, False], ids=["alone", "in a transaction"])
def conn(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[db.Connection]:
    with db.connect(autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE test_kept (n int PRIMARY KEY)")
        connection.autocommit = request.param
        yield connection
        if not connection.broken:
            connection.rollback()


def test_values_go_as_text_and_bytes_come_back(conn: db.Connection) -> None:
    for n in (2, 3):
        assert SAID.rows(conn, {"text": "“é”", "n": n}) == [
            (b"%d" % (2 * n), "“é”".encode(), None, b"3")
        ]
    assert KEPT.rows(conn, {"n": 1}) == []


def test_it_commits_by_itself_only_where_the_connection_does(conn: db.Connection) -> None:
    KEPT.rows(conn, {"n": 1})
    conn.rollback()
    with conn.transaction():
        KEPT.rows(conn, {"n": 2})
    with conn.transaction(force_rollback=True):
        KEPT.rows(conn, {"n": 3})
    kept = conn.execute("SELECT n FROM test_kept ORDER BY n").fetchall()
    assert kept == ([(1,), (2,)] if conn.autocommit else [(2,)])


def test_it_goes_on_after_a_rollback(conn: db.Connection) -> None:
    """psycopg then lets go of whatever is prepared on the connection."""
    said = SAID.rows(conn, {"n": 1, "text": ""})
    with conn.transaction(force_rollback=True):
        conn.execute("SELECT %s::int", (1,), prepare=True)
    conn.rollback()
    assert conn.execute("SELECT FROM pg_prepared_statements").fetchall() == []
    assert SAID.rows(conn, {"n": 1, "text": ""}) == said


class _Seen:
    """A connection that is seen through another object, as a page sees Django's."""

    def __init__(self, raw: db.Connection) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def test_whoever_asks_through_the_same_connection_gets_the_same(conn: db.Connection) -> None:
    said = SAID.rows(conn, {"n": 1, "text": ""})
    for _ in range(2):
        assert SAID.rows(cast(db.Connection, _Seen(conn)), {"n": 1, "text": ""}) == said


def test_errors_are_those_of_psycopg(conn: db.Connection) -> None:
    KEPT.rows(conn, {"n": 1})
    with pytest.raises(psycopg.errors.UniqueViolation):
        KEPT.rows(conn, {"n": 1})
    conn.rollback()
    with pytest.raises(psycopg.DataError):
        SAID.rows(conn, {"n": 1, "text": "a\0b"})
    pid = conn.info.backend_pid
    conn.rollback()
    with db.connect(autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(psycopg.OperationalError):
        while True:  # until the end has arrived
            SAID.rows(conn, {"n": 1, "text": ""})
    with pytest.raises(psycopg.OperationalError):
        SAID.rows(conn, {"n": 1, "text": ""})
