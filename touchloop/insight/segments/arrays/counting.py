"""Numbers made of the rows in windows, all compared at once: counts, sums, kinds, and ages."""

from __future__ import annotations

import numpy as np

from touchloop.insight.segments.arrays.choosing import Chosen
from touchloop.insight.segments.arrays.columns import Array, Floats, Mask
from touchloop.insight.segments.arrays.decisions import Decisions
from touchloop.insight.segments.arrays.plan import Counted, Limits, Measured
from touchloop.insight.segments.arrays.windows import Windows, totals, windows_of
from touchloop.insight.segments.limits import Range
from touchloop.insight.segments.selecting import DAY

_DAYS_BEFORE_1970 = 3  # weeks begin on Monday; 1970 began on a Thursday
_SCALE = 1e4  # sums are rounded to four decimals: in whatever order, money comes out the same
_SMALL = 32  # kinds, up to which a table of all of them is cheaper than sorting


class Numbers:
    """What the conditions observe: a row for each of the limits, a column for each customer."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        shape = (len(limits.numbers), size)
        self.seen = np.zeros(shape, np.float64)
        self.some = np.zeros(shape, bool)
        self.end = np.zeros(shape, np.int64)  # of which interaction time is asked, `first` or last


def count(counted: Counted, chosen: Chosen, numbers: Numbers, now: int) -> None:
    """Make the numbers of one choice of rows."""
    windows = windows_of(chosen, counted.windows, now)
    first, last = windows.ends(chosen.t)
    rows, at = counted.rows, counted.window_of_row
    numbers.some[rows] = windows.some[at]
    numbers.end[rows] = np.where(numbers.limits.last[rows, None], last[at], first[at])
    for measured in counted.measured:
        if measured.kind == "age":
            numbers.seen[measured.rows] = now - numbers.end[measured.rows]
        else:
            numbers.seen[measured.rows] = _number(measured, chosen, windows)


def judge(numbers: Numbers, decisions: Decisions) -> None:
    """Compare all numbers with their limits."""
    limits = numbers.limits
    if not len(limits.numbers):
        return
    inside = (numbers.seen >= limits.low[:, None]) & (numbers.seen <= limits.high[:, None])
    verdict = inside != limits.outside[:, None]
    verdict &= numbers.some | ~limits.aged[:, None]  # without any there is no age
    decisions.set_all(limits.numbers, verdict != limits.otherwise[:, None])
    woken = limits.any_verdict[:, None] | (verdict == limits.wake_if[:, None])
    woken &= numbers.some & limits.wakes[:, None]
    decisions.wake(numbers.end + limits.length[:, None], woken)
    aged = np.flatnonzero(limits.aged)
    if len(aged):
        decisions.wake(numbers.end[aged] + limits.crossing[aged, None], numbers.some[aged])


def holds(limit: Range, seen: Array) -> Mask:
    """Range.holds for many; NaN lies in no range."""
    return np.asarray(((seen >= limit.low) & (seen <= limit.high)) != limit.outside)


def rounded(values: Floats, scale: float) -> Floats:
    """As DuckDB rounds: halves away from zero, and what is too large is left as it is."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(values) * scale
        whole = np.floor(size)
        found = np.copysign(whole + (size - whole >= 0.5), values) / scale
    return np.where(np.isfinite(found), found, values)


def _number(measured: Measured, chosen: Chosen, windows: Windows) -> Array:
    low, high = windows.low[measured.window], windows.high[measured.window]
    if measured.kind == "count":
        return np.asarray(high - low)
    if measured.kind == "sum":
        values = chosen.numbers(measured.of, measured.path)
        return rounded(totals(values, low, high, np.float64), _SCALE)
    if measured.of in ("day", "week"):
        day = chosen.t // DAY
        kinds = day if measured.of == "day" else (day + _DAYS_BEFORE_1970) // 7
        return _changes(kinds, low, high)
    return _kinds(measured, chosen, windows.inside(measured.window), len(low))


def _changes(kinds: Array, low: Array, high: Array) -> Array:
    """How many kinds there are, where they rise with time."""
    some = high > low
    changes = np.zeros(len(kinds) + 1, np.int64)
    np.cumsum(kinds[1:] != kinds[:-1], out=changes[1:-1])
    found = np.zeros(len(some), np.int64)
    found[some] = changes[high[some] - 1] - changes[low[some]] + 1
    return found


def _kinds(measured: Measured, chosen: Chosen, inside: Mask | None, size: int) -> Array:
    kinds, places = chosen.kinds(measured.of, measured.path), chosen.places
    counts = kinds >= 0 if inside is None else inside & (kinds >= 0)
    if not counts.all():
        kinds, places = kinds[counts], places[counts]
    if not len(kinds):
        return np.zeros(size, np.int64)
    width = int(kinds.max()) + 1
    keys = places * width + kinds
    if width <= _SMALL:
        table = np.zeros(size * width, bool)
        table[keys] = True
        return np.asarray(table.reshape(size, width).sum(axis=1))
    return np.bincount(np.unique(keys) // width, minlength=size)
