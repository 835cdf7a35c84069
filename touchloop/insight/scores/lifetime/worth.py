"""What a customer is worth: orders to come, when the next one, and the money, each with a range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime import betageometric as bg
from touchloop.insight.scores.lifetime import fitting, judging
from touchloop.insight.scores.lifetime import gammagamma as gg
from touchloop.insight.scores.lifetime.grouping import Floats, Grouped
from touchloop.insight.scores.lifetime.history import Histories

YEAR = 365.25
STEPS = 4  # parts of the horizon, each discounted from its middle
DRAWS = 400  # simulated customers for each distinct history
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Spend:
    """Gamma-Gamma on the repeaters; `words` say when it must not be trusted."""

    parameters: dict[str, float]
    log_likelihood: float
    n: int
    correlation: float | None
    peak: fitting.Peak
    words: tuple[str, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean value of a purchase among all; None where it has none (q ≤ 1)."""
        p, q, v = (self.parameters[name] for name in ("p", "q", "v"))
        return p * v / (q - 1.0) if q > 1.0 else None


def spend(data: gg.Spending, correlation: float | None) -> Spend:
    """Fit Gamma-Gamma. Raises Invalid where values cannot be told apart."""
    if np.ptp(data.z) == 0 or data.n < 3:
        raise Invalid("value", "too few repeat purchases of differing value")
    starts = ([1.5, 1.2, 2.5], [0.5, 0.7, float(np.log(np.average(data.z, weights=data.weight)))])

    def exact(theta: Floats) -> tuple[float, Floats]:
        return gg.log_likelihood(theta, data)

    if len(data.x) > 20_000:
        small = gg.coarse(data)
        peak = fitting.climb(lambda theta: gg.log_likelihood(theta, small), starts, exact=exact)
    else:
        peak = fitting.climb(exact, starts)
    names = dict(zip(("p", "q", "v"), map(float, np.exp(peak.theta)), strict=True))
    return Spend(
        names, float(peak.value), int(data.n), correlation, peak, _doubts(names, peak, correlation)
    )


def _doubts(
    names: dict[str, float], peak: fitting.Peak, correlation: float | None
) -> tuple[str, ...]:
    said = []
    if correlation is not None and abs(correlation) > 0.3:
        said.append(
            _("Frequency and value go together (correlation %.2f): Gamma-Gamma takes them to be"
              " independent, so the value of frequent buyers is misjudged.") % correlation
        )  # fmt: skip
    if not peak.sure or max(names.values()) > judging.HUGE or min(names.values()) < judging.TINY:
        said.append(
            _("Gamma-Gamma: the fit ran to an edge; each customer is valued at his own mean.")
        )
    elif names["q"] <= 1.0:
        said.append(
            _("Gamma-Gamma: values are too unequal for a mean (q ≤ 1); each customer is valued at"
              " his own mean.")
        )  # fmt: skip
    return tuple(said)


def trusted(found: Spend | None) -> bool:
    """Whether the fitted means may be used."""
    return (
        found is not None
        and found.peak.sure
        and found.parameters["q"] > 1.0
        and max(found.parameters.values()) <= judging.HUGE
    )


def value_of_order(found: Spend | None, seen: Histories) -> Floats:
    """Expected value of a customer's order; without a trusted fit his own mean, or that of all."""
    if found is not None and trusted(found):
        return gg.worth(found.parameters, seen.priced, seen.z)
    known = seen.z[seen.repeaters]
    overall = float(known.mean()) if len(known) else 0.0
    return np.where(np.isfinite(seen.z), seen.z, overall)


def orders(
    model: str, parameters: dict[str, float], data: Grouped, *, horizon: float, unit: float,
    discount: float = 0.0,
) -> Floats:  # fmt: skip
    """Orders expected within `horizon` days of each history, discounted at a yearly rate."""
    alive = judging.alive(model, parameters, data)
    total, before = np.zeros(len(data.x)), np.zeros(len(data.x))
    for step in range(1, STEPS + 1):
        until = horizon * step / STEPS
        upto = judging.to_come(model, parameters, data, until / unit)
        middle = (until - horizon / STEPS / 2.0) / YEAR
        total += (upto - before) * (1.0 + discount) ** -middle
        before = upto
    return alive * total


def next_order(
    model: str, parameters: dict[str, float], data: Grouped, share: float, *, unit: float
) -> Floats:
    """Days until the next order of one who stays: the quantile `share` (median .5), by history."""
    del model  # while he stays the rate is Gamma(r + x, α + T) in all of them
    power = parameters["r"] + data.x
    reach = np.expm1(np.minimum(-np.log1p(-share) / power, 20.0))
    return np.asarray((parameters["alpha"] + data.T) * reach * unit, dtype=np.float64)


def range_of_orders(
    model: str, parameters: dict[str, float], data: Grouped, *, time: float, seed: int
) -> tuple[Floats, Floats]:
    """Between how many orders 8 of 10 customers with each history will make, simulated."""
    chance = np.random.default_rng(seed)
    alive = judging.alive(model, parameters, data)
    low, high = np.empty(len(data.x)), np.empty(len(data.x))
    for start in range(0, len(data.x), CHUNK):
        rows = slice(start, start + CHUNK)
        n = _simulated(model, parameters, data.x[rows], data.T[rows], time, chance)
        n[chance.random(n.shape) > alive[rows][:, None]] = 0
        low[rows], high[rows] = np.quantile(n, [0.1, 0.9], axis=1, method="nearest")
    return low, high


def log_spread(
    model: str, draws: Floats, data: Grouped, *, horizon: float, unit: float, discount: float
) -> Floats:
    """Standard error of the logarithm of discounted orders, by history (bootstrap)."""
    if len(draws) < 5:
        return np.full(len(data.x), np.nan)
    logs = [
        np.log(np.maximum(
            orders(model, judging.parameters_of(model, draw), data,
                   horizon=horizon, unit=unit, discount=discount), 1e-300))
        for draw in draws
    ]  # fmt: skip
    return np.asarray(np.std(np.stack(logs), axis=0, ddof=1), dtype=np.float64)


def spend_spread(draws: Floats, seen: Histories) -> Floats:
    """Standard error of the logarithm of a customer's order value (bootstrap)."""
    if len(draws) < 5:
        return np.zeros(len(seen.x))
    mean, square = np.zeros(len(seen.x)), np.zeros(len(seen.x))
    for count, draw in enumerate(draws, start=1):
        names = dict(zip(("p", "q", "v"), map(float, np.exp(draw)), strict=True))
        value = np.log(np.maximum(gg.worth(names, seen.priced, seen.z), 1e-300))
        step = value - mean
        mean += step / count
        square += step * (value - mean)
    return np.sqrt(square / (len(draws) - 1))


def _simulated(
    model: str, parameters: dict[str, float], x: Floats, T: Floats, time: float,
    chance: np.random.Generator,
) -> Floats:  # fmt: skip
    shape = (len(x), DRAWS)
    rate = chance.gamma((parameters["r"] + x)[:, None], 1.0, shape)
    rate /= (parameters["alpha"] + T)[:, None]
    if model == judging.PARETO:
        leaving = chance.gamma(parameters["s"], 1.0, shape) / (parameters["beta"] + T)[:, None]
        life = chance.exponential(1.0, shape) / np.maximum(leaving, 1e-300)
        return chance.poisson(rate * np.minimum(life, time)).astype(np.float64)
    n = chance.poisson(np.minimum(rate * time, 1e6)).astype(np.float64)
    if "a" in parameters:
        more = 1.0 if model == bg.MBG else 0.0
        p = chance.beta(parameters["a"], (parameters["b"] + x + more)[:, None], shape)
    elif "p" in parameters:
        p = np.full(shape, parameters["p"])
    else:
        return n
    # He leaves after the k-th order with chance p each time: k is geometric.
    last = np.ceil(np.log1p(-chance.random(shape)) / np.log1p(-np.clip(p, 1e-15, 1 - 1e-12)))
    return np.minimum(n, np.maximum(last, 1.0))
