"""Customers who can be reached, a channel that keeps a list, a clock, and surveys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from touchloop.channels.tests.conftest import NOON, People, conn, people, post
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.experience.surveys import api
from touchloop.interactions.api import Happened

__all__ = ["NOON", "People", "conn", "people", "post"]

NPS_WORDS = api.Words(
    "How likely is it that you recommend us?", "not at all likely", "extremely likely", "Why?"
)
Make = Callable[..., api.Survey]


class Clock:
    """The product's clock, held still, to be moved on by hand."""

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
def make(conn: Connection, held_clock: Clock, post: object) -> Make:
    """A live survey by post, asked at once; keyword arguments are its fields."""

    def survey(slug: str = "visit", kind: str = "nps", **fields: Any) -> api.Survey:
        given: dict[str, Any] = {
            "name": "Your visit", "words": NPS_WORDS, "event": "Order Completed", "live": True,
            "delay_minutes": 0.0, "via": ("post",), "template": "survey",
        }  # fmt: skip
        design = api.Design(slug=slug, kind=kind, **(given | fields))
        made = api.create(conn, design, by=1, now=held_clock.at)
        conn.commit()
        return made

    return survey


def order(subject: int, number: int, *, at: datetime = NOON, **fields: Any) -> Happened:
    """An order of a customer at store 330."""
    given: dict[str, Any] = {
        "interaction_id": number, "subject_id": subject, "customer_id": subject, "type": "track",
        "name": "Order Completed", "properties": {}, "channel": "store", "location": "330",
        "stage": "ordering", "occurred_at": at, "source_kind": "till", "source_slug": "till",
    }  # fmt: skip
    return Happened(**(given | fields))


def token_of(post: Any) -> str:
    """The token in the last message that was taken over, or is waiting."""
    return str(post.taken[-1].delivery.data["link"]).rsplit("/", 1)[1]


def waiting_tokens(conn: Connection) -> dict[int, str]:
    """The token of each subject's invitation, as the message that waits carries it."""
    rows = conn.execute("SELECT subject_id, data->>'link' FROM deliveries ORDER BY id").fetchall()
    return {subject: link.rsplit("/", 1)[1] for subject, link in rows}


def stored(conn: Connection) -> dict[int, tuple[str, str]]:
    """State and reason of the last invitation of each subject."""
    rows = conn.execute("SELECT subject_id, state, reason FROM invitations ORDER BY id").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}
