"""Learners of uplift on LightGBM: one model (S), two models (T), the transformed outcome; a forest.

S: treatment is one more column. T: a model for each side. Transformed outcome (Jaskowski and
Jaroszewicz 2012; Athey and Imbens 2015): y·(t - e) / (e·(1 - e)) has the effect as its mean. Causal
forest (Wager and Athey 2018) by EconML, where it is installed (`pip install 'touchloop[causal]'`).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.uplift.asking import FOREST, TRANSFORMED, S, T
from touchloop.insight.uplift.experiment import Experiment, Floats

LEARNERS = (S, T, TRANSFORMED)
TREES, LEAVES, RATE, BINS = 100, 8, 0.05, 63
LEAF_SHARE, LEAF_MOST = 0.01, 200  # people in a leaf: a hundredth of them, at most 200


class Fitted(Protocol):
    """A learner that has learned."""

    def effects(self, features: Floats) -> Floats:
        """The effect expected of each person (row)."""

    def reasons(self, features: Floats) -> Floats | None:
        """What each column adds to it (rows × columns); None where it cannot be told."""

    def texts(self) -> list[str] | None:
        """The models as text, to be kept; None for one that is not kept."""


def fit(name: str, data: Experiment, *, seed: int) -> Fitted:
    """Learn. Raises Invalid when the learner is unknown or not installed."""
    if name == FOREST:
        return _Forest(data, seed)
    if name == S:
        both = np.column_stack([data.features, data.treated.astype(np.float64)])
        return Boosted(S, [_booster(both, data.outcome, binary=data.binary, seed=seed)])
    if name == T:
        sides = [
            _booster(data.features[side], data.outcome[side], binary=data.binary, seed=seed)
            for side in (data.treated, ~data.treated)
        ]
        return Boosted(T, sides)
    if name == TRANSFORMED:
        e = data.share
        z = data.outcome * (data.treated - e) / (e * (1.0 - e))
        return Boosted(TRANSFORMED, [_booster(data.features, z, binary=False, seed=seed)])
    raise Invalid("learner", _("one of %s is expected") % ", ".join((*LEARNERS, FOREST)))


def forest_there() -> bool:
    """Whether the causal forest is installed."""
    return importlib.util.find_spec("econml") is not None


class Boosted:
    """A learner made of one or two boosters; can be kept as text."""

    def __init__(self, name: str, boosters: Sequence[Any]) -> None:
        self.name = name
        self.boosters = list(boosters)

    @staticmethod
    def of_texts(name: str, texts: Sequence[str]) -> Boosted:
        """As it was kept."""
        import lightgbm

        return Boosted(name, [lightgbm.Booster(model_str=text) for text in texts])

    def texts(self) -> list[str] | None:
        return [booster.model_to_string() for booster in self.boosters]

    def effects(self, features: Floats) -> Floats:
        return self._difference(features, lambda booster, x: booster.predict(x, num_threads=1))

    def reasons(self, features: Floats) -> Floats | None:
        def parts(booster: Any, x: Floats) -> Floats:
            found: Floats = np.asarray(booster.predict(x, pred_contrib=True, num_threads=1))
            return found

        # Beyond the columns stand the treatment itself (S) and the mean: nobody's in particular.
        return self._difference(features, parts)[:, : features.shape[1]]

    def _difference(self, features: Floats, ask: Callable[[Any, Floats], Any]) -> Floats:
        if self.name == TRANSFORMED:
            return np.asarray(ask(self.boosters[0], features), dtype=np.float64)
        if self.name == T:
            with_it, without = (np.asarray(ask(each, features)) for each in self.boosters)
            return np.asarray(with_it - without, dtype=np.float64)
        rows = len(features)
        treated = np.column_stack([features, np.ones(rows)])
        held = np.column_stack([features, np.zeros(rows)])
        with_it, without = (np.asarray(ask(self.boosters[0], each)) for each in (treated, held))
        return np.asarray(with_it - without, dtype=np.float64)


class _Forest:
    def __init__(self, data: Experiment, seed: int) -> None:
        if not forest_there():
            raise Invalid(
                "learner", _("the causal forest is not installed: pip install 'touchloop[causal]'")
            )
        forests = importlib.import_module("econml.grf")

        self._filling = np.nanmedian(data.features, axis=0)
        leaf = _leaf(data.n) // 2
        self._forest = forests.CausalForest(
            n_estimators=TREES, min_samples_leaf=max(leaf, 5), max_depth=8, n_jobs=1,
            random_state=seed, inference=False,
        )  # fmt: skip
        # By lot the chance of treatment is the same for all: centring needs no other model.
        treatment = data.treated - data.share
        self._forest.fit(self._filled(data.features), treatment, data.outcome - data.outcome.mean())

    def effects(self, features: Floats) -> Floats:
        return np.asarray(self._forest.predict(self._filled(features)), dtype=np.float64).ravel()

    def reasons(self, features: Floats) -> Floats | None:
        return None

    def texts(self) -> list[str] | None:
        return None

    def _filled(self, features: Floats) -> Floats:
        return np.where(np.isfinite(features), features, self._filling)


def _booster(features: Floats, target: Floats, *, binary: bool, seed: int) -> Any:
    import lightgbm

    return lightgbm.train(
        {
            "objective": "binary" if binary else "regression", "num_leaves": LEAVES,
            "learning_rate": RATE, "min_data_in_leaf": _leaf(len(target)), "seed": seed,
            "deterministic": True, "num_threads": 1, "verbosity": -1, "force_col_wise": True,
            "max_bin": BINS,
        },
        lightgbm.Dataset(features, target, free_raw_data=True),
        num_boost_round=TREES,
    )  # fmt: skip


def _leaf(rows: int) -> int:
    return int(max(10, min(LEAF_MOST, rows * LEAF_SHARE)))
