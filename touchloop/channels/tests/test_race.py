"""Withdrawals race hand-offs: real threads, real connections, and a channel that keeps the time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from touchloop.channels import api
from touchloop.channels.seam import Channel, Rendered, Sent
from touchloop.channels.tests.conftest import People, state, told, want
from touchloop.core import db

PEOPLE = 3_000
LEAVING = 300


class Stopwatch:
    """Notes when each message goes out, by a clock that withdrawals are noted by as well."""

    def __init__(self) -> None:
        self.sent: dict[int, list[float]] = {}
        self.under_way = threading.Event()

    def batch(self, messages: Sequence[Rendered], now: datetime) -> Iterable[Sent]:
        for message in messages:
            self.under_way.set()
            self.sent.setdefault(message.delivery.subject_id, []).append(time.monotonic())
            yield Sent(message.delivery.id, "handed")


@pytest.fixture
def watch() -> Iterable[Stopwatch]:
    stopwatch = Stopwatch()
    api.register(
        Channel("post", "Post", address_namespace="email", batch=stopwatch.batch, at_once=100)
    )
    yield stopwatch
    api.unregister("post")


def test_nothing_goes_out_after_the_commit_of_a_withdrawal(
    conn: db.Connection, people: People, watch: Stopwatch, now: datetime
) -> None:
    ids = people.add(PEOPLE)
    for part in range(0, PEOPLE, 1000):
        api.request(conn, [want(id, f"c:{id}") for id in ids[part : part + 1000]], now=now)
    conn.commit()
    leaving = random.Random(7).sample(ids, LEAVING)
    gone: dict[int, float] = {}
    faults: list[BaseException] = []

    def deliver() -> None:
        try:
            with db.connect() as own:
                while api.hand_off(own, now, 500):
                    pass
        except BaseException as error:
            faults.append(error)

    def withdraw(part: list[int]) -> None:
        try:
            with db.connect() as own:
                watch.under_way.wait()
                for id in part:
                    people.leave(id, conn=own)
                    own.commit()
                    gone[id] = time.monotonic()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    threads += [threading.Thread(target=withdraw, args=(leaving[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    late = [id for id in leaving if any(at > gone[id] for at in watch.sent.get(id, []))]
    assert late == []
    stayed = set(ids) - set(leaving)
    assert all(len(watch.sent.get(id, [])) == 1 for id in stayed)
    assert max(map(len, watch.sent.values())) == 1
    reached = sum(1 for id in leaving if id in watch.sent)  # before they left
    counts = {(state, reason): n for (_, state, reason), n in api.counts(conn, api.Which()).items()}
    expected = {
        ("handed", ""): PEOPLE - LEAVING + reached,
        ("dropped", "refused"): LEAVING - reached,
    }
    assert counts == {outcome: n for outcome, n in expected.items() if n}


@pytest.mark.parametrize("way", ["contact", "use", "suppression", "crowd"])
def test_a_withdrawal_waits_for_the_hand_off_that_is_under_way(
    conn: db.Connection, people: People, now: datetime, way: str
) -> None:
    """The door that withdraws cannot forget to wait: the database does it."""
    from touchloop.consent import api as consent

    crowd = people.add(600 if way == "crowd" else 1, start=10)
    (ana,) = people.add()
    sending, go_on, left = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def batch(messages: Sequence[Rendered], at: datetime) -> Iterable[Sent]:
        sending.set()
        assert go_on.wait(30)
        order.append("sent")
        return [Sent(one.delivery.id, "handed") for one in messages]

    api.register(Channel("post", "Post", address_namespace="email", batch=batch))
    api.request(conn, [want(ana, "c:1")], now=now)
    conn.commit()

    def deliver() -> None:
        with db.connect() as own:
            api.hand_off(own, now, 10)

    def withdraw() -> None:
        with db.connect() as own:
            if way == "use":
                said = consent.UseGrant(ana, "marketing", "objected", people.source, now)
                consent.record_use(own, [said])
            elif way == "suppression":
                api.suppress(
                    own, subject_id=ana, channel="post", address="", reason="legal", at=now
                )
            else:
                consent.record_contact(
                    own,
                    [
                        consent.ContactGrant(id, "post", "", "denied", people.source, now)
                        for id in ([ana, *crowd] if way == "crowd" else [ana])
                    ],
                )
            own.commit()
            order.append("withdrawn")
            left.set()

    threads = [threading.Thread(target=deliver), threading.Thread(target=withdraw)]
    threads[0].start()
    assert sending.wait(30)
    threads[1].start()
    assert _somebody_waits(conn)
    assert not left.is_set()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert order == ["sent", "withdrawn"]
    api.unregister("post")


def test_a_grant_and_another_customers_refusal_do_not_wait(
    conn: db.Connection, people: People, now: datetime
) -> None:
    ana, ben = people.add(2)
    sending, go_on = threading.Event(), threading.Event()

    def batch(messages: Sequence[Rendered], at: datetime) -> Iterable[Sent]:
        sending.set()
        assert go_on.wait(30)
        return [Sent(one.delivery.id, "handed") for one in messages]

    api.register(Channel("post", "Post", address_namespace="email", batch=batch))
    api.request(conn, [want(ana, "c:1")], now=now)
    conn.commit()

    def deliver() -> None:
        with db.connect() as own:
            api.hand_off(own, now, 10)

    thread = threading.Thread(target=deliver)
    thread.start()
    assert sending.wait(30)
    conn.execute("SET lock_timeout = '2s'")
    people.leave(ben)
    people.agree([ana])
    conn.commit()
    assert api.prompts(conn, ana, "store", now) == []  # reached elsewhere at this very moment
    conn.commit()
    go_on.set()
    thread.join(30)
    api.unregister("post")


def test_two_workers_do_not_break_a_cap(
    conn: db.Connection, people: People, watch: Stopwatch, now: datetime
) -> None:
    ids = people.add(40)
    for part in range(6):
        api.request(conn, [want(id, f"c:{id}:{part}") for id in ids], now=now)
    conn.commit()

    def deliver() -> None:
        with db.connect() as own:
            while api.hand_off(own, now, 7):
                pass

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {len(times) for times in watch.sent.values()} == {1} and len(watch.sent) == 40
    row = conn.execute("SELECT count(*) FROM contacts").fetchone()
    assert row == (40,)


def test_the_same_cause_from_two_transactions_is_one_message(
    conn: db.Connection, people: People, watch: Stopwatch, now: datetime
) -> None:
    (ana,) = people.add()
    results: list[api.Requested] = []

    def ask() -> None:
        with db.connect() as own:
            results.extend(api.request(own, [want(ana, "c:1")], now=now))
            own.commit()

    (first,) = api.request(conn, [want(ana, "c:1")], now=now)
    thread = threading.Thread(target=ask)
    thread.start()
    assert _somebody_waits(conn)
    conn.commit()
    thread.join(30)
    assert results == [first]
    api.hand_off(conn, now + timedelta(minutes=1), 10)
    assert state(conn, first.delivery_id) == ("handed", "")
    assert len(told(conn)) == 1


def _somebody_waits(conn: db.Connection) -> bool:
    """Until a session waits for a lock, or a minute has passed."""
    with db.connect(autocommit=True) as own:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            row = own.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if row and row[0]:
                return True
            threading.Event().wait(0.01)
    return False
