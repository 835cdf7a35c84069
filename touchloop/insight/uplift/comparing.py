"""Learners side by side on people they have not seen, over several splits: noise is part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from touchloop.insight.uplift import gain, learners
from touchloop.insight.uplift.asking import LABELS, RANDOM
from touchloop.insight.uplift.experiment import Experiment, Floats

SEEDS = 5
TEST = 0.3
TARGET = 0.3  # the share of people by which learners are compared in people


@dataclass(frozen=True, slots=True)
class Standing:
    """One learner over the splits. Areas are people gained above chance among a tested `treated`.

    `curves` are gains at the shares of `gain.GRID` (splits × points); `top` is the effect among
    the best `TARGET` of all tested people, splits put together.
    """

    name: str
    areas: tuple[float, ...]
    curves: Floats
    top: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.areas))

    @property
    def spread(self) -> float:
        """Standard deviation between splits."""
        return float(np.std(self.areas, ddof=1)) if len(self.areas) > 1 else 0.0

    @property
    def error(self) -> float:
        """Standard error of the mean. Splits share people, so it shrinks less than by their number
        (Nadeau and Bengio 2003, Machine Learning 52).
        """
        return error_of(self.spread, len(self.areas))


@dataclass(frozen=True, slots=True)
class Comparison:
    """All learners, the best of them, and out-of-sample effects of everybody by the best one.

    `effects` holds for each person the mean over the splits that tested him; NaN for none.
    """

    standings: dict[str, Standing]
    best: str
    effects: Floats
    tested: tuple[int, int]  # treated and held out in one test
    words: tuple[str, ...]

    @property
    def better_than_chance(self) -> bool:
        """Whether the best learner stands two errors above no ranking at all."""
        best, lot = self.standings[self.best], self.standings[RANDOM]
        error = max(best.error, lot.error)
        return bool(best.mean - lot.mean > 2.0 * error)


def compare(
    data: Experiment,
    *,
    seed: int,
    names: Sequence[str] = learners.LEARNERS,
    seeds: int = SEEDS,
    progress: Callable[[float], None] | None = None,
) -> Comparison:
    """Fit each learner on 70 % and rank the other 30 %, `seeds` times. Raises Invalid."""
    areas: dict[str, list[float]] = {name: [] for name in (*names, RANDOM)}
    curves: dict[str, list[Floats]] = {name: [] for name in areas}
    tops: dict[str, list[float]] = {name: [] for name in areas}
    sums = {name: np.zeros(data.n) for name in areas}
    times = np.zeros(data.n)
    tested = (0, 0)
    for turn in range(seeds):
        chance = np.random.default_rng([seed, turn])
        test = split(data, chance)
        past, new = data.only(~test), data.only(test)
        tested = (int(new.treated.sum()), int((~new.treated).sum()))
        times += test
        for name in areas:
            if name == RANDOM:
                scores = chance.random(new.n)
            else:
                scores = learners.fit(name, past, seed=seed + turn).effects(new.features)
            sums[name][test] += scores
            areas[name].append(gain.area(scores, new.treated, new.outcome, seed=turn))
            curves[name].append(gain.curve(scores, new.treated, new.outcome, seed=turn))
            best_people = gain.top(scores, new, fraction=TARGET, seed=turn)
            tops[name].append(best_people.value if best_people else float("nan"))
        if progress:
            progress((turn + 1) / seeds)
    standings = {
        name: Standing(name, tuple(areas[name]), np.stack(curves[name]), tuple(tops[name]))
        for name in areas
    }
    best = max(names, key=lambda name: standings[name].mean)
    with np.errstate(invalid="ignore"):
        effects = np.where(times > 0, sums[best] / times, np.nan)
    found = Comparison(standings, best, effects, tested, ())
    return Comparison(standings, best, effects, tested, _words(found, names))


def error_of(spread: float, splits: int) -> float:
    """The standard error of a mean over splits of the same people, which spread by so much."""
    return float(spread * np.sqrt(1.0 / splits + TEST / (1.0 - TEST)))


def split(
    data: Experiment, chance: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Who is tested: 30 % of each side, and of each outcome where it is yes or no."""
    group = data.treated.astype(np.int64)
    if data.binary:
        group = group * 2 + data.outcome.astype(np.int64)
    test = np.zeros(data.n, dtype=bool)
    for value in np.unique(group):
        rows = chance.permutation(np.flatnonzero(group == value))
        test[rows[: round(len(rows) * TEST)]] = True
    return test


def _words(found: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    said = []
    best = found.standings[found.best]
    near = [
        name for name in names
        if name != found.best and best.mean - found.standings[name].mean < best.spread
    ]  # fmt: skip
    if not found.better_than_chance:
        said.append(
            _("No learner ranks people better than a lot: treat all or nobody, as the effect says.")
        )
    elif near:
        said.append(
            _("The learners differ less than the splits do (%(best)s against %(near)s).")
            % {"best": LABELS[found.best], "near": ", ".join(str(LABELS[name]) for name in near)}
        )
    return tuple(said)
