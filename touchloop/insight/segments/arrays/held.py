"""A relation as far as it is about the customers asked about, each column read when asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from touchloop.insight.segments.arrays import columns
from touchloop.insight.segments.arrays.columns import Array, Floats, Ints, Mask, Words
from touchloop.insight.segments.arrays.questions import Documents


class Held:
    """Some rows of a table, in an order of their own; `places` says whose each row is."""

    def __init__(self, table: pa.Table, places: Array, rows: Array | slice) -> None:
        self.places = places
        self._table = table
        self._rows = rows
        self._plain: dict[str, Words] = {}
        self._words: dict[str, Words] = {}
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.places)

    def words(self, name: str) -> Words:
        found = self._words.get(name)
        if found is None:
            read = self._read(name)
            found = self._words[name] = Words(read.codes[self._rows], read.known)
        return found

    def mentions(self, name: str, word: str) -> bool:
        """Whether a column may hold a word at all."""
        return word in self._read(name).known

    def numbers(self, name: str) -> Floats:
        """The numbers of a column, 0 where there is none."""
        found = self._numbers.get(name)
        if found is None:
            values, _known = columns.numbers(self._table, name)
            found = self._numbers[name] = values[self._rows]
        return found

    def known(self, name: str) -> Mask:
        """Where a column of numbers has one."""
        _values, known = columns.numbers(self._table, name)
        return np.ones(len(self), bool) if known is None else known[self._rows]

    def integers(self, name: str) -> Ints:
        return columns.integers(self._table, name)[self._rows]

    def documents(self, name: str) -> Documents:
        return Documents(columns.whole(self._table, name), self._rows)

    def _read(self, name: str) -> Words:
        if name not in self._plain:
            self._plain[name] = columns.words(self._table, name)
        return self._plain[name]


def held(table: pa.Table, ids: Ints) -> Held:
    """The rows about these customers, whose ids are sorted."""
    places, kept = placed(columns.integers(table, "customer_id"), ids)
    return Held(table, places, slice(None) if kept is None else kept)


def placed(customers: Ints, ids: Ints) -> tuple[Array, Array | None]:
    """The place of each customer among the sorted ids; and the rows of those there, if not all."""
    found = pc.index_in(pa.array(customers), pa.array(ids))  # a hash table: bisection takes tenfold
    if not found.null_count:
        return np.asarray(found.to_numpy(), np.int64), None
    kept = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    return np.asarray(found.drop_null().to_numpy(), np.int64), kept
