"""What goes wrong while something is handed over, and what is never forgotten about it."""

from __future__ import annotations

from datetime import datetime, timedelta

from touchloop.channels import api, outbox
from touchloop.channels.seam import Channel, Rendered, Sent, Unfit
from touchloop.channels.tests.conftest import People, Post, state, told, want
from touchloop.core import db
from touchloop.core.errors import Unavailable

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_claim_that_was_lost_is_uncertain_for_marketing_and_repeated_for_service(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ana, ben = people.add(2)
    offer, receipt = api.request(
        conn, [want(ana, "c:1"), want(ben, "c:2", kind="service")], now=now
    )
    conn.commit()
    for kind in ("marketing", "service"):  # the worker claims, and dies
        outbox.claim(conn, "post", kind, now=now, limit=9)
    conn.commit()
    api.deliver_once(conn, now + timedelta(seconds=30), 100)
    assert state(conn, offer.delivery_id) == ("claimed", "")  # somebody may still be at it
    api.deliver_once(conn, now + timedelta(seconds=61), 100)
    assert state(conn, offer.delivery_id) == ("uncertain", "lost")
    assert state(conn, receipt.delivery_id) == ("queued", "lost")
    api.deliver_once(conn, now + HOUR, 100)
    assert [one.delivery.subject_id for one in post.taken] == [ben]
    assert post.taken[0].delivery.attempts == 2
    assert [one["event"] for one in told(conn)] == ["Message Uncertain", "Message Handed"]
    # What may have arrived counts as pressure.
    (later,) = api.request(conn, [want(ana, "c:3")], now=now + HOUR)
    assert later.reason == "cap_marketing_24h"


def test_a_line_that_breaks_is_uncertain_or_sent_again_under_the_same_id(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ana, ben = people.add(2)
    offer, receipt = api.request(
        conn, [want(ana, "c:1"), want(ben, "c:2", kind="service")], now=now
    )
    conn.commit()
    post.answer = lambda message: Sent(message.delivery.id, "uncertain", "line_broke")
    api.hand_off(conn, now, 100)
    assert state(conn, offer.delivery_id) == ("uncertain", "line_broke")
    assert state(conn, receipt.delivery_id) == ("queued", "line_broke")
    post.answer = lambda message: Sent(message.delivery.id, "handed")
    api.hand_off(conn, now + HOUR, 100)
    names = [one.delivery.message_id for one in post.taken if one.delivery.subject_id == ben]
    assert len(names) == 2 and len(set(names)) == 1
    found = api.delivery_of_message(conn, f"<{names[0]}@shop.example>")
    assert found is not None and found.id == receipt.delivery_id
    assert api.delivery_of_message(conn, f"{receipt.delivery_id}.forged") is None
    assert api.delivery_of_message(conn, "nonsense") is None


def test_temporary_failures_wait_longer_each_time_and_end(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    (one,) = api.request(conn, [want(ana, "c", kind="service", expires_at=now + 90 * DAY)], now=now)
    conn.commit()
    post.answer = lambda message: Sent(message.delivery.id, "temporary", "451")
    moments = [now]
    while state(conn, one.delivery_id) != ("dropped", "gave_up"):
        assert api.hand_off(conn, moments[-1], 100) == 1
        moments.append(api.one_delivery(conn, one.delivery_id or 0).not_before)
    pauses = [later - before for before, later in zip(moments, moments[1:-1], strict=False)]
    assert len(pauses) == outbox.ATTEMPTS - 1
    assert pauses == sorted(pauses)
    assert pauses[0] >= outbox.FIRST_PAUSE and pauses[-1] <= outbox.LONGEST_PAUSE * 1.25
    assert post.taken == []


def test_a_channel_that_fails_half_way_leaves_the_rest_in_doubt(
    conn: db.Connection, people: People, now: datetime
) -> None:
    ids = people.add(4)

    def explode(messages: list[Rendered], at: datetime):  # type: ignore[no-untyped-def]
        yield Sent(messages[0].delivery.id, "handed")
        raise error

    api.register(Channel("post", "Post", address_namespace="email", batch=explode))  # type: ignore[arg-type]
    api.request(conn, [want(id, f"c:{id}") for id in ids[:2]], now=now)
    conn.commit()
    error: Exception = RuntimeError("broke")
    api.hand_off(conn, now, 100)
    assert [s for _, s, _ in api.counts(conn, api.Which())] == ["handed", "uncertain"]
    api.request(conn, [want(id, f"c:{id}") for id in ids[2:]], now=now)
    conn.commit()
    error = Unavailable("the post is closed")
    api.hand_off(conn, now, 100)
    states = {key[1]: n for key, n in api.counts(conn, api.Which()).items()}
    assert states == {"handed": 2, "uncertain": 1, "queued": 1}
    api.unregister("post")


def test_what_cannot_be_rendered_is_dropped_with_its_reason(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ids = people.add(3)

    def render(conn: db.Connection, deliveries, now):  # type: ignore[no-untyped-def]
        conn.execute("SELECT 1")
        yield Unfit(deliveries[0].id, "template", "no such filter")
        for one in deliveries[1:]:
            yield Rendered(one, one.data["n"])

    api.register(
        Channel("post", "Post", address_namespace="email", render=render, batch=post.batch)
    )
    got = api.request(conn, [want(id, f"c:{id}", data={"n": id}) for id in ids], now=now)
    conn.commit()
    api.hand_off(conn, now, 100)
    assert state(conn, got[0].delivery_id) == ("dropped", "template")
    assert [one.content for one in post.taken] == ids[1:]

    def broken(conn: db.Connection, deliveries, now):  # type: ignore[no-untyped-def]
        conn.execute("SELECT 1/0")

    api.register(
        Channel("post", "Post", address_namespace="email", render=broken, batch=post.batch)
    )
    (later,) = api.request(conn, [want(ids[0], "c:again")], now=now)
    conn.commit()
    api.hand_off(conn, now, 100)
    assert state(conn, later.delivery_id) == ("queued", "not_rendered")


def test_a_dead_address_is_suppressed_and_stays_so_after_erasure(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    (one,) = api.request(conn, [want(ana, "c:1")], now=now)
    conn.commit()
    post.answer = lambda message: Sent(message.delivery.id, "refused", "550", dead_address=True)
    api.hand_off(conn, now, 100)
    assert state(conn, one.delivery_id) == ("bounced", "550")
    conn.execute("SELECT set_config('touchloop.erasing', 'on', true)")
    for table in ("suppressions", "contact_grants", "use_grants", "deliveries"):
        conn.execute(f"DELETE FROM {table} WHERE subject_id = %s".encode(), (ana,))
    conn.execute("DELETE FROM identifiers WHERE id = %s", (ana,))
    conn.commit()
    (again,) = people.add()
    (back,) = api.request(conn, [want(again, "c:2")], now=now)
    assert (back.state, back.reason) == ("suppressed", "bounced")
    api.lift(
        conn, subject_id=again, channel="post", address="p0@example.com", reason="staff", at=now
    )
    (lifted,) = api.request(conn, [want(again, "c:3")], now=now)
    assert lifted.state == "queued"


def test_a_refused_channel_is_kept_by_its_address_when_a_person_is_erased(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    people.leave(ana)
    assert api.keep_refusals(conn, [ana], at=now) == 1
    conn.execute("SELECT set_config('touchloop.erasing', 'on', true)")
    conn.execute("DELETE FROM contact_grants WHERE subject_id = %s", (ana,))
    conn.execute("DELETE FROM identifiers WHERE id = %s", (ana,))
    (again,) = people.add()
    (back,) = api.request(conn, [want(again, "c")], now=now)
    assert (back.state, back.reason) == ("suppressed", "erased")
