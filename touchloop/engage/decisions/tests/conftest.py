"""A small world: customers with traits and memberships, offers at the till."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from touchloop.core import db
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.flow.tests.conftest import NOON
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Happened

__all__ = ["World"]


class World:
    """What the tests say about customers and offers, and what they ask."""

    def __init__(self, conn: db.Connection) -> None:
        self.conn = conn
        self.heard = 0

    def customer(
        self, id: int, *, stage: str = "prospect", segments: tuple[int, ...] = (), **traits: Any
    ) -> int:
        """A customer who leads itself, with the user id `u<id>`."""
        held = {name: {"v": value, "a": 4, "s": 1, "at": ""} for name, value in traits.items()}
        self.conn.execute(
            "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id) VALUES (%s, 'user_id', %s, %s, %s, 'ok', %s, 1)",
            (id, f"u{id}", id, id, NOON),
        )
        self.conn.execute(
            "INSERT INTO customers (id, traits, stage, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (id, json.dumps(held), stage, NOON, NOON),
        )
        for segment in segments:
            self.join(id, segment)
        return id

    def join(self, customer: int, segment: int) -> None:
        self.conn.execute(
            "INSERT INTO segment_members (customer_id, segment_id, since) VALUES (%s, %s, %s)",
            (customer, segment, NOON),
        )

    def segment(self, name: str) -> int:
        rule: dict[str, Any] = {"all": []}
        made = segments.create(
            name, rule=rule, purpose="personalise", actor=1, now=NOON, conn=self.conn
        )
        return made.id

    def offer(self, name: str, *, state: str = "live", **definition: Any) -> offers.Offer:
        said = {"treatments": [{"channel": "store"}], "explore": 0.0} | definition
        return offers.create(name, definition=said, actor=1, now=NOON, state=state, conn=self.conn)

    def offer_ids(self) -> dict[str, int]:
        return {each.slug: each.id for each in offers.listing(conn=self.conn)}

    def policy(self, **changes: Any) -> decisions.Policy:
        return decisions.change_policy(self.conn, changes, actor=1, now=NOON)

    def ask(self, customer: int, **more: Any) -> decisions.Decision:
        given: dict[str, Any] = {"channel": "store", "now": NOON, "limit": 3} | more
        return decisions.decide(self.conn, decisions.Request(customer_id=customer, **given))

    def said(
        self,
        customer: int,
        event: str,
        *,
        offer: str = "",
        decision: decisions.Decision | None = None,
        at: datetime = NOON,
        **properties: Any,
    ) -> Happened:
        """An interaction as the flow hands it on."""
        self.heard += 1
        told = {"offer": offer, "decision_id": str(decision.id) if decision else ""} | properties
        return Happened(
            self.heard, customer, customer, "track", event, told, "store", "330", "", at,
            "till", "till",
        )  # fmt: skip

    def hear(self, *happened: Happened) -> int:
        return decisions.on_batch(self.conn, happened, max(each.occurred_at for each in happened))


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    decisions.forget()
    with db.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def world(conn: db.Connection) -> World:
    return World(conn)


@pytest.fixture
def source(transactional_db: None) -> interactions.Source:
    return interactions.create("Shop", kind="server", slug="shop")


def later(**more: float) -> datetime:
    return NOON + timedelta(**more)
