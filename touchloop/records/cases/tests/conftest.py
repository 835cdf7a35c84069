"""A connection, a clock that stands, and customers by name."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from touchloop.core.db import Connection
from touchloop.flow.tests.conftest import conn, held_clock, say, source
from touchloop.identity.api import Claim, resolve

__all__ = ["conn", "held_clock", "say", "source"]

Named = Callable[..., int]


@pytest.fixture
def named(conn: Connection, held_clock: Callable[[], object]) -> Named:
    """The subject of a name; several names declare one customer."""

    def subject(*names: str) -> int:
        from touchloop.core import clock

        ids = tuple(("user_id", name) for name in names)
        claim = Claim(ids[:1], False, None, 1, uuid4(), clock.now())
        found = resolve(conn, [claim]).subjects[0]
        conn.commit()
        return found

    return subject
