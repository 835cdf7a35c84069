"""What a set of rules makes us do, worked out once: who reads the same stands together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting
from touchloop.insight.segments.arrays.columns import Ints
from touchloop.insight.segments.described import Described, describe
from touchloop.insight.segments.limits import AGES, Limit, counts_many, limit_of


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows that conditions mean; of what is longer ago than `back`, none asks."""

    source: str
    events: g.Events
    back: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A number made of the rows in a window, and the limits that it is held against."""

    kind: str
    of: str
    path: str
    window: int
    rows: Ints


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers that are made of one choice of rows, in several windows."""

    choice: int
    windows: tuple[g.Window, ...]
    measured: tuple[Measured, ...]
    rows: Ints
    window_of_row: Ints


class Limits:
    """The limits of all conditions that make a number, as columns."""

    def __init__(self, numbered: Sequence[tuple[int, Limit]]) -> None:
        limits = [limit for _number, limit in numbered]
        self.numbers = np.array([number for number, _limit in numbered], np.int64)
        self.low = np.array([x.range.low for x in limits])
        self.high = np.array([x.range.high for x in limits])
        self.outside = np.array([x.range.outside for x in limits], bool)
        self.otherwise = np.array([x.otherwise for x in limits], bool)
        self.wakes = np.array([x.wake != "never" for x in limits], bool)
        self.any_verdict = np.array([x.wake_if is None for x in limits], bool)
        self.wake_if = np.array([bool(x.wake_if) for x in limits], bool)
        self.length = np.array([x.length or 0 for x in limits], np.int64)
        self.aged = np.array([x.measure in AGES for x in limits], bool)
        self.crossing = np.array([x.crossing or 0 for x in limits], np.int64)
        self.last = np.array(["last" in (x.wake, x.measure) for x in limits], bool)


@dataclass(frozen=True, slots=True)
class Followed:
    """Sequences of the same choices of rows, in the same window."""

    first: int
    then: int
    window: g.Window
    leaves: tuple[tuple[int, g.Sequence], ...]


@dataclass(frozen=True, slots=True)
class Late:
    """Intervals of one's own, by the choice of rows."""

    number: int
    leaf: g.Overdue
    choice: int


@dataclass(frozen=True, slots=True)
class Plan:
    described: Described
    choices: tuple[Choice, ...]
    limits: Limits
    counted: tuple[Counted, ...]
    followed: tuple[Followed, ...]
    late: tuple[Late, ...]
    known: tuple[tuple[int, g.Condition], ...]


@lru_cache(maxsize=64)
def plan_of(rules: g.RuleSet) -> Plan:
    """The plan; Invalid when segments of the set depend on each other in a circle."""
    described = describe(rules)
    leaves = [(number, leaf) for leaf, number in described.numbers]
    choices = _Choices()
    numbers = [(n, x) for n, x in leaves if isinstance(x, g.Interactions)]
    return Plan(
        described,
        limits=Limits([(n, limit_of(x)) for n, x in numbers]),
        counted=_counted([x for _n, x in numbers], choices),
        followed=_followed([(n, x) for n, x in leaves if isinstance(x, g.Sequence)], choices),
        late=tuple(
            Late(n, x, choices.add(x.events, x.window)) for n, x in leaves
            if isinstance(x, g.Overdue)
        ),
        known=tuple(
            (n, x) for n, x in leaves
            if not isinstance(x, g.Interactions | g.Sequence | g.Overdue)
        ),
        choices=choices.listed(),
    )  # fmt: skip


class _Choices:
    """Choices of rows by number, with the longest way back of those that ask."""

    def __init__(self) -> None:
        self._backs: dict[tuple[str, g.Events], list[int | None]] = {}

    def add(self, events: g.Events, window: g.Window, of: str = "") -> int:
        key = (selecting.source_of(events, of), events)
        self._backs.setdefault(key, []).append(selecting.bounds(window).length)
        return list(self._backs).index(key)

    def listed(self) -> tuple[Choice, ...]:
        return tuple(Choice(*key, _longest(backs)) for key, backs in self._backs.items())


def _longest(backs: list[int | None]) -> int | None:
    found = [back for back in backs if back is not None]
    return max(found) if len(found) == len(backs) else None


def _counted(leaves: Sequence[g.Interactions], choices: _Choices) -> tuple[Counted, ...]:
    chosen: dict[int, list[int]] = {}
    for row, leaf in enumerate(leaves):
        chosen.setdefault(choices.add(leaf.events, leaf.window, leaf.of), []).append(row)
    return tuple(_of_choice(choice, rows, leaves) for choice, rows in chosen.items())


def _of_choice(choice: int, rows: list[int], leaves: Sequence[g.Interactions]) -> Counted:
    windows = list(dict.fromkeys(leaves[row].window for row in rows))
    at = [windows.index(leaves[row].window) for row in rows]
    kinds: dict[tuple[str, str, str, int], list[int]] = {}
    for row, window in zip(rows, at, strict=True):
        kinds.setdefault((*_kind(leaves[row]), window), []).append(row)
    measured = tuple(Measured(*kind, np.array(found)) for kind, found in kinds.items())
    return Counted(choice, tuple(windows), measured, np.array(rows), np.array(at))


def _kind(leaf: g.Interactions) -> tuple[str, str, str]:
    """Which number it is, of what, and under which path."""
    if leaf.measure in ("sum", "distinct"):
        return leaf.measure, leaf.of, leaf.path
    if leaf.measure in AGES:
        return "age", leaf.measure, ""
    lines = selecting.source_of(leaf.events, leaf.of) != selecting.INTERACTIONS
    if lines and counts_many(leaf):
        return "distinct", "interaction_id", ""
    return "count", "", ""


def _followed(leaves: list[tuple[int, g.Sequence]], choices: _Choices) -> tuple[Followed, ...]:
    found: dict[tuple[int, int, g.Window], list[tuple[int, g.Sequence]]] = {}
    for number, leaf in leaves:
        # What follows a first one inside of a window back from now lies inside of it as well.
        later = leaf.window if isinstance(leaf.window, g.Last) else None
        first, then = choices.add(leaf.first, leaf.window), choices.add(leaf.then, later)
        found.setdefault((first, then, leaf.window), []).append((number, leaf))
    return tuple(Followed(*key, tuple(same)) for key, same in found.items())
