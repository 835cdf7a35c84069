"""An experiment in a file: a column for the arm, one for what came of it, the rest features."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from touchloop.core.errors import Invalid
from touchloop.insight.uplift.experiment import Floats, refused

MANY = 30  # a column of text with more values than this is an id or free text
_SAID = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "y": 1.0, "n": 0.0}
LARGEST = 1e100  # beyond it squares have no end
ARMS = 10
FEW = 6  # a column with so few values cuts people into subgroups


@dataclass(frozen=True, slots=True)
class Tried:
    """What a file says: `arms` are numbers into `labels`, the control is the first of them."""

    features: Floats
    names: tuple[str, ...]
    arms: npt.NDArray[np.int64]
    labels: list[str]
    outcome: Floats
    refused: dict[str, str]
    groups: dict[str, npt.NDArray[Any]]  # columns of few values, as text


def experiment(
    path: Path, *, treatment: str, outcome: str, control: str, ignore: tuple[str, ...] = ()
) -> Tried:
    """Read a CSV file (plain or .gz). Raises Invalid when it cannot be used."""
    found = _table(path)
    if treatment == outcome:
        raise Invalid("outcome", f"{outcome} is the treatment itself")
    for name in (treatment, outcome, *ignore):
        if name not in found.column_names:
            raise Invalid("file", f"{path} has no column {name!r}: {', '.join(found.column_names)}")
    arms, labels = _arms(found.column(treatment), treatment, control)
    result = _outcome(found.column(outcome))
    if result is None or not np.isfinite(result).all():
        raise Invalid("outcome", f"{outcome} is not a number in each row")
    if np.abs(result).max() > LARGEST:
        raise Invalid("outcome", f"{outcome} has values beyond {LARGEST:g}: no measurement")
    columns: dict[str, Floats] = {}
    groups: dict[str, npt.NDArray[Any]] = {}
    away: dict[str, str] = {}
    for name in found.column_names:
        if name in (treatment, outcome, *ignore):
            continue
        column = found.column(name)
        if column.null_count == len(column):
            away[name] = "it holds nothing"
            continue
        distinct = pc.count_distinct(column).as_py()
        if distinct <= FEW:
            groups[name] = np.asarray(pc.cast(column, pa.string()).to_pylist(), dtype=object)
        numbers = _numbers(column)
        if numbers is not None:
            if pa.types.is_integer(column.type) and distinct > 0.95 * len(column) > 50:
                away[name] = "nearly every row has its own value: it is an id"
            else:
                columns[name] = np.where(np.abs(numbers) < LARGEST, numbers, np.nan)
        elif distinct > MANY:
            away[name] = f"{distinct} different texts: an id or free text"
        else:
            text = pc.cast(column, pa.string()).to_numpy(zero_copy_only=False)
            for value in sorted({str(each) for each in text if each is not None}):
                columns[f"{name} = {value}"] = (text == value).astype(np.float64)
    if not columns:
        raise Invalid("file", f"{path} has no column to tell people apart by")
    names = tuple(columns)
    features = np.column_stack([columns[name] for name in names])
    away |= refused(features, names, arms, result)
    kept = [place for place, name in enumerate(names) if name not in away]
    if not kept:
        raise Invalid("file", "no column is left that was known before the treatment")
    groups = {
        name: values for name, values in groups.items()
        if name not in away and not any(each.startswith(f"{name} = ") for each in away)
    }  # fmt: skip
    return Tried(
        features[:, kept], tuple(names[place] for place in kept), arms, labels, result, away, groups
    )


def _table(path: Path) -> pa.Table:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid("file", f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not raw.strip():
        raise Invalid("file", f"{path} is empty")
    first = raw.lstrip().split(b"\n", 1)[0]
    mark = max(b",;\t|", key=lambda each: first.count(bytes([each])))
    try:
        found = pa_csv.read_csv(
            io.BytesIO(_utf8(raw)), parse_options=pa_csv.ParseOptions(delimiter=chr(mark))
        )
    except pa.ArrowInvalid as error:
        raise Invalid("file", f"{path}: {str(error).splitlines()[0]}") from None
    twice = sorted({name for name in found.column_names if found.column_names.count(name) > 1})
    if twice:
        raise Invalid("file", f"{path} names a column twice: {', '.join(twice[:3])}")
    if not found.num_rows:
        raise Invalid("file", f"{path} has a header and no rows")
    return found


def _utf8(raw: bytes) -> bytes:
    """The same text in UTF-8; what is none is taken for Latin-1."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()
    return raw


def _arms(
    column: pa.ChunkedArray, treatment: str, control: str
) -> tuple[npt.NDArray[np.int64], list[str]]:
    text = pc.cast(column, pa.string()).to_pylist()
    values = sorted({str(each) for each in text if each is not None})
    if control not in values:
        shown = ", ".join(repr(value) for value in values[:ARMS])
        raise Invalid("control", f"{control!r} is no value of {treatment}: {shown}")
    if None in text:
        raise Invalid("treatment", f"{treatment} is not known in {text.count(None):,} rows")
    if not 2 <= len(values) <= ARMS:
        raise Invalid(
            "treatment", f"{treatment} has {len(values)} values; 2 to {ARMS} are compared"
        )
    labels = [control, *(value for value in values if value != control)]
    place = {value: at for at, value in enumerate(labels)}
    return np.array([place[str(each)] for each in text], dtype=np.int64), labels


def _outcome(column: pa.ChunkedArray) -> Floats | None:
    """Numbers, or yes and no in words; None for anything else."""
    if pa.types.is_string(column.type):
        said = [_SAID.get(str(each).strip().lower()) for each in column.to_pylist()]
        return None if None in said else np.array(said, dtype=np.float64)
    return _numbers(column)


def _numbers(column: pa.ChunkedArray) -> Floats | None:
    kind = column.type
    if pa.types.is_boolean(kind):
        column = pc.cast(column, pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    return np.asarray(
        pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64
    )
