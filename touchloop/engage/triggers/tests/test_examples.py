"""The demo's triggers: each brings its offer, by mail where that is allowed, else at the till."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from touchloop.channels import api as channels
from touchloop.core import db
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.tests.conftest import Happen, Named
from touchloop.flow import delivering, worker
from touchloop.flow.tests.conftest import Clock, Say
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions
from touchloop.records.cases import api as cases

DAY = timedelta(days=1)


@pytest.fixture
def shop(conn: db.Connection, held_clock: Clock, source: object) -> interactions.Source:
    """A till that may say what customers agreed to, the segments, and the triggers."""
    till = interactions.create("Till", kind="till", slug="till", trusted=True)
    segments.install_examples(conn, now=held_clock.at)
    made = triggers.install_examples(conn, now=held_clock.at)
    assert [each.state for each in made] == ["live"] * 3
    assert triggers.install_examples(conn, now=held_clock.at) == []
    for each in made:  # chance has its own tests
        whole = each.definition | {"holdout": 0.0}
        triggers.change(conn, each.id, definition=whole, now=held_clock.at)
    conn.commit()
    return till


def weekly(say: Say, clock: Clock, till: Any, who: str, *, mail: bool) -> None:
    """Eight weeks of baskets, never from the deli counter; some agree to mail."""
    purposes = ["service", "personalise", "profile", "marketing"]
    agreed: dict[str, Any] = {"purposes": purposes, "categories": ["bought", "told_us"]}
    if mail:
        say("identify", of=till, userId=who, traits={"email": f"{who}@mail.example"})
        agreed["channels"] = ["email"]
    say(of=till, userId=who, event="Consent Given", properties=agreed)
    for week in range(8, -1, -1):
        at = (clock.at - timedelta(weeks=week, hours=2)).isoformat()
        products = [{"product_id": "1", "department": "GROCERY", "price": 2, "quantity": 1}]
        say(of=till, userId=who, event="Order Completed", timestamp=at,
            properties={"total": 2, "products": products})  # fmt: skip


def deliveries(conn: db.Connection) -> list[tuple[str, str, str]]:
    rows = conn.execute("SELECT channel, offer, state FROM deliveries ORDER BY id").fetchall()
    conn.rollback()
    return [(row[0], row[1], row[2]) for row in rows]


def test_who_never_bought_there_is_invited_by_mail_or_at_the_till(
    conn: db.Connection, held_clock: Clock, say: Say, shop: interactions.Source
) -> None:
    for number in range(12):
        weekly(say, held_clock, shop, f"ana{number}", mail=number % 2 == 0)
    worker.drain()
    [entered] = conn.execute("SELECT count(*) FROM trigger_runs").fetchall()
    assert entered[0] == 12
    triggers_of = {each.slug: each.id for each in triggers.listing(conn)}
    held_clock.at += timedelta(hours=1)
    assert triggers.due(conn, held_clock.at) > 0
    conn.commit()
    found = deliveries(conn)
    report = triggers.report(conn, triggers_of["deli-invitation"])
    assert report.treated is not None and report.treated.n == 12 == len(found)
    assert {offer for _, offer, _ in found} == {"deli-invitation"}
    assert {channel for channel, _, _ in found} == {"email", "store"}
    customer = conn.execute(
        "SELECT i.customer_id FROM deliveries d JOIN identifiers i ON i.id = d.subject_id"
        " WHERE d.channel = 'store' LIMIT 1"
    ).fetchone()
    assert customer is not None
    [prompt] = channels.prompts(conn, customer[0], "store", held_clock.at, location="330")
    assert prompt.offer == "deli-invitation"
    assert prompt.data["offer"]["heading"] == "Taste our deli counter"


def test_who_buys_there_meanwhile_is_not_invited(
    conn: db.Connection, held_clock: Clock, say: Say, shop: interactions.Source
) -> None:
    weekly(say, held_clock, shop, "ana", mail=False)
    worker.drain()
    products = [{"product_id": "9", "department": "DELI", "price": 3, "quantity": 1}]
    say(of=shop, userId="ana", event="Order Completed", properties={"products": products})
    worker.drain()
    held_clock.at += timedelta(hours=1)
    triggers.due(conn, held_clock.at)
    conn.commit()
    assert deliveries(conn) == []
    assert [run.state for run in triggers.runs(conn)] == ["exited"]


def test_three_intervals_of_silence_bring_a_welcome(
    conn: db.Connection, held_clock: Clock, say: Say, shop: interactions.Source
) -> None:
    for number in range(4):
        who = f"bo{number}"
        agreed = {"purposes": ["personalise", "profile", "marketing"], "categories": ["bought"]}
        say(of=shop, userId=who, event="Consent Given", properties=agreed)
        for visit in range(10, 0, -1):
            at = (held_clock.at - visit * DAY).isoformat()
            say(of=shop, userId=who, event="Order Completed", timestamp=at)
    worker.drain()
    held_clock.at += 3 * DAY
    worker.drain()  # nobody sends anything: the clock alone enters the segment
    held_clock.at += timedelta(hours=1)
    triggers.due(conn, held_clock.at)
    conn.commit()
    assert {offer for _, offer, _ in deliveries(conn)} == {"come-back"}


def test_after_a_complaint_is_settled_somebody_makes_good(
    conn: db.Connection, held_clock: Clock, shop: interactions.Source, named: Named, happen: Happen
) -> None:
    ana = named("ana")
    case = cases.open_case(
        conn, subject_id=ana, kind="complaint", title="Sour milk", cause="test",
        at=held_clock.at,
    )  # fmt: skip
    assert case is not None
    conn.commit()
    worker.drain()
    held_clock.at += timedelta(hours=5)
    cases.close_case(conn, case, by=None, resolution="replaced", at=held_clock.at)
    conn.commit()
    worker.drain()
    assert [run.state for run in triggers.runs(conn)] == ["waiting"]
    held_clock.at += DAY
    delivering.drain()
    assert deliveries(conn)[-1][:2] == ("store", "making-good")
