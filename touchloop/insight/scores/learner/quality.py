"""How good a ranking and a probability are, on rows that were not learned from.

AUC with its interval after DeLong, DeLong and Clarke-Pearson (Biometrics 44 (1988) 837-845) by the
ranks of Sun and Xu (IEEE Signal Processing Letters 21 (2014) 1389-1393).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.core.proportions import Z95, share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOP = 0.10
BINS = 10


@dataclass(frozen=True, slots=True)
class Auc:
    """The chance that somebody with the outcome is ranked above somebody without."""

    value: float
    low: float
    high: float


def ranks(values: Floats) -> Floats:
    """Mid-ranks from 1: equal values share the mean of their places."""
    order = np.argsort(values, kind="stable")
    inverse = np.empty(len(values), np.int64)
    _, first, group, counts = np.unique(
        values[order], return_index=True, return_inverse=True, return_counts=True
    )
    inverse[order] = group
    return (first + (counts + 1) / 2)[inverse]


def auc(outcome: Bools, score: Floats) -> float:
    """Area under the ROC curve; .5 when there is only one outcome."""
    m = int(outcome.sum())
    n = len(outcome) - m
    if m == 0 or n == 0:
        return 0.5
    return float((ranks(score)[outcome].sum() - m * (m + 1) / 2) / (m * n))


def auc_interval(outcome: Bools, score: Floats) -> Auc:
    """The area with DeLong's interval (95 %)."""
    value = auc(outcome, score)
    half = Z95 * sqrt(_variance(outcome, [score])[0][0])
    return Auc(value, max(0.0, value - half), min(1.0, value + half))


def auc_difference(outcome: Bools, one: Floats, other: Floats) -> tuple[float, float, float]:
    """Area of `one` less that of `other` on the same rows: difference, low, high (95 %)."""
    covariance = _variance(outcome, [one, other])
    spread = covariance[0][0] + covariance[1][1] - 2 * covariance[0][1]
    gap = auc(outcome, one) - auc(outcome, other)
    half = Z95 * sqrt(max(0.0, spread))
    return gap, gap - half, gap + half


def average_precision(outcome: Bools, score: Floats) -> float:
    """Mean precision over the ones found, equal scores taken together."""
    total = int(outcome.sum())
    if total == 0:
        return 0.0
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    found = np.cumsum(outcome[order])[ends]
    precision = found / (ends + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / total)


def lift(outcome: Bools, score: Floats, *, top: float = TOP) -> float:
    """How many times more frequent the outcome is among the top share than among all."""
    rate = outcome.mean() if len(outcome) else 0.0
    if rate == 0:
        return 0.0
    n = max(1, round(top * len(outcome)))
    order = np.argsort(-score, kind="stable")
    edge = score[order[n - 1]]  # those equal to the last one count by their mean
    above, level = score > edge, score == edge
    inside = outcome[above].sum() + (n - above.sum()) * outcome[level].mean()
    return float(inside / n / rate)


def brier(outcome: Bools, probability: Floats) -> float:
    """Mean squared error of a probability; p(1-p) for who always says the rate p."""
    return float(np.mean((probability - outcome) ** 2)) if len(outcome) else 0.0


def log_loss(outcome: Bools, probability: Floats) -> float:
    """Mean negative logarithm of the probability of what happened, in nats."""
    safe = np.clip(probability, 1e-9, 1 - 1e-9)
    return float(-np.mean(np.where(outcome, np.log(safe), np.log1p(-safe)))) if len(safe) else 0.0


def calibration(outcome: Bools, probability: Floats, *, bins: int = BINS) -> list[dict[str, Any]]:
    """Said against seen: rows in order of what was said, parted into equal numbers.

    Each part has `said` (mean probability), `seen` (share with Wilson's `low`, `high`), `n`, and
    the probabilities `from` and `to` that bound it. Equal probabilities stay together.
    """
    if not len(outcome):
        return []
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, probability, side="left")
    found = []
    for number in np.unique(place):
        inside = place == number
        seen = share(int(outcome[inside].sum()), int(inside.sum()))
        said = probability[inside]
        found.append(
            {
                "said": float(said.mean()),
                "seen": seen.value,
                "low": seen.low,
                "high": seen.high,
                "n": seen.n,
                "from": float(said.min()),
                "to": float(said.max()),
            }
        )
    return found


def _variance(outcome: Bools, scores: list[Floats]) -> Floats:
    """Covariance of the areas of several scores on the same rows."""
    m, n = int(outcome.sum()), int((~outcome).sum())
    if m < 2 or n < 2:
        return np.full((len(scores), len(scores)), 0.25)
    of_ones, of_zeros = [], []
    for score in scores:
        together = ranks(score)
        of_ones.append((together[outcome] - ranks(score[outcome])) / n)
        of_zeros.append(1 - (together[~outcome] - ranks(score[~outcome])) / m)
    return np.atleast_2d(np.cov(of_ones)) / m + np.atleast_2d(np.cov(of_zeros)) / n
