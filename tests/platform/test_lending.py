"""A lent connection is as good as new, and a closed one is closed."""

from __future__ import annotations

import psycopg
import pytest

from touchloop.core import db

STATE = (
    "SELECT pg_backend_pid(), current_setting('work_mem'), current_setting('TimeZone'),"
    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
    " to_regclass('pg_temp.left_over')"
)


@pytest.mark.django_db(transaction=True)
def test_the_next_one_gets_the_same_process_as_new() -> None:
    first = db.connect(application="touchloop lending")
    before = first.execute(STATE).fetchone()
    first.execute("SET work_mem = '7MB'; SET TimeZone = 'Asia/Tokyo'")
    first.execute("CREATE TEMP TABLE left_over (n int)")
    first.execute("SELECT pg_advisory_lock(1)")
    first.commit()
    first.close()
    assert first.closed and not first.broken
    with pytest.raises(psycopg.OperationalError):
        first.execute("SELECT 1")
    with db.connect(application="touchloop lending") as second:
        assert second.execute(STATE).fetchone() == before


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ended_meanwhile_is_not_lent() -> None:
    with db.connect(application="touchloop lending") as gone:
        (pid,) = gone.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    with db.connect(autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with db.connect(application="touchloop lending") as fresh:
        assert fresh.execute("SELECT pg_backend_pid()").fetchone() != (pid,)
