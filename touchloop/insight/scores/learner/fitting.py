"""The two models: a logit on standardised columns, and gradient boosted trees (LightGBM).

Both give margins (log odds) and what each column adds to the margin, relative to the average row.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TREES, LEAVES, RATE = 200, 15, 0.05


class Model(Protocol):
    """What is asked of a fitted model."""

    @property
    def name(self) -> str:
        """Which of the two it is."""

    def margins(self, matrix: Floats) -> Floats:
        """Log odds of each row."""

    def contributions(self, matrix: Floats) -> Floats:
        """Rows × columns: what each column adds to the log odds, against the average."""


@dataclass(frozen=True, slots=True)
class Logit:
    """Weights of standardised columns, unknown values at their median."""

    medians: Floats
    means: Floats
    scales: Floats
    weights: Floats
    bias: float
    name: str = "logit"

    def margins(self, matrix: Floats) -> Floats:
        return self._standard(matrix) @ self.weights + self.bias

    def contributions(self, matrix: Floats) -> Floats:
        return self._standard(matrix) * self.weights

    def _standard(self, matrix: Floats) -> Floats:
        filled = np.where(np.isnan(matrix), self.medians, matrix)
        return np.asarray((filled - self.means) / self.scales)

    def to_json(self) -> dict[str, Any]:
        """Everything as lists of numbers."""
        return {
            "medians": self.medians.tolist(),
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "weights": self.weights.tolist(),
            "bias": self.bias,
        }

    @staticmethod
    def from_json(found: dict[str, Any]) -> Logit:
        """What `to_json` gave."""

        def array(name: str) -> Floats:
            return np.asarray(found[name], np.float64)

        return Logit(
            array("medians"),
            array("means"),
            array("scales"),
            array("weights"),
            float(found["bias"]),
        )


@dataclass(frozen=True, slots=True)
class Trees:
    """LightGBM's own text of the model."""

    text: str
    name: str = "lightgbm"
    _open: list[Any] = field(default_factory=list, compare=False, repr=False)

    def margins(self, matrix: Floats) -> Floats:
        return np.asarray(self._booster().predict(matrix, raw_score=True, num_threads=1))

    def contributions(self, matrix: Floats) -> Floats:
        found = self._booster().predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(found)[:, :-1]

    def _booster(self) -> Any:
        if not self._open:
            import lightgbm

            self._open.append(lightgbm.Booster(model_str=self.text))
        return self._open[0]


def fit_logit(matrix: Floats, outcome: Bools) -> Logit:
    """Columns standardised, L2 with C = 1 (scikit-learn's LogisticRegression)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any value
        medians = np.nan_to_num(np.nanmedian(matrix, axis=0))
    filled = np.where(np.isnan(matrix), medians, matrix)
    means, scales = filled.mean(axis=0), filled.std(axis=0)
    scales[scales < 1e-12] = 1.0
    model = LogisticRegression(max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((filled - means) / scales, outcome)
    return Logit(medians, means, scales, model.coef_[0], float(model.intercept_[0]))


def fit_trees(
    matrix: Floats,
    outcome: Bools,
    *,
    seed: int,
    trees: int = TREES,
) -> Trees:
    """200 trees of 15 leaves at rate .05; the same seed gives the same trees."""
    import lightgbm

    parameters = {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": RATE,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(matrix, label=outcome.astype(np.float64))
    booster = lightgbm.train(parameters, data, num_boost_round=trees)
    return Trees(booster.model_to_string(), _open=[booster])
