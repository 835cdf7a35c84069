"""Of what is captured: what it costs, who uses it, what hibernates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from touchloop.core import db
from touchloop.flow import api as flow
from touchloop.flow import motion as gathering
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.insight.motion import api as motion
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

RULE = {
    "all": [
        {
            "interactions": {
                "events": ["Order Completed"],
                "where": [{"path": "coupon", "op": "exists"}],
                "measure": "count",
                "op": "gte",
                "value": 1,
            }
        },
        {"trait": {"name": "plan", "op": "exists"}},
    ]
}


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))


@pytest.fixture
def captured(conn: db.Connection, say: Say, held_clock: Clock) -> None:
    basket = [{"product_id": "p1", "price": 2, "quantity": 1}] * 3
    for n in range(4):
        bought = {"total": 5, "coupon": "X", "note": "n" * 400, "products": basket}
        say(event="Order Completed", userId=f"u{n}", properties=bought)
        say(event="Lamp Lit", userId=f"u{n}", properties={"room": "hall"})
        say("identify", userId=f"u{n}", traits={"plan": "gold", "shoe_size": 44})
    worker.drain()
    flow.export_all(conn)
    while interactions.fold(conn, now=NOON):
        conn.commit()


def rows(conn: db.Connection, clock: Clock) -> dict[tuple[str, str], motion.Row]:
    return {(row.kind, row.name): row for row in motion.rows(conn, now=clock.at)}


def test_what_is_used_and_what_hibernates(
    captured: None, conn: db.Connection, held_clock: Clock
) -> None:
    made = segments.create("Coupons", rule=RULE, purpose="service", actor=None, now=NOON, conn=conn)
    segments.set_state(made.id, "live", now=NOON, conn=conn)
    assert gathering.measure_motion(conn, NOON) == 1
    assert gathering.measure_motion(conn, NOON) == 0  # once a day
    found = rows(conn, held_clock)
    states = {key: row.state for key, row in found.items() if row.kind in ("trait", "property")}
    assert states == {
        ("property", "Order Completed.total"): "in_use",  # by the score that is always counted
        ("property", "Order Completed.coupon"): "in_use",
        ("property", "Order Completed.note"): "never",
        ("property", "Order Completed.products"): "never",
        ("property", "Lamp Lit.room"): "never",
        ("trait", "plan"): "in_use",
        ("trait", "shoe_size"): "never",
    }
    event = found["event", "Order Completed"]
    assert (event.state, event.volume, event.category) == ("in_use", 4, "bought")
    assert {(use.what, use.where) for use in event.uses} >= {("segment", "Coupons")}
    assert found["event", "Lamp Lit"].state == "never"
    assert {use.where for use in found["source", "shop"].uses} == {"Order Completed", "plan"}
    note, room = found["property", "Order Completed.note"], found["property", "Lamp Lit.room"]
    assert note.bytes > 5 * room.bytes > 0
    day = motion.latest(conn)
    assert day is not None
    in_use = [row for row in found.values() if row.kind != "source" and row.state == "in_use"]
    assert (day.items_in_use, day.bytes_in_use) == (
        len(in_use),
        sum(row.own_bytes for row in in_use),
    )
    assert day.share == len(in_use) / day.items
    assert 0 < day.bytes_in_use < day.bytes

    segments.set_state(made.id, "paused", now=NOON, conn=conn)
    held_clock.at = NOON + timedelta(days=31)
    assert gathering.measure_motion(conn, held_clock.at) == 1
    found = rows(conn, held_clock)
    assert found["trait", "plan"].state == "hibernating"
    assert found["trait", "shoe_size"].state == "never"
    assert [len(motion.days(conn)), len(motion.days(conn, limit=1))] == [2, 1]


def test_consent_says_for_how_many_a_use_is_allowed(
    captured: None, conn: db.Connection, held_clock: Clock
) -> None:
    gathering.measure_motion(conn, NOON)
    day = motion.latest(conn)
    assert day is not None
    shares = {p: motion.share_allowed(day, "bought", p) for p in ("service", "profile")}
    assert shares == {"service": 1.0, "profile": 0.0}
    assert motion.share_allowed(day, "survey", "profile") is None  # nothing of the kind is there
    assert motion.share_allowed(day, "", "profile") is None


def test_nothing_captured_is_no_share(conn: db.Connection, source: object) -> None:
    assert motion.latest(conn) is None
    gathering.measure_motion(conn, NOON)
    day = motion.latest(conn)
    assert day is not None and (day.items, day.share) == (0, None)
