"""Requests and hand-off: what is permitted goes out once; what is not says why."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from touchloop.channels import api, outbox
from touchloop.channels.tests.conftest import People, Post, state, told, want
from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.records.cases import api as cases

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_permitted_message_goes_out_once_and_tells(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    wish = want(
        ana, "trigger:1:1", offer="coffee", decision_id=UUID(int=77), campaign_id=5, data={"a": "ä"}
    )
    (first,) = api.request(conn, [wish], now=now)
    assert (first.state, first.reason, first.channel) == ("queued", "", "post")
    assert api.request(conn, [wish, wish], now=now) == [first, first]
    assert told(conn) == []
    conn.commit()
    assert api.hand_off(conn, now, 100) == 1
    assert api.hand_off(conn, now, 100) == 0
    assert post.addresses == ["p0@example.com"]
    assert state(conn, first.delivery_id) == ("handed", "")
    (news,) = told(conn)
    assert news["event"] == "Message Handed" and news["anonymousId"] == f"subject:{ana}"
    assert news["properties"] == {
        "delivery": first.delivery_id,
        "kind": "marketing",
        "topic": "offers",
        "offer": "coffee",
        "decision_id": str(UUID(int=77)),
        "campaign_id": 5,
        "channel": "post",
    }
    (pressed,) = api.pressed(conn, [ana], since=now - DAY)[ana]
    assert (pressed.kind, pressed.channel, pressed.inbound) == ("marketing", "post", False)


def test_every_refusal_is_stored_with_its_reason(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    wants, asked_not, left, dead, nowhere = people.add(5)
    (never_asked,) = people.add(1, agreed=False, start=9)
    people.leave(left)
    api.suppress(
        conn, subject_id=dead, channel="post", address="p3@example.com", reason="bounced", at=now
    )
    conn.execute("UPDATE identifiers SET namespace = 'phone' WHERE id = %s", (nowhere,))
    people.leave(asked_not, topic="offers")
    everyone = [wants, asked_not, left, dead, nowhere, never_asked]
    got = api.request(conn, [want(id, f"c:{id}") for id in everyone], now=now)
    assert [(one.state, one.reason) for one in got] == [
        ("queued", ""),
        ("dropped", "refused"),
        ("dropped", "refused"),
        ("suppressed", "bounced"),
        ("dropped", "no_address"),
        ("dropped", "not_asked"),
    ]
    assert [one["event"] for one in told(conn)] == [
        "Message Dropped", "Message Dropped", "Message Suppressed", "Message Dropped",
        "Message Dropped",
    ]  # fmt: skip
    (nobody,) = api.request(conn, [want(10**9, "c:nobody")], now=now)
    assert (nobody.delivery_id, nobody.state, nobody.reason) == (None, "dropped", "nobody")
    conn.commit()
    assert api.hand_off(conn, now, 100) == 1 and post.addresses == ["p0@example.com"]
    held = api.held_back(conn, api.Which(reasons=["bounced"]))
    assert [one.subject_id for one in held] == [dead]
    assert api.counts(conn, api.Which(states=["dropped"])) == {
        ("post", "dropped", "no_address"): 1,
        ("post", "dropped", "not_asked"): 1,
        ("post", "dropped", "refused"): 2,
    }


def test_the_first_permitted_channel_carries_it(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (agreed,) = people.add()
    (silent,) = people.add(1, agreed=False, start=5)
    got = api.request(
        conn,
        [want(id, f"c:{id}", channels=("post", "store"), offer="bread") for id in (agreed, silent)],
        now=now,
    )
    assert [one.channel for one in got] == ["post", "store"]


def test_a_wish_that_nobody_could_mean_is_refused(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    for wrong in (
        want(ana, "c", kind="spam"),
        want(ana, "c", channels=("pigeon",)),
        want(ana, "c", channels=()),
        want(ana, ""),
    ):
        with pytest.raises(Invalid):
            api.request(conn, [wrong], now=now)
    assert conn.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)


def test_two_for_one_customer_keep_their_distance(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    """Both were permitted when they were asked for; at hand-off the second waits for its day."""
    (ana,) = people.add()
    first, second = api.request(conn, [want(ana, "c:1"), want(ana, "c:2")], now=now)
    conn.commit()
    assert api.hand_off(conn, now, 100) == 2
    assert state(conn, first.delivery_id) == ("handed", "")
    assert state(conn, second.delivery_id) == ("deferred", "cap_marketing_24h")
    assert [one["event"] for one in told(conn)] == ["Message Deferred", "Message Handed"]
    assert api.hand_off(conn, now + DAY - HOUR, 100) == 0
    assert api.hand_off(conn, now + DAY, 100) == 1
    assert state(conn, second.delivery_id) == ("handed", "")
    # A third is told its moment at once.
    (third,) = api.request(conn, [want(ana, "c:3")], now=now + DAY)
    assert (third.state, third.reason, third.not_before) == (
        "deferred",
        "cap_marketing_24h",
        now + 2 * DAY,
    )


def test_all_identifiers_of_a_customer_count_as_one(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ana, same = people.add(2)
    conn.execute("UPDATE identifiers SET customer_id = %s WHERE id = %s", (ana, same))
    api.request(conn, [want(ana, "c:1"), want(same, "c:2")], now=now)
    conn.commit()
    api.hand_off(conn, now, 100)
    assert len(post.taken) == 1
    people.leave(same)
    verdicts = api.decide_contact(
        conn, [ana], kind="marketing", topic="offers", channels=["post", "store"], now=now
    )
    assert [(one.allowed, one.reason) for one in verdicts[ana]] == [
        (False, "refused"),
        (False, "cap_marketing_24h"),
    ]


def test_a_withdrawal_an_open_complaint_and_a_return_are_seen_at_hand_off(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    left, cross, returning = people.add(3)
    got = api.request(conn, [want(id, f"c:{id}") for id in (left, cross, returning)], now=now)
    conn.commit()
    people.leave(left)
    cases.open_case(conn, subject_id=cross, kind="complaint", title="Cold", cause="x", at=now)
    _happened(conn, people, returning, "Order Returned", now - 2 * DAY)
    conn.commit()
    api.hand_off(conn, now, 100)
    assert post.taken == []
    assert [state(conn, one.delivery_id) for one in got] == [
        ("dropped", "refused"),
        ("deferred", "complaint_open"),
        ("deferred", "return_running"),
    ]
    _happened(conn, people, returning, "Order Refunded", now + HOUR)
    conn.commit()
    api.hand_off(conn, now + DAY, 100)
    assert [one.delivery.subject_id for one in post.taken] == [returning]
    (pressed,) = api.request(conn, [want(cross, "s", kind="survey")], now=now)
    assert (pressed.state, pressed.reason) == ("deferred", "complaint_open")
    (receipt,) = api.request(conn, [want(cross, "r", kind="service")], now=now)
    assert receipt.state == "queued"


def _happened(conn: db.Connection, people: People, subject: int, name: str, at: datetime) -> None:
    row = conn.execute(
        "INSERT INTO kinds (type, name, first_seen_at, last_seen_at) VALUES ('track', %s, %s, %s)"
        " ON CONFLICT (type, name) DO UPDATE SET last_seen_at = excluded.last_seen_at"
        " RETURNING id",
        (name, at, at),
    ).fetchone()
    assert row is not None
    conn.execute(
        "INSERT INTO interactions (id, subject_id, source_id, kind_id, occurred_at, received_at,"
        " direction, message_key, payload_hash, uses, body)"
        " SELECT coalesce(max(id), 0) + 1, %s, %s, %s, %s, %s, 0, gen_random_uuid(), 0, 255, '{}'"
        " FROM interactions",
        (subject, people.source, row[0], at, at),
    )


def test_later_news_only_say_more(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ana, ben = people.add(2)
    one, waiting = api.request(
        conn, [want(ana, "c"), want(ben, "d", not_before=now + DAY)], now=now
    )
    conn.commit()
    api.hand_off(conn, now, 100)
    id = one.delivery_id or 0
    assert api.outcome(conn, id, "complained", at=now + HOUR)
    assert not api.outcome(conn, id, "bounced", reason="late", at=now + HOUR)
    assert not api.outcome(conn, id, "complained", at=now + DAY)
    assert not api.outcome(conn, waiting.delivery_id or 0, "bounced", at=now)
    with pytest.raises(Invalid):
        api.outcome(conn, id, "queued", at=now)
    shown = api.one_delivery(conn, id)
    assert (shown.state, shown.handed_at, shown.outcome_at) == ("complained", now, now + HOUR)
    assert [one["event"] for one in told(conn)] == ["Message Handed", "Message Complained"]


def test_what_is_called_off_is_not_handed_over(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ids = people.add(4)
    api.request(
        conn,
        [want(id, f"c:{id}", campaign_id=7, trigger_id=n) for n, id in enumerate(ids)],
        now=now,
    )
    conn.commit()
    claimed = outbox.claim(conn, "post", "marketing", now=now, limit=1)
    conn.commit()
    assert api.cancel(conn, trigger_id=1, reason="exit", now=now) == 1
    assert api.cancel(conn, campaign_id=8, reason="aborted", now=now) == 0
    assert api.cancel(conn, causes=[f"c:{ids[2]}"], reason="exit", now=now) == 1
    assert api.cancel(conn, campaign_id=7, reason="aborted", now=now) == 1
    with pytest.raises(Invalid):
        api.cancel(conn, reason="all", now=now)
    conn.commit()
    assert api.hand_off(conn, now, 100) == 0
    # What was claimed has expired under its claim, and ends so if its worker still lives.
    assert [one.id for one, _ in outbox.taken(conn, claimed)] == [claimed[0].id]
    row = conn.execute("SELECT expires_at FROM deliveries WHERE state = 'claimed'").fetchone()
    assert row == (now,)


def test_what_waits_too_long_expires(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    (one,) = api.request(conn, [want(ana, "c", channels=("store",))], now=now)
    conn.commit()
    api.deliver_once(conn, now + 29 * DAY, 100)
    assert state(conn, one.delivery_id) == ("queued", "")
    api.deliver_once(conn, now + 30 * DAY, 100)
    assert state(conn, one.delivery_id) == ("dropped", "expired")


def test_quiet_hours_and_the_persons_pause_defer(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    tokyo = people.add(1, zone="Asia/Tokyo")[0]  # nine in the evening there
    paused = people.add(1, start=5)[0]
    api.set_pace(conn, paused, paused_until=now + 3 * DAY, per_week=None, at=now)
    got = api.request(conn, [want(tokyo, "c:1"), want(paused, "c:2")], now=now)
    assert [(one.state, one.reason, one.not_before) for one in got] == [
        ("deferred", "quiet_hours", now + 11 * HOUR),
        ("deferred", "paused", now + 3 * DAY),
    ]


def test_another_policy_holds_from_its_commit_on(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    api.change_policy(
        conn, api.Policy(caps=(api.Cap("marketing", 24, 5),), gap_hours=0), by=None, at=now
    )
    api.request(conn, [want(ana, f"c:{n}") for n in range(7)], now=now)
    conn.commit()
    api.hand_off(conn, now, 100)
    assert len(post.taken) == 5
    for wrong in (
        api.Policy(caps=(api.Cap("service", 24, 1),)),
        api.Policy(caps=(api.Cap("marketing", 0, 1),)),
        api.Policy(quiet_from=24),
        api.Policy(zones=("Mars/Base",)),
        api.Policy(keep_hours={"marketing": 0}),
    ):
        with pytest.raises(Invalid):
            api.change_policy(conn, wrong, by=None, at=now)
