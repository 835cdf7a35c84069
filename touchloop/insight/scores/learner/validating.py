"""What models are worth on rows that they have not seen: by folds, or on a later time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.scores.learner import quality
from touchloop.insight.scores.learner.calibrating import Calibration, choose
from touchloop.insight.scores.learner.fitting import Model

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.int64]
Fit = Callable[[Floats, Bools], Model]

HELD = 0.25
LEAST = 10  # rows with and without the outcome that a part must have


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows to learn from, and later rows to be judged on."""

    past: Bools
    later: Bools


@dataclass(frozen=True, slots=True)
class Held:
    """A model on rows that it has not seen: their outcome, its margins and probabilities there."""

    outcome: Bools
    margins: Floats
    probabilities: Floats
    folds: tuple[float, ...]  # AUC of each part that was held out
    calibration: Calibration
    way: str  # how the probabilities that are judged were calibrated


def by_folds(
    fit: Fit, matrix: Floats, outcome: Bools, *, folds: int, seed: int, groups: Places | None
) -> Held:
    """Each row's margin from a model of the other folds; rows of one group share a fold."""
    fold = _folds(outcome, folds, seed, groups)
    margins = np.empty(len(outcome))
    areas = []
    for number in range(int(fold.max()) + 1):
        inside = fold == number
        margins[inside] = fit(matrix[~inside], outcome[~inside]).margins(matrix[inside])
        areas.append(quality.auc(outcome[inside], margins[inside]))
    calibration, probabilities = choose(margins, outcome, seed=seed)
    return Held(outcome, margins, probabilities, tuple(areas), calibration, calibration.way)


def by_time(
    fit: Fit,
    matrix: Floats,
    outcome: Bools,
    parts: Parts,
    *,
    folds: int,
    seed: int,
    groups: Places | None,
) -> Held:
    """Learned and calibrated on the earlier rows, judged on the later ones.

    The calibration that is given comes from all these rows, the newest among them.
    """
    past, later = parts.past, parts.later
    mine = groups[past] if groups is not None else None
    inner = by_folds(fit, matrix[past], outcome[past], folds=folds, seed=seed, groups=mine)
    margins = fit(matrix[past], outcome[past]).margins(matrix[later])
    both = np.concatenate([inner.margins, margins])
    calibration, _ = choose(both, np.concatenate([outcome[past], outcome[later]]), seed=seed)
    probabilities = inner.calibration.probabilities(margins)
    return Held(
        outcome[later],
        margins,
        probabilities,
        (quality.auc(outcome[later], margins),),
        calibration,
        inner.calibration.way,
    )


def by_moment(moments: Floats, outcome: Bools, *, embargo: Floats | float = 0.0) -> Parts | None:
    """The last quarter of the rows by time, and those so old that their outcome was known then.

    `embargo`: days after each moment until its outcome is known. None where no cut leaves enough
    rows of both outcomes on both sides.
    """
    known = np.unique(moments)
    if len(known) < 2:
        return None
    wanted = np.sort(moments)[int(len(moments) * (1 - HELD))]
    for start in _nearest(known[1:], wanted):
        found = Parts((moments < start) & (moments + embargo <= start), moments >= start)
        if all(_enough(outcome[part]) for part in (found.past, found.later)):
            return found
    return None


def _enough(outcome: Bools) -> bool:
    return bool(min(outcome.sum(), (~outcome).sum()) >= LEAST)


def _nearest(starts: Floats, wanted: float) -> Floats:
    return np.asarray(starts[np.argsort(np.abs(starts - wanted), kind="stable")][:50])


def _folds(outcome: Bools, folds: int, seed: int, groups: Places | None) -> Places:
    least = int(min(outcome.sum(), (~outcome).sum()))
    folds = max(2, min(folds, least))
    if groups is not None:
        _, place = np.unique(groups, return_inverse=True)
        number = np.random.default_rng(seed).permutation(int(place.max()) + 1) % folds
        found = np.asarray(number[place], np.int64)
        if all(0 < outcome[found != f].mean() < 1 for f in range(int(found.max()) + 1)):
            return found
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros(len(outcome), np.int64)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for at, (_, held) in enumerate(parts.split(outcome[:, None], outcome)):
        found[held] = at
    return found
