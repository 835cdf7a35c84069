"""What affinity says is used: in segments live and in batch, and from training to scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pytest

from touchloop.core import db
from touchloop.insight.affinity import api, families, next_category
from touchloop.insight.affinity.tests import worlds
from touchloop.insight.affinity.tests.worlds import Order
from touchloop.insight.models.api import Run
from touchloop.insight.segments.api import parse
from touchloop.insight.segments.tests.oracle import Happening, Person, Product
from touchloop.insight.segments.tests.test_executions import agreed
from touchloop.insight.segments.tests.worlds import NOON

DELI = {
    "all": [
        {"interactions": {"events": ["Order Completed"], "measure": "absence",
                          "lines": [{"field": "department", "op": "eq", "value": "DELI"}]}},
        {"score": {"name": "new_category:DELI", "op": "gte", "value": 0.3}},
    ]
}  # fmt: skip


def test_never_bought_but_may_is_a_segment_live_and_in_batch() -> None:
    def person(id: int, department: str, chance: float | None) -> Person:
        bought = Happening(id, "Order Completed", NOON, products=[Product(department=department)])
        scores = {} if chance is None else {"new_category:DELI": chance}
        return Person(id, [bought], scores=scores)

    people = [
        person(1, "GROCERY", 0.4), person(2, "GROCERY", 0.2), person(3, "DELI", 0.4),
        person(4, "GROCERY", None), person(5, "GROCERY", 0.3),
    ]  # fmt: skip
    assert agreed(parse(DELI), people) == [1, 5]


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as opened:
        yield opened
        opened.rollback()


def widening(people: int = 160, weeks: int = 30) -> list[Order]:
    """Two tastes; each household begins with more of its own by and by."""
    chance = np.random.default_rng(8)
    found: list[Order] = []
    for person in range(people):
        taste = person % 2
        weight = np.where(np.arange(24) % 2 == taste, 4.0, 1.0) / (1 + np.arange(24))
        order = chance.choice(24, 11, replace=False, p=weight / weight.sum())
        starts = np.sort(chance.integers(0, weeks, len(order)))
        starts[:6] = 0
        for week in range(0, weeks, 3):
            items = [
                f"D{item % 6}/CATEGORY {item:02}"
                for item, start in zip(order, starts, strict=True)
                if start <= week
            ]
            found.append((person + 1, 7.0 * (weeks - week) - 3, "s", items))
    return found


def test_from_orders_to_scores_with_reasons(conn: db.Connection) -> None:
    orders = widening()
    said: list[str] = []
    with worlds.engine(orders, people=range(1, 151)) as engine:
        run = Run(conn, engine, worlds.NOON.replace(tzinfo=UTC), 1, lambda w, x: said.append(w))
        families.learn(conn, [])
        trained = api.NEXT_CATEGORY.train(run)
        assert trained is not None and said
        key = trained.metrics[0]
        assert (key.name, key.baseline_name) == ("P@5", "popularity")
        assert key.baseline is not None and key.value > key.baseline
        assert trained.parameters["category"]["horizon"] == 7
        kept = json.loads(json.dumps(trained.parameters))
        trained = type(trained)(kept, trained.metrics, (), 1, None, None)
        hidden = next(f for f in families.listing(conn, "category") if f.key == "CATEGORY 05")
        families.change(
            conn, hidden.id, name="", parent="", offered=False, actor=1,
            now=run.now + timedelta(hours=1),
        )  # fmt: skip
        found = {each.name: each.rows for each in next_category.score(run, trained)}
    bought: dict[int, set[str]] = {}
    for customer, _ago, _store, items in orders:
        bought.setdefault(customer, set()).update(item.split("/")[1] for item in items)
    new = {name: rows for name, rows in found.items() if name.startswith("new_category:CATEGORY")}
    assert new and "new_category:CATEGORY 05" not in found
    for name, rows in new.items():
        for row in rows.to_pylist():
            assert name.removeprefix("new_category:") not in bought[row["customer_id"]]
            assert row["customer_id"] <= 150 and 0 <= row["value"] <= 1
            inputs: dict[str, Any] = json.loads(row["inputs"])
            assert inputs["horizon"] == 49 and len(inputs["reasons"]) == 1
    shares: dict[int, float] = {}
    for name, rows in found.items():
        if name.startswith("affinity:CATEGORY"):
            for row in rows.to_pylist():
                shares[row["customer_id"]] = shares.get(row["customer_id"], 0.0) + row["value"]
    assert shares.keys() == set(range(1, 151))
    assert all(total == pytest.approx(1.0) for total in shares.values())


def test_one_customer_is_nothing_to_learn_from(conn: db.Connection) -> None:
    orders: list[Order] = [(1, float(n + 1), "s", ["A/X", "A/Y"]) for n in range(100)]
    for happened in (orders, []):
        with worlds.engine(happened) as engine:
            run = Run(conn, engine, worlds.NOON.replace(tzinfo=UTC), 1, lambda w, x: None)
            assert api.NEXT_CATEGORY.train(run) is None
            counted = api.TOGETHER.train(run)
            assert (counted is None) == (not happened)
    info = api.info(conn, "category")
    assert info is not None and info.households == 1 and info.words
