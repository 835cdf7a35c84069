"""Customers by name, things that happen to them, and a channel that keeps what it is given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from touchloop.channels import api as channels
from touchloop.channels.api import Channel, Delivery, Rendered, Sent
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.triggers import api as triggers
from touchloop.flow.tests.conftest import conn, held_clock, say, source
from touchloop.identity.api import customers_of
from touchloop.interactions.api import Happened
from touchloop.records.cases.tests.conftest import Named, named

__all__ = ["conn", "held_clock", "named", "say", "source"]

Happen = Callable[..., Happened]
Make = Callable[..., triggers.Trigger]
_numbers = itertools.count(1_000)


@pytest.fixture
def happen(conn: Connection, source: object) -> Happen:
    """Something that happened to a subject now, or at `at`."""

    def made(
        subject: int, name: str, *, at: datetime | None = None, type: str = "track",
        slug: str = "shop", **properties: Any
    ) -> Happened:  # fmt: skip
        customer = customers_of(conn, [subject])[subject]
        return Happened(
            next(_numbers), subject, customer, type, name, properties, "web", "", "",
            at or clock.now(), "server", slug,
        )  # fmt: skip

    return made


@pytest.fixture
def entered(conn: Connection, happen: Happen) -> Happen:
    """A subject's customer enters a segment; with `leaves=True` leaves it."""

    def moved(subject: int, segment: int, *, leaves: bool = False) -> Happened:
        customer = customers_of(conn, [subject])[subject]
        if leaves:
            conn.execute("DELETE FROM segment_members WHERE customer_id = %s", (customer,))
        else:
            conn.execute(
                "INSERT INTO segment_members (customer_id, segment_id, since) VALUES (%s, %s, %s)",
                (customer, segment, clock.now()),
            )
        name = "Segment Left" if leaves else "Segment Entered"
        return happen(customer, name, type="system", slug="touchloop", segment_id=segment)

    return moved


@pytest.fixture
def make(conn: Connection, held_clock: object) -> Make:
    """A live trigger; keyword arguments are its definition."""

    def made(name: str = "Trial", **definition: Any) -> triggers.Trigger:
        found = triggers.create(
            conn, name=name, definition=definition, now=clock.now(), state="live", seed="seed"
        )
        conn.commit()
        return found

    return made


class Postbox:
    """Keeps what was handed over: the list that a keyed server would keep."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []

    def send(self, message: Rendered, now: datetime) -> Sent:
        self.taken.append(message.delivery)
        return Sent(message.delivery.id, "handed")


@pytest.fixture
def postbox(source: object) -> Iterator[Postbox]:
    """A channel named letter, which needs no address."""
    box = Postbox()
    channels.register(
        Channel(
            "letter",
            "Letter",
            render=lambda conn, deliveries, now: [Rendered(each, None) for each in deliveries],
            send=box.send,
        )
    )
    yield box
    channels.unregister("letter")


__all__ += ["Named"]
