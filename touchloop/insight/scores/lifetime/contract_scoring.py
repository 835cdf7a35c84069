"""Scores of customers with a contract: whether it stands in a year, and what it will bring."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from touchloop.insight.models.api import Run, Scored, Trained
from touchloop.insight.scores.lifetime import renewing
from touchloop.insight.scores.lifetime.contracts import (
    MONTH,
    YEAR,
    Contracts,
    read,
    usual_period,
    with_period,
)
from touchloop.insight.scores.lifetime.grouping import Floats
from touchloop.insight.scores.lifetime.renewing import BG_BB

STAYS, VALUE = "contract_stays_12m", "contract_value_12m"


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """`contract_stays_12m`, the chance that a contract stands in 12 months (of several, the one at
    most risk), and `contract_value_12m`, discounted payments of all of them, where prices are told.
    """
    told = read(run, run.now)
    if not len(told.start):
        return
    told = with_period(told, usual_period(told) or MONTH)
    discount = float(trained.parameters["discount_a_year"])
    lowest: dict[int, tuple[float, float, float, list[str]]] = {}
    worth: dict[int, Floats] = {}
    for group in trained.parameters["groups"].values():
        part = _of(told, group["period_days"])
        if not len(part.start):
            continue
        draws = [group["parameters"], *group["draws"]]
        found = [_foretold(group["model"], each, part, discount) for each in draws]
        low, high = _bounds(np.stack([stays for stays, _value in found]))
        least, most = _bounds(np.stack([value for _stays, value in found]))
        stays, value = found[0]
        reasons = _reasons(group["model"], part)
        for row, customer in enumerate(part.customers.tolist()):
            mine = (float(stays[row]), float(low[row]), float(high[row]), reasons[row])
            if customer not in lowest or mine[0] < lowest[customer][0]:
                lowest[customer] = mine
            if np.isfinite(value[row]):
                sums = np.array([value[row], least[row], most[row]])
                worth[customer] = worth.get(customer, np.zeros(3)) + sums
    yield _scored(STAYS, {id: (one[0], one[1:3]) for id, one in lowest.items()}, lowest, 4)
    if worth:
        yield _scored(VALUE, {id: (sums[0], sums[1:]) for id, sums in worth.items()}, lowest, 2)


def _of(told: Contracts, days: float) -> Contracts:
    """The contracts of a period that still run."""
    part = told.only(np.abs(told.period - days) < 1e-6)
    return part.only(part.running & ~part.lapsed())


def _foretold(
    model: str, parameters: Any, part: Contracts, discount: float
) -> tuple[Floats, Floats]:
    """The chance to stay 12 months, and discounted payments until then (NaN without a price)."""
    renewed = part.opportunities
    next_due = part.start + (renewed + 1.0) * part.period - part.at  # days
    due = np.maximum(np.floor((YEAR - next_due) / part.period) + 1.0, 0.0)
    x = np.minimum(part.renewals, renewed)
    last = np.rint((part.last - part.start) / part.period)
    tx = np.where(x > 0, np.clip(last, x, renewed), 0.0)
    if model == BG_BB:
        stays = renewing.lives(parameters, x, tx, renewed, due)
    else:
        stays = renewing.stays(model, parameters, renewed, due)
    total = np.zeros(len(due))
    for turn in range(1, int(due.max(initial=0.0)) + 1):
        step = np.full(len(due), float(turn))
        if model == BG_BB:
            paid = renewing.renews(parameters, x, tx, renewed, step)
        else:
            paid = renewing.stays(model, parameters, renewed, step)
        when = np.maximum(next_due + (turn - 1) * part.period, 0.0) / YEAR
        total += np.where(turn <= due, paid * (1.0 + discount) ** -when, 0.0)
    return stays, total * part.price


def _bounds(found: Floats) -> tuple[Floats, Floats]:
    """95 % around the first row, by the spread of the others; NaN with too few of them."""
    if len(found) < 11:
        nothing = np.full(found.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(found[1:], [0.025, 0.975], axis=0)
    return np.minimum(low, found[0]), np.maximum(high, found[0])


def _reasons(model: str, part: Contracts) -> list[list[str]]:
    months = (part.at - part.start) / MONTH
    renewed = part.renewals if model == BG_BB else part.opportunities
    found = []
    for month, times, price in zip(
        months.tolist(), renewed.tolist(), part.price.tolist(), strict=True
    ):
        why = [_("under contract for %d months") % month, _("renewed %d times") % times]
        if np.isfinite(price):
            why.append(_("pays %.2f each time") % price)
        found.append(why)
    return found


def _scored(
    name: str, values: Mapping[int, tuple[float, Any]],
    said: Mapping[int, tuple[float, float, float, list[str]]], digits: int,
) -> Scored:  # fmt: skip
    inputs = []
    for customer, (_value, bounds) in values.items():
        told: dict[str, Any] = {"reasons": said[customer][3], "horizon": 365}
        if np.isfinite(bounds).all():
            told |= {
                "low": round(float(bounds[0]), digits),
                "high": round(float(bounds[1]), digits),
            }
        inputs.append(json.dumps(told))
    return Scored(
        name,
        pa.table(
            {
                "customer_id": pa.array(values, pa.int64()),
                "value": pa.array([round(float(each[0]), 6) for each in values.values()]),
                "inputs": pa.array(inputs, pa.string()),
            }
        ),
    )
