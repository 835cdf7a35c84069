"""From margins to probabilities that come true: as they are, Platt's line, or isotonic steps.

Which one is chosen on rows that the model did not learn from, each way fitted on the others
(J. Platt, Advances in Large Margin Classifiers, 1999; Zadrozny and Elkan, KDD 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.scores.learner import quality

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

AS_IS, PLATT, ISOTONIC = "as it is", "Platt", "isotonic"
_WORTH = 0.001  # share of the Brier score by which a less simple way must win
_FOLDS = 5
_MANY = 1_000  # rows: below, steps follow chance


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone way from margin to probability: a line on the log odds, or knots."""

    way: str
    slope: float = 1.0
    shift: float = 0.0
    at: tuple[float, ...] = ()
    share: tuple[float, ...] = ()

    def probabilities(self, margins: Floats) -> Floats:
        """Between 0 and 1, never quite either."""
        if self.way == ISOTONIC:
            return np.interp(margins, self.at, self.share)
        line = np.clip(self.slope * margins + self.shift, -30, 30)
        return np.asarray(1 / (1 + np.exp(-line)))

    def to_json(self) -> dict[str, Any]:
        """For the parameters that are kept."""
        return {
            "way": self.way,
            "slope": self.slope,
            "shift": self.shift,
            "at": list(self.at),
            "share": list(self.share),
        }

    @staticmethod
    def from_json(found: dict[str, Any]) -> Calibration:
        """What `to_json` gave."""
        return Calibration(
            found["way"], found["slope"], found["shift"], tuple(found["at"]), tuple(found["share"])
        )


def choose(margins: Floats, outcome: Bools, *, seed: int) -> tuple[Calibration, Floats]:
    """The best way on held-out rows; also each row's probability by a way fitted on the others."""
    fold = np.random.default_rng(seed).permutation(len(margins)) % _FOLDS
    tried: dict[str, Floats] = {}
    ways = (AS_IS, PLATT, ISOTONIC) if len(margins) >= _MANY else (AS_IS, PLATT)
    for way in ways:
        found = np.empty(len(margins))
        for number in range(_FOLDS):
            inside = fold == number
            found[inside] = _fit(way, margins[~inside], outcome[~inside]).probabilities(
                margins[inside]
            )
        tried[way] = found
    best = AS_IS
    for way in ways[1:]:
        if _error(outcome, tried[way]) < _error(outcome, tried[best]) * (1 - _WORTH):
            best = way
    return _fit(best, margins, outcome), tried[best]


def _error(outcome: Bools, probability: Floats) -> float:
    return quality.brier(outcome, probability)


def _fit(way: str, margins: Floats, outcome: Bools) -> Calibration:
    if way == AS_IS or outcome.all() or not outcome.any():
        return Calibration(AS_IS)
    if way == PLATT:
        from sklearn.linear_model import LogisticRegression

        line = LogisticRegression(C=1e6).fit(margins[:, None], outcome)
        slope = float(line.coef_[0][0])
        return Calibration(PLATT, max(slope, 1e-6), float(line.intercept_[0]))
    from sklearn.isotonic import IsotonicRegression

    # A step of few rows is no certainty: no probability beyond one row in all that were seen.
    edge = 1 / (len(margins) + 2)
    steps = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip")
    steps.fit(margins, outcome.astype(np.float64))
    return Calibration(
        ISOTONIC,
        at=tuple(map(float, steps.X_thresholds_)),
        share=tuple(map(float, steps.y_thresholds_)),
    )
