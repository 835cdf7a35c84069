"""Who uses far less than people like them: peers, words, and a segment that waits for it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from touchloop.core import db
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock, Say, conn, held_clock, say, source
from touchloop.insight.scores import api as scores
from touchloop.insight.scores.churn.tests.conftest import NOW, Open, opened
from touchloop.insight.scores.usage import kind, reading
from touchloop.insight.scores.usage.peering import compare
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

__all__ = ["conn", "held_clock", "opened", "say", "source"]
LITTLE = 7  # the customer who buys little


def milk(amount: dict[int, float], *, weeks: int = 40) -> list[dict[str, Any]]:
    """What each customer buys a week."""
    return [
        {
            "customer_id": customer, "name": "Order Completed", "category": "MILK",
            "occurred_at": (NOW - timedelta(days=7 * week + 1)).replace(tzinfo=None),
            "quantity": quantity, "interaction_id": week,
        }
        for customer, quantity in amount.items()
        for week in range(weeks)
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_reason_says_how_much_and_who_the_peers_are(opened: Open, conn: db.Connection) -> None:
    amounts = {customer: 2.0 for customer in range(60)} | {LITTLE: 0.5}
    run = opened([], milk(amounts), conn=conn)
    trained = kind.train(run)
    assert trained is not None and trained.parameters["services"] == [["MILK", "bought"]]
    (found,) = kind.score(run, trained)
    assert found.name == "usage_gap:MILK"
    assert found.rows.column("customer_id").to_pylist() == [LITTLE]
    said = json.loads(found.rows.column("inputs")[0].as_py())
    assert said["reasons"][0].startswith(
        "buys 2.2 of milk a month; 75% of 60 customers like this one"
    )
    assert said["reasons"][0].endswith("buy more than 8.7")
    assert found.rows.column("value")[0].as_py() == pytest.approx(59 / 60)


def test_peers_are_the_nearest_group_that_is_large_enough(opened: Open) -> None:
    use = reading.as_of(opened([], milk({c: 1.0 + c % 2 for c in range(50)})), NOW, traits=())
    size = {"household_size": use.services.copy()}
    size["household_size"][:] = ["2" if c % 2 else "1" for c in use.customers]
    size["household_size"][:3] = ["9", "9", ""]
    found = compare(
        reading.Use(use.customers, use.services, use.acts, use.monthly, size, use.tenure, use.pace),
        "MILK",
        "bought",
    )
    words = [found.words[place] for place in found.peers]
    assert words[0] == words[2] == "known for half a year or more, came often before"
    assert found.n[0] == 50
    assert words[10] == "household size 1, known for half a year or more" and found.n[10] == 23
    assert not found.gap.any()


@pytest.mark.django_db(transaction=True)
def test_what_people_told_parts_peers_of_those_only_who_allow_it(
    opened: Open, conn: db.Connection
) -> None:
    """All are of a size; the even ones allow that it is looked at, and buy twice as much."""
    source = _crm()
    conn.execute("UPDATE sources SET category = 'told_us' WHERE id = %s", (source.id,))
    conn.execute(
        "INSERT INTO trait_statements (subject_id, authority, source_id, at, tie, traits)"
        ' VALUES (1, 1, %s, %s, gen_random_uuid(), \'{"household_size": "3"}\')',
        (source.id, NOW),
    )
    said = {who: json.dumps({"household_size": 3 - who % 3 // 2}) for who in range(80)}
    amounts = {customer: 2.0 if customer % 2 else 4.0 for customer in range(80)} | {LITTLE - 1: 0.5}
    even = range(0, 80, 2)
    run = opened([], milk(amounts), conn=conn, traits=said, described=even)
    trained = kind.train(run)
    assert trained is not None
    assert [(f.name, f.category, f.refused) for f in trained.features[2:]] == [
        ("household_size", "told_us", "")
    ]
    (found,) = kind.score(run, trained)
    (inputs,) = (json.loads(text) for text in found.rows.column("inputs").to_pylist())
    assert found.rows.column("customer_id").to_pylist() == [LITTLE - 1]
    assert inputs["peers"].startswith("household size 3") and inputs["n"] < len(even)
    nobody = opened([], milk(amounts), conn=conn, traits=said)
    assert kind.train(nobody).parameters["traits"] == []  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_nothing_bought_is_nothing_to_compare(opened: Open, conn: db.Connection) -> None:
    assert kind.train(opened([], conn=conn)) is None
    assert kind.train(opened([], milk({1: 1.0}), conn=conn)) is None


@pytest.mark.django_db(transaction=True)
def test_a_gap_brings_a_customer_into_a_segment_that_a_trigger_can_wait_for(
    conn: db.Connection,
    say: Say,
    held_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))
    for user in ("ana", "bo"):
        say("identify", userId=user)
        say(
            event="Consent Given", userId=user, of=_crm(),
            properties={"purposes": ["profile"], "basis": "form", "notice_version": "1"},
        )  # fmt: skip
    segment = segments.create(
        "Buys little milk", purpose="profile", actor=None, now=NOON,
        rule={"score": {"name": "usage_gap:MILK", "op": "gte", "value": 0.75}},
    )  # fmt: skip
    worker.drain()
    ids: dict[str, int] = dict(
        conn.execute("SELECT value, customer_id FROM identifiers").fetchall()
    )
    changed = scores.write(conn, "usage_gap:MILK", [(ids["ana"], 0.9, "{}")], now=NOON)
    conn.execute(
        "INSERT INTO refreshes (customer_id, due_at, reason) SELECT id, %s, 'score'"
        " FROM unnest(%s::bigint[]) AS c(id)",
        (NOON, changed),
    )
    conn.commit()
    worker.drain()
    entered = conn.execute(
        "SELECT customer_id FROM segment_members WHERE segment_id = %s", (segment.id,)
    ).fetchall()
    assert entered == [(ids["ana"],)]


def _crm() -> Any:
    return interactions.ensure("crm", name="CRM", kind="server", trusted=True)
