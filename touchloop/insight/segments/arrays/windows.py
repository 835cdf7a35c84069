"""Where the windows of conditions lie in the chosen rows of each customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting
from touchloop.insight.segments.arrays.choosing import Chosen
from touchloop.insight.segments.arrays.columns import Array, Ints, Mask

_OPEN = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Windows:
    """Of each window and customer the rows from `low` up to `high`; they lie side by side.

    `early` and `late` mark, for each window, the rows before and after it; None: no row is.
    """

    low: Array
    high: Array
    early: Mask | None
    late: Mask | None

    @property
    def some(self) -> Mask:
        """Who has rows in the window."""
        return np.asarray(self.high > self.low)

    def inside(self, window: int) -> Mask | None:
        """The rows in one of the windows; None: all of them."""
        outside = [marked[window] for marked in (self.early, self.late) if marked is not None]
        if not outside:
            return None
        return np.asarray(~outside[0] if len(outside) == 1 else ~(outside[0] | outside[1]))

    def ends(self, t: Ints) -> tuple[Ints, Ints]:
        """The instants of the first and the last row; anything where there is none."""
        padded = np.append(t, 0)
        return padded[self.low], padded[self.high - 1]


def windows_of(chosen: Chosen, windows: Sequence[g.Window], now: int) -> Windows:
    """Several windows in the same rows."""
    low, high = chosen.edges[:-1], chosen.edges[1:]
    bounds = [selecting.bounds(window) for window in windows]
    starts = [x.start if x.length is None else now - x.length + 1 for x in bounds]
    early = _marked(chosen.t, [_OPEN.min if x is None else x for x in starts], np.less)
    stops = [_OPEN.max if x.stop is None else x.stop for x in bounds]
    late = _marked(chosen.t, stops, np.greater_equal)
    shape = len(windows), len(low)
    lows = low + (totals(early, low, high, np.int64) if early is not None else _none(shape))
    highs = high - (totals(late, low, high, np.int64) if late is not None else _none(shape))
    return Windows(lows, highs, early, late)


def totals(values: Array, low: Array, high: Array, kind: type) -> Array:
    """The sum over the rows of each customer, along the last axis."""
    ends = np.empty(2 * len(low), np.int64)
    ends[::2], ends[1::2] = low, high
    padded = np.zeros((*values.shape[:-1], values.shape[-1] + 1), values.dtype)
    padded[..., :-1] = values  # the last rows end behind the last one
    found = np.add.reduceat(padded, ends, axis=-1, dtype=kind)[..., ::2]
    found[..., low >= high] = 0  # of no rows NumPy gives the one after them
    return np.asarray(found)


def _none(shape: tuple[int, int]) -> Ints:
    return np.zeros(shape, np.int64)


def _marked(t: Ints, instants: list[int], compare: np.ufunc) -> Mask | None:
    if len(set(instants)) == 1 and instants[0] in (_OPEN.min, _OPEN.max):
        return None
    found: Mask = compare(t, np.array(instants, np.int64)[:, None])
    return found if found.any() else None
