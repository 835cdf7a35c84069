"""Figures of quality against their definitions, and against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.insight.scores.learner import calibrating, quality

pairs = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])), min_size=2, max_size=40
).filter(lambda rows: 0 < sum(ones for ones, _ in rows) < len(rows))


@given(pairs)
def test_auc_is_the_chance_that_a_one_is_above_a_zero(rows: list[tuple[bool, float]]) -> None:
    outcome = np.array([one for one, _ in rows])
    score = np.array([value for _, value in rows])
    ones, zeros = score[outcome], score[~outcome]
    above = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    assert quality.auc(outcome, score) == pytest.approx(above.mean())
    found = quality.auc_interval(outcome, score)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(pairs)
def test_average_precision_and_brier_are_those_of_scikit_learn(
    rows: list[tuple[bool, float]],
) -> None:
    from sklearn import metrics

    outcome = np.array([one for one, _ in rows])
    score = np.array([value for _, value in rows])
    theirs = metrics.average_precision_score(outcome, score)
    assert quality.average_precision(outcome, score) == pytest.approx(theirs)
    assert quality.brier(outcome, score) == pytest.approx(metrics.brier_score_loss(outcome, score))


def test_delong_covers_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        outcome = rng.random(300) < 0.3
        score = rng.normal(size=300) + outcome
        found = quality.auc_interval(outcome, score)
        inside += found.low <= 0.76025 <= found.high  # of two normals one apart: Phi(1 / sqrt 2)
    assert 180 <= inside <= 198


def test_the_same_score_differs_by_nothing() -> None:
    rng = np.random.default_rng(2)
    outcome, score = rng.random(200) < 0.4, rng.random(200)
    gap, low, high = quality.auc_difference(outcome, score, score)
    assert gap == 0 and low == pytest.approx(0) and high == pytest.approx(0)


def test_lift_of_the_top_tenth() -> None:
    outcome = np.array([True] * 10 + [False] * 90)
    assert quality.lift(outcome, np.arange(100.0)[::-1]) == pytest.approx(10)
    assert quality.lift(outcome, np.zeros(100)) == pytest.approx(1), "equal scores are no ranking"


def test_calibration_mends_what_is_said_too_surely() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(size=4_000) - 1
    outcome = rng.random(4_000) < 1 / (1 + np.exp(-true))
    chosen, said = calibrating.choose(3 * true, outcome, seed=0)
    assert chosen.way in (calibrating.PLATT, calibrating.ISOTONIC)
    raw = 1 / (1 + np.exp(-3 * true))
    assert quality.brier(outcome, said) < quality.brier(outcome, raw) - 0.01
    again = calibrating.Calibration.from_json(chosen.to_json())
    assert np.array_equal(again.probabilities(true), chosen.probabilities(true))
