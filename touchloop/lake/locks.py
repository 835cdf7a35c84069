"""Who may change the lake: one exporter at a time, one rewriter at a time, in all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from touchloop.core import locks

EXPORT, REWRITE = locks.LAKE_EXPORT, locks.LAKE_REWRITE


@contextmanager
def held(conn: psycopg.Connection[Any], key: int, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock of the session of `conn`; gives whether it was got. Ends with the process."""
    if wait:
        conn.execute("select pg_advisory_lock(%s)", [key])
        got = True
    else:
        row = conn.execute("select pg_try_advisory_lock(%s)", [key]).fetchone()
        got = bool(row and row[0])
    conn.commit()
    try:
        yield got
    finally:
        if got and not conn.closed:
            conn.rollback()
            conn.execute("select pg_advisory_unlock(%s)", [key])
            conn.commit()
