"""Visitors of a web shop, through the real flow: who puts things into the cart often buys."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from touchloop.core import db
from touchloop.flow import exporting, worker
from touchloop.flow.tests.conftest import NOON, Clock, conn, held_clock, say, source
from touchloop.insight.models import api as models
from touchloop.insight.scores import api as scores
from touchloop.interactions import api as interactions

__all__ = ["Clock", "conn", "held_clock", "say", "source"]

VISITORS = 40
PURPOSES = ["service", "measure", "improve", "personalise", "profile"]
Walk = Callable[..., None]


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))


@pytest.fixture
def shop(source: interactions.Source) -> interactions.Source:
    return interactions.create("Web shop", kind="web", slug="web-shop")


@pytest.fixture
def walk(say: Any, shop: interactions.Source) -> Walk:
    """Take steps: words are pages, "+" puts a product into the cart, "!" orders."""

    def go(user: str, at: datetime, steps: str, *, pause: int = 20) -> None:
        for number, step in enumerate(steps.split()):
            stamp = (at + timedelta(seconds=number * pause)).isoformat()
            if step == "+":
                say(event="Product Added", userId=user, timestamp=stamp, of=shop)
            elif step == "!":
                say(
                    event="Order Completed", userId=user, timestamp=stamp, of=shop,
                    properties={"total": 20},
                )  # fmt: skip
            else:
                say("page", name=step, userId=user, timestamp=stamp, of=shop)

    return go


@pytest.fixture
def consent(say: Any, source: interactions.Source) -> Callable[..., None]:
    crm = interactions.create("CRM", kind="server", slug="crm", trusted=True)

    def give(user: str, *, purposes: list[str] = PURPOSES, at: datetime = NOON) -> None:
        say(
            event="Consent Given", userId=user, of=crm, timestamp=at.isoformat(),
            properties={"purposes": purposes, "basis": "form", "notice_version": "1"},
        )  # fmt: skip

    return give


@pytest.fixture
def refuse(say: Any, shop: interactions.Source) -> Callable[[str], None]:
    def withdraw(user: str) -> None:
        say(
            event="Consent Withdrawn", userId=user, of=shop, timestamp=NOON.isoformat(),
            properties={"purposes": ["profile"], "objection": True},
        )  # fmt: skip

    return withdraw


@pytest.fixture
def learned(
    conn: db.Connection, walk: Walk, consent: Callable[..., None], held_clock: Clock
) -> models.VersionInfo:
    """A model in use, from some weeks of visits."""
    chance = random.Random(5)
    for visitor in range(VISITORS):
        user = f"v{visitor}"
        consent(user, at=NOON - timedelta(days=41))
        for week in range(5):
            at = NOON - timedelta(days=40 - 8 * week, minutes=chance.randrange(600))
            eager = chance.random() < 0.5
            steps = "Home Product Product + Cart" if eager else "Home Search Product Home"
            buys = chance.random() < (0.8 if eager else 0.05)
            walk(user, at, steps + (" !" if buys else ""))
    worker.drain()
    exporting.export_all(conn)
    found = models.train(conn, scores.INTENT, now=held_clock.at, seed=1)
    conn.commit()
    assert found is not None and found.state == "in_use", found
    return found
