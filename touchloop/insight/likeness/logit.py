"""Logistic regression with a ridge, by Newton's method: a few dozen inputs, exact in some steps.

Also how well a score ranks: the area under the ROC curve, by folds, with its interval.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]

STEPS = 50
CLOSE = 1e-8
FARTHEST = 30.0  # a linear score beyond it is certain in floating point


def fitted(x: Floats, y: Labels, *, ridge: float) -> tuple[Floats, float]:
    """Weights and intercept that minimise the negative log-likelihood + ridge/2 * |weights|^2.

    `x` is rows by inputs, standardised; the intercept is not penalised. The objective is strictly
    convex, so that halved Newton steps always arrive; the ridge keeps separable data finite.
    """
    rows = np.column_stack([x, np.ones(len(x))])
    penalty = np.full(rows.shape[1], ridge)
    penalty[-1] = 1e-9
    weights = np.zeros(rows.shape[1])
    loss = _loss(rows, y, weights, penalty)
    for _step in range(STEPS):
        chance = _chance(rows @ weights)
        slope = rows.T @ (chance - y) + penalty * weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        length = 1.0
        while (after := _loss(rows, y, weights - length * step, penalty)) > loss and length > 1e-6:
            length /= 2
        weights = weights - length * step
        if abs(loss - after) <= CLOSE * (1 + abs(loss)):
            break
        loss = after
    return weights[:-1], float(weights[-1])


def out_of_fold(x: Floats, y: Labels, *, ridge: float, folds: int, seed: int) -> Floats:
    """Each row's linear score by a model that was fitted without its fold; members and others are
    spread evenly over the folds."""
    random = np.random.default_rng(seed)
    fold = np.empty(len(y), np.int64)
    for label in (True, False):
        rows = random.permutation(np.flatnonzero(y == label))
        fold[rows] = np.arange(len(rows)) % folds
    found = np.zeros(len(y))
    for held in range(folds):
        inside = fold == held
        weights, intercept = fitted(x[~inside], y[~inside], ridge=ridge)
        found[inside] = x[inside] @ weights + intercept
    return found


def area(scores: Floats, y: Labels) -> float:
    """The area under the ROC curve by ranks, ties counted half."""
    _values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n, m = int(y.sum()), int((~y).sum())
    return float((ranks[y].sum() - n * (n + 1) / 2) / (n * m))


def area_interval(value: float, n: int, m: int) -> tuple[float, float]:
    """The 95 % interval of an area over `n` and `m` people (Hanley & McNeil, Radiology 143)."""
    one, two = value / (2 - value), 2 * value * value / (1 + value)
    spread = value * (1 - value) + (n - 1) * (one - value**2) + (m - 1) * (two - value**2)
    half = 1.959964 * sqrt(max(spread, 0.0) / (n * m))
    return max(0.0, value - half), min(1.0, value + half)


def _chance(linear: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(linear, -FARTHEST, FARTHEST))))


def _loss(rows: Floats, y: Labels, weights: Floats, penalty: Floats) -> float:
    linear = rows @ weights
    likelihood = np.logaddexp(0.0, linear).sum() - linear[y].sum()
    return float(likelihood + 0.5 * (penalty * weights**2).sum())
