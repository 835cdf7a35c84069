"""The programs' door, both ways in: keys, decisions, outcomes, and every error by its code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from django.test import Client

from touchloop.api import keys, views
from touchloop.api.answering import LARGEST_BODY
from touchloop.api.door import Door
from touchloop.channels import api as channels
from touchloop.collect.connection import Connection, Request
from touchloop.collect.connection import Headers as Fields
from touchloop.core import clock, db
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.tests.conftest import World
from touchloop.identity import api as identity
from touchloop.interactions import api as interactions

pytestmark = pytest.mark.django_db(transaction=True)
ASK = {"customer": {"namespace": "user_id", "value": "u7"}, "channel": "store", "limit": 2}
Ask = Callable[..., tuple[int, dict[str, Any], dict[str, str]]]


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    decisions.forget()
    views._pool.cache_clear()
    with db.connect() as conn:
        world = World(conn)
        world.customer(7, city="Berlin")
        world.offer("Bread", treatments=[{"channel": "store", "texts": {"title": "Two for one"}}])
        world.offer("Wine", suitability={"traits": [{"name": "city", "value": "Rome"}]})
        interactions.own_id(conn)
        conn.commit()
        yield world
        conn.rollback()
    views._pool().close()
    views._pool.cache_clear()


@pytest.fixture
def secret(world: World) -> str:
    _key, secret = keys.create(world.conn, "Tills", now=clock.now())
    world.conn.commit()
    return secret


class Asked:
    """A request by no connection: it keeps its answer."""

    def __init__(self, path: str, method: str, headers: dict[str, str], body: bytes) -> None:
        named = {name.lower(): value for name, value in headers.items()}
        too_large = len(body) > LARGEST_BODY
        here = cast(Connection, self)
        self.request = Request(method, path, "", named, body, too_large, here)
        self.answered: asyncio.Future[tuple[int, Fields, bytes]] = asyncio.Future()

    def respond(self, request: Request, status: int, headers: Fields, body: bytes) -> None:
        self.answered.set_result((status, headers, body))


@pytest.fixture(params=["own door", "beside the console"])
def ask(request: pytest.FixtureRequest, world: World) -> Ask:
    own = request.param == "own door"

    def ask(
        path: str, body: Any, *, key: str = "", method: str = "POST", **more: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return (_at_own_door if own else _beside)(path, data, method, headers)

    return ask


def _beside(
    path: str, data: bytes, method: str, headers: dict[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    found = Client().generic(method, path, data, content_type="application/json", headers=headers)
    named = {name.lower(): value for name, value in found.headers.items()}
    return found.status_code, json.loads(found.content), named


def _at_own_door(
    path: str, data: bytes, method: str, headers: dict[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    async def go() -> tuple[int, Fields, bytes]:
        door = Door(database_url=db.url())
        await door.open()
        asked = Asked(path, method, headers, data)
        door.take(asked.request)
        answered = await asked.answered
        await door.close()
        return answered

    status, found, body = asyncio.run(go())
    return status, json.loads(body), dict(found)


def test_a_till_asks_and_gets_offers_with_reasons(ask: Ask, secret: str, world: World) -> None:
    status, answer, headers = ask("/v1/decide", ASK, key=secret)
    assert status == 200 and headers["cache-control"] == "no-store"
    (bread,) = answer["offers"]
    assert bread["offer"] == "bread" and bread["treatment"]["texts"] == {"title": "Two for one"}
    assert bread["reasons"] and bread["probability"] == 1.0
    assert answer["held"] == [
        {
            "offer_id": bread["offer_id"] + 1,
            "offer": "wine",
            "stage": "not_suitable",
            "reason": "it asks that the trait city is Rome",
        }
    ]
    replayed = decisions.replay(world.conn, UUID(answer["decision_id"]))
    assert [each.offer for each in replayed.offers] == ["bread"]
    by_number = ask("/v1/decide", ASK | {"customer": 7, "explain": False}, key=secret)[1]
    assert by_number["offers"][0]["offer"] == "bread" and by_number["held"] == []


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "not_json", None),
        (b'{"customer": 7, "channel": "\xff"}', 400, "not_json", None),
        ({"channel": "store"}, 422, "invalid", None),
        (ASK | {"limit": 0}, 422, "invalid", "limit"),
        (ASK | {"limit": "x"}, 422, "invalid", "limit"),
        (ASK | {"channel": ""}, 422, "invalid", "channel"),
        (ASK | {"customer": -1}, 422, "invalid", "customer"),
        (ASK | {"customer": 2**70}, 422, "invalid", "customer"),
        (ASK | {"customer": {"namespace": "user_id"}}, 422, "invalid", "customer"),
        (ASK | {"surprise": 1}, 422, "invalid", None),
        (ASK | {"context": {"a": "x" * 5_000}}, 422, "invalid", "context"),
        (ASK | {"customer": 99}, 404, "no_customer", None),
        (ASK | {"customer": {"namespace": "no", "value": "x"}}, 404, "no_customer", None),
        (b" " * 70_000, 413, "too_large", None),
    ],
)
def test_what_cannot_be_answered_says_why(
    ask: Ask, secret: str, world: World, body: Any, status: int, code: str, field: str | None
) -> None:
    found, answer, _headers = ask("/v1/decide", body, key=secret)
    assert (found, answer["code"], answer.get("field")) == (status, code, field)
    assert answer["message"]
    assert world.conn.execute("SELECT count(*) FROM decisions").fetchone() == (0,)


def test_an_address_that_is_none_is_answered_in_json(ask: Ask, world: World) -> None:
    for method in ("GET", "POST"):
        found, answer, _headers = ask("/v1/decisions", {}, method=method)
        assert (found, answer["code"]) == (404, "no_such_address")


def test_only_a_living_key_for_this_opens(ask: Ask, secret: str, world: World) -> None:
    now = clock.now()
    only, narrow = keys.create(world.conn, "Outcomes", now=now, scopes=("outcomes",))
    _old, old = keys.create(
        world.conn, "Old", now=now - timedelta(days=2), expires_at=now - timedelta(days=1)
    )
    gone, revoked = keys.create(world.conn, "Gone", now=now)
    keys.revoke(world.conn, gone.id, now=now)
    world.conn.commit()
    codes = [
        ask("/v1/decide", ASK, key=key)[:2] for key in ("", "tlw_public", "tls_no", old, revoked)
    ]
    assert [(status, answer["code"]) for status, answer in codes] == [
        (401, "no_key"), (401, "no_key"), (401, "unknown_key"), (401, "key_ended"),
        (401, "unknown_key"),
    ]  # fmt: skip
    status, answer, _headers = ask("/v1/decide", ASK, key=narrow)
    assert (status, answer["code"]) == (403, "not_in_scope")
    assert ask("/v1/decide", ASK, key=secret, method="PUT")[0] == 405
    used = {key.id: key.last_used_at for key in keys.listing(world.conn)}
    assert used[only.id] is None


def test_who_asks_too_fast_is_told_when_to_come_back(world: World) -> None:
    _key, slow = keys.create(world.conn, "Slow", now=clock.now(), rate=1)
    world.conn.commit()
    views._throttles.clear()
    found = [
        _beside("/v1/decide", json.dumps(ASK).encode(), "POST", {"Authorization": f"Bearer {slow}"})
        for _ in range(3)
    ]
    assert [status for status, _answer, _headers in found][-1] == 429
    assert found[-1][1]["code"] == "rate_limited" and int(found[-1][2]["retry-after"]) >= 1


def test_an_outcome_is_told_once(ask: Ask, secret: str, world: World) -> None:
    from touchloop.flow import worker

    asked = ask("/v1/decide", ASK, key=secret)[1]
    told = {"decision_id": asked["decision_id"], "offer": "bread", "outcome": "accepted"}
    for _ in range(2):
        status, answer, _headers = ask("/v1/outcomes", told, key=secret)
        assert (status, answer) == (200, {"accepted": True})
    wrong = [
        ask("/v1/outcomes", told | change, key=secret)[:2]
        for change in (
            {"outcome": "eaten"},
            {"offer": "wine"},
            {"decision_id": "00000000-0000-7000-8000-000000000000"},
            {"decision_id": "x"},
        )
    ]
    assert [(status, answer["code"]) for status, answer in wrong] == [
        (422, "invalid"), (422, "invalid"), (404, "no_decision"), (422, "invalid")
    ]  # fmt: skip
    worker.drain()
    world.conn.rollback()
    row = world.conn.execute(
        "SELECT count(*) FROM interactions i JOIN kinds k ON k.id = i.kind_id"
        " WHERE k.name = 'Offer Accepted'"
    ).fetchone()
    assert row == (1,)


def test_a_prompt_is_shown_and_answered_for(ask: Ask, secret: str, world: World) -> None:
    subject = identity.subjects_of(world.conn, [7])[7][0]
    [wanted] = channels.request(
        world.conn,
        [channels.Wanted(subject, "service", "", "", "test", ("store",), {"text": "Your cake"})],
        now=clock.now(),
    )
    world.conn.commit()
    who = {"customer": ASK["customer"], "channel": "store", "location": "330"}
    for _ in range(2):  # the same visit
        status, answer, _headers = ask("/v1/prompts", who, key=secret)
        assert status == 200 and answer["customer_id"] == 7
        [prompt] = answer["prompts"]
        assert prompt["prompt"] == wanted.delivery_id and prompt["data"] == {"text": "Your cake"}
    said = {"prompt": prompt["prompt"], "answer": "accepted", "location": "330"}
    for _ in range(2):
        assert ask("/v1/prompts/answer", said, key=secret)[:2] == (200, {"accepted": True})
    assert ask("/v1/prompts", who, key=secret)[1]["prompts"] == []
    wrong = [
        ask(path, body, key=secret)[:2]
        for path, body in (
            ("/v1/prompts", who | {"customer": 99}),
            ("/v1/prompts", who | {"customer": -1}),
            ("/v1/prompts", who | {"channel": "email"}),
            ("/v1/prompts/answer", said | {"prompt": 10**9}),
            ("/v1/prompts/answer", said | {"answer": "eaten"}),
        )
    ]
    assert [(status, answer["code"]) for status, answer in wrong] == [
        (404, "no_customer"), (422, "invalid"), (422, "invalid"), (404, "no_prompt"),
        (422, "invalid"),
    ]  # fmt: skip


def test_requests_at_the_same_moment_are_decided_together(world: World, secret: str) -> None:
    async def go() -> list[tuple[int, bytes]]:
        door = Door(database_url=db.url())
        await door.open()
        headers = {"authorization": f"Bearer {secret}"}
        bodies = [json.dumps(ASK | {"customer": number}).encode() for number in [7] * 40 + [99]]
        asked = [Asked("/v1/decide", "POST", headers, body) for body in bodies]
        for each in asked:
            door.take(each.request)
        answers = await asyncio.gather(*(each.answered for each in asked))
        await door.close()
        return [(status, body) for status, _headers, body in answers]

    found = asyncio.run(go())
    assert [status for status, _body in found] == [200] * 40 + [404]
    numbers = {json.loads(body)["decision_id"] for _status, body in found[:40]}
    stored = world.conn.execute("SELECT id::text FROM decisions").fetchall()
    assert len(numbers) == 40 and {row[0] for row in stored} == numbers
    used = keys.listing(world.conn)[0].last_used_at
    assert used is not None


def test_keys_are_kept_as_hashes(world: World) -> None:
    now = clock.now()
    key, secret = keys.create(world.conn, " Tills ", now=now, expires_at=now + timedelta(days=1))
    assert secret.startswith("tls_") and key.name == "Tills" and key.alive(now)
    assert not key.alive(now + timedelta(days=1))
    row = world.conn.execute("SELECT k::text FROM api_keys k").fetchone()
    assert row is not None and secret not in row[0]
    for wrong in ({"scopes": ("all",)}, {"expires_at": now}, {"rate": 0}):
        with pytest.raises(Invalid):
            keys.create(world.conn, "x", now=now, **wrong)
    with pytest.raises(NotFound):
        keys.revoke(world.conn, 10**6, now=now)
