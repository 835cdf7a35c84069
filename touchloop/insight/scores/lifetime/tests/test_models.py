"""What must hold of each model whatever the numbers: gradients, sums, limits, grouping."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime import betageometric as bg
from touchloop.insight.scores.lifetime import contractual, fitting, judging, paretonbd, worth
from touchloop.insight.scores.lifetime import gammagamma as gg
from touchloop.insight.scores.lifetime.fitting import Objective
from touchloop.insight.scores.lifetime.grouping import Floats, coarse, group

LOGS = st.floats(-2.5, 2.5)
HISTORIES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 300), st.integers(0, 300)).map(
        lambda row: (row[0], min(row[2], row[1]) if row[0] else 0, row[1])
    ),
    min_size=1,
    max_size=12,
)
Histories = list[tuple[int, int, int]]


def slopes(objective: Objective, theta: Floats) -> Floats:
    """Central differences."""
    step = 1e-5 * np.eye(len(theta))
    return np.array([(objective(theta + e)[0] - objective(theta - e)[0]) / 2e-5 for e in step])


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.lists(LOGS, min_size=4, max_size=4), st.sampled_from(list(judging.LABELS)))
def test_gradients_are_those_of_the_likelihood(
    rows: Histories, logs: list[float], model: str
) -> None:
    data = group(*np.array(rows, dtype=float).T / np.array([[1], [7], [7]]))
    theta = np.array(logs[: {judging.NBD: 2, judging.ONE_CHANCE: 3}.get(model, 4)])
    objective = judging.objective(model, data)
    value, gradient = objective(theta)
    assert np.isfinite(value)
    near = 1e-4 * (1 + abs(value))
    assert gradient == pytest.approx(slopes(objective, theta), rel=1e-4, abs=near)


@settings(max_examples=20, deadline=None)
@given(HISTORIES, st.lists(LOGS, min_size=4, max_size=4))
def test_grouping_changes_nothing(rows: Histories, logs: list[float]) -> None:
    x, tx, T = np.array(rows * 3, dtype=float).T
    data = group(x, tx, T)
    assert data.n == len(x)
    theta = np.array(logs)
    one_by_one = sum(
        bg.log_likelihood(theta, group([a], [b], [c]), modified=False)[0]
        for a, b, c in zip(x, tx, T, strict=True)
    )
    assert bg.log_likelihood(theta, data, modified=False)[0] == pytest.approx(one_by_one)


@settings(max_examples=20, deadline=None)
@given(HISTORIES, st.lists(LOGS, min_size=4, max_size=4), st.sampled_from(list(judging.LABELS)))
def test_nobody_is_more_alive_than_sure_nor_orders_less_than_nothing(
    rows: Histories, logs: list[float], model: str
) -> None:
    data = group(*np.array(rows, dtype=float).T)
    theta = np.array(logs[: {judging.NBD: 2, judging.ONE_CHANCE: 3}.get(model, 4)])
    names = judging.parameters_of(model, theta)
    alive = judging.alive(model, names, data)
    come = [judging.to_come(model, names, data, time) for time in (1.0, 52.0)]
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (come[0] >= 0).all()
    assert (come[1] >= come[0]).all()


def test_gamma_gamma_has_its_gradient() -> None:
    data = gg.Spending([1, 2, 5, 9], [10.0, 3.5, 80.0, 22.0], [3, 1, 2, 1])
    theta = np.log([4.0, 3.0, 12.0])
    found = gg.log_likelihood(theta, data)[1]
    assert found == pytest.approx(slopes(lambda t: gg.log_likelihood(t, data), theta), rel=1e-6)


def test_contractual_gradients() -> None:
    theta = np.log([0.7, 1.3, 0.4, 2.0])
    chances = contractual.Chances(
        [0, 1, 2, 3, 0, 6], [0, 4, 2, 5, 0, 6], [6, 6, 6, 5, 3, 6], [10, 3, 4, 2, 9, 1]
    )
    objective = contractual.bg_bb(chances)
    assert objective(theta)[1] == pytest.approx(slopes(objective, theta), rel=1e-6)
    leaving = contractual.sbg(contractual.tenures([1, 1, 2, 3, 3, 5], [1, 1, 0, 1, 0, 0]))
    assert leaving(theta[:2])[1] == pytest.approx(slopes(leaving, theta[:2]), rel=1e-6)


def test_bg_bb_sums_to_one_over_all_histories() -> None:
    """Of six opportunities there are 64 histories."""
    theta, total = np.log([0.7, 1.3, 0.4, 2.0]), 0.0
    for bits in product([0, 1], repeat=6):
        last = max([place + 1 for place, bit in enumerate(bits) if bit] or [0])
        chances = contractual.Chances([sum(bits)], [last], [6])
        total += float(np.exp(contractual.bg_bb_rows(theta, chances)[0][0]))
    assert total == pytest.approx(1.0)


def test_parameters_are_found_again() -> None:
    """20,000 simulated customers of a BG/NBD, on days; the start is made on whole weeks."""
    chance = np.random.default_rng(11)
    n = 20_000
    rate, leave = chance.gamma(0.5, 1 / 5.0, n), chance.beta(0.9, 2.5, n)
    T = chance.integers(20 * 7, 50 * 7, n) / 7
    x, tx, now, there = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while there.any():
        now[there] += chance.exponential(1 / rate[there])
        there &= now <= T
        x[there] += 1
        tx[there] = now[there]
        there &= chance.random(n) >= leave
    tx = np.minimum(np.ceil(tx * 7) / 7, T)
    data = group(x, tx, T)
    exact = judging.objective("bg_nbd", data)
    whole = fitting.climb(exact, [[0.0, 1.0, 0.0, 1.0]])
    rough = fitting.climb(
        judging.objective("bg_nbd", coarse(data)), [[0.0, 1.0, 0.0, 1.0]], exact=exact
    )
    assert np.exp(whole.theta) == pytest.approx([0.5, 5.0, 0.9, 2.5], rel=0.2)
    assert rough.theta == pytest.approx(whole.theta, abs=1e-6)


def test_the_range_of_orders_holds_what_it_says() -> None:
    data = group([0, 3, 20], [0, 30, 38], [39, 39, 39])
    names = {"r": 0.25, "alpha": 4.4, "a": 0.8, "b": 2.4}
    low, high = worth.range_of_orders("bg_nbd", names, data, time=39.0, seed=1)
    mean = judging.alive("bg_nbd", names, data) * judging.to_come("bg_nbd", names, data, 39.0)
    assert (low <= mean).all()
    assert (high >= np.floor(mean)).all()


def test_pareto_nbd_meets_its_limit_at_s_one() -> None:
    data = group([2, 5], [10, 20], [39, 39])
    near, here = (
        paretonbd.to_come({"r": 0.5, "alpha": 9.0, "s": s, "beta": 12.0}, data, 20.0)
        for s in (1.0 + 1e-6, 1.0)
    )
    assert here == pytest.approx(near, rel=1e-5)


@pytest.mark.parametrize(
    "columns", [([], [], []), ([1], [5], [3]), ([1], [float("nan")], [3]), ([-1], [0], [3])]
)
def test_impossible_histories_are_refused(columns: tuple[list[float], ...]) -> None:
    with pytest.raises(Invalid):
        group(*columns)
