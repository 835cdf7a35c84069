"""Comparisons of an offer as functions. What is missing satisfies nothing but "is not known"."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from touchloop.engage.offers.api import Comparison

Test = Callable[[Any], bool]


def test_of(each: Comparison) -> Test:
    """The comparison as a function of the value found (None: there is none).

    Texts are compared without regard to case. Numbers compare with numbers, and with texts that
    are numbers; anything else is neither more nor less.
    """
    if each.op == "there":
        return lambda found: found is not None
    if each.op == "missing":
        return lambda found: found is None
    if each.op == "eq":
        return _equal(each.value)
    if each.op == "ne":
        same = _equal(each.value)
        return lambda found: found is not None and not same(found)
    if each.op == "in":
        return _one_of(each.value if isinstance(each.value, list) else [])
    return _ordered(_ORDERS[each.op], float(each.value))  # type: ignore[arg-type]


def _equal(value: Any) -> Test:
    wanted = _plain(value)
    return lambda found: found is not None and _plain(found) == wanted


def _one_of(values: list[Any]) -> Test:
    wanted = frozenset(map(_plain, values))
    return lambda found: found is not None and _plain(found) in wanted


def _ordered(order: Callable[[float, float], bool], limit: float) -> Test:
    def test(found: Any) -> bool:
        number = _number(found)
        return number is not None and order(number, limit)

    return test


def _plain(value: Any) -> Any:
    """What counts as the same: texts by their folded form, numbers by value; never 1 and true."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, int | float):
        return float(value)
    return repr(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number == number else None


_ORDERS: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
