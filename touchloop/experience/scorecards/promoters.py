"""The net promoter score with what it can and cannot tell.

Promoters answer 9-10, detractors 0-6. As a variable of +1, 0, -1 its variance is
p + d - (p - d)^2, so SE = sqrt(that / n) (experience.md §3). Below 30 answers the normal interval
is wrong where few of one kind answered; there the interval comes from the Dirichlet posterior of
the three shares (a Bayesian bootstrap with Jeffreys' prior), drawn with a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from touchloop.core.proportions import Z95

SMALL = 30  # below which the interval is drawn
DRAWS = 4_000
SEED = 20_260_301
_JEFFREYS = 0.5


@dataclass(frozen=True, slots=True)
class Net:
    """A net promoter score from -100 to 100, its standard error and its 95 % interval."""

    promoters: int
    passives: int
    detractors: int
    value: float
    se: float
    low: float
    high: float

    @property
    def n(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def margin(self) -> float:
        """Half of the interval."""
        return (self.high - self.low) / 2


def standard_error(p: float, d: float, n: float) -> float:
    """Of the score in points (times 100), for shares of promoters and detractors."""
    return 100.0 * sqrt(max(p + d - (p - d) ** 2, 0.0) / n)


def net(promoters: int, passives: int, detractors: int) -> Net:
    """The score of these counts. Raises ValueError for nobody or a negative count."""
    n = promoters + passives + detractors
    if min(promoters, passives, detractors) < 0 or n == 0:
        raise ValueError("a score needs answers")
    p, d = promoters / n, detractors / n
    value, se = 100.0 * (p - d), standard_error(p, d, n)
    if n < SMALL:
        low, high = _drawn(promoters, passives, detractors)
    else:
        low, high = value - Z95 * se, value + Z95 * se
    return Net(promoters, passives, detractors, value, se, max(low, -100.0), min(high, 100.0))


def difference(one: Net, other: Net) -> tuple[float, float, float]:
    """`one` less `other`, of separate answers, with its 95 % interval."""
    gap = one.value - other.value
    half = Z95 * sqrt(one.se**2 + other.se**2)
    return gap, gap - half, gap + half


@lru_cache(maxsize=20_000)
def _drawn(promoters: int, passives: int, detractors: int) -> tuple[float, float]:
    """The middle 95 % of the posterior of the score."""
    shares = np.random.default_rng(SEED).dirichlet(
        [promoters + _JEFFREYS, passives + _JEFFREYS, detractors + _JEFFREYS], size=DRAWS
    )
    low, high = np.quantile(100.0 * (shares[:, 0] - shares[:, 2]), [0.025, 0.975])
    return float(low), float(high)
