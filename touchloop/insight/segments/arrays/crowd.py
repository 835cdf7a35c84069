"""The customers asked about, and the relations as far as they are about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pyarrow as pa

from touchloop.insight.segments.arrays.columns import Array, Ints, Words
from touchloop.insight.segments.arrays.held import Held, held
from touchloop.insight.segments.arrays.questions import Documents
from touchloop.insight.segments.arrays.rows import Rows


class Crowd:
    """Customers by their sorted ids. A relation is read when a condition first asks for it."""

    def __init__(self, relations: Mapping[str, pa.Table], ids: Ints, now: int) -> None:
        self._relations = relations
        self._ids = ids
        self.now = now
        self.size = len(ids)
        self._traits: dict[str, Words] = {}

    @cached_property
    def interactions(self) -> Rows:
        return Rows(self._relations["interactions"], self._ids, self.now)

    @cached_property
    def lines(self) -> Rows:
        return Rows(self._relations["lines"], self._ids, self.now)

    @cached_property
    def customers(self) -> Held:
        return held(self._relations["customers"], self._ids)

    @cached_property
    def members(self) -> Held:
        return held(self._relations["members"], self._ids)

    @cached_property
    def scores(self) -> Held:
        return held(self._relations["scores"], self._ids)

    @cached_property
    def properties(self) -> Documents:
        """Of the rows of interactions."""
        return self.interactions.documents("properties")

    def trait(self, name: str) -> Words:
        """The trait of each customer as text."""
        found = self._traits.get(name)
        if found is None:
            rows = np.arange(len(self.customers))
            read = self.customers.documents("traits").under((name,), rows)
            codes = np.full(self.size, -1)
            codes[self.customers.places] = read.codes
            found = self._traits[name] = Words(codes, read.known)
        return found

    @cached_property
    def allowed(self) -> Ints:
        """The bits of the purposes that each customer allows; none of whom nothing is known."""
        found = np.zeros(self.size, np.int64)
        found[self.customers.places] = self.customers.integers("allowed")
        return found

    @cached_property
    def beside(self) -> Array:
        """For each line the row of its interaction, -1 where that is not there."""
        ids = self.interactions.integers("interaction_id")
        wanted = self.lines.integers("interaction_id")
        if not len(ids):
            return np.full(len(wanted), -1)
        order = np.argsort(ids, kind="stable")
        at = np.searchsorted(ids, wanted, sorter=order)
        at[at == len(ids)] = 0
        found = order[at]
        same = (ids[found] == wanted) & (self.interactions.places[found] == self.lines.places)
        return np.where(same, found, -1)
