"""What is learned from a table, what is refused, and what is said of what cannot be learned."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.scores.learner import columns
from touchloop.insight.scores.learner.classifier import Classifier
from touchloop.insight.scores.learner.learning import LOGIT, TREES, learn

N = 600
START = datetime(2026, 1, 1, tzinfo=UTC)


def world(seed: int = 0) -> tuple[dict[str, object], np.ndarray]:
    """Leaves when it is dear and new; the rest is of every kind of trouble."""
    rng = np.random.default_rng(seed)
    price, months = rng.normal(50, 10, N), rng.integers(0, 60, N).astype(float)
    plan = np.where(rng.random(N) < 0.5, "monthly", "yearly")
    logit = (price - 50) / 8 - (months - 30) / 15 + (plan == "monthly") - 1
    left = rng.random(N) < 1 / (1 + np.exp(-logit))
    price[::37] = np.nan
    found: dict[str, object] = {
        "price": price,
        "months": months,
        "plan": plan.tolist(),
        "customer_id": [f"c{n:04}" for n in range(N)],
        "row_number": np.arange(N),
        "always": ["same"] * N,
        "nothing": [None] * N,
        "churn_score": np.where(left, 0.8, 0.3) + rng.normal(0, 0.12, N),
        "left_on": [START + timedelta(days=n % 9) if gone else None for n, gone in enumerate(left)],
        "seen_on": [START - timedelta(days=int(n % 50)) for n in range(N)],
        "told": [START + timedelta(days=40 * (n % 2) - 20) for n in range(N)],
    }
    return found, left


def days(at: datetime) -> float:
    return at.timestamp() / 86_400


def test_what_says_nothing_or_too_much_is_refused_with_its_reason() -> None:
    found, left = world()
    learned = learn(
        pa.table(found), left, target="churned", moments=np.full(N, days(START)), folds=4
    )
    refused = learned.refused
    assert set(refused) == {
        "customer_id", "row_number", "always", "nothing", "churn_score", "left_on", "told",
    }  # fmt: skip
    assert "an id" in refused["customer_id"] and "an id" in refused["row_number"]
    assert "same value" in refused["always"] and "nothing" in refused["nothing"]
    assert "known only after the outcome" in refused["churn_score"]
    assert "dated after the prediction" in refused["told"]
    assert set(learned.used) == {"price", "months", "plan", "seen_on"}
    assert learned.models[LOGIT].auc > 0.75 and learned.models[TREES].auc > 0.7
    assert learned.baseline["majority_class"]["auc"] == 0.5
    assert learned.models[LOGIT].auc > learned.baseline["best_single_feature"]["auc"]
    assert any("time is too short" in word for word in learned.words)


def test_what_the_caller_says_comes_after_is_refused_and_what_he_vouches_for_is_not() -> None:
    found, left = world()
    table = pa.table({key: found[key] for key in ("price", "months", "churn_score")})
    learned = learn(table, left, target="churned", after=["price"], keep=["churn_score"], folds=3)
    assert "as you say" in learned.refused["price"]
    assert "churn_score" in learned.used


def test_strong_without_a_sign_is_flagged() -> None:
    rng = np.random.default_rng(4)
    outcome = rng.random(N) < 0.4
    table = pa.table({"usage": outcome * 3.0 + rng.normal(size=N), "other": rng.normal(size=N)})
    learned = learn(table, outcome, target="gone", folds=3)
    assert "without it" in learned.flagged["usage"] and "usage" in learned.used
    assert any("really known before" in word for word in learned.words)


def test_a_call_s_own_duration_is_refused_though_it_alone_is_below_the_limit() -> None:
    rng = np.random.default_rng(5)
    outcome = rng.random(2_000) < 0.3
    table = pa.table(
        {"duration": outcome * 1.6 + rng.normal(size=2_000), "age": rng.normal(40, 9, 2_000)}
    )
    learned = learn(table, outcome, target="bought", folds=3)
    assert "known only at the end" in learned.refused["duration"]


def test_by_time_the_latest_rows_are_held_out_and_learning_ends_before_them() -> None:
    found, left = world()
    table = pa.table({"price": found["price"], "months": found["months"]})
    moments = np.asarray(days(START) + np.arange(N) // 60 * 10.0, np.float64)
    learned = learn(table, left, moments=moments, embargo=25.0)
    assert learned.held == 180
    assert "learned from 300 earlier rows" in learned.validation


def test_reasons_come_in_words_the_strongest_first_and_a_kept_model_says_the_same() -> None:
    found, left = world()
    table = pa.table({key: found[key] for key in ("price", "months", "plan")})
    learned = learn(table, left, target="churned", folds=4)
    kept, blob = learned.classifier.to_parts()
    again = Classifier.from_parts(json.loads(json.dumps(kept)), blob)
    said = again.probabilities(table)
    assert np.allclose(said, learned.classifier.probabilities(table))
    top = int(np.argmax(said))
    reasons = again.reasons(table.slice(top, 1))[0]
    assert len(reasons) == 3 and reasons[0].endswith("(raises it)")
    assert any("months is" in reason and "on average" in reason for reason in reasons)
    low, high = again.intervals(said)
    assert np.all(low <= said) and np.all(said <= high)
    assert said.min() > 0 and said.max() < 1
    assert again.probabilities(pa.table({"price": [50.0]})).shape == (1,), "columns may be missing"


def test_the_same_seed_learns_the_same() -> None:
    found, left = world()
    table = pa.table({"price": found["price"], "plan": found["plan"]})
    one, two = (learn(table, left, seed=7, folds=3).to_json() for _ in range(2))
    one["seconds"] = two["seconds"] = 0
    assert one == two


@pytest.mark.parametrize(
    ("table", "outcome", "word"),
    [
        (pa.table({"a": pa.array([], pa.float64())}), [], "none"),
        (pa.table({"a": [1.0]}), [True], "same outcome"),
        (pa.table({"a": [1.0, 2.0] * 10}), [True] * 2 + [False] * 18, "at least 10"),
        (pa.table({"a": [3] * 40}), [True, False] * 20, "no column is left"),
        (pa.table({"a": [None, float("nan")] * 20}), [True, False] * 20, "no column is left"),
        (pa.table({}), [True, False] * 20, "no column is left"),
    ],
)
def test_what_cannot_be_learned_gets_a_word(
    table: pa.Table, outcome: list[bool], word: str
) -> None:
    with pytest.raises(Invalid, match=word):
        learn(table, np.array(outcome, bool))


def test_noise_is_called_noise() -> None:
    rng = np.random.default_rng(6)
    table = pa.table({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    learned = learn(table, rng.random(400) < 0.5, folds=4)
    assert any("pure chance" in word or "not surely better" in word for word in learned.words)


def test_text_is_read_as_what_it_holds() -> None:
    numbers = columns.read("a", pa.chunked_array([[" 1.5", "2", "", "NA"] * 30]))
    assert numbers.kind == "number" and np.isnan(numbers.numbers[2])
    dates = columns.read("a", pa.chunked_array([["2026-01-02", "2026-03-04"] * 30]))
    assert dates.kind == "instant"
    assert columns.read("a", pa.chunked_array([["31.12.2025", "01.01.2026"]])).kind == "instant"
    words = columns.read("a", pa.chunked_array([["red", " red ", None, "blue"]]))
    assert words.levels == ("red", "blue") and words.codes.tolist() == [0, 0, -1, 1]
    infinite = columns.read("a", pa.chunked_array([[1.0, float("inf")]]))
    assert np.isnan(infinite.numbers[1])
