"""What the number that a condition makes must be, and when time alone may change the verdict.

Both executions read this, the statement over everybody and the arrays of the customers touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting

_LARGEST = 1.7976931348623157e308

AGES = ("first", "last")  # measures that are an age, in microseconds
Wake = Literal["never", "first", "last"]


@dataclass(frozen=True, slots=True)
class Range:
    """A comparison as a closed range of numbers, or what lies outside of it."""

    low: float
    high: float
    outside: bool = False

    def holds(self, seen: float) -> bool:
        return (self.low <= seen <= self.high) != self.outside


@dataclass(frozen=True, slots=True)
class Limit:
    """The question to the observed number.

    `otherwise` is the verdict without any interaction. `wake` says which interaction's leaving of
    the window, a `length` after it, may change the verdict, and `wake_if` at which verdict (None:
    at any). `crossing` is the age at which an age of its own crosses the range.
    """

    measure: str
    range: Range
    otherwise: bool
    wake: Wake
    wake_if: bool | None
    length: int | None
    crossing: int | None


def limit_of(leaf: g.Interactions) -> Limit:
    """The condition's question to its number; ages are in microseconds."""
    found = _range(leaf)
    length = selecting.bounds(leaf.window).length
    wake, wake_if = _waking(leaf, found, length)
    crossing = None
    if leaf.measure in AGES:
        crossing = _age(leaf) + (1 if leaf.op in ("gt", "lte") else 0)
    return Limit(leaf.measure, found, otherwise(leaf), wake, wake_if, length, crossing)


def otherwise(leaf: g.Interactions) -> bool:
    """The verdict on a customer without any such interaction."""
    return leaf.measure not in AGES and _range(leaf).holds(0.0)


def counts_many(leaf: g.Interactions) -> bool:
    """Whether it matters how many interactions the lines belong to, not only whether any does."""
    return leaf.measure == "count" and not _any_or_none(_range(leaf))


def compared(op: str, value: float) -> Range:
    """`seen op value` as a range."""
    match op:
        case "gte":
            return Range(value, _LARGEST)
        case "gt":
            return Range(math.nextafter(value, math.inf), _LARGEST)
        case "lte":
            return Range(-_LARGEST, value)
        case "lt":
            return Range(-_LARGEST, math.nextafter(value, -math.inf))
        case _:
            return Range(value, value, outside=op == "ne")


def _range(leaf: g.Interactions) -> Range:
    return compared(leaf.op, float(_age(leaf)) if leaf.measure in AGES else leaf.value)


def _age(leaf: g.Interactions) -> int:
    return round(leaf.value * g.SECONDS[leaf.unit] * 1_000_000)


def _waking(leaf: g.Interactions, limit: Range, length: int | None) -> tuple[Wake, bool | None]:
    """Which interaction's leaving of the window may change the verdict, and at which verdict.

    Counts only fall while nothing new comes. "At least one" changes when the newest leaves; a
    higher count may change when the oldest does, and only while it is reached.
    """
    if length is None:
        return "never", None
    if leaf.measure == "last":
        return "last", None
    if leaf.measure in ("first", "sum"):
        return "first", None
    if _any_or_none(limit) and leaf.measure != "distinct":  # the newest may have no value
        return "last", limit.holds(1.0)
    if leaf.op in ("eq", "ne"):
        return "first", None
    return "first", leaf.op in ("gt", "gte")


def _any_or_none(limit: Range) -> bool:
    """The limit only tells something from nothing."""
    return limit.holds(0.0) != limit.holds(1.0) and limit.holds(1.0) == limit.holds(_LARGEST)
