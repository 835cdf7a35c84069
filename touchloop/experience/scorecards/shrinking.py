"""Units against one another: small ones are pulled to the middle, because most of what sets them
apart is chance.

Normal-normal for scores with a standard error, beta-binomial for shares, both empirical Bayes: the
spread between the units is estimated from the units themselves. Whether a unit is among the worst
tenth is answered by drawing from all posteriors at once (Lin, Louis, Paddock, Ridgeway, Bayesian
Analysis 1 (2006) 915-946), because the order of the means answers another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from touchloop.core.proportions import Z95

DRAWS = 4_000
SEED = 20_260_302
WORST = 0.1
_MOST_STEPS = 200
_FIRM = 1e6  # answers that the middle is worth when units do not differ at all

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shrunken:
    """What is thought of one unit after looking at all of them."""

    value: float
    low: float
    high: float
    weight: float  # of its own answers; the rest is the middle of all
    in_worst: float  # probability
    reliability: float  # of its own mean: between units / (between + within / n)


@dataclass(frozen=True, slots=True)
class Prior:
    """The units together: their middle, and the variance between them net of sampling."""

    mean: float
    variance: float


def normal(values: Sequence[float], errors: Sequence[float]) -> tuple[Prior, list[Shrunken]]:
    """Scores with standard errors, normal-normal. Weight of a unit: t^2 / (t^2 + SE^2).

    t^2 by Paule and Mandel (Journal of Research of the NBS 87 (1982) 377-385), which solves
    Q(t^2) = k - 1 and keeps no normality. Raises ValueError for lists of unequal length.
    """
    y, se2 = np.asarray(values, float), np.asarray(errors, float) ** 2
    if y.shape != se2.shape:
        raise ValueError("one standard error for each value")
    if y.size == 0:
        return Prior(0.0, 0.0), []
    tau2 = _paule_mandel(y, se2)
    inverse = 1.0 / np.maximum(tau2 + se2, 1e-12)
    mean = float((inverse * y).sum() / inverse.sum())
    weight = tau2 / np.maximum(tau2 + se2, 1e-12)
    centre = weight * y + (1 - weight) * mean
    # The middle is estimated too: its own variance counts where it is leant on.
    spread = np.sqrt(weight * se2 + (1 - weight) ** 2 / inverse.sum())
    draws = np.random.default_rng(SEED).normal(centre, spread, size=(DRAWS, y.size))
    worst = in_worst(draws)
    return Prior(mean, tau2), [
        Shrunken(c, c - Z95 * s, c + Z95 * s, w, p, w)
        for c, s, w, p in zip(centre.tolist(), spread.tolist(), weight.tolist(), worst, strict=True)
    ]


def shares(hits: Sequence[int], totals: Sequence[int]) -> tuple[Prior, list[Shrunken]]:
    """Shares, beta-binomial: (x + M m) / (n + M), with M = m (1 - m) / v - 1.

    v is the variance between units net of sampling (Kleinman, JASA 68 (1973) 46-54). Raises
    ValueError for lists of unequal length or a unit without answers.
    """
    x, n = np.asarray(hits, float), np.asarray(totals, float)
    if x.shape != n.shape or (n <= 0).any():
        raise ValueError("hits and totals of units that have answers")
    if x.size == 0:
        return Prior(0.0, 0.0), []
    m, v = _kleinman(x, n)
    size = min(m * (1 - m) / v - 1, _FIRM) if v > 0 else _FIRM
    size = max(size, 1e-3)
    a, b = x + size * m, n - x + size * (1 - m)
    a, b = np.maximum(a, 1e-9), np.maximum(b, 1e-9)
    weight = n / (n + size)
    draws = np.random.default_rng(SEED).beta(a, b, size=(DRAWS, x.size))
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    worst = in_worst(draws)
    return Prior(m, v), [
        Shrunken(c, lo, hi, w, p, w)
        for c, lo, hi, w, p in zip(
            (a / (a + b)).tolist(), low.tolist(), high.tolist(), weight.tolist(), worst, strict=True
        )
    ]


def in_worst(draws: Numbers, *, share: float = WORST) -> list[float]:
    """For each column, in how many of the rows it is among the lowest `share` of the columns."""
    rows, units = draws.shape
    if units == 0:
        return []
    worst = max(1, ceil(share * units - 1e-9))
    if worst >= units:
        return [1.0] * units
    lowest = np.argpartition(draws, worst - 1, axis=1)[:, :worst]
    found: list[float] = (np.bincount(lowest.ravel(), minlength=units) / rows).tolist()
    return found


def reliability(icc: float, n: float) -> float:
    """Of the mean of n answers, with the share of variance that lies between units (ICC)."""
    return n * icc / (1 + (n - 1) * icc)


def answers_for(wanted: float, icc: float) -> int:
    """How many answers a unit needs for this reliability: R / (1 - R) * (1 - ICC) / ICC."""
    return ceil(wanted / (1 - wanted) * (1 - icc) / icc - 1e-9)


def _paule_mandel(y: Numbers, se2: Numbers) -> float:
    """The t^2 at which the weighted squares about the middle are what chance alone would leave."""
    if y.size < 2:
        return 0.0

    def excess(tau2: float) -> float:
        inverse = 1.0 / np.maximum(tau2 + se2, 1e-12)
        mean = (inverse * y).sum() / inverse.sum()
        return float((inverse * (y - mean) ** 2).sum()) - (y.size - 1)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, max(float(y.var()), 1e-6)
    while excess(high) > 0:
        high *= 2
    for _ in range(_MOST_STEPS):
        middle = (low + high) / 2
        if high - low <= 1e-10 * max(high, 1.0):
            break
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _kleinman(x: Numbers, n: Numbers) -> tuple[float, float]:
    """Middle and variance between units by moments, with weights that follow from them."""
    p, k = x / n, x.size
    m = float(x.sum() / n.sum())
    if k < 2 or not 0 < m < 1:
        return m, 0.0
    weights, v = n, 0.0
    for _ in range(_MOST_STEPS):
        share = weights / weights.sum()
        m = float((share * p).sum())
        sampling = float((share * (1 - share) / n).sum())
        spread = float((share * (p - m) ** 2).sum())
        between = float((share * (1 - share) * (1 - 1 / n)).sum())
        new = (spread - m * (1 - m) * sampling) / between if between > 0 else 0.0
        new = min(max(new, 0.0), m * (1 - m) * (1 - 1e-9))
        if abs(new - v) < 1e-12:
            break
        v = new
        icc = v / (m * (1 - m)) if 0 < m < 1 else 0.0
        weights = n / (1 + icc * (n - 1))
    return m, v
