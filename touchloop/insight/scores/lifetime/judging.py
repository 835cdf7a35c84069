"""Fits of the buying models side by side: which one is used, and what a person must know of it.

Real data run into boundaries. When nobody is seen to leave, a → 0 and BG/NBD is NBD; when all leave
with the same chance, a and b run off together. A number from there says nothing about people, so it
is named, and the simpler model it has become is used instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from django.utils.translation import gettext as _

from touchloop.insight.scores.lifetime import betageometric as bg
from touchloop.insight.scores.lifetime import fitting, paretonbd
from touchloop.insight.scores.lifetime.grouping import COARSE, Floats, Grouped, coarse

PARETO, NBD, ONE_CHANCE = "pareto_nbd", "nbd", "bg_nbd_one_chance"
NEAR = 2.0  # units of log-likelihood that do not tell two models apart
HUGE, TINY = 1e4, 1e-4
ENOUGH_REPEATS = 10

_NAMES: dict[str, tuple[str, ...]] = {
    bg.BG: ("r", "alpha", "a", "b"),
    bg.MBG: ("r", "alpha", "a", "b"),
    PARETO: ("r", "alpha", "s", "beta"),
    NBD: ("r", "alpha"),
    ONE_CHANCE: ("r", "alpha", "p"),
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """One model on one set of customers. `boundary` says in words why it must not be used.

    `theta` are the logarithms of the parameters (of `p`: its log odds). `intervals` are 95 %.
    """

    model: str
    parameters: dict[str, float]
    log_likelihood: float
    peak: fitting.Peak
    boundary: str = ""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fits:
    """All models that were fitted, the one that is used, and why."""

    models: dict[str, Fitted]
    chosen: str
    words: tuple[str, ...]
    n: float
    repeaters: float
    rows: int  # distinct histories

    @property
    def used(self) -> Fitted:
        """The fit that is used."""
        return self.models[self.chosen]


def fit(data: Grouped, *, models: tuple[str, ...] = (bg.BG, PARETO, bg.MBG)) -> Fits:
    """Fit the models and their limits NBD and one chance for all; say which one to use."""
    repeats = float(data.weight @ data.x)
    found = {NBD: fit_one(NBD, data), ONE_CHANCE: fit_one(ONE_CHANCE, data)}
    for model in models:
        found[model] = _judged(fit_one(model, data), found)
    found[ONE_CHANCE] = _judged_one(found[ONE_CHANCE], found[NBD])
    found[NBD] = _judged_nbd(found[NBD])
    chosen, words = _choose(found, models)
    if repeats < ENOUGH_REPEATS:
        words = (
            _("Only %(n)d repeat purchases were seen: nothing can be said about who comes again.")
            % {"n": int(repeats)},
            *words,
        )
    repeaters = float(data.weight[data.x > 0].sum())
    return Fits(found, chosen, words, data.n, repeaters, len(data.x))


def objective(model: str, data: Grouped) -> fitting.Objective:
    """The log-likelihood of a model over these customers."""
    if model == PARETO:
        return partial(paretonbd.log_likelihood, data=data)
    if model == NBD:
        return partial(bg.nbd, data=data)
    if model == ONE_CHANCE:
        return partial(bg.fixed_chance, data=data, modified=False)
    return partial(bg.log_likelihood, data=data, modified=model == bg.MBG)


def parameters_of(model: str, theta: Floats) -> dict[str, float]:
    """Parameters by name from the point where they were fitted."""
    values = np.exp(theta)
    if model == ONE_CHANCE:
        values = np.append(values[:2], 1.0 / (1.0 + np.exp(-theta[2])))
    return {name: float(value) for name, value in zip(_NAMES[model], values, strict=True)}


def alive(model: str, parameters: dict[str, float], data: Grouped) -> Floats:
    """P(still a customer), by history."""
    if model == PARETO:
        return paretonbd.alive(parameters, data)
    return bg.alive(parameters, data, modified=model == bg.MBG)


def to_come(model: str, parameters: dict[str, float], data: Grouped, time: float) -> Floats:
    """Purchases expected in the next `time` if still a customer, by history."""
    if model == PARETO:
        return paretonbd.to_come(parameters, data, time)
    return bg.to_come(parameters, data, time, modified=model == bg.MBG)


def of_newcomer(model: str, parameters: dict[str, float], time: Floats) -> Floats:
    """Repeat purchases expected of a new customer by each time."""
    if model == PARETO:
        return paretonbd.of_newcomer(parameters, time)
    return bg.of_newcomer(parameters, time, modified=model == bg.MBG)


def fit_one(model: str, data: Grouped) -> Fitted:
    """One model alone, unjudged: several starts, then exactly to the top."""
    exact = objective(model, data)
    rate = max(float(data.weight @ data.x) / max(float(data.weight @ data.T), 1e-9), 1e-6)
    scale = float(np.log(1.0 / rate))
    middle = {
        NBD: ([0.0, scale], [-1.0, scale - 1.0]),
        ONE_CHANCE: ([0.0, scale, -2.0], [-1.0, scale - 1.0, 0.0]),
        PARETO: ([-0.5, scale - 0.5, -0.5, scale], [0.0, scale, -2.0, scale + 1.0],
                 [0.5, scale + 0.5, 0.5, scale + 1.5]),
    }.get(model, ([-0.5, scale - 0.5, -0.2, 1.0], [0.0, scale, -2.0, 0.0],
                  [-1.0, scale - 1.0, 1.0, 2.0]))  # fmt: skip
    if len(data.x) > COARSE:
        peak = fitting.climb(objective(model, coarse(data)), middle, exact=exact)
    else:
        peak = fitting.climb(exact, middle)
    return Fitted(model, parameters_of(model, peak.theta), float(peak.value), peak)


def _judged(fitted: Fitted, limits: dict[str, Fitted]) -> Fitted:
    """The fit with the word for the boundary it lies at, if it does."""
    said = ""
    value = fitted.log_likelihood
    far = [name for name, size in fitted.parameters.items() if size > HUGE or size < TINY]
    if value - limits[NBD].log_likelihood < NEAR:
        said = _("nobody is seen to leave: it is no better than NBD, where everybody stays")
    elif fitted.model != PARETO and value - limits[ONE_CHANCE].log_likelihood < NEAR:
        said = _(
            "how customers differ in their chance of leaving cannot be seen:"
            " one chance for all fits as well"
        )
    elif far:
        said = _("the fit ran to the edge (%(which)s)") % {
            "which": ", ".join(f"{name} = {fitted.parameters[name]:.3g}" for name in far)
        }
    elif not fitted.peak.sure:
        said = _("the likelihood is flat at its top: the parameters cannot be told apart")
    return _with(fitted, said)


def _judged_one(fitted: Fitted, nbd: Fitted) -> Fitted:
    if fitted.log_likelihood - nbd.log_likelihood < NEAR:
        return _with(fitted, _("nobody is seen to leave: it is no better than NBD"))
    return _with(fitted, "" if fitted.peak.sure else _("the likelihood is flat at its top"))


def _judged_nbd(fitted: Fitted) -> Fitted:
    far = [name for name, size in fitted.parameters.items() if size > HUGE or size < TINY]
    if far or not fitted.peak.sure:
        return _with(
            fitted, _("customers do not differ in how often they buy, or hardly buy again")
        )
    return fitted


def _choose(found: dict[str, Fitted], models: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The first sound model, unless a later one is clearly better; else what it has become."""
    words = tuple(
        f"{LABELS[name]}: {each.boundary}." for name, each in found.items() if each.boundary
    )
    sound = [name for name in models if not found[name].boundary]
    if sound:
        chosen = sound[0]
        for name in sound[1:]:
            if found[name].log_likelihood > found[chosen].log_likelihood + NEAR:
                chosen = name
        words = tuple(
            f"{LABELS[name]}: {found[name].boundary}." for name in models if found[name].boundary
        )
        return chosen, words
    chosen = ONE_CHANCE if not found[ONE_CHANCE].boundary else NBD
    return chosen, (*words, _("%(model)s is used instead.") % {"model": LABELS[chosen]})


def _with(fitted: Fitted, boundary: str) -> Fitted:
    return Fitted(
        fitted.model, fitted.parameters, fitted.log_likelihood, fitted.peak, boundary,
        fitted.intervals,
    )  # fmt: skip


Label = Callable[[], str]
LABELS = {
    bg.BG: "BG/NBD",
    bg.MBG: "MBG/NBD",
    PARETO: "Pareto/NBD",
    NBD: "NBD",
    ONE_CHANCE: "BG/NBD with one chance of leaving for all",
}
