"""From purchases in the lake to scores: who is counted, what is kept, what stands in the inputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from touchloop.core.db import Connection
from touchloop.insight.models.api import Run, Scored, Trained
from touchloop.insight.scores.lifetime import kind
from touchloop.lake import api as lake

START = datetime(2025, 1, 6)
Rows = list[tuple[int, datetime, float]]
Open = Callable[..., Run]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with lake.engine(lake=lake.Lake(str(tmp_path))) as engine:
        engine.rows("DROP VIEW interactions")

        def made(rows: Rows, *, without: int = 0, days: int = 366) -> Run:
            ids = [row[0] for row in rows]
            people = sorted({each for each in ids if each != without})
            engine.bind(
                "interactions",
                pa.table(
                    {
                        "customer_id": pa.array(ids, pa.int64()),
                        "name": pa.array(["Order Completed"] * len(ids)),
                        "occurred_at": pa.array([row[1] for row in rows], pa.timestamp("us")),
                        "value": pa.array([row[2] for row in rows], pa.float64()),
                    }
                ),
            )
            engine.bind("people", pa.table({"customer_id": pa.array(people, pa.int64())}))
            now = (START + timedelta(days=days)).replace(tzinfo=UTC)
            conn: Connection = None  # type: ignore[assignment]
            return Run(conn, engine, now, 1, lambda step, share: None)

        yield made


def year(customers: int = 400) -> Rows:
    """Customers of a BG/NBD over a year, who spend 10 to 90 an order."""
    chance, rows = np.random.default_rng(2), []
    for customer in range(1, customers + 1):
        day = float(chance.integers(0, 90))
        rate, leave = chance.gamma(1.0, 1 / 20.0), chance.beta(1.0, 6.0)
        usual = chance.uniform(20, 80)
        while day < 365:
            worth = float(usual + chance.uniform(-10, 10))
            rows.append((customer, START + timedelta(days=int(day), hours=10), worth))
            if chance.random() < leave:
                break
            day += 1 + chance.exponential(1 / rate)
    return rows


def kept(trained: Trained) -> Trained:
    """As it comes back from the database."""
    return replace(trained, parameters=json.loads(json.dumps(trained.parameters)))


def by_customer(scored: Scored) -> dict[int, tuple[float, dict[str, object]]]:
    return {
        row["customer_id"]: (row["value"], json.loads(row["inputs"]))
        for row in scored.rows.to_pylist()
    }


def test_value_is_learned_judged_and_told(opened: Open) -> None:
    rows = year()
    run = opened(rows, without=7)
    trained = kind.LIFETIME_VALUE.train(run)
    assert trained is not None
    assert trained.n == len({row[0] for row in rows}) - 1
    key = trained.metrics[0]
    assert key.better == "lower"
    assert key.baseline is not None and key.value < key.baseline
    assert trained.parameters["model"] in trained.parameters["models"]
    assert trained.curves["holdout"]["actual"] > 100
    assert sum(tenth["share"] for tenth in trained.curves["tenths"]) == pytest.approx(1)
    found = {each.name: by_customer(each) for each in kind.LIFETIME_VALUE.score(run, kept(trained))}
    assert set(found) == {"clv_12m", "p_alive", "expected_orders_12m", "next_order_days"}
    assert all(7 not in each and len(each) == trained.n for each in found.values())
    total = sum(value for value, _inputs in found["clv_12m"].values())
    tenths = trained.curves["tenths"]
    assert total == pytest.approx(sum(each["n"] * each["mean"] for each in tenths), rel=1e-3)
    for customer, (value, inputs) in found["clv_12m"].items():
        assert inputs["low"] - 0.01 <= value <= inputs["high"] + 0.01  # type: ignore[operator]
        assert len(inputs["reasons"]) == 3  # type: ignore[arg-type]
        assert 0 <= found["p_alive"][customer][0] <= 1
    wait, inputs = found["next_order_days"][1]
    assert inputs["low"] < wait < inputs["high"]  # type: ignore[operator]
    assert "if still a customer" in inputs["reasons"][0]  # type: ignore[index]


def test_what_came_after_now_and_returns_do_not_count(opened: Open) -> None:
    rows = year(60)
    before = kind.RFM.train(opened(rows))
    more = [
        *rows,
        (1, START + timedelta(days=400), 99.0),
        (61, START + timedelta(days=100), -5.0),
    ]
    after = kind.RFM.train(opened(more))
    assert before is not None and after is not None
    assert after.curves == before.curves


def test_too_little_history_gives_no_model(opened: Open) -> None:
    assert kind.LIFETIME_VALUE.train(opened([])) is None
    assert kind.RFM.train(opened([])) is None
    one = [(1, START, 5.0), (1, START + timedelta(days=200), 5.0)]
    assert kind.LIFETIME_VALUE.train(opened(one)) is None
    once = [(customer, START + timedelta(days=customer), 5.0) for customer in range(1, 200)]
    assert kind.LIFETIME_VALUE.train(opened(once)) is None


def test_old_data_is_counted_from_its_last_day(opened: Open) -> None:
    trained = kind.LIFETIME_VALUE.train(opened(year(200), days=700))
    assert trained is not None
    assert any("counted from that day" in word for word in trained.words)


def test_equals_stand_in_one_fifth(opened: Open) -> None:
    """Nine order once on one day; the tenth often, lately, for much."""
    rows = [(customer, START, 10.0) for customer in range(1, 10)]
    rows += [(10, START + timedelta(days=day), 50.0) for day in (1, 5, 9)]
    run = opened(rows)
    trained = kind.RFM.train(run)
    assert trained is not None
    (scored,) = kind.RFM.score(run, trained)
    found = by_customer(scored)
    assert {found[customer][0] for customer in range(1, 10)} == {333.0}
    assert found[10][0] == 555.0
    assert "fewer than three" in trained.words[0]
    assert sum(cell["n"] for cell in trained.curves["grid"]) == 10
