"""Who is leaving: nothing of what comes after a cut is known at it."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from touchloop.insight.models.api import Run, Trained
from touchloop.insight.scores.churn import contract, kind, shopping
from touchloop.insight.scores.churn.tests.conftest import NOW, Open

ORDER = "Order Completed"


def order(customer: int, at: datetime, value: float = 10.0) -> dict[str, Any]:
    plain = at.replace(tzinfo=None)
    return {"customer_id": customer, "name": ORDER, "occurred_at": plain, "value": value}


def shoppers(n: int = 160, *, days: int = 330) -> list[dict[str, Any]]:
    """Everybody comes about every eight days; a half slows down, and then stays away."""
    chance = random.Random(3)
    found = []
    for customer in range(n):
        at = NOW - timedelta(days=days - chance.random() * 8)
        ends = NOW - timedelta(days=chance.randrange(10, 190)) if customer % 2 == 0 else NOW
        while at < ends:
            found.append(order(customer, at, 10 + chance.random()))
            fading = (ends - at).days < 40 and ends < NOW
            at += timedelta(days=(2.5 if fading else 1) * chance.uniform(5, 11))
    return found


def test_a_cut_knows_only_what_was_before_it(opened: Open) -> None:
    rows, cut = shoppers(), NOW - timedelta(days=91)
    whole = shopping.as_of(opened(rows), cut)
    past = [row for row in rows if row["occurred_at"] <= cut.replace(tzinfo=None)]
    _same(shopping.as_of(opened(past), cut).inputs, whole.inputs)
    assert 0 < whole.gone.sum() < len(whole.gone)
    assert shopping.as_of(opened(past), cut).gone.all(), "nobody came back in what is cut off"


def test_gone_is_no_purchase_within_three_of_the_own_intervals(opened: Open) -> None:
    start, cut = NOW - timedelta(days=180), NOW - timedelta(days=91)
    often = [order(1, start + timedelta(days=5 * n)) for n in range(18)]
    seldom = [order(2, start + timedelta(days=20 * n)) for n in range(5)]
    back = [order(1, cut + timedelta(days=29)), order(2, cut + timedelta(days=29))]
    silent = [order(3, start + timedelta(days=5 * n)) for n in range(6)]
    once = [order(4, cut - timedelta(days=1))]
    found = shopping.as_of(opened([*often, *seldom, *back, *silent, *once]), cut)
    assert found.customers.tolist() == [1, 2]
    assert found.window_days.tolist() == [28, 60]
    assert found.gone.tolist() == [True, False]
    assert found.silent == 1, "who stayed away too long already is counted, not scored"


def test_shoppers_are_learned_out_of_time_and_scored_with_reasons(opened: Open) -> None:
    run = opened(shoppers())
    trained = kind.train(run)
    assert trained is not None
    part = trained.curves["parts"]["shopping"]
    assert part["validation"].startswith("out of time")
    assert set(part["models"]) == {"logit", "lightgbm"}
    assert trained.metrics[0].baseline is not None and trained.metrics[0].name == "AUC (shopping)"
    rows = _scored(run, trained)
    said = [json.loads(text) for text in rows["inputs"]]
    assert all(1 <= len(each["reasons"]) <= 3 and each["horizon"] >= 28 for each in said)
    assert all(
        0 <= e["low"] <= v <= e["high"] <= 1 for e, v in zip(said, rows["value"], strict=True)
    )


def test_who_may_not_be_profiled_is_neither_learned_from_nor_scored(opened: Open) -> None:
    run = opened(shoppers(), people=range(1, 160))
    cuts = shopping.cuts(run)
    assert cuts and all(0 not in cut.customers for cut in cuts)
    assert 0 not in shopping.as_of(run, NOW).customers


def test_contracts_end_by_what_was_known_before(opened: Open) -> None:
    chance, rows = random.Random(4), []
    for customer in range(160):
        start = NOW - timedelta(days=chance.randrange(250, 330))
        cheap = customer % 2 == 0
        properties = json.dumps({"plan": "basic" if cheap else "gold"})
        ends = start + timedelta(days=chance.randrange(90, 400) if cheap else 999)
        at, name = start, "Subscription Started"
        while at < min(ends, NOW):
            rows.append(_act(customer, name, at, properties=properties, value=5.0))
            use = 6 if (ends - at).days > 40 else 1
            rows += [_act(customer, "Data Used", at + timedelta(days=n)) for n in range(use)]
            at, name = at + timedelta(days=30), "Subscription Renewed"
        if ends < NOW:
            rows.append(_act(customer, "Subscription Cancelled", ends))
    run = opened(rows)
    cut = contract.as_of(run, NOW - timedelta(days=60))
    assert cut.inputs.column("plan").to_pylist().count("gold") == 80
    past = [row for row in rows if row["occurred_at"] <= cut.at.replace(tzinfo=None)]
    _same(contract.as_of(opened(past), cut.at).inputs, cut.inputs)

    run = opened(rows)
    trained = kind.train(run)
    assert trained is not None and set(trained.parameters["parts"]) == {"contract"}
    assert trained.metrics[0].value > 0.75
    scored = _scored(run, trained)
    ended = {row["customer_id"] for row in rows if row["name"] == "Subscription Cancelled"}
    assert ended and ended.isdisjoint(scored["customer_id"]), "who left needs no score"
    risk = dict(zip(scored["customer_id"], scored["value"], strict=True))
    basic = np.mean([risk[c] for c in risk if c % 2 == 0])
    assert basic > 2 * np.mean([risk[c] for c in risk if c % 2])


def test_too_little_is_nothing_to_learn_from(opened: Open) -> None:
    assert kind.train(opened([])) is None
    assert kind.train(opened([order(1, NOW - timedelta(days=3))])) is None
    loyal = [order(c, NOW - timedelta(days=3 * n)) for c in range(30) for n in range(100)]
    assert kind.train(opened(loyal)) is None, "nobody ever left"


def _same(one: pa.Table, other: pa.Table) -> None:
    for name in other.column_names:
        assert str(one.column(name).to_pylist()) == str(other.column(name).to_pylist())


def _act(customer: int, name: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "name": name, "occurred_at": at.replace(tzinfo=None), **more}


def _scored(run: Run, trained: Trained) -> dict[str, list[Any]]:
    (found,) = kind.score(run, trained)
    assert found.name == "churn"
    return dict(found.rows.to_pydict())
