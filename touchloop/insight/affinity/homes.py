"""Sums over households: who buys both at all, how alike the trips of a household are, and whether
two things come on the same trips more than this household's trips of that size give.

The last is a Mantel-Haenszel ratio over strata of household and size of the trip (N. Mantel,
W. Haenszel, J. Natl. Cancer Inst. 22 (1959) 719-748), observed over expected, with the
hypergeometric variance; what is expected is scaled for each size so that the usual pair has
ratio one (in a small basket any two things compete for a place). Above one, things complement one
another; below one in homes that buy both, one is bought instead of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.core.proportions import Z95
from touchloop.insight.affinity import steps
from touchloop.insight.affinity.lift import Reals
from touchloop.insight.affinity.steps import Level
from touchloop.lake.api import Engine

PART = 3_000_000  # rows that are held at once
SIZES = 5
LEAST_EXPECTED = 5.0  # trips: with fewer nothing can be said of a ratio

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Home:
    """For each pair, in how many of `n` households: both, the first, the second."""

    both: NDArray[np.int64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    n: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """Same trips observed over expected, with its interval at 95 %; NaN where too few expected."""

    value: Reals
    low: Reals
    high: Reals


@dataclass(frozen=True, slots=True)
class Sums:
    """Matrices of items by items. `alike` is the sum over households of x_a·x_b (x: baskets with
    the item), `with_trips` of x_a·m (m: trips), `trips_squared` of m²."""

    households: int
    homes: NDArray[np.int64]
    alike: Reals
    with_trips: Reals
    trips_squared: float
    expected: Reals
    variance: Reals

    def home(self, x: Places, y: Places) -> Home:
        """Counts of households of the pairs of these items."""
        alone = np.diag(self.homes)
        return Home(self.homes[x, y], alone[x], alone[y], self.households)

    def ratio(self, x: Places, y: Places, both: Reals) -> Ratio:
        """How far the same trips of the pairs are from what is expected of them."""
        expected = self.expected[x, y]
        enough = expected >= LEAST_EXPECTED
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(enough, both / expected, np.nan)
            wide = np.exp(Z95 * np.sqrt(self.variance[x, y]) / expected)
        return Ratio(value, value / wide, value * wide)

    def log_variance(self, x: Places, y: Places, pairs: Mapping[str, Reals], n: int) -> Reals:
        """Of the logarithm of each pair's lift among n trips, clustered by household.

        `pairs` has the columns of `steps.together`. Infinite with a single household.
        """
        if self.households < 2:
            return np.full(len(x), np.inf)
        p = pairs["n_both"] / n
        p_a, p_b = pairs["in_a"] / n, pairs["in_b"] / n
        squares = np.diag(self.alike)
        total = (
            pairs["squares"] / p**2
            + squares[x] / p_a**2
            + squares[y] / p_b**2
            + self.trips_squared
            + 2 * pairs["with_trips"] / p
            - 2 * pairs["with_a"] / (p * p_a)
            - 2 * pairs["with_b"] / (p * p_b)
            + 2 * self.alike[x, y] / (p_a * p_b)
            - 2 * self.with_trips[x] / p_a
            - 2 * self.with_trips[y] / p_b
        )
        few = self.households / (self.households - 1)
        return np.maximum(total, 0.0) * few / n**2


def read(
    engine: Engine, level: Level, values: Mapping[str, object], *, items: int, holdings: int
) -> Sums:
    """The sums of a level, in as many parts of the households as memory asks for."""
    from scipy.sparse import csr_matrix

    shape = (items, items)
    homes = np.zeros(shape, np.int64)
    alike, with_trips = np.zeros(shape), np.zeros(items)
    expected, variance = np.zeros((SIZES, *shape)), np.zeros((SIZES, *shape))
    parts = 1 + holdings // PART
    for part in range(parts):
        given = {**values, "parts": parts, "part": part}
        rows = engine.query(steps.held(level).sql(**given)).to_pydict()
        people, row = np.unique(np.array(rows["customer_id"], np.int64), return_inverse=True)
        k = np.array(rows["k"], np.int64)
        times = np.array(rows["n"], np.int64)
        bought = csr_matrix((times, (row, k)), shape=(len(people), items))
        homes += ((bought > 0).astype(np.int64).T @ (bought > 0).astype(np.int64)).toarray()
        alike += (bought.T @ bought).toarray()
        with_trips += np.bincount(k, times * np.array(rows["m"], np.int64), minlength=items)
        _strata(engine, level, given, items, expected, variance)
    crossed = np.zeros(SIZES)
    for size, pairs in engine.rows(steps.crossed(level).sql(**values, parts=1, part=0)):
        crossed[size] = pairs
    trips = engine.rows(steps.trips(level).sql(**values))
    scale = np.zeros(SIZES)
    for size in range(SIZES):
        total = expected[size].sum() - np.trace(expected[size])
        scale[size] = crossed[size] / total if total > 0 else 0.0
    return Sums(
        sum(int(n) for _m, n in trips),
        homes,
        alike,
        with_trips,
        float(sum(int(m) ** 2 * int(n) for m, n in trips)),
        np.einsum("s,sij->ij", scale, expected),
        np.einsum("s,sij->ij", scale, variance),
    )


def _strata(
    engine: Engine, level: Level, given: Mapping[str, object], items: int, expected: Reals,
    variance: Reals,
) -> None:  # fmt: skip
    from scipy.sparse import csr_matrix

    rows: dict[str, Any] = engine.query(steps.strata(level).sql(**given)).to_pydict()
    sizes = np.array(rows["size"], np.int64)
    for size in range(1, SIZES):
        mine = sizes == size
        if not mine.any():
            continue
        people, first, row = np.unique(
            np.array(rows["customer_id"], np.int64)[mine], return_index=True, return_inverse=True
        )
        trips = np.array(rows["trips"], np.float64)[mine]
        k, times = np.array(rows["k"], np.int64)[mine], np.array(rows["n"], np.float64)[mine]
        of = trips[first]
        shape = (len(people), items)
        share = csr_matrix((times / np.sqrt(trips), (row, k)), shape=shape)
        expected[size] += (share.T @ share).toarray()
        more = of[row] > 1
        spread = times * (trips - times) / (trips * np.sqrt(np.maximum(trips - 1, 1)))
        moved = csr_matrix((spread[more], (row[more], k[more])), shape=shape)
        variance[size] += (moved.T @ moved).toarray()
