"""One ranking out of several: a logit over what each says, learned on what is past.

Stacking (D. Wolpert, Neural Networks 5 (1992) 241-259), out of time: the weights are learned on
what followed one moment and judged on what followed a later one. The answer is a probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from touchloop.insight.affinity import recipe
from touchloop.insight.affinity.recipe import FEATURES, Flags, History, Reals, World

LEAST_PEOPLE = 50  # households with something new, to learn from and to judge by
TOP = (5, 10)
RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Weights:
    """The logit: each feature less its mean, over its scale, times its weight."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def probability(self, found: Mapping[str, Reals]) -> Reals:
        """For each household and item, how likely it begins with it within the horizon."""
        total = np.full(next(iter(found.values())).shape, self.intercept)
        for n, name in enumerate(FEATURES):
            total += self.weights[n] / self.scales[n] * (found[name] - self.means[n])
        chances: Reals = 1.0 / (1.0 + np.exp(-np.clip(total, -60.0, 60.0)))
        return chances


@dataclass(frozen=True, slots=True)
class Judged:
    """A ranker on the hold-out: precision at 5 with its interval over households, hits at 5 and 10
    (a household counts when one of its first k is right), and precision beyond popularity."""

    name: str
    precision: float
    low: float
    high: float
    hit5: float
    hit10: float
    beyond: float
    beyond_low: float
    beyond_high: float


@dataclass(frozen=True, slots=True)
class Examined:
    """What the hold-out said: of how many households, with how many new items each."""

    people: int
    new_each: float
    rankers: tuple[Judged, ...]  # popularity first, the blend last
    calibration: tuple[tuple[float, float, int], ...]  # expected, came, pairs of each tenth
    expected: float
    came: float


def learn(history: History, *, ago: int, horizon: int, seed: int, offered: Flags) -> Weights | None:
    """Weights from what followed the moment `ago` slices back; None when too few began anything.

    Earlier moments as well would make it worse (.309 against .315 on the field's split): the less
    past a moment has, the less its trends mean the same.
    """
    from sklearn.linear_model import LogisticRegression

    seen = recipe.world(history, ago=ago, horizon=horizon)
    came = recipe.outcomes(history, ago=ago, horizon=horizon, owned=seen.owned)
    use = seen.known[:, None] & ~seen.owned & offered
    if (came & use).any(axis=1).sum() < LEAST_PEOPLE:
        return None
    found = recipe.features(recipe.fit(seen, seed=seed), seen, history.groups)
    x, y = np.column_stack([found[name][use] for name in FEATURES]), came[use]
    if y.all():
        return None
    means, scales = x.mean(axis=0), x.std(axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    model = LogisticRegression(max_iter=500).fit((x - means) / scales, y)
    return Weights(
        tuple(means.tolist()), tuple(scales.tolist()), tuple(model.coef_[0].tolist()),
        float(model.intercept_[0]),
    )  # fmt: skip


def examine(
    history: History, weights: Weights, *, ago: int, horizon: int, seed: int, offered: Flags
) -> Examined | None:
    """Judge every ranker on what followed a moment that the weights have not seen.

    Households that own enough before it and began with something after it; what they own is not
    ranked. None when there are too few.
    """
    seen = recipe.world(history, ago=ago, horizon=horizon)
    came = recipe.outcomes(history, ago=ago, horizon=horizon, owned=seen.owned) & offered
    judged = seen.known & came.any(axis=1)
    if judged.sum() < LEAST_PEOPLE:
        return None
    found = recipe.features(recipe.fit(seen, seed=seed), seen, history.groups)
    blend = weights.probability(found)
    rankings = {
        "popularity": found["owners"],
        "cosine": found["cosine"],
        "ease": found["ease"],
        "als": found["als_wide"],
        "blend": blend,
    }
    hits = {
        name: ranked_hits(scores, seen, came, judged, offered) for name, scores in rankings.items()
    }
    use = seen.known[:, None] & ~seen.owned & offered
    return Examined(
        int(judged.sum()),
        float(came[judged].sum(axis=1).mean()),
        judge(hits, seed=seed),
        _calibration(blend[use], came[use]),
        float(blend[use].mean()),
        float(came[use].mean()),
    )


def ranked_hits(scores: Reals, seen: World, came: Flags, judged: Flags, offered: Flags) -> Flags:
    """Whether each of the first ten of each judged household came; ties go to the first item."""
    open_to = ~seen.owned[judged] & offered
    shown = np.where(open_to, scores[judged], -np.inf)
    first = np.argsort(-shown, axis=1, kind="stable")[:, : max(TOP)]
    found: Flags = np.take_along_axis(came[judged], first, axis=1)
    return found


def judge(hits: Mapping[str, Flags], *, seed: int) -> tuple[Judged, ...]:
    """The figures of each ranker; intervals by resampling households, the same for all."""
    few = {name: each[:, :5].mean(axis=1) for name, each in hits.items()}
    floor = next(iter(few.values()))
    n = len(floor)
    chance = np.random.default_rng(seed)
    draws = chance.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES) / n
    found = []
    for name, each in hits.items():
        low, high = np.quantile(draws @ few[name], (0.025, 0.975))
        gain = few[name] - floor
        below, above = np.quantile(draws @ gain, (0.025, 0.975))
        found.append(
            Judged(
                name, float(few[name].mean()), float(low), float(high),
                float(each[:, :5].any(axis=1).mean()), float(each.any(axis=1).mean()),
                float(gain.mean()), float(below), float(above),
            )
        )  # fmt: skip
    return tuple(found)


def _calibration(expected: Reals, came: Flags) -> tuple[tuple[float, float, int], ...]:
    order = np.argsort(expected, kind="stable")
    parts: Sequence[Reals] = np.array_split(order, 10)
    return tuple(
        (float(expected[part].mean()), float(came[part].mean()), len(part))
        for part in parts
        if len(part)
    )
