"""Sufficient statistics of buying, one row for each distinct history, with how many share it.

The models of this folder see of a customer only x (repeat purchases), tx (time of the last one) and
T (time observed), all counted from the first purchase. Customers with the same three are one row
with a weight: the likelihood is exactly the same, and a million customers are some ten thousand
rows. Where even that is too much, `coarse` counts time in whole weeks; a fit that starts there is
finished on the exact rows (see `fitting.climb`), so that the grouping leaves no trace in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchloop.core.errors import Invalid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COARSE = 20_000  # rows from which a fit starts on whole weeks


@dataclass(frozen=True, slots=True)
class Grouped:
    """Histories of equal length: x, tx, T and the number of customers; `index` gives each of `xs`.

    `unit` is the number of days in one unit of tx and T.
    """

    x: Floats
    tx: Floats
    T: Floats
    weight: Floats
    xs: Floats
    index: npt.NDArray[np.intp]

    @property
    def n(self) -> float:
        """Customers."""
        return float(self.weight.sum())

    def by_x(self, weight: Floats) -> Floats:
        """Sum over the histories with the same x, in the order of `xs`."""
        return np.bincount(self.index, weights=weight, minlength=len(self.xs)).astype(np.float64)

    def weighted(self, weight: Floats) -> Grouped:
        """The same histories with other numbers of customers."""
        return Grouped(self.x, self.tx, self.T, weight, self.xs, self.index)


def group(
    x: npt.ArrayLike, tx: npt.ArrayLike, T: npt.ArrayLike, *, weight: npt.ArrayLike | None = None
) -> Grouped:
    """Group customers (arrays of equal length) by (x, tx, T). Raises Invalid."""
    return grouped_with_index(x, tx, T, weight=weight)[0]


def grouped_with_index(
    x: npt.ArrayLike, tx: npt.ArrayLike, T: npt.ArrayLike, *, weight: npt.ArrayLike | None = None
) -> tuple[Grouped, npt.NDArray[np.intp]]:
    """The groups, and for each customer the row of his group."""
    columns = [np.ascontiguousarray(each, dtype=np.float64) for each in (x, tx, T)]
    _check(*columns)
    code = np.zeros(len(columns[0]), dtype=np.int64)
    levels = [_levels(column) for column in columns]
    for values, codes in levels:
        code = code * len(values) + codes
    codes, inverse = _distinct(code, [len(values) for values, _ in levels])
    numbers = None if weight is None else np.ascontiguousarray(weight, dtype=np.float64)
    count = np.bincount(inverse, weights=numbers, minlength=len(codes)).astype(np.float64)
    found: list[Floats] = []
    for values, _ in reversed(levels):
        codes, digit = np.divmod(codes, len(values))
        found.append(values[digit])
    xs, index = np.unique(found[2], return_inverse=True)
    return Grouped(found[2], found[1], found[0], count, xs, index.astype(np.intp)), inverse


def coarse(data: Grouped, step: float = 1.0) -> Grouped:
    """The same customers with tx and T rounded to whole steps (never above T)."""
    T = np.maximum(np.rint(data.T / step) * step, step)
    tx = np.where(data.x > 0, np.clip(np.rint(data.tx / step) * step, min(step, 1e-9), T), 0.0)
    return group(data.x, tx, T, weight=data.weight)


def _check(x: Floats, tx: Floats, T: Floats) -> None:
    if not len(x):
        raise Invalid("customers", "nobody bought anything")
    if not len(x) == len(tx) == len(T):
        raise Invalid("customers", "x, tx and T differ in length")
    if not (np.isfinite(x).all() and np.isfinite(tx).all() and np.isfinite(T).all()):
        raise Invalid("customers", "a purchase count or a time is no number")
    if (x < 0).any() or (tx < 0).any() or (tx > T).any():
        raise Invalid("customers", "the last purchase must lie between the first and the end")


def _levels(values: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The distinct values and where each stands; without sorting when they are small integers."""
    top = values.max()
    if top < 100_000 and len(values) > 1_000:
        days = values * 7.0  # where the unit is weeks
        scaled = np.rint(days)
        if np.abs(scaled - days).max() < 1e-6:
            return _small(scaled.astype(np.int64), values)
    distinct, index = np.unique(values, return_inverse=True)
    return distinct, index.astype(np.intp)


def _small(days: Ints, values: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    there = np.zeros(int(days.max()) + 1, dtype=np.intp)
    there[days] = 1
    first = np.empty(len(there))
    first[days] = values
    place = np.cumsum(there) - 1
    return first[there == 1], place[days]


def _distinct(code: Ints, sizes: list[int]) -> tuple[Ints, npt.NDArray[np.intp]]:
    """Distinct codes and the place of each; by counting where the table of all codes is small."""
    room = int(np.prod([float(size) for size in sizes]))
    if room <= max(8 * len(code), 1_000_000):
        there = np.zeros(room, dtype=bool)
        there[code] = True
        place = np.cumsum(there) - 1
        return np.flatnonzero(there).astype(np.int64), place[code].astype(np.intp)
    distinct, index = np.unique(code, return_inverse=True)
    return distinct, index.astype(np.intp)
