"""What stands under a path of JSON, as text, and the questions of a `Value` to such texts."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from touchloop.core import clock
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.arrays import casting
from touchloop.insight.segments.arrays.columns import Array, Floats, Mask, Words
from touchloop.insight.segments.selecting import LARGEST_NUMBER

_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt,
    "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip
_ODD = object()  # for DuckDB to read
_SMALL = 2**63


class Documents:
    """A column of JSON, of which each distinct document is read once for each path."""

    def __init__(self, column: pa.Array, order: Array | slice = slice(None)) -> None:
        self._column = column
        self._order = order
        self._found: dict[tuple[str, ...], dict[str | None, str | None]] = {}

    def under(self, keys: tuple[str, ...], rows: Array) -> Words:
        """What stands under a path in these rows, as text."""
        places = rows if isinstance(self._order, slice) else self._order[rows]
        asked = self._column.take(pa.array(places)).dictionary_encode()
        documents: list[str | None] = [*asked.dictionary.to_pylist(), None]
        found = self._found.setdefault(keys, {None: None})
        new = [document for document in documents if document not in found]
        found.update(zip(new, _read(new, keys), strict=True))
        known: dict[str, int] = {}
        codes = np.array([_code(found[document], known) for document in documents])
        indices = pc.fill_null(asked.indices, -1) if asked.null_count else asked.indices
        return Words(codes[indices.to_numpy()], known)


def answers(value: g.Value, words: Words) -> Mask:
    """Which rows answer a question with yes; what is not known, or not of the type, does not."""
    if value.op in ("exists", "missing"):
        return np.asarray((words.codes >= 0) == (value.op == "exists"))
    yes = np.zeros(len(words.known) + 1, bool)  # the last place is where -1 looks
    yes[:-1] = _answers(value, list(words.known))
    return yes[words.codes]


def summands(words: Words) -> Floats:
    """The numbers that can be added up, 0 elsewhere."""
    found = np.zeros(len(words.known) + 1)
    numbers = _numbers(list(words.known))
    found[:-1] = np.where(_finite(numbers), numbers, 0.0)
    return found[words.codes]


def _answers(value: g.Value, texts: list[str]) -> Mask | list[bool]:
    right = value.values[0] if value.values else None
    match value.op, value.type:
        case "contains", _:
            return [str(right) in text for text in texts]
        case "starts", _:
            return [text.startswith(str(right)) for text in texts]
        case _, "number":
            numbers = _numbers(texts)
            return np.asarray(_compared(numbers, value.op, value.values) & _finite(numbers))
        case _, "date":
            cast = casting.instants(texts)
            micros = np.array([cast[text] for text in texts], np.int64)
            wanted = [_micros(x) for x in value.values]
            known = micros != casting.NO_INSTANT
            return np.asarray(_compared(micros, value.op, wanted) & known)
        case _, "bool":
            meant = "true" if right is (value.op == "eq") else "false"
            return [text == meant for text in texts]
        case "in", _:
            return [text in value.values for text in texts]
        case _:
            return [_COMPARED[value.op](text, right) for text in texts]


def _numbers(texts: list[str]) -> Floats:
    cast = casting.numbers(texts)
    return np.array([cast[text] for text in texts], np.float64)


def _compared(found: Array, op: str, wanted: Sequence[Any]) -> Mask:
    if op == "in":
        return np.isin(found, np.array(wanted, found.dtype))
    return np.asarray(_COMPARED[op](found, wanted[0]))


def _micros(instant: object) -> int:
    assert isinstance(instant, datetime)
    return clock.micros(instant.replace(tzinfo=UTC))


def _finite(found: Floats) -> Mask:
    return np.asarray(np.abs(found) <= LARGEST_NUMBER)


def _code(text: str | None, known: dict[str, int]) -> int:
    return -1 if text is None else known.setdefault(text, len(known))


def _read(documents: list[str | None], keys: tuple[str, ...]) -> list[str | None]:
    """What stands under a path of each document, as text."""
    found = _values(documents, keys)
    texts = [x if type(x) is str else _as_text(x) for x in found]
    odd = [i for i, text in enumerate(texts) if text is _ODD]
    if odd:
        given = [documents[i] or "" for i in odd]
        for i, text in zip(odd, casting.json_texts(given, keys), strict=True):
            texts[i] = text
    return texts


def _values(documents: list[str | None], keys: tuple[str, ...]) -> list[Any]:
    decode = _decoder(keys[0])
    try:
        shapes = [None if x is None else decode(x) for x in documents]
    except msgspec.DecodeError:
        shapes = [_decoded(x, decode) for x in documents]
    found = [x if x is None or x is _ODD else x.found for x in shapes]
    for key in keys[1:]:
        found = [x.get(key) if type(x) is dict else x if x is _ODD else None for x in found]
    # Of a key that stands twice DuckDB reads the first, msgspec the last.
    for key in keys:
        mark = json.dumps(key, ensure_ascii=False)
        if "".join(x for x in documents if x).count(mark) > len(found) - found.count(None):
            twice = [x is not None and x.count(mark) > 1 for x in documents]
            found = [_ODD if odd else x for x, odd in zip(found, twice, strict=True)]
    return found


def _decoded(document: str | None, decode: Callable[[str], Any]) -> Any:
    try:
        return None if document is None else decode(document)
    except msgspec.DecodeError:
        return _ODD


def _as_text(value: Any) -> Any:
    """A scalar as DuckDB writes it; a text is one already."""
    if value is None:
        return None
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int and -_SMALL <= value < _SMALL:
        return str(value)
    if type(value) is float and "e" not in (text := repr(value)):
        return text
    return _ODD


@lru_cache(maxsize=1_000)
def _decoder(key: str) -> Callable[[str], Any]:
    """Of an object what stands under the key; the rest is passed over."""
    shape = msgspec.defstruct("Asked", [("found", Any, None)], rename={"found": key}, gc=False)
    return msgspec.json.Decoder(shape | None).decode
