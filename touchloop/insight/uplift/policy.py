"""Which action for whom: the learned choice, valued against the best single action for everybody.

Value by self-normalised inverse propensity weighting, SNIPW = Σ w·y / Σ w with w = [chosen =
given] / P(given) (Swaminathan and Joachims 2015). The choice for each person is made by models that
did not see him (cross-fitting), so that it is not flattered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from touchloop.core.proportions import Z95
from touchloop.insight.uplift.experiment import Floats

FOLDS = 5
TREES, LEAVES, LEAF, RATE = 60, 6, 500, 0.1

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Valued:
    """A policy, the mean outcome it would bring, with its 95 % interval, and how sure that is."""

    name: str
    value: float
    low: float
    high: float
    effective_n: float
    shares: tuple[float, ...]  # of the people, by action


@dataclass(frozen=True, slots=True)
class Choice:
    """The learned policy beside every single action; `gap` is learned less best single."""

    learned: Valued
    single: tuple[Valued, ...]
    best: int
    gap: tuple[float, float, float]
    sentence: str

    @property
    def better(self) -> bool:
        """Whether the learned choice beats the best single action beyond chance."""
        return bool(self.gap[1] > 0)


def choose(
    features: Floats, arms: Ints, outcome: Floats, *, seed: int, labels: list[str]
) -> Choice:
    """Learn on a randomised log of `arms` (0 … k-1 for each person) and value the argmax."""
    k = len(labels)
    chosen = argmax(features, arms, outcome, k=k, seed=seed)
    chance = np.bincount(arms, minlength=k) / len(arms)
    learned, parts = _value(_("the learned choice"), chosen, arms, outcome, chance, k)
    single = [
        _value(label, np.full(len(arms), place), arms, outcome, chance, k)
        for place, label in enumerate(labels)
    ]
    best = max(range(k), key=lambda place: single[place][0].value)
    top, top_parts = single[best]
    gap = learned.value - top.value
    half = Z95 * float(np.std(parts - top_parts, ddof=1) / np.sqrt(len(arms)))
    bounds = (gap, gap - half, gap + half)
    return Choice(
        learned, tuple(each for each, _parts in single), best, bounds,
        _sentence(learned, top, bounds),
    )  # fmt: skip


def argmax(features: Floats, arms: Ints, outcome: Floats, *, k: int, seed: int) -> Ints:
    """For each person the action of the highest predicted outcome, cross-fitted."""
    import lightgbm

    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    fold = np.random.default_rng(seed).permutation(len(arms)) % FOLDS
    scores = np.zeros((len(arms), k))
    for turn in range(FOLDS):
        test = fold == turn
        for arm in range(k):
            rows = ~test & (arms == arm)
            if not rows.any() or np.ptp(outcome[rows]) == 0:
                scores[test, arm] = outcome[rows].mean() if rows.any() else -np.inf
                continue
            booster = lightgbm.train(
                {
                    "objective": "binary" if binary else "regression", "num_leaves": LEAVES,
                    "learning_rate": RATE, "num_threads": 1, "verbosity": -1, "seed": seed,
                    "min_data_in_leaf": int(max(10, min(LEAF, rows.sum() // 20))),
                    "deterministic": True, "force_col_wise": True, "max_bin": 63,
                },
                lightgbm.Dataset(features[rows], outcome[rows]),
                num_boost_round=TREES,
            )  # fmt: skip
            scores[test, arm] = booster.predict(features[test], num_threads=1)
    return np.asarray(np.argmax(scores, axis=1), dtype=np.int64)


def _value(
    name: str, chosen: Ints, arms: Ints, outcome: Floats, chance: Floats, k: int
) -> tuple[Valued, Floats]:
    """The value, and each person's part of its error (influence), for differences of policies."""
    weight = (chosen == arms) / chance[arms]
    total = float(weight.sum())
    if total == 0:
        return Valued(name, float("nan"), float("nan"), float("nan"), 0.0, (0.0,) * k), weight
    value = float(weight @ outcome) / total
    parts = weight * (outcome - value) / (total / len(arms))
    half = Z95 * float(np.std(parts, ddof=1) / np.sqrt(len(arms)))
    effective = total**2 / float(weight @ weight)
    shares = tuple((np.bincount(chosen, minlength=k) / len(chosen)).tolist())
    return Valued(name, value, value - half, value + half, effective, shares), parts


def _sentence(learned: Valued, top: Valued, gap: tuple[float, float, float]) -> str:
    words = {
        "learned": f"{learned.value:.5f}", "top": f"{top.value:.5f}", "name": top.name,
        "gap": f"{gap[0]:+.5f}", "low": f"{gap[1]:+.5f}", "high": f"{gap[2]:+.5f}",
    }  # fmt: skip
    if gap[1] > 0:
        return _("The learned choice (%(learned)s) beats %(name)s for everybody (%(top)s) by"
                 " %(gap)s (%(low)s to %(high)s).") % words  # fmt: skip
    return _("The learned choice (%(learned)s) is no better than %(name)s for everybody (%(top)s):"
             " %(gap)s (%(low)s to %(high)s).") % words  # fmt: skip
