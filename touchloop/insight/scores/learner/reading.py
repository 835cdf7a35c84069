"""Any CSV as a table of text: the delimiter, the encoding and compression are found out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from touchloop.core.errors import Invalid
from touchloop.insight.scores.learner.columns import UNKNOWN, Column, read

_DELIMITERS = (",", ";", "\t", "|")
_HEAD_BYTES = 1 << 16
_YES = frozenset({"1", "1.0", "yes", "y", "true", "t", "churn", "churned", "left", "positive"})
_NO = frozenset({"0", "0.0", "no", "n", "false", "f", "stayed", "negative", "-1", "-1.0"})


def read_csv(path: Path) -> pa.Table:
    """All columns as text, under the names of the first line. Raises Invalid for what is no table.

    Comma, semicolon, tab or bar; UTF-8 or Latin-1; plain or compressed as the name says (.gz, …).
    """
    try:
        with pa.input_stream(str(path)) as stream:
            head: bytes = stream.read(_HEAD_BYTES)
    except (OSError, pa.ArrowInvalid) as error:
        raise Invalid("file", f"cannot be read: {error}") from error
    if not head.strip():
        raise Invalid("file", "is empty")
    encoding = "utf-8" if _is_utf8(head) else "latin-1"
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    first = text.splitlines()[0]
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid("file", f"names a column twice: {', '.join(twice[:3])}")
    try:
        return pa_csv.read_csv(
            str(path),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, encoding=encoding),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise Invalid("file", f"is no table: {str(error).splitlines()[0]}") from error


def outcome_of(
    table: pa.Table, target: str, positive: str | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """For each row whether it has the outcome, and whether that is known; the positive value.

    Without `positive` it is the value that says yes, or the rarer of two.
    """
    values = pc.utf8_trim_whitespace(column(table, target))
    known = ~pc.is_in(pc.utf8_lower(values), pa.array(sorted(UNKNOWN))).to_numpy()
    counts = {
        each["values"]: each["counts"]
        for each in pc.value_counts(values.filter(pa.array(known))).to_pylist()
    }
    if not counts:
        raise Invalid("target", f"{target} holds nothing")
    if positive is None:
        positive = _positive(target, counts)
    elif positive not in counts:
        some = ", ".join(sorted(counts)[:6])
        raise Invalid("positive", f"{target} is never {positive!r}; it has {some}")
    return pc.equal(values, positive).to_numpy(), known, positive


def column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column by its name; Invalid that lists what there is."""
    if name not in table.column_names:
        raise Invalid("column", f"there is no {name!r}; there are {', '.join(table.column_names)}")
    return table.column(name)


def moments_of(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of dates (or of numbers that grow with time) as prediction times."""
    found: Column = read(name, column(table, name))
    if found.kind == "category" or not found.known.any():
        raise Invalid("time", f"{name} holds no dates")
    if not found.known.all():
        missing = int((~found.known).sum())
        raise Invalid("time", f"{name} is not known in {missing:,} rows")
    return found.numbers


def without(table: pa.Table, names: Sequence[str | None]) -> pa.Table:
    """The table less some columns, each of which must be there."""
    gone = list(dict.fromkeys(name for name in names if name))
    for name in gone:
        column(table, name)
    return table.drop_columns(gone)


def _positive(target: str, counts: dict[str, int]) -> str:
    if len(counts) > 2:
        some = ", ".join(sorted(counts, key=lambda v: -counts[v])[:6])
        raise Invalid("target", f"{target} has {len(counts):,} values ({some}): say which is meant")
    said = [value for value in counts if value.lower() in _YES]
    denied = [value for value in counts if value.lower() in _NO]
    if len(said) == 1 and len(denied) == len(counts) - 1:
        return said[0]
    if len(counts) == 2 and len(denied) == 1:
        return next(value for value in counts if value not in denied)
    return min(counts, key=lambda value: (counts[value], value))


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == _HEAD_BYTES
    return True
