"""Contracts in the lake: who stays, what it brings, and a clear word where nothing can be said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.models.api import Trained
from touchloop.insight.models.keeping import as_kept
from touchloop.insight.scores.churn.tests.conftest import NOW, Open, opened
from touchloop.insight.scores.lifetime import contractual, kind, renewing
from touchloop.insight.scores.lifetime.contracts import MONTH, read

__all__ = ["opened"]
TERMS = {"month": MONTH, "year": 365.25}
Rows = list[dict[str, object]]


def contracts(
    n: int, *, term: str | None = "month", ends: bool = True, renewals: bool = True, seed: int = 3
) -> Rows:
    """Contracts of three years that leave by Beta(1, 4) at each renewal; told as asked."""
    rows: Rows = []
    chance = np.random.default_rng(seed)
    period = TERMS[term or "month"]
    for customer in range(1, n + 1):
        start, leave = float(chance.uniform(1, 1_090)), float(chance.beta(1.0, 4.0))

        def tell(name: str, ago: float, customer: int = customer) -> None:
            properties: dict[str, Any] = {} if term is None else {"term": term}
            rows.append(
                {"customer_id": customer, "name": name, "value": 20.0, "interaction_id": len(rows),
                 "occurred_at": (NOW - timedelta(days=ago)).replace(tzinfo=None),
                 "properties": json.dumps(properties)}
            )  # fmt: skip

        tell("Subscription Started", start)
        while (start := start - period) > 0:
            if chance.random() < leave:
                if ends:
                    tell("Subscription Cancelled", start)
                break
            if renewals:
                tell("Subscription Renewed", start)
    return rows


def kept(trained: Trained | None) -> Trained:
    """As it comes back from the table."""
    assert trained is not None
    return replace(trained, parameters=as_kept(trained))


def test_contracts_are_fitted_judged_and_scored(opened: Open) -> None:
    run = opened(contracts(900))
    trained = kept(kind.CONTRACTS.train(run))
    (group,) = trained.curves["groups"]
    assert (group["period"], group["model"], group["n"]) == ("month", "sbg", 900)
    assert group["parameters"]["alpha"] == pytest.approx(1.0, abs=0.25)
    assert group["parameters"]["beta"] == pytest.approx(4.0, abs=1.0)
    first = group["renewals"][0]
    assert first["low"] < first["expected"] < first["high"] and first["asked"] > 600
    (metric,) = trained.metrics
    assert metric.baseline is not None and metric.value < metric.baseline and metric.n > 200
    held = trained.curves["held"]
    assert abs(held["expected"] - held["stayed"]) < 3 * np.sqrt(held["n"]) / 2
    assert {each.name for each in trained.features} == {
        "Subscription Started", "Subscription Renewed", "Subscription Cancelled",
    }  # fmt: skip
    stays, value = kind.CONTRACTS.score(run, trained)
    told = read(run, run.now)
    assert stays.rows.num_rows == int(told.running.sum())
    rows = {row["customer_id"]: row for row in stays.rows.to_pylist()}
    oldest, newest = (
        rows[int(told.customers[told.running][pick(told.start[told.running])])]
        for pick in (np.argmin, np.argmax)
    )
    assert oldest["value"] > newest["value"]  # who stayed long stays longer
    said = json.loads(oldest["inputs"])
    assert said["low"] <= oldest["value"] <= said["high"]
    assert said["reasons"][2] == "pays 20.00 each time"
    money = {row["customer_id"]: row["value"] for row in value.rows.to_pylist()}
    assert all(0 < each <= 12 * 20 + 20 for each in money.values())


def test_silence_is_an_end_where_others_renewed(opened: Open) -> None:
    trained = kept(kind.CONTRACTS.train(opened(contracts(600, ends=False))))
    (group,) = trained.curves["groups"]
    assert group["model"] == "sbg"
    assert group["parameters"]["beta"] / group["parameters"]["alpha"] == pytest.approx(4, abs=1)
    assert any("no renewal was told of them" in word for word in trained.words)


def test_who_comes_back_after_a_pause_had_opportunities(opened: Open) -> None:
    chance = np.random.default_rng(2)
    keen = chance.beta(2.0, 1.0, 801)
    rows = [
        row for row in contracts(800, ends=False)
        if row["name"] == "Subscription Started"
        or chance.random() < keen[int(str(row["customer_id"]))]
    ]  # fmt: skip
    run = opened(rows)
    trained = kept(kind.CONTRACTS.train(run))
    assert trained.curves["groups"][0]["model"] == "bg_bb"
    assert any("after a pause" in word for word in trained.words)
    stays = next(iter(kind.CONTRACTS.score(run, trained)))
    values = stays.rows.column("value").to_numpy()
    assert ((values >= 0) & (values <= 1)).all()


def test_a_period_nobody_told_is_read_off_the_renewals(opened: Open) -> None:
    run = opened(contracts(120, term=None))
    trained = kept(kind.CONTRACTS.train(run))
    assert trained.curves["groups"][0]["period"] == "month"
    assert not any("assumed" in word for word in trained.words)
    run = opened(contracts(120, term=None, renewals=False))
    assert any("assumed" in word for word in kept(kind.CONTRACTS.train(run)).words)


def test_years_are_no_months(opened: Open) -> None:
    run = opened(contracts(300, term="year"))
    trained = kept(kind.CONTRACTS.train(run))
    assert trained.curves["groups"][0]["period"] == "year"


def test_two_contracts_of_one_customer_are_two(opened: Open) -> None:
    rows = contracts(400)
    for number, row in enumerate(contracts(400, seed=9)):
        properties = json.dumps({"term": "month", "contract_id": "second"})
        rows.append(row | {"properties": properties, "interaction_id": 100_000 + number})
    run = opened(rows)
    trained = kept(kind.CONTRACTS.train(run))
    assert trained.n == 800
    stays, _value = kind.CONTRACTS.score(run, trained)
    ids = stays.rows.column("customer_id").to_pylist()
    assert len(ids) == len(set(ids))


def test_nothing_to_learn_from_is_a_word(opened: Open) -> None:
    assert kind.CONTRACTS.train(opened([])) is None
    with pytest.raises(Invalid, match="too few to learn from"):
        kind.CONTRACTS.train(opened(contracts(5)))
    stay = [row for row in contracts(60) if row["name"] == "Subscription Started"]
    with pytest.raises(Invalid, match="of 60 contracts 0 ended"):
        kind.CONTRACTS.train(opened(stay))
    late = [row for row in contracts(60) if row["name"] != "Subscription Started"]
    assert kind.CONTRACTS.train(opened(late)) is None  # nobody knows when they began


def test_a_contract_may_begin_again_and_be_told_twice(opened: Open) -> None:
    def row(name: str, ago: float, number: int) -> dict[str, object]:
        return {"customer_id": 1, "name": name, "interaction_id": number, "properties": "{}",
                "occurred_at": (NOW - timedelta(days=ago)).replace(tzinfo=None)}  # fmt: skip

    told = read(
        opened(
            [row("Subscription Created", 400, 1), row("Subscription Started", 400, 2),
             row("Subscription Cancelled", 300, 3), row("Subscription Ended", 270, 4),
             row("Subscription Started", 100, 5)]
        ),
        NOW,
    )  # fmt: skip
    assert [key[2] for key in told.keys] == [0, 2]
    assert np.round(NOW.timestamp() / 86_400 - told.start).tolist() == [400, 100]
    assert told.running.tolist() == [False, True]


def test_one_chance_for_all_is_named_and_used() -> None:
    chance = np.random.default_rng(1)
    until = chance.geometric(0.2, 3_000)
    fit = renewing.of_ends(contractual.tenures(np.minimum(until, 12), until <= 12), replicates=20)
    assert fit.model == "one_chance" and fit.boundary
    assert fit.parameters[0] == pytest.approx(0.2, abs=0.02)
    assert renewing.stays(fit.model, fit.parameters, 5.0, 2.0) == pytest.approx(0.64, abs=0.04)


def test_bg_bb_looks_ahead_as_simulated_customers_do() -> None:
    given = (1.2, 0.75, 0.66, 2.78)
    chance, n, ahead, people = np.random.default_rng(4), 6, 5, 200_000
    p, theta = chance.beta(*given[:2], people), chance.beta(*given[2:], people)
    life = chance.geometric(theta) - 1  # opportunities that he lives to see
    took = (chance.random((people, n + ahead)) < p[:, None]) & (
        np.arange(n + ahead) < life[:, None]
    )
    x = took[:, :n].sum(axis=1)
    tx = np.where(took[:, :n], np.arange(1, n + 1), 0).max(axis=1)
    for wanted in ((4, 6), (2, 3)):
        same = (x == wanted[0]) & (tx == wanted[1])
        one, two, three = (np.full(ahead, float(each)) for each in (*wanted, n))
        steps = np.arange(1.0, ahead + 1)
        seen = took[same, n:].mean(axis=0)
        assert renewing.renews(given, one, two, three, steps) == pytest.approx(seen, abs=0.02)
        lived = (life[same] >= n + ahead).mean()
        assert renewing.lives(given, one, two, three, steps)[-1] == pytest.approx(lived, abs=0.02)
