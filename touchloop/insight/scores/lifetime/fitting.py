"""Maximum likelihood over logarithms of parameters: several starts, then Newton to the top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from touchloop.insight.scores.lifetime.grouping import Floats

Objective = Callable[[Floats], tuple[float, Floats]]

EDGE = 14.0  # parameters stay within e^±14: beyond lies a boundary, not an estimate
FIRST = 15  # iterations from each start; the best one goes on
STEP = 1e-4  # of the differences of gradients that make the Hessian


@dataclass(frozen=True, slots=True)
class Peak:
    """Where the likelihood is highest: theta, its value, and the Hessian there (negative)."""

    theta: Floats
    value: float
    hessian: Floats
    sure: bool  # the gradient vanishes and the Hessian is negative definite

    def spread(self) -> Floats | None:
        """The covariance of theta; None where the likelihood is flat."""
        if not self.sure:
            return None
        return np.asarray(np.linalg.inv(-self.hessian), dtype=np.float64)


def climb(
    objective: Objective, starts: Sequence[Sequence[float]], *, exact: Objective | None = None
) -> Peak:
    """The highest point from several starts (logarithms).

    With `exact`, `objective` is a cheap approximation of it (rounded times): the search is done
    there, and the point is then corrected on the exact one with the Hessian of the approximation.
    """
    short = [_search(objective, np.asarray(start, dtype=np.float64), FIRST) for start in starts]
    best = max(short, key=lambda found: found[1])
    theta, value = _search(objective, best[0], 500)
    peak = polish(objective, theta, value)
    if exact is None:
        return peak
    value, _slope = exact(peak.theta)
    if not peak.sure:
        theta, value = _search(exact, peak.theta, 500)
        return polish(exact, theta, value)
    return correct(exact, peak)


def polish(objective: Objective, theta: Floats, value: float) -> Peak:
    """Newton steps to the top, as long as they lead upwards."""
    hessian = _hessian(objective, theta)
    slope = objective(theta)[1]
    for _round in range(8):
        if not _negative(hessian) or np.abs(slope).max() < 1e-9 * max(abs(value), 1.0):
            break
        step = -np.linalg.solve(hessian, slope)
        if np.abs(step).max() > 2.0:
            break
        there, gradient = objective(theta + step)
        if not np.isfinite(there) or there < value - 1e-9 * abs(value):
            break
        theta, value, slope = theta + step, there, gradient
        if np.abs(step).max() > 1e-3:
            hessian = _hessian(objective, theta)
    return Peak(theta, value, hessian, _top(hessian, slope, theta))


def correct(objective: Objective, peak: Peak, *, rounds: int = 25, tolerance: float = 1e-7) -> Peak:
    """Move a peak to the top of a slightly different objective, keeping its Hessian."""
    theta = peak.theta
    value, slope = objective(theta)
    inverse = np.linalg.inv(peak.hessian)
    for _round in range(rounds):
        step = -inverse @ slope
        if np.abs(step).max() < tolerance:
            break
        far = np.abs(step).max() > 1.0
        there, gradient = (value, slope) if far else objective(theta + step)
        if far or not np.isfinite(there) or there < value - 1e-9 * abs(value):
            found, value = _search(objective, theta, 100)
            return polish(objective, found, value)
        theta, value, slope = theta + step, there, gradient
    return Peak(theta, value, peak.hessian, _top(peak.hessian, slope, theta))


def _search(objective: Objective, start: Floats, rounds: int) -> tuple[Floats, float]:
    scale = max(abs(objective(start)[0]), 1.0)

    def down(theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective(theta)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return 1e6, np.zeros_like(theta)
        return -value / scale, -gradient / scale

    found = minimize(
        down, start, jac=True, method="L-BFGS-B", bounds=[(-EDGE, EDGE)] * len(start),
        options={"maxiter": rounds, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20},
    )  # fmt: skip
    theta = np.asarray(found.x, dtype=np.float64)
    return theta, objective(theta)[0]


def _hessian(objective: Objective, theta: Floats) -> Floats:
    rows = []
    for place in range(len(theta)):
        shift = np.zeros_like(theta)
        shift[place] = STEP
        rows.append((objective(theta + shift)[1] - objective(theta - shift)[1]) / (2.0 * STEP))
    square = np.array(rows)
    return (square + square.T) / 2.0


def _negative(hessian: Floats) -> bool:
    return bool(np.isfinite(hessian).all() and (np.linalg.eigvalsh(hessian) < -1e-9).all())


def _top(hessian: Floats, slope: Floats, theta: Floats) -> bool:
    if not _negative(hessian) or (np.abs(theta) > EDGE - 1e-6).any():
        return False
    return bool(np.abs(np.linalg.solve(hessian, slope)).max() < 1e-3)
