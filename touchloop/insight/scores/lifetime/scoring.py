"""Scores of lifetime value: what a customer is worth, whether he is still one, when he is back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils import formats
from django.utils.translation import gettext as _

from touchloop.insight.models.api import Run, Scored, Trained
from touchloop.insight.scores.lifetime import gammagamma as gg
from touchloop.insight.scores.lifetime import judging, lake_history, worth
from touchloop.insight.scores.lifetime.grouping import Floats, grouped_with_index
from touchloop.insight.scores.lifetime.history import Histories

CLV, ALIVE, ORDERS, NEXT = "clv_12m", "p_alive", "expected_orders_12m", "next_order_days"
LONGEST = 3_650.0  # days: beyond ten years nobody is waited for


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """Four scores of everybody who bought; histories are read anew, parameters are kept ones."""
    kept = trained.parameters
    span = lake_history.span(run)
    if span is None:
        return
    run.progress(_("Scoring customers"), 0.9)
    seen, _later = lake_history.read(run, end=span.last)
    data, of = grouped_with_index(seen.x, seen.tx, seen.T)
    model, names = str(kept["model"]), dict(kept["parameters"])
    unit, horizon, discount = kept["unit_days"], kept["horizon_days"], kept["discount_a_year"]
    alive = judging.alive(model, names, data)
    orders = worth.orders(model, names, data, horizon=horizon, unit=unit)
    low, high = worth.range_of_orders(model, names, data, time=horizon / unit, seed=run.seed)
    waits = [
        np.minimum(worth.next_order(model, names, data, share, unit=unit), LONGEST)
        for share in (0.25, 0.5, 0.75)
    ]
    clv, clv_low, clv_high, each = _money(kept, seen, data, of, horizon, discount)
    reasons = _reasons(seen, each, alive[of])
    ids = pa.array(seen.customer, pa.int64())
    common: dict[str, Any] = {"horizon": "12 months"}
    yield _scored(CLV, ids, clv, clv_low, clv_high, reasons,
                  {**common, "discount": f"{discount:.0%}", "interval": "95 %"})  # fmt: skip
    yield _scored(ALIVE, ids, alive[of], None, None, reasons, {})
    yield _scored(ORDERS, ids, orders[of], low[of], high[of], reasons,
                  {**common, "interval": "80 %"})  # fmt: skip
    due = _due(span.last, waits[1][of], reasons)
    yield _scored(NEXT, ids, waits[1][of], waits[0][of], waits[2][of], due, {"interval": "50 %"})


def _money(
    kept: Any, seen: Histories, data: Any, of: Any, horizon: float, discount: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Value, low, high of each customer, and what an order of his is worth."""
    model, names = str(kept["model"]), dict(kept["parameters"])
    spend = kept["spend"]
    error = np.zeros(len(seen.x))
    if spend and spend["trusted"]:
        each = gg.worth({name: spend[name] for name in ("p", "q", "v")}, seen.priced, seen.z)
        draws = np.asarray(kept["spend_draws"], dtype=np.float64).reshape(-1, 3)
        error = worth.spend_spread(draws, seen)
    else:
        each = worth.value_of_order(None, seen)
    unit = kept["unit_days"]
    come = worth.orders(model, names, data, horizon=horizon, unit=unit, discount=discount)
    draws = np.asarray(kept["draws"], dtype=np.float64)
    wide = worth.log_spread(
        model, draws.reshape(-1, draws.shape[-1]) if draws.size else draws, data,
        horizon=horizon, unit=unit, discount=discount,
    )  # fmt: skip
    clv = come[of] * each
    factor = np.exp(1.96 * np.hypot(wide[of], error))
    return clv, clv / factor, clv * factor, each


def _reasons(seen: Histories, each: Floats, alive: Floats) -> list[list[str]]:
    """Three sentences for each customer: how often, how long ago, for how much."""
    orders, since = _("%d orders in %d days"), _("the last one %d days ago")
    only, worthy = _("one order, %d days ago"), _("an order is worth about %s")
    gone = _("still a customer: %s")
    found = []
    # Each number is written once for all who share it: a million customers have few of them.
    money = {value: formats.number_format(value, 2) for value in np.unique(np.round(each, 2))}
    rounded = np.round(each, 2)
    for x, T, tx, value, p in zip(
        seen.x.tolist(), (seen.T * seen.unit).tolist(), (seen.tx * seen.unit).tolist(),
        rounded.tolist(), alive.tolist(), strict=True,
    ):  # fmt: skip
        if x:
            how = [orders % (x + 1, round(T)), since % round(T - tx), worthy % money[value]]
        else:
            how = [only % round(T), gone % f"{p:.0%}", worthy % money[value]]
        found.append(how)
    return found


def _due(last: int, days: Floats, reasons: list[list[str]]) -> list[list[str]]:
    """When the next order is expected, before the other reasons."""
    day = lake_history.moment(last).date()
    form, never = _("if still a customer, the next order about %s"), _("no order in sight")
    written = {
        number: form % formats.date_format(day + timedelta(days=number), "DATE_FORMAT")
        if number < LONGEST
        else never
        for number in np.unique(np.rint(days)).astype(int).tolist()
    }
    return [
        [written[round(number)], *each[:2]]
        for number, each in zip(days.tolist(), reasons, strict=True)
    ]


def _scored(
    name: str, ids: pa.Array, value: Floats, low: Floats | None, high: Floats | None,
    reasons: list[list[str]], more: dict[str, Any],
) -> Scored:  # fmt: skip
    inputs = []
    for place, why in enumerate(reasons):
        said: dict[str, Any] = {"reasons": why, **more}
        if low is not None and high is not None and np.isfinite(low[place]):
            said |= {"low": round(float(low[place]), 2), "high": round(float(high[place]), 2)}
        inputs.append(json.dumps(said))
    return Scored(
        name,
        pa.table(
            {
                "customer_id": ids,
                "value": pa.array(np.round(value, 4), pa.float64()),
                "inputs": pa.array(inputs, pa.string()),
            }
        ),
    )
