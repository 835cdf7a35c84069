"""Raw connections to PostgreSQL for the set-based parts; Django's ORM has its own."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from touchloop.core import settings

Connection = psycopg.Connection[tuple[Any, ...]]


def url() -> str:
    """The database that Django uses too (in tests: the test database)."""
    override = os.environ.get("TOUCHLOOP_TEST_DATABASE_URL")
    return override or settings.database_url()


def connect(*, autocommit: bool = False, application: str = "touchloop") -> Connection:
    """A new connection in UTC. Raises psycopg.OperationalError when the server is away."""
    return psycopg.connect(
        url(), autocommit=autocommit, application_name=application, options="-c timezone=UTC"
    )


def pool(*, size: int = 4, application: str = "touchloop") -> ConnectionPool[Connection]:
    """A new pool of up to `size` connections, made as they are needed; the caller closes it."""
    return ConnectionPool(
        url(),
        min_size=0,
        max_size=size,
        kwargs={"application_name": application, "options": "-c timezone=UTC"},
        check=ConnectionPool.check_connection,
        open=True,
    )
