"""How sure parameters are: the Poisson bootstrap on grouped histories.

Each replicate gives every distinct history Poisson(its customers) customers, which is resampling
customers, and moves the fitted peak to the new top with a few gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from touchloop.insight.scores.lifetime import fitting, judging
from touchloop.insight.scores.lifetime import gammagamma as gg
from touchloop.insight.scores.lifetime.fitting import Objective, Peak
from touchloop.insight.scores.lifetime.grouping import COARSE, Floats, Grouped, coarse

REPLICATES = 60


def of_buying(
    fitted: judging.Fitted, data: Grouped, *, seed: int, replicates: int = REPLICATES
) -> Floats:
    """Points (replicates × parameters) around the peak; empty where the peak is flat."""
    if not fitted.peak.sure:
        return np.empty((0, len(fitted.peak.theta)))
    small = coarse(data) if len(data.x) > COARSE else data
    return _draw(
        lambda weight: judging.objective(fitted.model, small.weighted(weight)),
        small.weight, fitted.peak, seed=seed, replicates=replicates,
    )  # fmt: skip


def of_spending(
    peak: Peak, data: gg.Spending, *, seed: int, replicates: int = REPLICATES
) -> Floats:
    """The same for Gamma-Gamma."""
    if not peak.sure:
        return np.empty((0, len(peak.theta)))
    small = gg.coarse(data) if len(data.x) > COARSE else data

    def objective(weight: Floats) -> Objective:
        other = small.weighted(weight)
        return lambda theta: gg.log_likelihood(theta, other)

    return _draw(objective, small.weight, peak, seed=seed, replicates=replicates)


def around(
    objective: Callable[[Floats], Objective], weight: Floats, peak: Peak, *, seed: int,
    replicates: int,
) -> Floats:  # fmt: skip
    """The same for any likelihood of weighted rows."""
    if not peak.sure:
        return np.empty((0, len(peak.theta)))
    return _draw(objective, weight, peak, seed=seed, replicates=replicates)


def interval(draws: Floats, centre: Floats) -> list[tuple[float, float]]:
    """95 % of each parameter: the spread of its logarithm around the fitted one."""
    if len(draws) < 10:
        return []
    half = 1.96 * np.std(draws, axis=0, ddof=1)
    return [(float(c - h), float(c + h)) for c, h in zip(centre, half, strict=True)]


def _draw(
    objective: Callable[[Floats], Objective], weight: Floats, peak: Peak, *, seed: int,
    replicates: int,
) -> Floats:  # fmt: skip
    chance = np.random.default_rng(seed)
    base = fitting.correct(objective(weight), peak, tolerance=1e-5)
    found = []
    for _replicate in range(replicates):
        drawn = chance.poisson(weight).astype(np.float64)
        if not drawn.any():
            continue
        other = fitting.correct(objective(drawn), base, tolerance=1e-4)
        if other.sure:
            found.append(other.theta - base.theta + peak.theta)
    return np.array(found).reshape(-1, len(peak.theta))
