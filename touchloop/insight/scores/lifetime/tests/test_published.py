"""Published parameters, to the digits printed.

Fader, Hardie, Lee (2005) for BG/NBD, Pareto/NBD and NBD on CDNOW; note 025 for Gamma-Gamma; the sBG
example of Fader and Hardie (2007). Digits beyond those printed are this code's own top, at which
the gradient vanishes.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from touchloop.insight.scores.lifetime import asking, contractual, fitting, judging
from touchloop.insight.scores.lifetime import gammagamma as gg
from touchloop.insight.scores.lifetime.grouping import Floats, group
from touchloop.insight.scores.lifetime.judging import Fits
from touchloop.insight.scores.lifetime.tests.conftest import folder

Summary = tuple[Floats, Floats, Floats, Floats]


@pytest.fixture(scope="module")
def fits(summary: Summary) -> Fits:
    return judging.fit(group(*summary[:3]))


@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        ("bg_nbd", (0.24259, 4.41353, 0.79289, 2.42577), -9582.4256),
        ("pareto_nbd", (0.55328, 10.57761, 0.60622, 11.66807), -9594.9739),
        ("nbd", (0.38477, 12.07208), -9763.6602),
        ("mbg_nbd", (0.5248, 6.1830, 0.8914, 1.6140), -9582.1327),
    ],
)
def test_cdnow_gives_the_published_parameters(
    fits: Fits, model: str, parameters: tuple[float, ...], log_likelihood: float
) -> None:
    found = fits.models[model]
    assert tuple(found.parameters.values()) == pytest.approx(parameters, rel=2e-5, abs=5e-5)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=5e-5)
    assert found.boundary == ""


def test_cdnow_is_fitted_by_the_first_sound_model(fits: Fits) -> None:
    assert (fits.chosen, fits.words, fits.rows, fits.n) == ("bg_nbd", (), 1016, 2357)


def test_expected_purchases_are_those_of_the_papers_formula(summary: Summary, fits: Fits) -> None:
    data = group(*summary[:3])
    r, alpha, a, b = fits.models["bg_nbd"].parameters.values()
    x, T, t = data.x, data.T, 39.0
    paper = (a + b + x - 1) / (a - 1) * (
        1 - ((alpha + T) / (alpha + T + t)) ** (r + x)
        * hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    )  # fmt: skip
    come = judging.to_come("bg_nbd", fits.models["bg_nbd"].parameters, data, t)
    assert come == pytest.approx(paper, rel=1e-9)


@pytest.mark.parametrize("a", [1.0 - 1e-9, 1.0, 1.0 + 1e-9])
def test_expected_purchases_have_no_pole(summary: Summary, a: float) -> None:
    data = group(*summary[:3])
    near = judging.to_come("bg_nbd", {"r": 0.3, "alpha": 5.0, "a": 1.02, "b": 2.5}, data, 39.0)
    here = judging.to_come("bg_nbd", {"r": 0.3, "alpha": 5.0, "a": a, "b": 2.5}, data, 39.0)
    assert here == pytest.approx(near, rel=0.02)


def test_gamma_gamma_of_the_rounded_summary(summary: Summary) -> None:
    x, _tx, _T, z = summary
    data = gg.Spending(x[x > 0], z[x > 0])
    peak = fitting.climb(lambda theta: gg.log_likelihood(theta, data), [[1.0, 1.0, 1.0]])
    assert data.n == 946
    assert tuple(np.exp(peak.theta)) == pytest.approx((6.2488, 3.7446, 15.4477), abs=5e-5)
    assert peak.value == pytest.approx(-4055.9232, abs=5e-5)


def test_the_raw_log_to_its_hold_out(raw_log: Path) -> None:
    found = asking.fit_clv(raw_log, calibration_end=date(1997, 9, 30))
    bg, money, held = found["models"]["bg_nbd"], found["models"]["gamma_gamma"], found["holdout"]
    assert [bg[key] for key in ("r", "alpha", "a", "b")] == pytest.approx(
        [0.24259, 4.41360, 0.79292, 2.42591], abs=6e-6
    )
    assert bg["log_likelihood"] == pytest.approx(-9582.429, abs=5e-4)
    assert [money[key] for key in ("p", "q", "v")] == pytest.approx(
        [6.2496, 3.7442, 15.4435], abs=5e-5
    )
    assert (money["n"], round(money["correlation"], 3)) == (946, 0.114)
    assert (found["customers"], found["rows"], held["actual"]) == (2357, 6919, 1882)
    assert held["expected"] == pytest.approx(1653.4, abs=0.05)
    assert held["correlation"] == pytest.approx(0.6256, abs=5e-5)
    assert held["mae"] == pytest.approx(0.785, abs=5e-4)
    assert held["mae"] < held["naive_own_rate"]["mae"]
    for low, high in bg["intervals_95"].values():
        assert low < high
    assert bg["intervals_95"]["r"][0] < 0.24259 < bg["intervals_95"]["r"][1]
    assert money["intervals_95"]["p"][0] < 6.2496 < money["intervals_95"]["p"][1]


def test_the_unit_of_time_only_scales(raw_log: Path) -> None:
    weeks = asking.fit_clv(raw_log, calibration_end=date(1997, 9, 30))
    days = asking.fit_clv(raw_log, calibration_end=date(1997, 9, 30), unit="day")
    one, other = weeks["models"]["bg_nbd"], days["models"]["bg_nbd"]
    assert other["alpha"] == pytest.approx(7 * one["alpha"], rel=1e-5)
    assert other["log_likelihood"] == pytest.approx(
        one["log_likelihood"] - 2457 * np.log(7), abs=1e-3
    )
    assert days["holdout"]["expected"] == pytest.approx(weeks["holdout"]["expected"], rel=1e-4)


def test_sbg_exactly() -> None:
    assert contractual.survival(1.0, 1.0, [0, 1, 2, 9]) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 10])
    assert contractual.leaving(1.0, 1.0, [1, 2]) == pytest.approx([1 / 2, 1 / 6])
    assert contractual.newcomer_value(1.0, 1.0, discount=0.10) == pytest.approx(2.63768, abs=5e-6)
    paid = np.sum(contractual.survival(0.7, 1.2, np.arange(4_000)) / 1.1 ** np.arange(4_000.0))
    assert contractual.newcomer_value(0.7, 1.2, discount=0.10) == pytest.approx(paid)
    # One who was just asked for the first time: what a newcomer brings after his first payment.
    rest = contractual.residual_value(0.7, 1.2, [0], discount=0.10)
    assert 1 + rest[0] / 1.1 == pytest.approx(contractual.newcomer_value(0.7, 1.2, discount=0.1))


def test_sbg_of_the_published_example() -> None:
    """The "high end" customers: of 1,000 stay 869, 743, 653, 593, 551, 517, 491."""
    stay = np.array([1000, 869, 743, 653, 593, 551, 517, 491])
    left = -np.diff(stay)
    renewals = np.repeat([*range(1, 8), 7], [*left, 491])
    churned = np.repeat([1] * 7 + [0], [*left, 491])
    peak = fitting.climb(contractual.sbg(contractual.tenures(renewals, churned)), [[0.0, 0.0]])
    assert tuple(np.exp(peak.theta)) == pytest.approx((0.668, 3.806), abs=5e-4)
    assert peak.value == pytest.approx(-1611.2, abs=0.05)


def test_bg_bb_of_the_published_donations() -> None:
    """11,104 donors over six yearly appeals: Fader, Hardie, Shang (2010), table 4."""
    with (folder() / "donations.csv").open() as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    x, tx, n, weight = np.array(rows).T
    chances = contractual.Chances(x, tx, n, weight)
    peak = fitting.climb(contractual.bg_bb(chances), [[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, -0.5, 1.0]])
    assert chances.group.n == 11_104
    assert tuple(np.exp(peak.theta)) == pytest.approx((1.204, 0.750, 0.657, 2.783), abs=6e-4)
    assert peak.value == pytest.approx(-33_225.6, abs=0.05)
    alive = contractual.bg_bb_alive(np.exp(peak.theta).tolist(), chances)
    assert ((alive > 0) & (alive < 1)).all()


def test_files_of_summaries_give_the_same(summary: Summary) -> None:
    found = asking.fit_clv(folder() / "cdnow_customers_summary_with_transactions.csv")
    money = found["models"]["gamma_gamma"]
    assert found["chosen"] == "bg_nbd"
    assert [money[key] for key in ("p", "q", "v")] == pytest.approx(
        [6.2488, 3.7446, 15.4477], abs=5e-5
    )
    donors = asking.fit_contracts(folder() / "donations.csv")
    assert donors["models"]["bg_bb"]["log_likelihood"] == pytest.approx(-33_225.6, abs=0.05)
