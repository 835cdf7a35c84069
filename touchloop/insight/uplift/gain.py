"""What a ranking is worth: one definition of Qini, in people.

Treating the share φ of people ranked highest gains

    gain(φ) = Y_t(φ) - Y_c(φ) · N_t(φ) / N_c(φ)

people among those treated there: what came, less what would have come of itself. The Qini area is
the area between the curve and the straight line to gain(1), which a random ranking follows. Other
libraries divide by other things, so that their figures cannot be compared with one another.
(Radcliffe 2007.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from touchloop.core.proportions import Z95, difference, share
from touchloop.insight.uplift.experiment import Bools, Experiment, Floats

GRID = 50


@dataclass(frozen=True, slots=True)
class Effect:
    """The outcome of one group on both sides, and the difference with its 95 % interval.

    `people` is the difference times those treated; shares and differences lie within 0 and 1 for a
    yes-or-no outcome (Newcombe), else they are means (Welch's standard error).
    """

    label: str
    treated: int
    held: int
    rate_treated: float
    rate_held: float
    value: float
    low: float
    high: float

    @property
    def people(self) -> tuple[float, float, float]:
        """Gained among the treated of the group: value, low, high."""
        return self.value * self.treated, self.low * self.treated, self.high * self.treated


def effect(label: str, treated: Bools, outcome: Floats, *, binary: bool) -> Effect | None:
    """The effect in one group; None while a side is empty."""
    one, other = outcome[treated], outcome[~treated]
    if not len(one) or not len(other):
        return None
    if binary:
        a, b = share(int(one.sum()), len(one)), share(int(other.sum()), len(other))
        return Effect(label, a.n, b.n, a.value, b.value, *difference(a, b))
    if len(one) < 2 or len(other) < 2:
        return None
    gap = float(one.mean() - other.mean())
    half = Z95 * sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return Effect(label, len(one), len(other), float(one.mean()), float(other.mean()),
                  gap, gap - half, gap + half)  # fmt: skip


def curve(scores: Floats, treated: Bools, outcome: Floats, *, seed: int) -> Floats:
    """gain at the shares 0, 1/GRID, … 1 of the people by falling score; ties fall by lot."""
    gains = _gains(scores, treated, outcome, seed=seed)
    at = np.rint(np.linspace(0.0, 1.0, GRID + 1) * len(treated)).astype(np.int64)
    return gains[at]


def area(scores: Floats, treated: Bools, outcome: Floats, *, seed: int) -> float:
    """People between the curve and the straight line, averaged over all shares."""
    gains = _gains(scores, treated, outcome, seed=seed)
    line = gains[-1] * np.linspace(0.0, 1.0, len(gains))
    return float(np.trapezoid(gains - line, dx=1.0 / (len(gains) - 1)))


def by_tenth(scores: Floats, of: Experiment, *, seed: int) -> list[Effect]:
    """The effect in each tenth of the people, highest scores first; none where a side is empty."""
    order = _order(scores, seed)
    tenths = np.array_split(order, 10)
    found = [
        effect(str(place), of.treated[rows], of.outcome[rows], binary=of.binary)
        for place, rows in enumerate(tenths, start=1)
    ]
    return [each for each in found if each is not None]


def top(scores: Floats, of: Experiment, *, fraction: float, seed: int) -> Effect | None:
    """The effect among the highest `fraction` of the people."""
    rows = _order(scores, seed)[: max(1, round(of.n * fraction))]
    return effect(f"{fraction:.0%}", of.treated[rows], of.outcome[rows], binary=of.binary)


def _gains(scores: Floats, treated: Bools, outcome: Floats, *, seed: int) -> Floats:
    order = _order(scores, seed)
    t, y = treated[order], outcome[order]
    n_t, n_c = np.cumsum(t), np.cumsum(~t)
    y_t, y_c = np.cumsum(y * t), np.cumsum(y * ~t)
    of_itself = np.divide(y_c * n_t, n_c, out=np.zeros(len(t)), where=n_c > 0)
    return np.concatenate([[0.0], y_t - of_itself])


def _order(scores: Floats, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lot = np.random.default_rng(seed).permutation(len(scores))
    return lot[np.argsort(-scores[lot], kind="stable")]
