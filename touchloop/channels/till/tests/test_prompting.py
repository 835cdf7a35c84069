"""Prompts at the till and on the agent's screen: shown, counted once, answered once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from touchloop.channels import api
from touchloop.channels.tests.conftest import People, Post, state, told, want
from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.core.errors import Invalid, NotFound

HOUR = timedelta(hours=1)


def _offer(subject: int, cause: str, **more: object) -> api.Wanted:
    given = {
        "channels": ("store",),
        "offer": "coffee",
        "decision_id": UUID(int=9),
        "data": {"say": "Hi"},
    }
    return want(subject, cause, **(given | more))


def test_a_prompt_is_shown_counted_and_answered_once(
    conn: db.Connection, people: People, now: datetime
) -> None:
    (ana,) = people.add(agreed=False)  # comes by herself: no opt-in is needed to show her an offer
    (one,) = api.request(conn, [_offer(ana, "c:1")], now=now)
    assert one.state == "queued"
    conn.commit()
    assert api.hand_off(conn, now, 10) == 0  # waits to be asked for
    night = now + 10 * HOUR  # ten in the evening, and the shop is open
    (prompt,) = api.prompts(conn, ana, "store", night, location="330")
    assert (prompt.offer, prompt.decision_id, prompt.data) == ("coffee", UUID(int=9), {"say": "Hi"})
    assert api.prompts(conn, ana, "call_centre", night) == []
    again = api.prompts(conn, ana, "store", night + timedelta(minutes=5))
    assert [each.delivery_id for each in again] == [prompt.delivery_id]
    assert state(conn, one.delivery_id) == ("handed", "")
    assert len(api.pressed(conn, [ana], since=now)[ana]) == 1
    assert api.pressed(conn, [ana], since=now)[ana][0].inbound
    assert api.acknowledge(conn, prompt.delivery_id, "accepted", night, location="330")
    assert not api.acknowledge(conn, prompt.delivery_id, "accepted", night + HOUR)
    assert not api.acknowledge(conn, prompt.delivery_id, "rejected", night + HOUR)
    assert state(conn, one.delivery_id) == ("confirmed", "accepted")
    assert api.prompts(conn, ana, "store", night + timedelta(minutes=6)) == []
    news = told(conn)
    assert [each["event"] for each in news] == [
        "Message Handed", "Offer Shown", "Message Confirmed", "Offer Accepted",
    ]  # fmt: skip
    for each in news:
        assert each["properties"]["offer"] == "coffee"
        assert each["properties"]["decision_id"] == str(UUID(int=9))
        assert each["properties"]["delivery"] == prompt.delivery_id
    assert news[1]["context"]["touchpoint"] == {"channel": "store", "location": "330", "stage": ""}


@pytest.mark.parametrize(
    ("answer", "event"), [("rejected", "Offer Rejected"), ("later", "Offer Deferred")]
)
def test_each_answer_has_its_news(
    conn: db.Connection, people: People, now: datetime, answer: str, event: str
) -> None:
    (ana,) = people.add()
    api.request(conn, [_offer(ana, "c:1")], now=now)
    (prompt,) = api.prompts(conn, ana, "store", now)
    assert api.acknowledge(conn, prompt.delivery_id, answer, now)
    assert told(conn)[-1]["event"] == event


def test_what_was_never_shown_cannot_be_answered(
    conn: db.Connection, people: People, now: datetime
) -> None:
    (ana,) = people.add()
    (one,) = api.request(conn, [_offer(ana, "c:1")], now=now)
    with pytest.raises(Invalid):
        api.acknowledge(conn, one.delivery_id or 0, "accepted", now)
    with pytest.raises(Invalid):
        api.acknowledge(conn, one.delivery_id or 0, "maybe", now)
    with pytest.raises(NotFound):
        api.acknowledge(conn, 10**12, "accepted", now)
    assert told(conn) == []


def test_who_objected_or_does_not_want_the_till_is_shown_nothing(
    conn: db.Connection, people: People, now: datetime
) -> None:
    objects, refuses, child, leaves = people.add(4, agreed=False)
    for subject, purpose, word in (
        (objects, "marketing", "objected"),
        (refuses, "marketing", "denied"),
        (child, "child", "granted"),
    ):
        consent.record_use(conn, [consent.UseGrant(subject, purpose, word, people.source, now)])
    api.request(conn, [_offer(leaves, "c:before")], now=now)
    consent.record_contact(
        conn, [consent.ContactGrant(leaves, "store", "", "denied", people.source, now)]
    )
    got = api.request(conn, [_offer(id, f"c:{id}") for id in (objects, refuses, child)], now=now)
    assert {(one.state, one.reason) for one in got} == {("dropped", "refused")}
    assert api.prompts(conn, leaves, "store", now) == []  # asked again when it would be shown
    assert api.counts(conn, api.Which(states=["dropped"])) == {("store", "dropped", "refused"): 4}


def test_the_till_and_the_post_share_one_cap(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    api.request(conn, [want(ana, "c:mail")], now=now)
    api.request(conn, [_offer(ana, "c:till"), _offer(ana, "c:service", kind="service")], now=now)
    conn.commit()
    api.hand_off(conn, now, 10)
    shown = api.prompts(conn, ana, "store", now + HOUR)
    assert [one.kind for one in shown] == ["service"]
    row = conn.execute(
        "SELECT state, reason, not_before FROM deliveries WHERE cause = 'c:till'"
    ).fetchone()
    assert row == ("deferred", "cap_marketing_24h", now + 24 * HOUR)
    (later,) = api.prompts(conn, ana, "store", now + 25 * HOUR)
    assert later.kind == "marketing"


def test_a_channel_that_sends_by_itself_is_not_asked(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    for name in ("post", "pigeon"):
        with pytest.raises(Invalid):
            api.prompts(conn, ana, name, now)
