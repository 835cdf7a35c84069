"""From Arrow to NumPy: numbers as they are, words as codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: a code for each row, -1 where there is none."""

    codes: Array
    known: Mapping[str, int]

    def among(self, values: Iterable[str], rows: Array | slice) -> Mask:
        """Which of these rows hold one of the values."""
        wanted = [self.known[value] for value in dict.fromkeys(values) if value in self.known]
        codes = self.codes[rows]
        if len(wanted) == 1:
            return np.asarray(codes == wanted[0])
        return self._marked(wanted)[codes]

    def containing(self, part: str, rows: Array | slice) -> Mask:
        """Which of these rows hold a word with the part in it."""
        wanted = [code for word, code in self.known.items() if part in word]
        return self._marked(wanted)[self.codes[rows]]

    def _marked(self, wanted: list[int]) -> Mask:
        marked = np.zeros(len(self.known) + 1, bool)  # the last place is where -1 looks
        marked[wanted] = True
        return marked


def integers(table: pa.Table, name: str) -> Ints:
    """A column of whole numbers, or of instants in microseconds; 0 for NULL."""
    column = whole(table, name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).view(pa.int64())
    if column.null_count:
        column = pc.fill_null(column, 0)
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def numbers(table: pa.Table, name: str) -> tuple[Floats, Mask | None]:
    """A column of numbers with 0 for NULL, and where there is one (None: everywhere)."""
    column = whole(table, name)
    known = None
    if column.null_count:
        known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
        column = pc.fill_null(column, 0.0)
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64), known


def words(table: pa.Table, name: str) -> Words:
    """A column of texts, plain or as a dictionary in which words may repeat."""
    return encoded(whole(table, name))


def encoded(column: pa.Array) -> Words:
    """The same of one array."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    listed: list[str | None] = column.dictionary.to_pylist()
    places = pc.fill_null(column.indices, -1) if column.null_count else column.indices
    codes = np.asarray(places.to_numpy(zero_copy_only=False))
    known: dict[str, int] = {}
    for word in listed:
        if word is not None:
            known.setdefault(word, len(known))
    if len(known) < len(listed):
        same = np.array([-1 if word is None else known[word] for word in (*listed, None)])
        codes = same[codes]
    return Words(codes, known)


def whole(table: pa.Table, name: str) -> pa.Array:
    """A column in one piece."""
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
