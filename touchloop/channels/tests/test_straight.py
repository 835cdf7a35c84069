"""What goes straight out: asked for, judged once, and handed over under locks that are held on."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from touchloop.channels import api
from touchloop.channels.api import Wanted
from touchloop.channels.seam import Channel, Sent
from touchloop.channels.tests.conftest import People, Post, state, told, want
from touchloop.channels.tests.test_crash import A_ROUND, KILLS, Ledger, _agree, killed_at
from touchloop.channels.tests.test_race import Stopwatch
from touchloop.core import db

SEED = 20260303


def send(conn: db.Connection, wanted: Sequence[Wanted], now: datetime) -> list[api.Requested]:
    with api.straight(conn) as going:
        said = api.request(conn, wanted, now=now, straight=going)
        conn.commit()
        api.hand_straight(conn, going, now)
    return said


def states(conn: db.Connection) -> Counter[tuple[str, str]]:
    found = api.counts(conn, api.Which())
    conn.rollback()
    return Counter({(word, reason): n for (_, word, reason), n in found.items()})


def held(conn: db.Connection) -> int:
    row = conn.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    ).fetchone()
    conn.rollback()
    assert row is not None
    return int(row[0])


def test_it_is_out_without_waiting_in_the_outbox(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ids = people.add(3)
    said = send(conn, [want(id, f"c:{id}", data={"b": 1, "aa": "ä"}) for id in ids], now)
    assert [one.state for one in said] == ["claimed"] * 3
    assert [one.delivery.subject_id for one in post.taken] == ids
    stored = api.delivery(conn, said[0].delivery_id or 0)
    sent = post.taken[0].delivery
    assert stored is not None and sent.consent is not None
    assert (sent.message_id, sent.address, sent.data, sent.attempts) == (
        stored.message_id, stored.address, stored.data, stored.attempts,
    )  # fmt: skip
    assert list(sent.data) == list(stored.data)  # in the order that the outbox would give
    assert states(conn) == {("handed", ""): 3}
    assert len(api.pressed(conn, ids, since=now - timedelta(days=1))) == 3
    assert [news["event"] for news in told(conn)] == ["Message Handed"] * 3
    assert held(conn) == 0 and api.hand_off(conn, now, 10) == 0


def test_only_what_may_go_now_goes(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,), (ben,) = people.add(), people.add(start=1, agreed=False)
    later = now + timedelta(hours=2)
    night = people.add(zone="Pacific/Honolulu", start=2)[0]
    send(
        conn,
        [
            want(ana, "first"),
            want(ana, "second", kind="service"),  # judged again when the first has reached her
            want(ben, "refused"),
            want(night, "asleep"),
            want(people.add(start=3)[0], "later", not_before=later),
        ],
        now,
    )
    assert [one.delivery.subject_id for one in post.taken] == [ana]
    assert states(conn) == {
        ("handed", ""): 1, ("queued", ""): 2, ("dropped", "not_asked"): 1,
        ("deferred", "quiet_hours"): 1,
    }  # fmt: skip


def test_what_is_undone_is_not_sent(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    with api.straight(conn) as going:
        api.request(conn, [want(ana, "c:1")], now=now, straight=going)
        conn.rollback()
        api.hand_straight(conn, going, now)
    assert post.taken == [] and states(conn) == {} and held(conn) == 0
    with pytest.raises(RuntimeError), api.straight(conn) as going:
        api.request(conn, [want(ana, "c:1")], now=now, straight=going)
        raise RuntimeError
    assert states(conn) == {} and held(conn) == 0


def called_off(other: db.Connection, now: datetime) -> None:
    api.cancel(other, causes=["c:1"], reason="called off", now=now)
    other.commit()


def taken_for_lost(other: db.Connection, now: datetime) -> None:
    api.deliver_once(other, now + timedelta(minutes=2), 10)


@pytest.mark.parametrize(
    ("happens", "becomes"),
    [(called_off, ("dropped", "expired")), (taken_for_lost, ("uncertain", "lost"))],
)
def test_what_ended_in_between_is_not_sent(
    conn: db.Connection,
    people: People,
    post: Post,
    now: datetime,
    happens: Callable[[db.Connection, datetime], None],
    becomes: tuple[str, str],
) -> None:
    (ana,) = people.add()
    with api.straight(conn) as going:
        api.request(conn, [want(ana, "c:1")], now=now, straight=going)
        conn.commit()
        with db.connect() as other:
            happens(other, now)
        api.hand_straight(conn, going, now)
    assert post.taken == [] and states(conn) == {becomes: 1}


def test_a_withdrawal_waits_from_the_judging_until_it_is_out(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    (ana,) = people.add()
    order: list[str] = []

    def leave() -> None:
        with db.connect() as own:
            people.leave(ana, conn=own)
            own.commit()
            order.append("left")

    def note(message: api.Rendered) -> Sent:
        order.append("sent")
        return Sent(message.delivery.id, "handed")

    post.answer = note
    with api.straight(conn) as going:
        said = api.request(conn, [want(ana, "c:1")], now=now, straight=going)
        leaving = threading.Thread(target=leave)
        leaving.start()
        conn.commit()
        _wait_for_a_waiter(conn)  # over the commit as well
        api.hand_straight(conn, going, now)
    leaving.join(30)
    assert order == ["sent", "left"]
    assert state(conn, said[0].delivery_id) == ("handed", "")
    send(conn, [want(ana, "c:2")], now + timedelta(days=8))
    assert states(conn) == {("handed", ""): 1, ("dropped", "refused"): 1}


def test_nothing_goes_straight_out_after_the_commit_of_a_withdrawal(
    conn: db.Connection, people: People, now: datetime
) -> None:
    ids = people.add(1_000)
    leaving = random.Random(7).sample(ids, 200)
    watch, gone, faults = Stopwatch(), dict[int, float](), list[BaseException]()

    def deliver(part: list[int]) -> None:
        try:
            with db.connect() as own:
                for at in range(0, len(part), 50):
                    send(own, [want(id, f"c:{id}") for id in part[at : at + 50]], now)
        except BaseException as error:
            faults.append(error)

    def withdraw() -> None:
        try:
            with db.connect() as own:
                watch.under_way.wait()
                for id in leaving:
                    people.leave(id, conn=own)
                    own.commit()
                    gone[id] = time.monotonic()
        except BaseException as error:
            faults.append(error)

    api.register(Channel("post", "Post", address_namespace="email", batch=watch.batch))
    threads = [threading.Thread(target=deliver, args=(ids[n::2],)) for n in range(2)]
    threads.append(threading.Thread(target=withdraw))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    api.unregister("post")
    assert faults == []
    assert [id for id in leaving if any(at > gone[id] for at in watch.sent.get(id, []))] == []
    assert all(len(watch.sent.get(id, [])) == 1 for id in set(ids) - set(leaving))
    reached = sum(1 for id in leaving if id in watch.sent)
    expected = {("handed", ""): 800 + reached, ("dropped", "refused"): 200 - reached}
    assert states(conn) == {outcome: n for outcome, n in expected.items() if n}


def test_two_who_ask_for_the_same_customers_keep_the_caps(
    conn: db.Connection, people: People, post: Post, now: datetime
) -> None:
    ids = people.add(60)

    def deliver(name: str) -> None:
        with db.connect() as own:
            for at in range(0, len(ids), 20):
                send(own, [want(id, f"{name}:{id}") for id in ids[at : at + 20]], now)

    threads = [threading.Thread(target=deliver, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.delivery.subject_id for one in post.taken) == ids
    assert states(conn) == {("handed", ""): 60, ("deferred", "cap_marketing_24h"): 60}


def _send_all(ids: list[int], now: datetime) -> None:
    with db.connect() as own:
        for at in range(0, len(ids), 9):
            part = ids[at : at + 9]
            kinds = {id: "marketing" if id % 5 else "service" for id in part}
            send(own, [want(id, f"c:{id}", kind=kinds[id]) for id in part], now)


@pytest.mark.crash
def test_kills_and_no_offer_twice(
    conn: db.Connection, people: People, now: datetime, tmp_path: Path
) -> None:
    """Each round asks again for whom a killed one did not get to: a cause counts once."""
    chance = random.Random(SEED)
    ledger = Ledger(tmp_path / "taken")
    api.register(Channel("post", "Post", address_namespace="email", batch=ledger.batch))
    at, kills, everybody = now, 0, list[int]()
    for turn in range(200):
        if kills == KILLS:
            break
        at += timedelta(minutes=2)
        ids = people.add(A_ROUND, start=turn * A_ROUND)
        everybody += ids
        goal = ledger.length() + chance.randrange(A_ROUND)
        kills += killed_at(goal, ledger, _send_all, ids, at)
    assert kills == KILLS, f"seed {SEED}"
    _send_all(everybody, at)
    for hours in range(1, 8):
        while api.deliver_once(conn, at + timedelta(hours=hours), 500):
            pass
    api.unregister("post")
    rows = conn.execute("SELECT count(*) FROM deliveries").fetchone()
    assert rows == (len(everybody),)
    _agree(conn, ledger.taken())


def _wait_for_a_waiter(conn: db.Connection) -> None:
    for _ in range(2_000):
        row = conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
        conn.rollback()
        if row is not None and row[0]:
            return
        threading.Event().wait(0.005)
    raise AssertionError("nobody waits")
