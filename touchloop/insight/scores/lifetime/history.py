"""From a log of purchases to what the models see of each customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime.grouping import Floats, Ints

WEEK = 7.0


@dataclass(frozen=True, slots=True)
class Purchases:
    """One row for each customer and day, ordered by both; `customer` counts from 0 without gaps."""

    customer: Ints
    day: Ints
    value: Floats
    customers: int
    returned: int = 0  # customer days left out because more was given back than bought

    @property
    def last_day(self) -> int:
        """The day of the last purchase of all."""
        return int(self.day.max())


@dataclass(frozen=True, slots=True)
class Histories:
    """Customers with a purchase until `end`: times in `unit` days.

    `z` is the mean value of the `priced` repeat days that have a value above zero, NaN without one.
    """

    customer: Ints
    first: Ints
    x: Floats
    tx: Floats
    T: Floats
    z: Floats
    priced: Floats
    end: int
    unit: float = WEEK

    @property
    def repeaters(self) -> npt.NDArray[np.bool_]:
        """Whose repeat purchases have a known value."""
        return self.priced > 0

    @property
    def correlation(self) -> float | None:
        """Of frequency and value among repeaters: Gamma-Gamma takes them to be independent."""
        there = self.repeaters
        if there.sum() < 3 or np.ptp(self.x[there]) == 0 or np.ptp(self.z[there]) == 0:
            return None
        return float(np.corrcoef(self.x[there], self.z[there])[0, 1])


def purchases(customer: npt.ArrayLike, day: npt.ArrayLike, value: npt.ArrayLike) -> Purchases:
    """One purchase a customer and day: values of a day are summed, days of net returns left out.

    A day worth nothing stays a purchase (something was bought), but tells nothing about value.
    """
    who = np.asarray(customer, dtype=np.int64)
    when, worth = np.asarray(day, dtype=np.int64), np.asarray(value, dtype=np.float64)
    if not len(who):
        raise Invalid("file", "nobody bought anything")
    if not np.isfinite(worth).all():
        raise Invalid("value", "a value is no number")
    low = int(when.min())
    span = int(when.max()) - low + 1
    code, place = np.unique(who * span + (when - low), return_inverse=True)
    total = np.bincount(place, weights=worth, minlength=len(code)).astype(np.float64)
    kept = total > -1e-9
    if not kept.any():
        raise Invalid("value", "every day is a return: no purchase is left")
    code, total = code[kept], total[kept]
    known, dense = np.unique(code // span, return_inverse=True)
    return Purchases(
        dense.astype(np.int64), code % span + low, total, len(known), int((~kept).sum())
    )


def histories(log: Purchases, end: int, *, unit: float = WEEK) -> Histories:
    """What was seen of each customer until the day `end` (inclusive)."""
    seen = log.day <= end
    who, when, worth = log.customer[seen], log.day[seen], log.value[seen]
    if not len(who):
        raise Invalid("calibration_end", "it lies before the first purchase")
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    ends = np.append(starts[1:], len(who)) - 1
    count = ends - starts
    repeat = np.ones(len(who), dtype=bool)
    repeat[starts] = False
    priced = repeat & (worth > 0)
    place = np.repeat(np.arange(len(starts)), count + 1)
    number = np.bincount(place[priced], minlength=len(starts)).astype(np.float64)
    total = np.bincount(place[priced], weights=worth[priced], minlength=len(starts))
    first, last = when[starts], when[ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(number > 0, total / number, np.nan)
    return Histories(
        who[starts], first, count.astype(np.float64), (last - first) / unit, (end - first) / unit,
        z, number, end, unit,
    )  # fmt: skip


def bought_after(log: Purchases, seen: Histories, until: int) -> Floats:
    """Purchases of each customer of `seen` after its end, until the day `until`."""
    there = (log.day > seen.end) & (log.day <= until)
    count = np.bincount(log.customer[there], minlength=log.customers)
    return count[seen.customer].astype(np.float64)


def repeats_by_week(log: Purchases, seen: Histories, until: int) -> Floats:
    """Repeat purchases of the customers of `seen` in each week from the first purchase of all."""
    first = np.full(log.customers, np.iinfo(np.int64).max)
    first[seen.customer] = seen.first
    there = (log.day > first[log.customer]) & (log.day <= until)
    start = int(seen.first.min())
    weeks = (until - start) // 7 + 1
    return np.bincount((log.day[there] - start) // 7, minlength=weeks).astype(np.float64)
