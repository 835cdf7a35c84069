"""Rows of steps cut into paths: each ends with the goal, or is given up after a silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Bools = NDArray[np.bool_]

START, GOAL, GIVEN_UP = -1, -2, -3  # what stands before the first step, and after the last


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows in the order (customer, instant, number): `steps` are codes, `goals` say which rows
    reach the goal, `instants` are microseconds."""

    customers: Ids
    instants: Ids
    steps: Ids
    goals: Bools


@dataclass(frozen=True, slots=True)
class Edge:
    """`one` is directly followed by `other`: how often, after how many seconds in the middle."""

    one: int
    other: int
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """One sequence of steps: how often it reached the goal, how often it was given up, and how many
    seconds it took in the middle when it got there."""

    steps: tuple[int, ...]
    reached: int
    given_up: int
    seconds: float | None

    @property
    def taken(self) -> int:
        return self.reached + self.given_up


@dataclass(frozen=True, slots=True)
class Walked:
    """`direct`: the goal without any step before it; `under_way`: too young to be given up.

    `ways` are in order of how often they were taken; `paths` are in the order in which they began:
    the number of the way of each, and whether it reached the goal.
    """

    edges: tuple[Edge, ...]
    ways: tuple[Way, ...]
    paths: tuple[tuple[int, bool], ...]
    direct: int
    under_way: int

    def ended(self) -> list[tuple[int, ...]]:
        """Each path with its end as its last step, in the order in which they began."""
        return [
            (*self.ways[way].steps, GOAL if reached else GIVEN_UP) for way, reached in self.paths
        ]


def walk(rows: Walk, *, now: int, silence: int) -> Walked:
    """Cut and count. A path is given up when nothing follows for `silence` microseconds."""
    if not len(rows.customers):
        return Walked((), (), (), 0, 0)
    breaks = np.ones(len(rows.customers), bool)
    breaks[1:] = (
        (rows.customers[1:] != rows.customers[:-1])
        | rows.goals[:-1]
        | (np.diff(rows.instants) > silence)
    )
    first = np.flatnonzero(breaks)
    last = np.append(first[1:], len(breaks)) - 1
    reached = rows.goals[last]
    length = last - first + 1 - reached
    young = ~reached & (now - rows.instants[last] <= silence)
    kept = (length > 0) & ~young
    ways, way_of = _ways(rows, first[kept], length[kept], reached[kept], last[kept])
    began = np.argsort(rows.instants[first[kept]], kind="stable")
    paths = zip(way_of[began].tolist(), reached[kept][began].tolist(), strict=True)
    return Walked(
        edges=_edges(rows, first[kept], last[kept], reached[kept]),
        ways=ways,
        paths=tuple(paths),
        direct=int((reached & (length == 0)).sum()),
        under_way=int((young & (length > 0)).sum()),
    )


def _edges(rows: Walk, first: Ids, last: Ids, reached: Bools) -> tuple[Edge, ...]:
    for_each = np.repeat(np.arange(len(first)), last - first + 1)
    offsets = np.arange(len(for_each)) - np.repeat(
        np.append(0, np.cumsum(last - first + 1))[:-1], last - first + 1
    )
    places = np.repeat(first, last - first + 1) + offsets
    steps = np.where(rows.goals[places], GOAL, rows.steps[places])
    inner = np.flatnonzero(for_each[1:] == for_each[:-1])
    ones = [steps[inner], np.full(len(first), START), rows.steps[last[~reached]]]
    others = [steps[inner + 1], rows.steps[first], np.full(int((~reached).sum()), GIVEN_UP)]
    waits = [
        (rows.instants[places[inner + 1]] - rows.instants[places[inner]]) / 1e6,
        np.zeros(len(first)),
        np.zeros(int((~reached).sum())),
    ]
    return _counted(np.concatenate(ones), np.concatenate(others), np.concatenate(waits))


def _counted(ones: Ids, others: Ids, waits: NDArray[np.float64]) -> tuple[Edge, ...]:
    order = np.lexsort((waits, others, ones))
    ones, others, waits = ones[order], others[order], waits[order]
    if not len(ones):
        return ()
    starts = np.flatnonzero(np.append(True, (np.diff(ones) != 0) | (np.diff(others) != 0)))
    ends = np.append(starts[1:], len(ones))
    found = [
        Edge(int(ones[a]), int(others[a]), int(b - a), float(np.median(waits[a:b])))
        for a, b in zip(starts, ends, strict=True)
    ]
    return tuple(sorted(found, key=lambda edge: (-edge.count, edge.one, edge.other)))


def _ways(
    rows: Walk, first: Ids, length: Ids, reached: Bools, last: Ids
) -> tuple[tuple[Way, ...], Ids]:
    taken = [
        tuple(rows.steps[a : a + n].tolist())
        for a, n in zip(first.tolist(), length.tolist(), strict=True)
    ]
    counts = Counter(taken)
    ranked = sorted(counts, key=lambda way: (-counts[way], way))
    place = {way: at for at, way in enumerate(ranked)}
    order = np.fromiter((place[way] for way in taken), np.int64, len(taken))
    seconds = (rows.instants[last] - rows.instants[first]) / 1e6
    got = np.bincount(order[reached], minlength=len(ranked))
    middle = _medians(order[reached], seconds[reached])
    return (
        tuple(
            Way(way, int(got[at]), counts[way] - int(got[at]), middle.get(at))
            for at, way in enumerate(ranked)
        ),
        order,
    )


def _medians(groups: Ids, values: NDArray[np.float64]) -> dict[int, float]:
    order = np.argsort(groups, kind="stable")
    found: dict[int, float] = {}
    keys, starts = np.unique(groups[order], return_index=True)
    parts: Sequence[NDArray[np.float64]] = np.split(values[order], starts[1:])
    for key, part in zip(keys.tolist(), parts, strict=False):
        found[key] = float(np.median(part))
    return found
