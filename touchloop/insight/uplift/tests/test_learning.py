"""Learners on an experiment with a known effect, and without any."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.uplift import comparing, gain, learners, policy, reporting
from touchloop.insight.uplift.asking import FOREST
from touchloop.insight.uplift.experiment import Experiment, refused
from touchloop.insight.uplift.tests.worlds import drawn


@pytest.mark.parametrize("name", learners.LEARNERS)
def test_each_learner_finds_whom_the_offer_changes(name: str) -> None:
    data, _true = drawn(6_000)
    new, true = drawn(3_000, seed=2)
    fitted = learners.fit(name, data, seed=0)
    said = fitted.effects(new.features)
    assert np.corrcoef(said, true)[0, 1] > 0.75
    young, old = new.features[:, 0] < 40, new.features[:, 0] >= 60
    assert said[young].mean() > 0.1 > 0 > said[old].mean()
    reasons = fitted.reasons(new.features)
    assert reasons is not None
    assert np.abs(reasons).mean(axis=0).argmax() == 0
    texts = fitted.texts()
    assert texts is not None
    again = learners.Boosted.of_texts(name, texts)
    assert again.effects(new.features) == pytest.approx(said)


def test_the_causal_forest_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learners, "TREES", 40)
    data, _true = drawn(2_000)
    if importlib.util.find_spec("econml") is None:
        with pytest.raises(Invalid, match="not installed"):
            learners.fit(FOREST, data, seed=0)
        return
    new, true = drawn(1_000, seed=2)
    said = learners.fit(FOREST, data, seed=0).effects(new.features)
    assert np.corrcoef(said, true)[0, 1] > 0.7


def test_a_forest_that_is_not_installed_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learners, "forest_there", lambda: False)
    with pytest.raises(Invalid, match=r"touchloop\[causal\]"):
        learners.fit(FOREST, drawn(300)[0], seed=0)


def test_learners_are_compared_in_people_over_several_splits() -> None:
    data, _true = drawn(6_000, effect=0.3)
    found = comparing.compare(data, seed=3, seeds=3)
    best, lot = found.standings[found.best], found.standings["random"]
    assert found.better_than_chance
    assert len(best.areas) == 3
    assert best.mean > 20 > abs(lot.mean)
    assert best.curves.shape == (3, gain.GRID + 1)
    said = reporting.learned(data, found)
    tenths = said["tenths"]
    assert tenths[0]["low"] > 0 > tenths[-1]["high"]
    assert said["curve"]["gain"][0] == 0


def test_without_an_effect_no_learner_is_better_than_a_lot() -> None:
    data, _true = drawn(3_000, effect=0.0)
    found = comparing.compare(data, seed=3)
    assert not found.better_than_chance
    assert "No learner ranks people better than a lot" in found.words[0]


def test_the_learned_choice_says_when_it_is_no_better() -> None:
    data, true = drawn(6_000, effect=0.4)
    arms = data.treated.astype(np.int64)
    choice = policy.choose(
        data.features, arms, data.outcome, seed=0, labels=["nothing", "the offer"]
    )
    assert choice.better
    assert "beats the offer for everybody" in choice.sentence
    assert choice.learned.value - choice.single[1].value == pytest.approx(
        -np.minimum(true, 0).mean(), abs=0.04
    )
    flat, _true = drawn(3_000, effect=0.0)
    same = policy.choose(
        flat.features, flat.treated.astype(np.int64), flat.outcome, seed=0,
        labels=["nothing", "the offer"],
    )  # fmt: skip
    assert not same.better
    assert "is no better than" in same.sentence


def test_a_single_action_is_worth_its_mean() -> None:
    data, _true = drawn(2_000)
    arms = data.treated.astype(np.int64)
    choice = policy.choose(data.features, arms, data.outcome, seed=0, labels=["no", "yes"])
    for arm in (0, 1):
        assert choice.single[arm].value == pytest.approx(data.outcome[arms == arm].mean())
        assert choice.single[arm].effective_n == pytest.approx((arms == arm).sum())


def test_gain_is_people_by_the_one_definition() -> None:
    """Best four: two treated with two goals, two held out with one: 2 - 1·2/2 = 1."""
    scores = np.array([9, 8, 7, 6, 2, 1.0])
    treated = np.array([1, 0, 1, 0, 1, 0], dtype=bool)
    outcome = np.array([1, 1, 1, 0, 0, 1.0])
    points = gain._gains(scores, treated, outcome, seed=0)
    assert points[4] == 1.0
    assert points[-1] == 2 - 2 * 3 / 3
    perfect = gain.area(np.arange(6.0)[::-1], treated, outcome, seed=0)
    assert perfect == pytest.approx(gain.area(scores, treated, outcome, seed=0))


def test_what_was_written_after_the_treatment_is_refused() -> None:
    data, _true = drawn(4_000)
    seen_after = data.outcome * 3.0
    same = np.ones(data.n)
    features = np.column_stack([data.features, seen_after, same])
    names = (*data.names, "spend", "same")
    away = refused(features, names, data.treated, data.outcome)
    assert set(away) == {"spend", "same"}
    assert "after" in away["spend"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: d.only(np.flatnonzero(d.treated)), "0 held out"),
        (lambda d: d.only(np.arange(60)), "are needed"),
        (lambda d: _all(d, 1.0), "same for everybody"),
        (lambda d: _all(d, 0.0, some=3), "reached the goal"),
    ],
)
def test_too_little_gets_a_word(change: object, word: str) -> None:
    data, _true = drawn(1_000)
    small: Experiment = change(data)  # type: ignore[operator]
    found = reporting.contrast(small, {})
    assert word in found["words"][0]
    assert "learners" not in found


def _all(data: Experiment, value: float, *, some: int = 0) -> Experiment:
    outcome = np.full(data.n, value)
    outcome[:some] = 1.0
    return Experiment(data.name, data.features, data.names, data.treated, outcome)
