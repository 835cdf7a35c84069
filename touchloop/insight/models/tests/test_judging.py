"""When a new version goes in use, and how far what it sees has moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.insight.models import api
from touchloop.insight.models.api import Metric

KIND = api.Kind("k", "", "", "profile", 1.0, lambda run: None, lambda run, trained: [])


def judged(new: Metric, *old: Metric) -> api.Judgement:
    trained = api.Trained({}, (new,), (), 1, None, None)
    return api.judge(KIND, trained, current=old)


@pytest.mark.parametrize(
    ("new", "old", "state", "word"),
    [
        (Metric("AUC", 0.8), None, "in_use", ""),
        (Metric("AUC", 0.8, baseline=0.7), None, "in_use", ""),
        (Metric("AUC", 0.69, baseline=0.7, baseline_name="recency"), None, "kept",
         "its AUC of 0.69 is worse than 0.7 of recency"),
        (Metric("AUC", 0.72, 0.68, 0.76, baseline=0.7, baseline_name="recency"), None, "in_use",
         "not surely better than recency: 0.7 lies within its interval"),
        (Metric("MAE", 3.0, baseline=2.0, better="lower"), None, "kept",
         "its MAE of 3 is worse than 2 of the baseline"),
        (Metric("MAE", 1.0, 0.9, 1.1, baseline=2.0, better="lower"), None, "in_use", ""),
        (Metric("AUC", 0.79, 0.77, 0.81), Metric("AUC", 0.8, 0.78, 0.82), "in_use", ""),
        (Metric("AUC", 0.70, 0.68, 0.72), Metric("AUC", 0.8, 0.78, 0.82), "kept",
         "its AUC of 0.7 is worse than 0.8 of the version in use"),
        (Metric("AUC", 0.70), Metric("AUC", 0.8, 0.78, 0.82), "in_use", ""),
        (Metric("AUC", 0.70, 0.68, 0.72), Metric("Qini", 0.8, 0.78, 0.82), "in_use", ""),
        (Metric("AUC", float("nan")), None, "kept", "its AUC could not be computed"),
    ],
)  # fmt: skip
def test_a_new_version(new: Metric, old: Metric | None, state: str, word: str) -> None:
    assert judged(new, *([old] if old else [])) == api.Judgement(state, word)


def test_the_index_of_a_known_shift() -> None:
    """Ten equal bins, all of whose content moves up by one: by hand."""
    then = [float(x) for x in range(11)]
    moved = api.stability_index(then, [x + 1 for x in then])
    a, b = 0.1, 1e-4  # the first bin is emptied, a new one opens above
    expected = (b - a) * np.log(b / a) + (a - b) * np.log(a / b)
    assert moved == pytest.approx(expected, abs=1e-3)
    assert api.stability_index({"a": 0.5, "b": 0.5}, {"a": 0.25, "b": 0.75}) == pytest.approx(
        -0.25 * np.log(0.5) + 0.25 * np.log(1.5), abs=1e-4
    )


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(numbers, numbers)
def test_the_index_is_never_negative_and_nothing_for_the_same(
    one: list[float], two: list[float]
) -> None:
    assert api.stability_index(api.deciles(one), api.deciles(one)) == 0
    moved = api.stability_index(api.deciles(one), api.deciles(two))
    assert moved is not None and moved >= 0


def test_what_does_not_compare_has_no_index() -> None:
    for then, now in (([], [1.0] * 11), ("words", [1.0] * 11), ([3.0, 2.0, 1.0], [1.0] * 3)):
        assert api.stability_index(then, now) is None
    assert api.stability_index([5.0] * 11, [5.0] * 11) == 0
    assert (api.stability_index([5.0] * 11, [6.0] * 11) or 0) > 1
    assert api.deciles([float("nan")]) == []
    assert api.shares(["a", "b", "a", None], most=1) == {"a": 0.5, "other": 0.5}
    assert api.compared({"x": [1.0] * 11, "y": {"a": 1.0}}, {"y": {"b": 1.0}, "x": [1.0] * 11}) == {
        "y": pytest.approx(18.4188, abs=0.01),
        "x": 0.0,
    }
