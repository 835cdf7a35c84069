"""A source, and a way to say something as a client would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from touchloop.core import clock, db
from touchloop.flow import worker
from touchloop.interactions import api as interactions

Say = Callable[..., None]
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """The product's clock, held still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def held_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    still = Clock(NOON)
    monkeypatch.setattr(clock, "now", still)
    return still


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def source(transactional_db: None) -> interactions.Source:
    from touchloop.interactions.models import Source

    Source.objects.get_or_create(
        slug="touchloop",
        defaults={
            "name": "Touchloop",
            "kind": "system",
            "channel": "system",
            "category": "inferred",
            "write_key": "own",
            "trusted": True,
        },
    )
    return interactions.create("Shop", kind="server", slug="shop")


@pytest.fixture
def say(conn: db.Connection, source: interactions.Source) -> Say:
    """Put one message into the inbox; keyword arguments are its fields."""
    count = 0

    def put(type: str = "track", *, work: bool = False, of: Any = None, **fields: Any) -> None:
        nonlocal count
        count += 1
        body = {"type": type, "messageId": f"m{count}", **fields}
        record = interactions.Record(
            (of or source).id,
            clock.micros(clock.now()),
            type,
            None,
            False,
            json.dumps(body).encode(),
            [""],
            1,
            "segment",
        )
        interactions.put(conn, [record])
        conn.commit()
        if work:
            worker.drain()

    return put
