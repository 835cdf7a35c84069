"""Columns as the learner sees them: numbers, categories, instants; and which it does not take.

Refused by themselves are ids (near-unique names for the row), columns with one value and columns
with nothing in them. What an outcome gives away is refused in `leaks.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from touchloop.core.errors import Invalid

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
UNKNOWN = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "#n/a", "inf", "-inf"}
)

_NEAR_UNIQUE = 0.9
_MANY_NAMES = 0.5  # of text: more than half the rows have a value of their own
_FEW = 20
_AN_ID = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|index|rownumber|row|nr|no|number|email|phone|msisdn)$"
    r"|[a-z](ID|Id|Number|Key)$|^(id|customer)[_\W]?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One input. Numbers and instants (days since 1970) are NaN where unknown, categories -1."""

    name: str
    kind: Literal["number", "category", "instant"]
    numbers: Floats
    codes: Codes
    levels: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where something is known."""
        return self.codes >= 0 if self.kind == "category" else ~np.isnan(self.numbers)

    @property
    def distinct(self) -> int:
        """How many different known values there are."""
        if self.kind == "category":
            return len(np.unique(self.codes[self.codes >= 0]))
        return len(np.unique(self.numbers[~np.isnan(self.numbers)]))


_NO_NUMBERS: Floats = np.empty(0)
LARGEST = 1e100  # beyond it squares have no end: no measurement, but a mistake
_NO_CODES: Codes = np.empty(0, np.int64)


def read(name: str, values: pa.ChunkedArray) -> Column:
    """A column of a table by what it holds; text that is nearly all numbers or dates is read so.

    Raises Invalid for values that are no single words or numbers (lists, structures).
    """
    kind = values.type
    if pa.types.is_boolean(kind):
        return _categories(name, pc.if_else(values, "yes", "no"))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, pc.cast(values, pa.float64()))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _instants(name, pc.cast(values, pa.timestamp("us")))
    if pa.types.is_dictionary(kind):
        values = pc.cast(values, kind.value_type)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        if pa.types.is_null(kind):
            return Column(name, "number", np.full(len(values), np.nan), _NO_CODES)
        raise Invalid(name, f"the learner has no use for values of type {kind}")
    return _text(name, values)


def refusal(column: Column) -> str:
    """Why a column cannot say anything about other rows than its own; "" when it may."""
    known = int(column.known.sum())
    if known == 0:
        return "holds nothing"
    distinct = column.distinct
    if distinct == 1 and known == len(column.known):
        return "has the same value in every row"
    if known <= _FEW:
        return "" if column.kind != "category" or distinct < known else "names each row: an id"
    named = bool(_AN_ID.search(column.name))
    if column.kind == "category":
        if distinct > _MANY_NAMES * known or (named and distinct > 0.2 * known):
            return f"{distinct:,} different values in {known:,} rows: an id"
        return ""
    if column.kind == "instant" or not _whole(column.numbers):
        return ""
    if distinct == known or (named and distinct > _NEAR_UNIQUE * known):
        return f"{distinct:,} different whole numbers in {known:,} rows: an id"
    return ""


def _whole(numbers: Floats) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool(np.all(known == np.floor(known)))


def _numbers(name: str, values: pa.ChunkedArray) -> Column:
    numbers = np.array(values.fill_null(np.nan).to_numpy(), np.float64)
    numbers[~(np.abs(numbers) < LARGEST)] = np.nan
    return Column(name, "number", numbers, _NO_CODES)


def _instants(name: str, values: pa.ChunkedArray) -> Column:
    missing = values.is_null().to_numpy()
    micros = pc.cast(values, pa.int64()).fill_null(0).to_numpy().astype(np.float64)
    days = micros / 86_400e6
    days[missing] = np.nan
    return Column(name, "instant", days, _NO_CODES)


def _text(name: str, values: pa.ChunkedArray) -> Column:
    trimmed = pc.utf8_trim_whitespace(values)
    unknown = pc.is_in(pc.utf8_lower(trimmed), pa.array(sorted(UNKNOWN), trimmed.type))
    trimmed = pc.if_else(unknown, pa.scalar(None, trimmed.type), trimmed)
    known = len(trimmed) - trimmed.null_count
    if known == 0:
        return Column(name, "number", np.full(len(trimmed), np.nan), _NO_CODES)
    numeric = pc.match_substring_regex(trimmed, _A_NUMBER)
    # A stray word among numbers is unknown; a few numbers among words are words.
    if (pc.sum(numeric).as_py() or 0) >= 0.98 * known:
        only = pc.if_else(numeric.fill_null(False), trimmed, pa.scalar(None, trimmed.type))
        return _numbers(name, pc.cast(only, pa.float64()))
    for pattern, layout in _DATES:
        dated = pc.match_substring_regex(trimmed, pattern)
        if (pc.sum(dated).as_py() or 0) >= 0.98 * known:
            only = pc.if_else(dated.fill_null(False), trimmed, pa.scalar(None, trimmed.type))
            only = pc.utf8_slice_codeunits(pc.replace_substring(only, "T", " "), 0, _WIDTH[layout])
            parsed = pc.strptime(only, format=layout, unit="us", error_is_null=True)
            if parsed.null_count - (len(trimmed) - known) <= 0.02 * known:
                return _instants(name, parsed)
    return _categories(name, trimmed)


def _categories(name: str, values: pa.ChunkedArray) -> Column:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = whole.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    return Column(name, "category", _NO_NUMBERS, codes, tuple(coded.dictionary.to_pylist()))


_A_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DATES = (
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", "%Y-%m-%d %H:%M:%S"),
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "%Y-%m-%d"),
    (r"^[0-9]{2}-[0-9]{2}-[0-9]{4}$", "%d-%m-%Y"),
    (r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4}$", "%d.%m.%Y"),
    (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$", "%d/%m/%Y"),
    (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$", "%m/%d/%Y"),
)
_WIDTH = {layout: 19 if "%H" in layout else 10 for _, layout in _DATES}
