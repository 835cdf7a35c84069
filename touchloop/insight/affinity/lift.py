"""Lift with its interval, tests of association, and the correction for many of them.

lift = n_ab·n / (n_a·n_b). Its interval is the delta method on the logarithm for a multinomial
sample, var = (1/p_ab - 1/p_a - 1/p_b + 2·lift - 1) / n (A. Agresti, Categorical Data Analysis,
3rd ed., 16.1: influence of each cell); at independence that is (1-p_a)(1-p_b) / (n p_a p_b). Trips
of one household are not independent: where the household is known, the same influences are summed
for each household first (cluster-robust: K.-Y. Liang, S. L. Zeger, Biometrika 73 (1986) 13-22).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchloop.core.proportions import Z95

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lifts:
    """One entry for each pair. `low` and `high` bound the lift at 95 %; `p` is two-sided."""

    lift: Reals
    low: Reals
    high: Reals
    p: Reals


def lifts(both: ArrayLike, a: ArrayLike, b: ArrayLike, n: ArrayLike) -> Lifts:
    """Of independent baskets. `p` is that of the likelihood-ratio test (G) with one degree.

    A pair that never was bought together has lift 0 with the upper limit of three baskets.
    """
    nab, na, nb, nn = (np.asarray(x, np.float64) for x in (both, a, b, n))
    lift = nab * nn / (na * nb)
    variance = variances(nab, na, nb, nn)
    low, high = bounds(lift, variance)
    high = np.where(nab == 0, 3 * nn / (na * nb), high)
    return Lifts(lift, low, high, _of_chi2(g_test(nab, na, nb, nn)))


def variances(both: Reals, a: Reals, b: Reals, n: Reals) -> Reals:
    """Of the logarithm of each lift, for independent baskets; infinite where none holds both."""
    with np.errstate(divide="ignore"):
        lift = both * n / (a * b)
        found = 1 / both - 1 / a - 1 / b + (2 * lift - 1) / n
    return np.maximum(found, 0.0)


def bounds(lift: Reals, variance: Reals) -> tuple[Reals, Reals]:
    """The interval of each lift at 95 %."""
    with np.errstate(over="ignore", invalid="ignore"):
        wide = np.exp(np.minimum(Z95 * np.sqrt(variance), 700.0))
        return np.where(lift > 0, lift / wide, 0.0), np.where(lift > 0, lift * wide, np.inf)


def wald(lift: Reals, variance: Reals) -> Reals:
    """Two-sided p of log lift against 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z2 = np.where(lift > 0, np.log(lift) ** 2 / variance, 0.0)
    return _of_chi2(np.nan_to_num(z2, nan=0.0, posinf=1e6))


def g_test(both: Reals, a: Reals, b: Reals, n: Reals) -> Reals:
    """The likelihood-ratio statistic of each 2 x 2 table."""
    total = np.zeros(np.broadcast(both, a, b, n).shape)
    for seen, rows, columns in (
        (both, a, b),
        (a - both, a, n - b),
        (b - both, n - a, b),
        (n - a - b + both, n - a, n - b),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            term = seen * np.log(seen * n / (rows * columns))
        total += np.where(seen > 0, term, 0.0)
    return np.maximum(2 * total, 0.0)


def chi2_test(both: Reals, a: Reals, b: Reals, n: Reals) -> Reals:
    """Pearson's statistic of each 2 x 2 table, without a correction for continuity."""
    spread = a * b * (n - a) * (n - b)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = n * (n * both - a * b) ** 2 / spread
    return np.where(spread > 0, found, 0.0)


def corrected(p: ArrayLike, *, tests: int | None = None) -> Reals:
    """Benjamini and Hochberg's adjusted p (J. R. Stat. Soc. B 57 (1995) 289-300).

    `tests` is how many were made when only the smallest p are given. Rejecting where it is at most
    .05 keeps the expected share of false discoveries at 5 %.
    """
    given = np.asarray(p, np.float64)
    m = tests if tests is not None else len(given)
    if m < len(given):
        raise ValueError("fewer tests than values")
    order = np.argsort(given, kind="stable")
    ranked = given[order] * m / np.arange(1, len(given) + 1)
    lowest = np.minimum.accumulate(ranked[::-1])[::-1]
    found = np.empty(len(given))
    found[order] = np.minimum(lowest, 1.0)
    return found


def _of_chi2(statistic: Reals) -> Reals:
    from scipy.special import chdtrc

    found: Reals = chdtrc(1, statistic)
    return found
