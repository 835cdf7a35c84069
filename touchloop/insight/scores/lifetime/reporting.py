"""What a fit says, as plain values for the command line and for a model's version."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime import (
    contractual,
    fitting,
    gammagamma,
    history,
    holding_out,
    judging,
    reading,
    spread,
    worth,
)
from touchloop.insight.scores.lifetime.grouping import Grouped, grouped_with_index

SEED = 1
INDEPENDENT = 0.3  # correlations beyond it are named


@dataclass(frozen=True, slots=True)
class Learned:
    """Both halves of a value: how often (grouped, with each customer's row) and how much."""

    seen: history.Histories
    data: Grouped
    of: npt.NDArray[np.intp]
    fits: judging.Fits
    spend: worth.Spend | None
    words: tuple[str, ...]

    @property
    def spending(self) -> gammagamma.Spending:
        """The repeaters. Raises Invalid where nobody is one."""
        there = self.seen.repeaters
        return gammagamma.Spending(self.seen.priced[there], self.seen.z[there])


def learn(seen: history.Histories) -> Learned:
    """Fit how often and how much. Raises Invalid where nothing can be learned at all."""
    if len(seen.x) < 2:
        raise Invalid("customers", "one customer is not enough to learn from")
    if not (seen.T > 0).any():
        raise Invalid("customers", "everybody bought for the first time on the last day")
    data, of = grouped_with_index(seen.x, seen.tx, seen.T)
    if not data.x.any():
        raise Invalid("customers", "nobody bought twice: there is nothing to learn from")
    fits = judging.fit(data)
    words, spend = list(fits.words), None
    there = seen.repeaters
    try:
        spending = gammagamma.Spending(seen.priced[there], seen.z[there])
        spend = worth.spend(spending, seen.correlation)
        words += spend.words
    except Invalid as error:
        words.append(_("Gamma-Gamma: %s.") % error.message)
    return Learned(seen, data, of, fits, spend, tuple(words))


def of_file(
    path: Path, *, calibration_end: int | None, unit: float, horizon: float, discount: float,
    replicates: int = spread.REPLICATES,
) -> dict[str, Any]:  # fmt: skip
    """Fit a file of purchases. Days are counted from 1970; `horizon` in days. Raises Invalid."""
    whole = reading.summary(path)
    if whole is not None:
        return _of_summary(whole, calibration_end, unit, horizon, discount, replicates)
    who, day, value = reading.purchases(path)
    started = time.perf_counter()
    log = history.purchases(who, day, value)
    until = log.last_day
    end = until if calibration_end is None else calibration_end
    learned = learn(history.histories(log, end, unit=unit))
    fitted = time.perf_counter() - started
    seen = learned.seen
    found: dict[str, Any] = {
        "customers": len(seen.x),
        "repeaters": int((seen.x > 0).sum()),
        "transactions": int(seen.x.sum()) + len(seen.x),
        "rows": len(who),
        "returns_left_out": log.returned,
        "days": {"first": _date(int(log.day.min())), "calibration_end": _date(end),
                 "last": _date(until)},
        "unit_days": unit,
        "histories": len(learned.data.x),
        "models": models(learned, replicates=replicates),
        "chosen": learned.fits.chosen,
        "value": value_summary(learned, horizon=horizon, discount=discount),
    }  # fmt: skip
    words = list(learned.words)
    if calibration_end is not None:
        if end >= until:
            words.append(_("Nothing was bought after the end of the calibration: no hold-out."))
        else:
            found["holdout"] = holdout(learned, log, until)
    return found | {"words": words, "fit_seconds": fitted,
                    "seconds": time.perf_counter() - started}  # fmt: skip


def _of_summary(
    whole: tuple[reading.Column, ...], calibration_end: int | None, unit: float, horizon: float,
    discount: float, replicates: int,
) -> dict[str, Any]:  # fmt: skip
    """A file that holds x, tx and T of each customer already, in the unit of time."""
    if calibration_end is not None:
        raise Invalid("calibration_end", "the file is a summary: it has no dates")
    started = time.perf_counter()
    x, tx, T, z = whole
    priced = np.where((x > 0) & np.isfinite(z) & (z > 0), x, 0.0)
    nobody = np.arange(len(x))
    seen = history.Histories(
        nobody, nobody * 0, x, tx, T, np.where(priced > 0, z, np.nan), priced, 0, unit
    )
    learned = learn(seen)
    return {
        "customers": len(x),
        "repeaters": int((x > 0).sum()),
        "transactions": int(x.sum()) + len(x),
        "unit_days": unit,
        "histories": len(learned.data.x),
        "models": models(learned, replicates=replicates),
        "chosen": learned.fits.chosen,
        "value": value_summary(learned, horizon=horizon, discount=discount),
        "words": list(learned.words),
        "seconds": time.perf_counter() - started,
    }


def models(learned: Learned, *, replicates: int) -> dict[str, Any]:
    """Each model with its parameters, its boundary in words, and intervals of the one in use."""
    listed: dict[str, Any] = {}
    for name, fitted in learned.fits.models.items():
        listed[name] = {
            **fitted.parameters, "log_likelihood": fitted.log_likelihood,
            "boundary": fitted.boundary or None,
        }  # fmt: skip
        if name == learned.fits.chosen and replicates:
            draws = spread.of_buying(fitted, learned.data, seed=SEED, replicates=replicates)
            listed[name]["intervals_95"] = intervals(draws, fitted)
    if learned.spend is not None:
        listed["gamma_gamma"] = {
            **learned.spend.parameters,
            "log_likelihood": learned.spend.log_likelihood,
            "n": learned.spend.n,
            "mean": learned.spend.mean,
            "correlation": learned.spend.correlation,
        }
        if replicates:
            peak = learned.spend.peak
            draws = spread.of_spending(peak, learned.spending, seed=SEED, replicates=replicates)
            bounds = spread.interval(draws, peak.theta)
            listed["gamma_gamma"]["intervals_95"] = {
                name: [math.exp(low), math.exp(high)]
                for name, (low, high) in zip(("p", "q", "v"), bounds, strict=False)
            }
    return listed


def holdout(learned: Learned, log: history.Purchases, until: int) -> dict[str, Any]:
    """The time after the calibration: sums, fit by customer, by frequency and by week."""
    seen = learned.seen
    actual = history.bought_after(log, seen, until)
    days = float(until - seen.end)
    judged = holding_out.judge(
        learned.fits, learned.data, learned.of, seen, actual, days=days, seed=SEED
    )
    weekly = history.repeats_by_week(log, seen, until)
    others = {}
    for name, fitted in learned.fits.models.items():
        come = judging.to_come(name, fitted.parameters, learned.data, days / seen.unit)
        alive = judging.alive(name, fitted.parameters, learned.data)
        others[name] = float(learned.data.weight @ (come * alive))
    return {
        "days": days,
        **holding_out.figures(judged),
        "expected_by_model": others,
        "by_frequency": holding_out.by_frequency(judged, seen.x),
        "by_week": holding_out.by_week(learned.fits, learned.data, seen, weekly, until),
    }


def value_summary(learned: Learned, *, horizon: float, discount: float) -> dict[str, Any]:
    """The value of everybody over the horizon, and how unequally it is spread."""
    used, seen = learned.fits.used, learned.seen
    come = worth.orders(
        used.model, used.parameters, learned.data, horizon=horizon, unit=seen.unit,
        discount=discount,
    )[learned.of]  # fmt: skip
    clv = come * worth.value_of_order(learned.spend, seen)
    alive = judging.alive(used.model, used.parameters, learned.data)[learned.of]
    ranked = np.sort(clv)[::-1]
    total = float(ranked.sum())
    known = bool(seen.repeaters.any())  # without a single value nothing is said of money
    return {
        "horizon_days": horizon,
        "discount_a_year": discount,
        "orders": float(come.sum()),
        "total": total if known else None,
        "mean": total / len(ranked) if known else None,
        "median": float(np.median(ranked)) if known else None,
        "mean_p_alive": float(alive.mean()),
        "share_of_top_tenth": float(ranked[: max(1, len(ranked) // 10)].sum() / total)
        if known and total > 0
        else None,
    }


def contract(path: Path, *, discount: float) -> dict[str, Any]:
    """Fit sBG to contracts (tenure: renewals asked for; churned: 0 or 1), or BG/BB to x, tx, n."""
    given = reading.chances(path)
    if given is not None:
        return _chances(given)
    tenure, churned = reading.contracts(path)
    data = contractual.tenures(tenure, churned)
    words = []
    left = float(data.left.sum())
    if not left or left == data.n:
        raise Invalid(
            "churned", "nobody left: nothing to learn from" if not left else "everybody left: the"
            " chance of staying stays unknown"
        )  # fmt: skip
    peak = fitting.climb(contractual.sbg(data), [[0.0, 0.0], [-0.5, 1.0], [1.0, 2.0]])
    alpha, beta = map(float, np.exp(peak.theta))
    if not peak.sure or max(alpha, beta) > judging.HUGE or min(alpha, beta) < judging.TINY:
        words.append(
            _("sBG: the fit ran to an edge; all customers leave with about the same chance.")
        )
    times = np.arange(len(data.left) + 13)
    return {
        "customers": int(data.n),
        "models": {"sbg": {"alpha": alpha, "beta": beta, "log_likelihood": float(peak.value)}},
        "survival": contractual.survival(alpha, beta, times).tolist(),
        "newcomer_value": contractual.newcomer_value(alpha, beta, discount=discount),
        "discount_a_period": discount,
        "words": words,
    }


def _chances(given: tuple[reading.Column, ...]) -> dict[str, Any]:
    """BG/BB: x of n opportunities taken, the last of them tx."""
    data = contractual.Chances(*given)
    starts = [[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, -0.5, 1.0]]
    peak = fitting.climb(contractual.bg_bb(data), starts)
    names = dict(zip(("alpha", "beta", "gamma", "delta"), map(float, np.exp(peak.theta)),
                     strict=True))  # fmt: skip
    words = []
    far = max(names.values()) > judging.HUGE or min(names.values()) < judging.TINY
    if not peak.sure or far:
        words.append(_("BG/BB: the fit ran to an edge; its parameters say nothing."))
    return {
        "customers": int(data.group.n),
        "models": {"bg_bb": {**names, "log_likelihood": float(peak.value)}},
        "words": words,
    }


def intervals(draws: npt.NDArray[np.float64], fitted: judging.Fitted) -> dict[str, list[float]]:
    """95 % of each parameter by its name; empty where nothing can be said."""
    bounds = spread.interval(draws, fitted.peak.theta)
    if not bounds:
        return {}
    low = judging.parameters_of(fitted.model, np.array([pair[0] for pair in bounds]))
    high = judging.parameters_of(fitted.model, np.array([pair[1] for pair in bounds]))
    return {name: [low[name], high[name]] for name in low}


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))
