"""A customer, a channel that keeps a list, and a way to want something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from touchloop.channels import api
from touchloop.channels.seam import Channel, Rendered, Sent
from touchloop.consent import api as consent
from touchloop.core import clock, db
from touchloop.interactions import api as interactions

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


class Post:
    """A channel that takes everything at once and keeps a list of what it took."""

    def __init__(self) -> None:
        self.taken: list[Rendered] = []
        self.answer: Callable[[Rendered], Sent] = lambda m: Sent(m.delivery.id, "handed")

    def batch(self, messages: Sequence[Rendered], now: datetime) -> Iterable[Sent]:
        for message in messages:
            said = self.answer(message)
            if said.word not in ("temporary", "refused"):
                self.taken.append(message)
            yield said

    @property
    def addresses(self) -> list[str]:
        return [message.delivery.address for message in self.taken]


class People:
    """Makes customers, each with an e-mail address, in UTC, who agreed to marketing by post."""

    def __init__(self, conn: db.Connection, source: int) -> None:
        self.conn, self.source = conn, source

    def add(
        self, n: int = 1, *, agreed: bool = True, zone: str | None = "UTC", start: int = 0
    ) -> list[int]:
        rows = self.conn.execute(
            "INSERT INTO identifiers (namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id)"
            " SELECT 'email', 'p' || x || '@example.com', 0, 0, 'ok', %s, %s"
            " FROM generate_series(%s::int, %s::int) x RETURNING id",
            (NOON, self.source, start, start + n - 1),
        ).fetchall()
        ids = [row[0] for row in rows]
        self.conn.execute("UPDATE identifiers SET customer_id = id WHERE id = ANY(%s)", (ids,))
        traits = f'{{"timezone": {{"v": "{zone}"}}}}' if zone else "{}"
        self.conn.execute(
            "INSERT INTO customers (id, traits, created_at, updated_at)"
            " SELECT x, %s::jsonb, %s, %s FROM unnest(%s::bigint[]) x",
            (traits, NOON, NOON, ids),
        )
        if agreed:
            self.agree(ids)
        self.conn.commit()
        return ids

    def agree(self, ids: Sequence[int], *, at: datetime = NOON, topic: str = "") -> None:
        consent.record_use(
            self.conn, [consent.UseGrant(id, "marketing", "granted", self.source, at) for id in ids]
        )
        consent.record_contact(
            self.conn,
            [consent.ContactGrant(id, "post", topic, "granted", self.source, at) for id in ids],
        )

    def leave(self, id: int, *, conn: db.Connection | None = None, topic: str = "") -> None:
        consent.record_contact(
            conn or self.conn,
            [consent.ContactGrant(id, "post", topic, "denied", self.source, clock.now())],
        )


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    return NOON


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def people(conn: db.Connection) -> People:
    from touchloop.interactions.models import Source

    source, _ = Source.objects.get_or_create(
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
    return People(conn, source.pk)


@pytest.fixture
def post() -> Iterator[Post]:
    here = Post()
    api.register(Channel("post", "Post", address_namespace="email", batch=here.batch))
    yield here
    api.unregister("post")


def want(subject: int, cause: str, **more: Any) -> api.Wanted:
    given: dict[str, Any] = {
        "kind": "marketing",
        "topic": "offers",
        "template": "",
        "channels": ("post",),
    }
    return api.Wanted(subject_id=subject, cause=cause, **(given | more))


def told(conn: db.Connection) -> list[dict[str, Any]]:
    """The news in the inbox, in their order."""
    import json

    found = []
    ids = [row[0] for row in conn.execute("SELECT id FROM inbox ORDER BY id").fetchall()]
    for block in interactions.read(conn, ids):
        found += [json.loads(record.body) for record in block.records]
    return found


def state(conn: db.Connection, delivery_id: int | None) -> tuple[str, str]:
    row = conn.execute(
        "SELECT state, reason FROM deliveries WHERE id = %s", (delivery_id,)
    ).fetchone()
    assert row is not None
    return row[0], row[1]
