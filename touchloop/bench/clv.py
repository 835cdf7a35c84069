"""Bench `clv`: BG/NBD over a million customers, beside the way the package lifetimes does it.

Both get the same arrays (repeat orders, week of the last, weeks observed; days in sevenths) and
must reach the same likelihood. Ours includes the grouping. Beside it: lifetimes itself where it is
installed, else its published algorithm: the mean log-likelihood of one row a customer, climbed from
one start.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from touchloop.bench import installation
from touchloop.cli import runtime

CUSTOMERS = 1_000_000
TRUE = (0.25, 4.4, 0.8, 2.4)  # r, alpha, a, b: as CDNOW's
RUNS = 3

Floats = npt.NDArray[np.float64]
Histories = tuple[Floats, Floats, Floats]


def run(*, customers: int = CUSTOMERS) -> dict[str, dict[str, Any]]:
    """Results by key; the median of some runs for ours, one run of the baseline."""
    runtime.setup_django()  # words in the reader's language
    from touchloop.insight.scores.lifetime import gammagamma, grouping, judging, worth

    seen = simulated(customers)
    seconds, spent = [], []
    for _run in range(RUNS):
        start = time.perf_counter()
        fitted = judging.fit_one("bg_nbd", grouping.group(*seen))
        seconds.append(time.perf_counter() - start)
    value = mean_values(seen[0])
    again = seen[0] > 0
    start = time.perf_counter()
    worth.spend(gammagamma.Spending(seen[0][again], value[again]), None)
    spent.append(time.perf_counter() - start)
    found, name, baseline = _baseline(seen)
    whole = judging.objective("bg_nbd", grouping.group(*seen))
    theirs = whole(np.log(np.array(found)))[0]
    if fitted.log_likelihood < theirs - 0.5:
        raise AssertionError(f"a worse top than the baseline: {fitted.log_likelihood} < {theirs}")
    result = installation.result
    return {
        "fit_s": result(
            float(np.median(seconds)), "s", target=1.0, baseline=baseline, baseline_name=name
        ),
        "customers": result(customers, "customers", target=None, baseline=None, baseline_name=""),
        "spend_fit_s": result(
            float(np.median(spent)), "s", target=None, baseline=None, baseline_name=""
        ),
        "log_likelihood": result(
            fitted.log_likelihood, "", target=None, baseline=theirs, baseline_name=name
        ),
    }


def simulated(customers: int, *, seed: int = 7) -> Histories:
    """Histories of a BG/NBD: x, tx, T in weeks, on whole days."""
    chance = np.random.default_rng(seed)
    r, alpha, a, b = TRUE
    rate, leave = chance.gamma(r, 1 / alpha, customers), chance.beta(a, b, customers)
    T = chance.integers(27 * 7, 39 * 7, customers) / 7.0
    x, tx = np.zeros(customers), np.zeros(customers)
    there = np.arange(customers)
    now = np.zeros(customers)
    while len(there):
        now[there] += chance.exponential(1.0, len(there)) / rate[there]
        there = there[now[there] <= T[there]]
        x[there] += 1
        tx[there] = now[there]
        there = there[chance.random(len(there)) >= leave[there]]
    return x, np.minimum(np.ceil(tx * 7) / 7.0, T), T


def mean_values(x: Floats, *, seed: int = 8) -> Floats:
    """Mean values of the x repeat orders of a Gamma-Gamma; NaN without any."""
    chance = np.random.default_rng(seed)
    scale = chance.gamma(3.74, 1 / 15.44, len(x))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(x > 0, chance.gamma(6.25 * np.maximum(x, 1)) / (scale * x), np.nan)


def _baseline(seen: Histories) -> tuple[list[float], str, float]:
    """Parameters, what it was, seconds."""
    if importlib.util.find_spec("lifetimes") is not None:
        fitter = importlib.import_module("lifetimes").BetaGeoFitter()
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit(*seen)
        spent = time.perf_counter() - start
        names = ("r", "alpha", "a", "b")
        return [float(fitter.params_[name]) for name in names], "lifetimes, same arrays", spent
    return _one_row_a_customer(seen)


def _one_row_a_customer(seen: Histories) -> tuple[list[float], str, float]:
    from scipy.optimize import minimize

    from touchloop.insight.scores.lifetime import betageometric, grouping

    x, tx, T = seen
    levels, index = np.unique(x, return_inverse=True)
    data = grouping.Grouped(x, tx, T, np.ones(len(x)), levels, index)

    def down(theta: Floats) -> tuple[float, Floats]:
        value, slope = betageometric.log_likelihood(theta, data, modified=False)
        return -value / len(x), -slope / len(x)

    start = time.perf_counter()
    best = minimize(down, np.full(4, 0.1), jac=True, method="L-BFGS-B")
    spent = time.perf_counter() - start
    return np.exp(best.x).tolist(), "the algorithm of lifetimes: one row a customer", spent
