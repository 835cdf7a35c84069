"""Texts as numbers, instants and parts of JSON, exactly as DuckDB reads them.

Plain ones are read here. Whatever is odd is put to DuckDB itself, in the words of the statement
over everybody, and remembered.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import duckdb
import numpy as np

from touchloop.core import clock
from touchloop.insight.segments import selecting
from touchloop.lake.api import json_text

T = TypeVar("T")

NO_INSTANT = np.iinfo(np.int64).min  # DuckDB's instants begin later
NO_NUMBER = float("nan")  # no question counts it as a number

_REMEMBERED = 20_000
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)?"
)


def numbers(texts: Iterable[str]) -> dict[str, float]:
    """The number that each text says, or NO_NUMBER."""
    return _cast(texts, _plain_number, _odd_numbers, _numbers)


def instants(texts: Iterable[str]) -> dict[str, int]:
    """The instant that each text says, in microseconds, or NO_INSTANT."""
    return _cast(texts, _plain_instant, _odd_instants, _instants)


def json_texts(documents: Sequence[str], keys: Sequence[str]) -> list[str | None]:
    """The text under a path of each document; an error when one is no JSON."""
    found = np.ma.asarray(_asked(json_text("x", keys), documents))
    texts: list[str | None] = np.ma.getdata(found).tolist()
    absent = np.ma.getmaskarray(found).tolist()
    return [None if none else text for text, none in zip(texts, absent, strict=True)]


def _cast(
    texts: Iterable[str],
    plain: Callable[[str], T | None],
    odd: Callable[[list[str]], list[T]],
    remembered: dict[str, T],
) -> dict[str, T]:
    found: dict[str, T] = {}
    left: list[str] = []
    for text in texts:
        value = plain(text)
        if value is None:
            value = remembered.get(text)
        if value is None:
            left.append(text)
        else:
            found[text] = value
    if left:
        read = dict(zip(left, odd(left), strict=True))
        if len(remembered) + len(read) > _REMEMBERED:
            remembered.clear()
        remembered |= read if len(read) < _REMEMBERED else {}
        found |= read
    return found


def _plain_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _plain_instant(text: str) -> int | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return clock.micros(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except ValueError:
        return None


def _odd_numbers(texts: list[str]) -> list[float]:
    return np.ma.filled(_asked(selecting.as_number("x"), texts), NO_NUMBER).tolist()  # type: ignore[no-any-return]


def _odd_instants(texts: list[str]) -> list[int]:
    found = np.ma.asarray(_asked(selecting.as_instant("x"), texts))
    micros = np.ma.getdata(found).astype("datetime64[us]").view(np.int64)
    return np.where(np.ma.getmaskarray(found), NO_INSTANT, micros).tolist()  # type: ignore[no-any-return]


def _asked(expression: str, texts: Sequence[str]) -> Any:
    """The expression over x for each text."""
    connection: duckdb.DuckDBPyConnection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = duckdb.connect(":memory:", config={"threads": 1})
    query = f"SELECT {expression} AS y FROM (SELECT UNNEST(?::VARCHAR[]) AS x)"
    return connection.execute(query, [list(texts)]).fetchnumpy()["y"]


_numbers: dict[str, float] = {}
_instants: dict[str, int] = {}
_local = threading.local()
