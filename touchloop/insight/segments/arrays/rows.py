"""What happened, in the order of customer and time."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from touchloop.insight.segments.arrays import columns
from touchloop.insight.segments.arrays.columns import Array, Ints, Mask
from touchloop.insight.segments.arrays.held import Held, placed


class Rows(Held):
    """Interactions or lines. A row's number is its place in the order."""

    def __init__(self, table: pa.Table, ids: Ints, now: int) -> None:
        places, kept = placed(columns.integers(table, "customer_id"), ids)
        t = columns.integers(table, "occurred_at")
        t = t if kept is None else t[kept]
        order = _order(places, t)
        rows: Array | slice = slice(None) if kept is None else kept
        if order is not None:
            places, t = places[order], t[order]
            rows = order if kept is None else kept[order]
        super().__init__(table, places, rows)
        self.t = t
        self._now = now
        self._named: dict[tuple[str, ...], Array] = {}

    @cached_property
    def future(self) -> Mask | None:
        """Which rows lie in the future; None: none of them."""
        future = self.t > self._now
        return future if future.any() else None

    @cached_property
    def moments(self) -> Ints:
        """A number for each instant of each customer, rising in the order of rows."""
        return moments(self.places, self.t)

    def named(self, names: tuple[str, ...]) -> Array:
        """The rows of these events up to now; no names: of every event."""
        found = self._named.get(names)
        if found is None:
            found = self._named[names] = self._find(names)
        return found

    def _find(self, names: tuple[str, ...]) -> Array:
        if not names:
            return np.arange(len(self)) if self.future is None else np.flatnonzero(~self.future)
        meant = self.words("name").among(names, slice(None))
        return np.flatnonzero(meant if self.future is None else meant & ~self.future)


def moments(places: Array, t: Ints) -> Ints:
    """Rows in the order of customer and time, numbered by their instants."""
    new = np.zeros(len(t), bool)
    new[1:] = (t[1:] != t[:-1]) | (places[1:] != places[:-1])
    return np.cumsum(new)


def _order(places: Array, t: Ints) -> Array | None:
    """The rows by customer and time; None when they lie so already."""
    if len(t) < 2:
        return None
    step = np.diff(places)
    if (step >= 0).all() and ((np.diff(t) >= 0) | (step > 0)).all():
        return None
    start = int(t.min())
    width = int(t.max()) - start + 1
    if width * (int(places.max()) + 1) < 2**63:  # one key costs a quarter of two
        return np.argsort(places * width + (t - start))
    return np.lexsort((t, places))
