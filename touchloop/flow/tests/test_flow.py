"""Stories of the flow: what is put into the inbox becomes one customer record, once."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from touchloop.core import db
from touchloop.flow import duties, naming, steps, understanding, worker
from touchloop.flow.batch import Batch, Work
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

pytestmark = pytest.mark.django_db(transaction=True)


def one(conn: db.Connection, query: str, *parameters: Any) -> Any:
    row = conn.execute(query, parameters).fetchone()
    conn.rollback()
    return row[0] if row and len(row) == 1 else row


def test_an_order_becomes_a_customer_with_products(conn: db.Connection, say: Say) -> None:
    say("identify", userId="u1", traits={"name": "Ada Lovelace", "email": "Ada@Example.com"})
    say(
        event="Order Completed",
        userId="u1",
        timestamp="2026-01-05T10:00:00Z",
        properties={
            "revenue": 12.5,
            "products": [
                {
                    "product_id": "p1",
                    "name": "Milk",
                    "category": "DAIRY",
                    "price": 2.5,
                    "quantity": 5,
                },
                {"sku": "p2", "department": "DELI", "total": "3.10"},
            ],
        },
        context={"touchpoint": {"channel": "store", "location": "330"}},
        work=True,
    )
    customer = one(conn, "SELECT display_name, email, traits #>> '{email,v}' FROM customers")
    assert customer == ("Ada Lovelace", "Ada@Example.com", "Ada@Example.com")
    assert one(conn, "SELECT interactions, orders, spend FROM activity") == (2, 1, 12.5)
    lines = conn.execute(
        "SELECT product_id, name, department, amount FROM interaction_lines ORDER BY line"
    ).fetchall()
    assert lines == [("p1", "Milk", "", 12.5), ("p2", "", "DELI", 3.1)]
    assert one(conn, "SELECT channel, location FROM touchpoints WHERE location <> ''") == (
        "store",
        "330",
    )
    assert one(conn, "SELECT count(*) FROM inbox") == 0


def test_the_same_again_is_a_duplicate_and_another_under_its_id_is_held(
    conn: db.Connection, say: Say
) -> None:
    say(event="A", userId="u", messageId="x", properties={"n": 1})
    say(event="A", userId="u", messageId="x", properties={"n": 1}, work=True)
    say(event="A", userId="u", messageId="x", properties={"n": 1})
    say(event="A", userId="u", messageId="x", properties={"n": 2}, work=True)
    ledger = interactions.snapshot(conn)
    assert (ledger.sent, ledger.stored, ledger.duplicate, ledger.quarantined) == (4, 1, 2, 1)
    assert ledger.holds
    assert one(conn, "SELECT reason FROM held_messages") == "id_conflict"


def test_an_anonymous_visitor_becomes_the_known_one(conn: db.Connection, say: Say) -> None:
    say("page", anonymousId="a1", name="Home")
    say("page", anonymousId="a1", name="Shoes", work=True)
    assert one(conn, "SELECT count(*) FROM customers") == 1
    say("identify", anonymousId="a1", userId="u1", traits={"name": "Bo"}, work=True)
    assert one(conn, "SELECT count(*) FROM customers") == 1
    assert one(conn, "SELECT interactions FROM activity") == 3
    assert one(conn, "SELECT display_name FROM customers") == "Bo"


def test_our_own_news_names_its_subject_and_is_no_act_of_the_customer(
    conn: db.Connection, say: Say
) -> None:
    say(event="A", userId="u1", work=True)
    subject = one(conn, "SELECT id FROM identifiers")
    news = [
        interactions.News("Case Opened", id, f"case:{id}", NOON, {"n": 1}, "store", "330")
        for id in (subject, subject, 999_999)
    ]
    interactions.tell(conn, news)
    conn.commit()
    worker.drain()
    found = conn.execute(
        "SELECT x.subject_id, t.location FROM interactions x JOIN kinds k ON k.id = x.kind_id"
        " JOIN touchpoints t ON t.id = x.touchpoint_id WHERE k.name = 'Case Opened'"
    ).fetchall()
    assert found == [(subject, "330")]
    assert one(conn, "SELECT count(*) FROM identifiers") == 1
    assert one(conn, "SELECT interactions FROM activity") == 1
    ledger = interactions.snapshot(conn)
    assert (ledger.sent, ledger.stored, ledger.duplicate, ledger.erased) == (4, 2, 1, 1)
    assert ledger.holds


def test_nobody_else_can_name_a_subject(conn: db.Connection, say: Say) -> None:
    say(event="A", userId="u1", work=True)
    subject = one(conn, "SELECT id FROM identifiers")
    say(event="B", anonymousId=f"subject:{subject}", work=True)
    assert one(conn, "SELECT count(*) FROM customers") == 2


def test_nobody_is_made_of_blocked_identifiers(conn: db.Connection, say: Say) -> None:
    say(event="A", userId="null", work=True)
    assert one(conn, "SELECT reason FROM held_messages") == "no_identifier"
    assert one(conn, "SELECT count(*) FROM customers") == 0


def test_reserved_traits_are_not_taken_from_a_public_key(conn: db.Connection, say: Say) -> None:
    say(
        "identify",
        userId="u",
        traits={"points": 9_999, "is_admin": True, "city": "Gent"},
        work=True,
    )
    names = conn.execute("SELECT name FROM trait_values").fetchall()
    assert names == [("city",)]


def test_what_the_person_said_is_not_overwritten_by_an_import(
    conn: db.Connection, say: Say
) -> None:
    web = interactions.create("Site", kind="web", slug="site")
    file = interactions.create("List", kind="import", slug="list", trusted=True)
    say("identify", userId="u", traits={"city": "Gent"}, of=web, timestamp="2026-01-01T00:00:00Z")
    say("identify", userId="u", traits={"city": "Brugge", "age": 5}, of=file, work=True)
    assert one(conn, "SELECT traits #>> '{city,v}', traits #>> '{age,v}' FROM customers") == (
        "Gent",
        "5",
    )


def test_a_poisoned_message_ends_as_a_dead_letter_and_stops_nobody(
    conn: db.Connection, source: interactions.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = naming.name_customers

    def poisoned(batch: Batch, work: Work) -> Batch:
        if any(message.envelope.user_id == "poison" for message in batch.messages):
            raise ZeroDivisionError("poison")
        return genuine(batch, work)

    way = tuple(
        step._replace(run=poisoned) if step.name == "who" else step
        for step in steps.ON_INTERACTIONS
    )
    monkeypatch.setattr(steps, "ON_INTERACTIONS", way)
    users = [f"u{n}" for n in range(30)] + ["poison"] + [f"v{n}" for n in range(30)]
    interactions.put(
        conn,
        [
            interactions.Record(
                source.id,
                1_772_000_000_000_000,
                "track",
                None,
                False,
                f'{{"event":"A","userId":"{user}","messageId":"{user}"}}'.encode(),
                [""],
                1,
                "segment",
            )
            for user in users
        ],
    )
    conn.commit()
    worker.drain(deadline=60)
    assert one(conn, "SELECT shelf, reason FROM held_messages") == ("dead_letter", "failed")
    ledger = interactions.snapshot(conn)
    assert (ledger.sent, ledger.stored, ledger.quarantined, ledger.pending) == (61, 60, 1, 0)


def test_a_full_disk_is_not_held_against_the_messages(
    conn: db.Connection, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again and again for as long as it lasts, and none becomes a dead letter for it."""
    tries = 0
    walk = steps.walk

    def full(batch: Batch, work: Work, way: tuple[steps.Step, ...]) -> Batch:
        nonlocal tries
        tries += 1
        if tries <= 10:
            raise psycopg.errors.DiskFull("could not extend file: No space left on device")
        return walk(batch, work, way)

    monkeypatch.setattr(steps, "walk", full)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    say(event="A", userId="u1")
    worker.run(stop=lambda: one(conn, "SELECT count(*) FROM inbox") == 0)
    assert tries == 11
    assert one(conn, "SELECT count(*) FROM held_messages") == 0
    assert one(conn, "SELECT count(*) FROM interactions") == 1


def test_a_segment_is_entered_and_left_at_the_clock(
    conn: db.Connection, say: Say, held_clock: Clock
) -> None:
    rule = {
        "interactions": {
            "events": ["Order Completed"],
            "measure": "count",
            "op": "gte",
            "value": 2,
            "window": {"last": 90, "unit": "days"},
        }
    }
    segment = segments.create("Often", rule=rule, purpose="service", actor=None, now=NOON)
    say(event="Order Completed", userId="u", timestamp="2026-02-01T12:00:00Z")
    say(event="Order Completed", userId="u", timestamp="2026-02-20T12:00:00Z", work=True)
    assert one(conn, "SELECT count(*) FROM segment_members WHERE segment_id = %s", segment.id) == 1
    due = one(conn, "SELECT due_at FROM refreshes")
    assert due == NOON.replace(month=2, day=1) + timedelta(days=90)
    held_clock.at = due - timedelta(microseconds=1)
    worker.drain()
    assert one(conn, "SELECT count(*) FROM segment_members") == 1
    held_clock.at = due
    worker.drain()
    assert one(conn, "SELECT count(*) FROM segment_members") == 0
    happened = conn.execute(
        "SELECT k.name, x.occurred_at FROM interactions x JOIN kinds k ON k.id = x.kind_id"
        " WHERE k.type = 'system' ORDER BY x.id"
    ).fetchall()
    assert happened == [("Segment Entered", NOON), ("Segment Left", due)]


def test_a_batch_of_which_segments_say_too_much_is_taken_apart(
    conn: db.Connection, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = {"interactions": {"events": ["A"], "measure": "count", "op": "gte", "value": 1}}
    segments.create("Did A", rule=everybody, purpose="service", actor=None, now=NOON)
    monkeypatch.setattr(understanding, "IDS_OF_A_BATCH", 3)
    for user in ("u1", "u2"):
        say(event="A", userId=user)
    worker.drain()
    assert one(conn, "SELECT count(*) FROM segment_members") == 2
    assert one(conn, "SELECT count(*) FROM held_messages") == 0


def test_a_worker_finds_its_place_among_those_alive(conn: db.Connection) -> None:
    late, early = duties.Pulse("b"), duties.Pulse("a")
    duties.find_place(conn, late)
    assert late.place == (0, 1)  # nobody knows of it yet
    for pulse in (late, early):
        duties.beat(conn, pulse)
    for pulse in (late, early):
        duties.find_place(conn, pulse)
    assert (early.place, late.place) == ((0, 2), (1, 2))


def test_two_workers_share_the_work_and_nothing_is_counted_twice(
    conn: db.Connection, source: interactions.Source
) -> None:
    for part in range(20):
        interactions.put(
            conn,
            [
                interactions.Record(
                    source.id,
                    1_772_000_000_000_000 + part,
                    "track",
                    None,
                    False,
                    json.dumps(
                        {
                            "event": "A",
                            "userId": f"u{n % 7}",
                            "anonymousId": f"a{n % 11}",
                            "messageId": f"{part}-{n}",
                        }
                    ).encode(),
                    [""],
                    1,
                    "segment",
                )
                for n in range(25)
            ],
        )
    conn.commit()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            worker.drain(messages=50, deadline=60)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker.drain()
    assert failures == []
    assert one(conn, "SELECT count(*) FROM interactions") == 500
    assert one(conn, "SELECT sum(interactions) FROM activity") == 500
    assert interactions.snapshot(conn).holds


def test_a_worker_that_ends_is_no_longer_counted_on(
    conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    beaten = threading.Event()

    def beat(duties_conn: db.Connection, pulse: duties.Pulse) -> None:
        duties.beat(duties_conn, pulse)
        beaten.set()

    monkeypatch.setattr(duties, "_PACE", ((beat, 5.0, 5.0),))
    with duties.attended(duties.Pulse("a")):
        assert beaten.wait(20)
        assert one(conn, "SELECT count(*) FROM heartbeats") == 1
    assert one(conn, "SELECT count(*) FROM heartbeats") == 0
