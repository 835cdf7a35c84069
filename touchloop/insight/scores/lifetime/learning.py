"""Lifetime value learned from the lake: judged on held-out time, then fitted on all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.models.api import Feature, Metric, Run, Trained, deciles
from touchloop.insight.scores.lifetime import (
    holding_out,
    judging,
    lake_history,
    reporting,
    spread,
    worth,
)
from touchloop.insight.scores.lifetime.grouping import Floats
from touchloop.insight.scores.lifetime.history import Histories
from touchloop.insight.scores.lifetime.reporting import Learned

HORIZON = worth.YEAR
DISCOUNT = 0.10
HELD_SHARE, HELD_MOST, HELD_LEAST = 1 / 3, 182, 28  # of the time, in days
REPLICATES = 40
STALE = 14  # days without any order after which the end of the data is named


def train(run: Run) -> Trained | None:
    """Fit, judge and keep; None before enough was bought to say anything."""
    run.progress(_("Reading purchases"), 0.05)
    span = lake_history.span(run)
    if span is None or span.last - span.first < 2 * HELD_LEAST:
        return None
    words: list[str] = []
    held = min(HELD_MOST, int((span.last - span.first) * HELD_SHARE))
    try:
        curves, metrics = _judged(run, span.last - held, span.last)
        run.progress(_("Fitting on all the time"), 0.5)
        seen, _later = lake_history.read(run, end=span.last)
        learned = reporting.learn(seen)
    except Invalid:
        return None
    words += learned.words
    today = (run.now.astimezone(UTC).date() - lake_history.EPOCH).days
    if today - span.last > STALE:
        words.append(
            _("The last order is %(days)d days old: everything is counted from that day.")
            % {"days": today - span.last}
        )
    run.progress(_("How sure it is"), 0.7)
    parameters = _parameters(learned, run.seed)
    curves["tenths"] = tenths(learned, parameters)
    curves["newcomer"] = _newcomer(learned)
    return Trained(
        parameters=parameters,
        metrics=metrics,
        features=(
            Feature("orders", "Order Completed", "bought"),
            Feature("day of the last order", "Order Completed", "bought"),
            Feature("value of orders", "Order Completed", "bought"),
        ),
        n=len(seen.x),
        since=_instant(span.first),
        until=_instant(span.last),
        words=tuple(words),
        curves=curves,
        drift={
            "orders": deciles(seen.x),
            "weeks since the last order": deciles(seen.T - seen.tx),
            "value of an order": deciles(seen.z[np.isfinite(seen.z)]),
        },
    )


def tenths(learned: Learned, parameters: dict[str, Any]) -> list[dict[str, float]]:
    """Customers by value in tenths, the best first: mean value with its interval, and limits."""
    clv, log_error = values(learned, parameters)
    order = np.argsort(-clv, kind="stable")
    total, found = float(clv.sum()), []
    for place, rows in enumerate(np.array_split(order, 10), start=1):
        if not len(rows):
            continue
        mean = float(clv[rows].mean())
        error = float(np.nanmean(log_error[rows])) if np.isfinite(log_error[rows]).any() else 0.0
        found.append(
            {
                "tenth": place, "n": len(rows), "mean": mean,
                "low": mean * float(np.exp(-1.96 * error)),
                "high": mean * float(np.exp(1.96 * error)),
                "from": float(clv[rows].min()), "to": float(clv[rows].max()),
                "share": float(clv[rows].sum() / total) if total > 0 else 0.0,
            }
        )  # fmt: skip
    return found


def values(learned: Learned, parameters: dict[str, Any]) -> tuple[Floats, Floats]:
    """The value of each customer over the horizon, and the standard error of its logarithm."""
    fits = learned.fits
    names = fits.used.parameters
    come = worth.orders(
        fits.chosen, names, learned.data, horizon=HORIZON, unit=learned.seen.unit,
        discount=DISCOUNT,
    )  # fmt: skip
    draws = np.asarray(parameters["draws"], dtype=np.float64)
    error = worth.log_spread(
        fits.chosen, draws.reshape(-1, len(fits.used.peak.theta)), learned.data, horizon=HORIZON,
        unit=learned.seen.unit, discount=DISCOUNT,
    )  # fmt: skip
    value = worth.value_of_order(learned.spend, learned.seen)
    spend_draws = np.asarray(parameters["spend_draws"], dtype=np.float64).reshape(-1, 3)
    spend_error = (
        worth.spend_spread(spend_draws, learned.seen)
        if worth.trusted(learned.spend)
        else np.zeros(len(value))
    )
    return come[learned.of] * value, np.hypot(error[learned.of], spend_error)


def _judged(run: Run, end: int, until: int) -> tuple[dict[str, Any], tuple[Metric, ...]]:
    """Learn until `end`, look at what came until `until`."""
    seen, actual = lake_history.read(run, end=end)
    learned = reporting.learn(seen)
    run.progress(_("Judging on held-out time"), 0.25)
    days = float(until - end)
    judged = holding_out.judge(
        learned.fits, learned.data, learned.of, seen, actual, days=days, seed=run.seed
    )
    figures = holding_out.figures(judged)
    weekly = lake_history.repeats_by_week(run, seen, until)
    by_week = holding_out.by_week(learned.fits, learned.data, seen, weekly, until)
    curves = {
        "holdout": figures | {"days": days, "end": str(lake_history.moment(end).date()),
                              "model": learned.fits.chosen},
        "by_frequency": holding_out.by_frequency(judged, seen.x),
        "by_week": by_week,
        "calibration_weeks": (end - int(seen.first.min())) / 7,
    }  # fmt: skip
    return curves, _metrics(judged, figures, seen)


def _metrics(
    judged: holding_out.Judged, figures: dict[str, Any], seen: Histories
) -> tuple[Metric, ...]:
    own = _("own rate of the past")
    naive = figures["naive_own_rate"]
    n = len(seen.x)
    miss = np.abs(judged.expected - judged.actual)
    half = float(1.96 * miss.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    found = [
        Metric(
            _("mean error, orders"), figures["mae"],
            None if half is None else figures["mae"] - half,
            None if half is None else figures["mae"] + half,
            n, naive["mae"], own, "lower",
        )
    ]  # fmt: skip
    if figures["actual"]:
        found.append(
            Metric(_("expected of actual orders"), figures["expected"] / figures["actual"], n=n,
                   baseline=naive["expected"] / figures["actual"], baseline_name=own)
        )  # fmt: skip
    if figures["correlation"] is not None:
        found.append(
            Metric(_("correlation by customer"), figures["correlation"], n=n,
                   baseline=naive["correlation"], baseline_name=own)
        )  # fmt: skip
    inside = figures["within_range_of_8_in_10"]
    found.append(Metric(_("within the range of 8 in 10"), inside, n=n))
    return tuple(found)


def _parameters(learned: Learned, seed: int) -> dict[str, Any]:
    used = learned.fits.used
    draws = spread.of_buying(used, learned.data, seed=seed, replicates=REPLICATES)
    spend, spend_draws = learned.spend, np.empty((0, 3))
    if spend is not None and worth.trusted(spend):
        spend_draws = spread.of_spending(
            spend.peak, learned.spending, seed=seed, replicates=REPLICATES
        )
    return {
        "model": used.model,
        "label": judging.LABELS[used.model],
        "parameters": used.parameters,
        "log_likelihood": used.log_likelihood,
        "models": {
            name: {**each.parameters, "log_likelihood": each.log_likelihood,
                   "boundary": each.boundary}
            for name, each in learned.fits.models.items()
        },
        "intervals_95": reporting.intervals(draws, used),
        "spend": None if spend is None else {
            **spend.parameters, "log_likelihood": spend.log_likelihood, "n": spend.n,
            "correlation": spend.correlation, "mean": spend.mean, "trusted": worth.trusted(spend),
        },
        "draws": draws.tolist(),
        "spend_draws": spend_draws.tolist(),
        "horizon_days": HORIZON,
        "discount_a_year": DISCOUNT,
        "unit_days": learned.seen.unit,
        "histories": learned.fits.rows,
        "repeaters": learned.fits.repeaters,
    }  # fmt: skip


def _newcomer(learned: Learned) -> list[dict[str, float]]:
    """What a customer who buys today for the first time will have bought again, by month."""
    used = learned.fits.used
    months = np.arange(0, 25, dtype=np.float64)
    weeks = months * worth.YEAR / 12 / learned.seen.unit
    orders = judging.of_newcomer(used.model, used.parameters, weeks)
    return [{"month": float(m), "orders": float(o)} for m, o in zip(months, orders, strict=True)]


def _instant(day: int) -> datetime:
    return lake_history.moment(day).replace(tzinfo=UTC)
