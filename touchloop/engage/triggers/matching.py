"""Whether what happened is an occasion that a trigger waits for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from touchloop.engage.triggers.definition import OWN_TYPE, Occasion, Where
from touchloop.interactions.api import Happened


def fits(occasion: Occasion, happened: Happened) -> bool:
    """Is this what the occasion means?"""
    if happened.name != occasion.name:
        return False
    if occasion.segment_id:
        # Only what Touchloop itself notes is an entry; anybody may send an event of that name.
        return (
            happened.type == OWN_TYPE
            and happened.properties.get("segment_id") == occasion.segment_id
        )
    if happened.type == OWN_TYPE or (occasion.source and happened.source_slug != occasion.source):
        return False
    return all(holds(asked, happened.properties) for asked in occasion.where)


def holds(asked: Where, properties: dict[str, Any]) -> bool:
    """Is the answer to this question yes? Of what is not there, only `missing` is true."""
    value: Any = properties
    for name in asked.path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return asked.op == "missing"
    return _OPS[asked.op](value, asked.value)


def _comparable(value: Any, other: Any) -> bool:
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (value, other))
    return numbers or (isinstance(value, str) and isinstance(other, str))


def _compared(judge: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, other: _comparable(value, other) and judge(value, other)


_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: bool(value == other),
    "ne": lambda value, other: bool(value != other),
    "gt": _compared(lambda value, other: value > other),
    "gte": _compared(lambda value, other: value >= other),
    "lt": _compared(lambda value, other: value < other),
    "lte": _compared(lambda value, other: value <= other),
    "in": lambda value, other: value in other,
    "contains": lambda value, other: (
        str(other).lower() in value.lower() if isinstance(value, str)
        else isinstance(value, list) and other in value
    ),
    "starts": lambda value, other: str(value).lower().startswith(str(other).lower()),
    "exists": lambda value, other: True,
    "missing": lambda value, other: False,
}  # fmt: skip
