"""Every statistic against a closed form or a published value; every interval by its coverage."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from touchloop.core.proportions import Z95, share
from touchloop.experience.scorecards import api
from touchloop.experience.scorecards.promoters import standard_error
from touchloop.experience.scorecards.shrinking import in_worst

# experience.md §3: 95 % margins at p = .5, d = .2
MARGINS = {20: 34, 30: 28, 50: 22, 100: 15, 200: 11, 400: 7.7, 1_000: 4.8, 2_000: 3.4}


@pytest.mark.parametrize(("n", "margin"), MARGINS.items())
def test_margins_of_the_published_table(n: int, margin: float) -> None:
    assert round(Z95 * standard_error(0.5, 0.2, n), 1) == pytest.approx(margin, abs=0.55)
    if n in (400, 1_000, 2_000):
        assert round(Z95 * standard_error(0.5, 0.2, n), 1) == margin


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_score_and_error_are_those_of_plus_one_nought_minus_one(p: int, o: int, d: int) -> None:
    if p + o + d == 0:
        with pytest.raises(ValueError):
            api.net(p, o, d)
        return
    values = np.repeat([1.0, 0.0, -1.0], [p, o, d])
    found = api.net(p, o, d)
    assert found.value == pytest.approx(100 * values.mean())
    assert found.se == pytest.approx(100 * values.std() / sqrt(values.size))
    assert -100 <= found.low <= found.high <= 100
    assert found.n == p + o + d


def test_difference_of_two_scores() -> None:
    one, other = api.net(50, 30, 20), api.net(40, 30, 30)
    gap, low, high = api.difference(one, other)
    assert gap == pytest.approx(20)
    assert (
        high - gap == pytest.approx(Z95 * sqrt(one.se**2 + other.se**2)) == pytest.approx(gap - low)
    )


@pytest.mark.parametrize(
    ("p", "d", "n"),
    [
        (0.5, 0.2, 10), (0.5, 0.2, 20), (0.5, 0.2, 29), (0.7, 0.05, 12), (0.2, 0.6, 15),
        (0.5, 0.2, 30), (0.5, 0.2, 100), (0.7, 0.05, 60), (0.3, 0.4, 400),
    ],
)  # fmt: skip
def test_the_interval_of_a_score_covers_it(p: float, d: float, n: int) -> None:
    rng = np.random.default_rng(n)
    counts = rng.multinomial(n, [p, 1 - p - d, d], size=2_000)
    found = [api.net(*map(int, row)) for row in counts]
    covered = np.mean([each.low <= 100 * (p - d) <= each.high for each in found])
    assert 0.92 <= covered <= 0.985, covered


def test_the_normal_interval_is_worse_where_ours_is_drawn() -> None:
    """At n = 8 and few detractors the textbook interval misses much more than one in twenty."""
    rng = np.random.default_rng(8)
    counts = rng.multinomial(8, [0.85, 0.1, 0.05], size=3_000)
    truth, ours, textbook = 80.0, 0, 0
    for row in counts:
        found = api.net(*map(int, row))
        ours += found.low <= truth <= found.high
        textbook += abs(found.value - truth) <= Z95 * found.se
    assert ours / 3_000 > 0.92 > 0.85 > textbook / 3_000


# Newcombe 1998, table I, method 3: Wilson's score interval
@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(x: int, n: int, low: float, high: float) -> None:
    found = share(x, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(("p", "n"), [(0.1, 15), (0.5, 20), (0.8, 40), (0.95, 60)])
def test_wilson_covers(p: float, n: int) -> None:
    """Exactly, by adding up the binomial."""
    within = [k for k in range(n + 1) if share(k, n).low <= p <= share(k, n).high]
    assert 0.92 <= sum(stats.binom.pmf(within, n, p)) <= 0.99


# experience.md §3: reliability .7 / .8 / .9 at ICC
@pytest.mark.parametrize(
    ("icc", "needed"),
    [(0.01, (231, 397, 892)), (0.03, (76, 130, 292)), (0.05, (45, 77, 171)), (0.10, (21, 37, 82))],
)
def test_answers_that_reliability_needs(icc: float, needed: tuple[int, int, int]) -> None:
    found = [api.answers_for(wanted, icc) for wanted in (0.7, 0.8, 0.9)]
    assert found == pytest.approx(needed, abs=1)
    for wanted, n in zip((0.7, 0.8, 0.9), found, strict=True):
        assert api.reliability(icc, n) > wanted - 1e-9 > api.reliability(icc, n - 1)


def test_normal_shrinkage_is_its_closed_form() -> None:
    """Equal errors: t^2 is the variance of the means less the error's, as by hand."""
    values, error = [10.0, 30.0, 50.0, 20.0, 40.0], 8.0
    prior, found = api.normal(values, [error] * 5)
    tau2 = np.var(values, ddof=1) - error**2
    weight = tau2 / (tau2 + error**2)
    assert prior.mean == pytest.approx(30) and prior.variance == pytest.approx(tau2)
    for value, unit in zip(values, found, strict=True):
        assert unit.weight == pytest.approx(weight)
        assert unit.value == pytest.approx(weight * value + (1 - weight) * 30)


def test_eight_schools() -> None:
    """The classic data of Rubin (1981): the spread is less than chance would leave, so no unit
    stands out and all are at the middle, 7.69 with error 4.07 (Gelman et al., BDA, section 5.5)."""
    effects = [28, 8, -3, 7, -1, 1, 18, 12]
    errors = [15, 10, 16, 11, 9, 11, 10, 18]
    prior, found = api.normal(effects, errors)
    assert prior.variance == 0.0
    assert prior.mean == pytest.approx(7.69, abs=0.01)
    assert all(unit.value == pytest.approx(prior.mean) for unit in found)
    assert (found[0].high - found[0].low) / 2 / Z95 == pytest.approx(4.07, abs=0.01)


def test_units_that_do_not_differ_are_all_alike() -> None:
    prior, found = api.shares([50, 50, 50], [100, 100, 100])
    assert prior.mean == 0.5 and prior.variance == 0.0
    assert all(unit.value == pytest.approx(0.5, abs=1e-3) for unit in found)
    assert api.normal([], []) == (api.Prior(0.0, 0.0), [])
    assert api.shares([], []) == (api.Prior(0.0, 0.0), [])
    [alone] = api.shares([4], [10])[1]
    assert alone.value == pytest.approx(0.4) and alone.in_worst == 1.0


def test_beta_binomial_is_its_closed_form() -> None:
    prior, found = api.shares([10, 40, 80, 55], [100, 100, 100, 100])
    m, v = prior.mean, prior.variance
    size = m * (1 - m) / v - 1
    for x, unit in zip([10, 40, 80, 55], found, strict=True):
        assert unit.value == pytest.approx((x + size * m) / (100 + size))
        assert unit.reliability == pytest.approx(100 / (100 + size))
    p = np.array([0.1, 0.4, 0.8, 0.55])
    between = np.var(p, ddof=1) - m * (1 - m) / 99 + np.var(p, ddof=1) / 99
    assert v == pytest.approx(between, rel=0.02)


def _world(rng: np.random.Generator, units: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stores with 4 to 149 answers (experience.md §1.4), Beta(16, 4) between them."""
    truth = rng.beta(16, 4, size=units)
    n = rng.integers(4, 150, size=units)
    return truth, n, rng.binomial(n, truth)


def test_shrinking_is_nearer_to_the_truth_and_its_intervals_cover_it() -> None:
    """As experience.md §1.4 found: error of the raw share .071, shrunken .044 of 120 stores."""
    rng = np.random.default_rng(4)
    raw_errors, errors, covered, worst_raw, worst_ours = [], [], [], [], []
    for _round in range(40):
        truth, n, x = _world(rng, 120)
        prior, found = api.shares(x.tolist(), n.tolist())
        values = np.array([unit.value for unit in found])
        raw_errors.append(np.mean((x / n - truth) ** 2))
        errors.append(np.mean((values - truth) ** 2))
        covered += [u.low <= t <= u.high for u, t in zip(found, truth, strict=True)]
        worst = set(np.argsort(truth)[:12])
        worst_raw.append(len(worst & set(np.argsort(x / n, kind="stable")[:12])) / 12)
        chance = np.array([unit.in_worst for unit in found])
        worst_ours.append(len(worst & set(np.argsort(-chance, kind="stable")[:12])) / 12)
        assert chance.sum() == pytest.approx(12)
    assert np.sqrt(np.mean(errors)) < 0.8 * np.sqrt(np.mean(raw_errors))
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(worst_ours) > np.mean(worst_raw)


def test_normal_shrinkage_covers() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _round in range(60):
        truth = rng.normal(30, 12, size=60)
        errors = rng.uniform(4, 25, size=60)
        _prior, found = api.normal(rng.normal(truth, errors).tolist(), errors.tolist())
        covered += [u.low <= t <= u.high for u, t in zip(found, truth, strict=True)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_probability_of_the_worst_tenth_is_calibrated() -> None:
    """Of units said to be in the worst tenth with probability .2 to .4, about .3 are."""
    rng = np.random.default_rng(6)
    said, was = [], []
    for _round in range(150):
        truth = rng.normal(30, 12, size=60)
        errors = rng.uniform(4, 25, size=60)
        _prior, found = api.normal(rng.normal(truth, errors).tolist(), errors.tolist())
        worst = set(np.argsort(truth)[:6])
        said += [unit.in_worst for unit in found]
        was += [at in worst for at in range(60)]
    chance, truly = np.array(said), np.array(was)
    for low, high in ((0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.7), (0.7, 1.0)):
        among = (chance >= low) & (chance < high)
        assert truly[among].mean() == pytest.approx(chance[among].mean(), abs=0.06), (low, high)


def test_worst_tenth_by_hand() -> None:
    draws = np.array([[3.0, 1.0, 2.0], [3.0, 2.0, 1.0], [0.0, 1.0, 2.0], [9.0, 1.0, 2.0]])
    assert in_worst(draws, share=0.34) == [0.25, 1.0, 0.75]  # the worst two of three
    assert in_worst(draws, share=0.1) == [0.25, 0.5, 0.25]
    assert in_worst(np.zeros((5, 0))) == []
    assert in_worst(np.zeros((5, 1))) == [1.0]


@pytest.mark.parametrize(("target", "n"), [(0.8, 10), (0.3, 57), (0.05, 400), (0.5, 5000)])
def test_funnel_limits_of_shares_are_binomial(target: float, n: int) -> None:
    found = api.share_limits(target, n)
    for limit, p in (
        (found.low95, 0.025),
        (found.high95, 0.975),
        (found.low998, 0.001),
        (found.high998, 0.999),
    ):
        exact = stats.binom.ppf(p, n, target)
        assert exact - 1 - 1e-6 <= limit * n <= exact + 1e-6
    assert found.low998 <= found.low95 <= target <= found.high95 <= found.high998


def test_funnel_limits_hold_what_they_say() -> None:
    rng = np.random.default_rng(7)
    n = 80
    counts = rng.multinomial(n, [0.5, 0.3, 0.2], size=20_000)
    scores = 100 * (counts[:, 0] - counts[:, 2]) / n
    limits = api.net_limits(0.5, 0.2, n)
    zones = [limits.zone(score) for score in scores]
    assert zones.count("inside") / 20_000 == pytest.approx(0.95, abs=0.01)
    assert (zones.count("very_low") + zones.count("very_high")) / 20_000 == pytest.approx(
        0.002, abs=0.0015
    )
    assert limits.target == pytest.approx(30)
    shares = rng.binomial(n, 0.8, size=20_000) / n
    found = api.share_limits(0.8, n)
    inside = np.mean((shares >= found.low95) & (shares <= found.high95))
    assert inside == pytest.approx(0.95, abs=0.02)
    assert api.share_limits(1.0, 5).low95 == 1.0
