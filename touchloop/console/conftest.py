"""For the tests of every room: people who are signed in, and customers who came by the flow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from touchloop.console.tests.conftest import admin, built, sign_in
from touchloop.core import clock, db, ids
from touchloop.flow import api as flow
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Source

__all__ = ["admin", "built", "sign_in"]

Send = Callable[..., None]
CustomerOf = Callable[[str], int]


@pytest.fixture
def shop(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Its own lake too: the tables are emptied after each test, and the lake would remember."""
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))
    interactions.ensure(
        "touchloop", name="Touchloop", kind="system", trusted=True, channel="system",
        category="inferred",
    )  # fmt: skip
    return interactions.create("Shop", kind="server", trusted=True, channel="web")


@pytest.fixture
def send(shop: Source) -> Send:
    """Messages as a shop sends them, taken through the whole flow."""

    def sent(*messages: dict[str, Any]) -> None:
        now = clock.now()
        batch = [
            {"messageId": str(ids.uuid7()), "timestamp": now.isoformat(), **message}
            for message in messages
        ]
        body = json.dumps({"batch": batch}).encode()
        record = interactions.Record(
            shop.id, clock.micros(now), None, None, False, body, [], len(batch), "segment"
        )
        with db.connect() as conn:
            interactions.put(conn, [record])
            conn.commit()
        flow.drain()

    return sent


def order(user: str, total: float = 20.0, *, days: float = 0, store: str = "") -> dict[str, Any]:
    """An order with two products."""
    place = {"context": {"touchpoint": {"channel": "store", "location": store}}} if store else {}
    return {
        "type": "track", "event": "Order Completed", "userId": user,
        "timestamp": (clock.now() - timedelta(days=days)).isoformat(),
        "properties": {
            "total": total,
            "products": [
                {"product_id": "p1", "name": "Blue cheese", "department": "DELI", "price": 12,
                 "quantity": 1},
                {"product_id": "p2", "name": "Bread", "department": "BAKERY", "price": 4,
                 "quantity": 2},
            ],
        },
        **place,
    }  # fmt: skip


def told(user: str, **traits: Any) -> dict[str, Any]:
    """What a customer is known as."""
    return {"type": "identify", "userId": user, "traits": traits}


@pytest.fixture
def customer_of(transactional_db: None) -> CustomerOf:
    """The customer behind a user id."""

    def found(user: str) -> int:
        with db.connect(autocommit=True) as conn:
            row = conn.execute(
                "SELECT customer_id FROM identifiers WHERE namespace = 'user_id' AND value = %s",
                (user,),
            ).fetchone()
        assert row is not None
        return int(row[0])

    return found
