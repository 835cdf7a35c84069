"""Funnel limits: how far a unit of n answers may lie from the whole by chance alone.

Limits at 95 % and 99.8 % (D. J. Spiegelhalter, Statistics in Medicine 24 (2005) 1185-1202) instead
of a league table. For shares the exact binomial ones, interpolated as there (his appendix A.1); for
net promoter scores the normal ones about the whole's shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchloop.experience.scorecards.promoters import standard_error

Zone = Literal["inside", "low", "very_low", "high", "very_high"]
INNER, OUTER = 0.95, 0.998


@dataclass(frozen=True, slots=True)
class Limits:
    """Where units of `n` answers lie by chance: 95 in 100 within the inner, 998 in 1,000 within
    the outer limits."""

    n: int
    target: float
    low95: float
    high95: float
    low998: float
    high998: float

    def zone(self, value: float) -> Zone:
        """Where a value lies; on a limit is still inside of it."""
        if value < self.low998:
            return "very_low"
        if value > self.high998:
            return "very_high"
        if value < self.low95:
            return "low"
        return "high" if value > self.high95 else "inside"


def net_limits(promoters: float, detractors: float, n: int) -> Limits:
    """For a net promoter score of n answers, from the whole's shares of both."""
    target = 100.0 * (promoters - detractors)
    error = standard_error(promoters, detractors, n)
    inner, outer = (NormalDist().inv_cdf((1 + level) / 2) * error for level in (INNER, OUTER))
    return Limits(
        n,
        target,
        max(target - inner, -100.0),
        min(target + inner, 100.0),
        max(target - outer, -100.0),
        min(target + outer, 100.0),
    )


def share_limits(target: float, n: int) -> Limits:
    """For a share of n answers, from the whole's share."""
    low95, high95 = (_binomial(target, n, p) for p in ((1 - INNER) / 2, (1 + INNER) / 2))
    low998, high998 = (_binomial(target, n, p) for p in ((1 - OUTER) / 2, (1 + OUTER) / 2))
    return Limits(n, target, low95, high95, low998, high998)


def _binomial(target: float, n: int, p: float) -> float:
    """The share below which lies a fraction p of units, interpolated between whole answers."""
    if target <= 0 or target >= 1:
        return target
    cumulated = _cumulated(target, n)
    r = int(np.searchsorted(cumulated, p))
    reached, before = float(cumulated[r]), float(cumulated[r - 1]) if r else 0.0
    part = (reached - p) / (reached - before) if reached > before else 0.0
    return min(max((r - part) / n, 0.0), 1.0)


@lru_cache(maxsize=2_000)
def _cumulated(target: float, n: int) -> NDArray[np.float64]:
    """P(at most r of n) for r = 0 … n."""
    k = np.arange(1, n + 1)
    steps = np.log((n - k + 1) / k) + np.log(target / (1 - target))
    logs = np.concatenate([[0.0], np.cumsum(steps)]) + n * np.log1p(-target)
    found: NDArray[np.float64] = np.minimum(np.cumsum(np.exp(logs)), 1.0)
    found[-1] = 1.0
    return found
