"""Intent is said in the batch that brings the step, from what was known then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from touchloop.core import db
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock
from touchloop.insight.models import api as models
from touchloop.insight.scores import api as scores
from touchloop.insight.scores.intent.tests.conftest import Walk
from touchloop.insight.segments import api as segments

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_visit_is_scored_as_it_goes_and_forgotten_when_it_is_over(
    conn: db.Connection,
    walk: Walk,
    refuse: Callable[[str], None],
    held_clock: Clock,
    learned: models.VersionInfo,
) -> None:
    assert learned.metrics[0].value > 0.7
    segments.create(
        "Means to buy", rule={"score": {"name": "intent_buy", "op": "gte", "value": 0.4}},
        purpose="profile", actor=None, now=NOON,
    )  # fmt: skip
    walk("v1", NOON, "Home Search")
    walk("v2", NOON, "Home Product Product + Cart")
    walk("v3", NOON, "Home Product + Cart")
    refuse("v3")
    walk("v4", NOON - timedelta(hours=3), "Home Product + Cart")
    worker.drain()

    one, two = (_scores(conn, user) for user in ("v1", "v2"))
    assert set(one) == set(two) == {"intent_buy", "intent_leave"}
    assert two["intent_buy"].value > 0.5 > one["intent_buy"].value
    assert len(two["intent_buy"].inputs["reasons"]) == 3
    conn.execute("UPDATE scores SET inputs = inputs - 'reasons' WHERE name = 'intent_buy'")
    seen = scores.visits_now(conn, held_clock.at)
    assert [visit.buy for visit in seen[:2]] == [two["intent_buy"].value, one["intent_buy"].value]
    assert list(seen[0].reasons) == two["intent_buy"].inputs["reasons"], "asked for when looked at"
    conn.rollback()
    assert two["intent_buy"].version == learned.id
    assert two["intent_buy"].inputs["low"] <= two["intent_buy"].value
    assert _scores(conn, "v3") == {}, "nobody is profiled against their will"
    assert _scores(conn, "v4") == {}, "what happened long ago is no visit"
    assert _members(conn) == {"v2"}, "a trigger may wait for it"

    walk("v2", NOON + timedelta(minutes=3), "!")
    held_clock.at += timedelta(minutes=4)
    worker.drain()
    assert _scores(conn, "v2") == {}, "the visit came to its end"
    assert _members(conn) == set()

    held_clock.at += timedelta(minutes=31)
    assert scores.expire_intents(conn, held_clock.at) == 1
    conn.commit()
    assert _scores(conn, "v1") == {}


def test_without_a_model_nothing_is_kept(
    conn: db.Connection, walk: Walk, consent: Callable[..., None], held_clock: Clock
) -> None:
    consent("v1")
    walk("v1", NOON, "Home Product")
    worker.drain()
    assert conn.execute("SELECT count(*) FROM intent_visits").fetchone() == (0,)
    assert models.train(conn, scores.INTENT, now=NOON) is None


def _scores(conn: db.Connection, user: str) -> dict[str, scores.Score]:
    row = conn.execute("SELECT customer_id FROM identifiers WHERE value = %s", (user,)).fetchone()
    assert row is not None
    return {s.name: s for s in scores.of_customer(conn, row[0]) if s.name.startswith("intent")}


def _members(conn: db.Connection) -> set[str]:
    rows = conn.execute(
        "SELECT i.value FROM segment_members m JOIN identifiers i ON i.customer_id = m.customer_id"
        " WHERE i.namespace = 'user_id'"
    )
    return {row[0] for row in rows.fetchall()}
