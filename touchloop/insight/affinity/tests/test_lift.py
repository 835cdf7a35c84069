"""Lift: its interval holds what it promises; the correction is the published one."""

from __future__ import annotations

import numpy as np
import pytest

from touchloop.insight.affinity import lift


def test_the_figures_of_the_field() -> None:
    """Complete Journey, 155,659 baskets with a category, 2,469 households."""
    found = lift.lifts([144, 742, 623, 1068], [2618, 3824, 2224, 2493], [8584, 1716, 2618, 4853],
                       155_659)  # fmt: skip
    assert found.lift.round(3).tolist() == [0.997, 17.601, 16.656, 13.741]
    assert found.low[0] < 1 < found.high[0] and found.p[0] > 0.9
    assert (found.low[1:] > 12).all() and (found.p[1:] < 1e-100).all()
    homes = lift.lifts([317], [480], [1298], 2469)
    assert homes.lift[0] == pytest.approx(1.256, abs=5e-4) and homes.low[0] > 1


@pytest.mark.parametrize(("a", "b", "both"), [(0.2, 0.1, 0.02), (0.2, 0.1, 0.06), (0.5, 0.4, 0.3)])
def test_the_interval_covers_the_truth(a: float, b: float, both: float) -> None:
    chance = np.random.default_rng(1)
    n, runs = 2_000, 3_000
    cells = chance.multinomial(n, [both, a - both, b - both, 1 - a - b + both], size=runs)
    found = lift.lifts(
        cells[:, 0], cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2], np.full(runs, n)
    )
    truth = both / (a * b)
    covered = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.93 <= covered <= 0.97
    if truth == 1:
        assert 0.035 <= (found.p <= 0.05).mean() <= 0.065


def test_never_together_and_always_together() -> None:
    never = lift.lifts([0], [50], [60], 1_000)
    assert (never.lift[0], never.low[0]) == (0, 0) and never.high[0] == pytest.approx(1.0)
    always = lift.lifts([1_000], [1_000], [1_000], 1_000)
    assert (always.lift[0], always.low[0], always.high[0], always.p[0]) == (1, 1, 1, 1)


def test_the_tests_are_those_of_scipy() -> None:
    """scipy.stats.chi2_contingency of [[30, 70], [50, 850]] without correction for continuity."""
    args = (np.array([30.0]), np.array([100.0]), np.array([80.0]), np.array([1000.0]))
    assert lift.chi2_test(*args)[0] == pytest.approx(73.06763285024155)
    assert lift.g_test(*args)[0] == pytest.approx(49.159403808666845)
    assert lift.lifts(*args).p[0] == pytest.approx(2.3598433817157365e-12)


def test_the_correction_is_that_of_benjamini_and_hochberg() -> None:
    # Their example: 15 tests, of which the four smallest are kept at .05.
    theirs = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719,
              .6528, .7590, 1.0]  # fmt: skip
    assert (lift.corrected(theirs) <= 0.05).sum() == 4
    assert (lift.corrected(theirs[:4], tests=15) <= 0.05).sum() == 4
    with pytest.raises(ValueError, match="fewer"):
        lift.corrected([0.1, 0.2], tests=1)
