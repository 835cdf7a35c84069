"""From trials that rooms above hand in to scores of everybody who may be scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.insight.models.api import Run
from touchloop.insight.uplift import api, trials
from touchloop.insight.uplift.kind import UPLIFT
from touchloop.lake import api as lake

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = 1_600
OUT = 7  # said "do not profile me"


@pytest.fixture
def conn(transactional_db: None) -> Iterator[Connection]:
    with db.connect() as made:
        made.execute(
            "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id)"
            " SELECT n, 'user_id', 'c' || n, n, n, 'ok', %s, 1 FROM generate_series(1, %s) n",
            (NOON, PEOPLE),
        )
        yield made


@pytest.fixture
def run(conn: Connection, tmp_path: Path) -> Iterator[Run]:
    """Odd customers bought bakery, and only they are changed by the offer."""
    ids = np.arange(1, PEOPLE + 1)
    at = datetime(2026, 1, 5)
    orders = {
        "interaction_id": pa.array(ids, pa.int64()),
        "customer_id": pa.array(ids, pa.int64()),
        "name": pa.array(["Order Completed"] * PEOPLE),
        "occurred_at": pa.array([at] * PEOPLE, pa.timestamp("us")),
    }
    said = ["BAKERY" if customer % 2 else "DELI" for customer in ids.tolist()]
    with lake.engine(lake=lake.Lake(str(tmp_path))) as engine:
        for name in ("interactions", "lines"):
            engine.rows(f"DROP VIEW {name}")
        engine.bind("interactions", pa.table({**orders, "value": pa.array([10.0] * PEOPLE)}))
        engine.bind("lines", pa.table({**orders, "department": pa.array(said),
                                       "amount": pa.array([10.0] * PEOPLE)}))  # fmt: skip
        allowed = [customer for customer in ids.tolist() if customer != OUT]
        engine.bind("people", pa.table({"customer_id": pa.array(allowed, pa.int64())}))
        yield Run(conn, engine, NOON, 1, lambda step, share: None)


def given(effect: float = 0.4) -> list[api.Trial]:
    chance = np.random.default_rng(4)
    found = []
    for subject in range(1, PEOPLE + 1):
        treated = bool(chance.random() < 0.5)
        rate = 0.25 + (effect if treated and subject % 2 else 0.0)
        found.append(
            api.Trial("bread", subject, treated, float(chance.random() < rate),
                      NOON - timedelta(days=30), NOON - timedelta(days=16))
        )  # fmt: skip
    return found


def test_trials_are_kept_once(conn: Connection) -> None:
    assert api.settled_until(conn) is None
    assert api.keep_trials(conn, given()) == PEOPLE
    assert api.keep_trials(conn, given()) == 0
    assert api.settled_until(conn) == NOON - timedelta(days=16)
    assert [(name, a + b) for name, a, b in api.offers(conn)] == [("bread", PEOPLE)]


def test_one_person_on_both_sides_is_left_out(conn: Connection) -> None:
    one = given()[0]
    api.keep_trials(conn, [one, replace(one, subject_id=2, treated=not one.treated)])
    conn.execute("UPDATE identifiers SET customer_id = 1 WHERE id = 2")
    assert trials.of_offer(conn, "bread").num_rows == 0


def test_nothing_is_learned_of_no_experiment(run: Run) -> None:
    assert UPLIFT.train(run) is None


def test_an_offer_is_learned_and_everybody_scored(run: Run) -> None:
    api.keep_trials(run.conn, given())
    trained = UPLIFT.train(run)
    assert trained is not None
    found = trained.curves["bread"]
    assert trained.n == PEOPLE - 1
    assert found["better_than_chance"]
    bought = {each["label"]: each for each in found["subgroups"]}
    assert bought["bought BAKERY = yes"]["low"] > 0.25
    assert bought["bought BAKERY = no"]["low"] < 0 < bought["bought BAKERY = no"]["high"]
    assert trained.metrics[0].value > (trained.metrics[0].baseline or 0)
    kept = replace(trained, parameters=json.loads(json.dumps(trained.parameters)))
    (scored,) = UPLIFT.score(run, kept)
    assert scored.name == "uplift:bread"
    rows = {row["customer_id"]: row for row in scored.rows.to_pylist()}
    assert OUT not in rows
    assert len(rows) == PEOPLE - 1
    assert rows[1]["value"] > 0.2 > abs(rows[2]["value"])
    inputs = json.loads(rows[1]["inputs"])
    assert inputs["low"] <= rows[1]["value"] <= inputs["high"]
    assert "BAKERY" in inputs["reasons"][0] or "DELI" in inputs["reasons"][0]


def test_a_campaign_of_two_messages_is_two_contrasts_and_a_choice(run: Run) -> None:
    """Odd customers are changed by A only, even ones by neither."""
    chance = np.random.default_rng(5)
    found = []
    for subject in range(1, PEOPLE + 1):
        arm = ("", "A", "B")[int(chance.integers(3))]
        rate = 0.25 + (0.5 if arm == "A" and subject % 2 else 0.0)
        found.append(
            api.Trial("campaign:spring", subject, bool(arm), float(chance.random() < rate),
                      NOON - timedelta(days=30), NOON - timedelta(days=16), arm)
        )  # fmt: skip
    api.keep_trials(run.conn, found)
    trained = UPLIFT.train(run)
    assert trained is not None
    one, other = (trained.curves[f"campaign:spring:{arm}"] for arm in "AB")
    held = sum(not each.treated and each.subject_id != OUT for each in found)
    assert one["effect"]["held"] == other["effect"]["held"] == held
    assert one["effect"]["low"] > 0.1 and other["effect"]["low"] < 0 < other["effect"]["high"]
    assert one["better_than_chance"] and not other["better_than_chance"]
    assert any("A for everybody" in word for word in trained.words)
    kept = replace(trained, parameters=json.loads(json.dumps(trained.parameters)))
    assert [each.name for each in UPLIFT.score(run, kept)] == ["uplift:campaign:spring:A"]


def test_sides_that_differed_before_they_parted_teach_nothing(run: Run) -> None:
    """Whoever bought bakery was written to: that is no lot."""
    told = [replace(each, treated=bool(each.subject_id % 2)) for each in given()]
    api.keep_trials(run.conn, told)
    trained = UPLIFT.train(run)
    assert trained is not None
    assert trained.curves["bread"]["effect"] is None
    assert "not drawn by lot" in trained.words[0] and "BAKERY" in trained.words[0]
    assert trained.metrics == () and list(UPLIFT.score(run, trained)) == []


def test_people_of_whom_nothing_is_known_are_compared_and_not_picked(run: Run) -> None:
    api.keep_trials(run.conn, given())
    for name in ("interactions", "lines"):
        nobody = run.engine.query(f"SELECT * FROM {name} WHERE customer_id < 0")
        run.engine.bind(name, nobody)
    trained = UPLIFT.train(run)
    assert trained is not None
    assert trained.curves["bread"]["effect"]["treated"] > 0
    assert any("could be told apart" in word for word in trained.words)
    assert list(UPLIFT.score(run, trained)) == []


def test_an_offer_that_changes_nobody_in_particular_is_not_scored(run: Run) -> None:
    api.keep_trials(run.conn, given(effect=0.0))
    trained = UPLIFT.train(run)
    assert trained is not None
    assert not trained.curves["bread"]["better_than_chance"]
    assert any("better than a lot" in word for word in trained.words)
    assert list(UPLIFT.score(run, trained)) == []
