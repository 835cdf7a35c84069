"""What a rule asks about, by name: for those who must not take its questions for an insight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from touchloop.core.db import Connection
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import keeping
from touchloop.insight.segments.parsing import parse


@dataclass(frozen=True, slots=True)
class Subjects:
    """`lines` are questions to products (field, values, whether a part of the value is enough);
    `habits`: how often, how much, how long ago or in which order somebody came."""

    events: frozenset[str]
    channels: frozenset[str]
    traits: frozenset[str]
    lines: frozenset[tuple[str, tuple[str, ...], bool]]
    habits: bool


def subjects(conn: Connection, rule: Any) -> Subjects:
    """Of a rule as JSON, and of the rules of the segments that it asks about."""
    leaves = list(_leaves(conn, parse(rule), set()))
    events = [found for leaf in leaves for found in _events(leaf)]
    return Subjects(
        events=frozenset(name for each in events for name in each.names),
        channels=frozenset(name for each in events for name in each.channels),
        traits=frozenset(leaf.name for leaf in leaves if isinstance(leaf, g.Trait)),
        lines=frozenset(
            (line.field, line.values, line.op == "contains")
            for each in events
            for line in each.lines
        ),
        habits=any(not each.lines for each in events)
        or any(isinstance(leaf, g.Score | g.Stage) for leaf in leaves),
    )


def _leaves(conn: Connection, rule: g.Rule, seen: set[int]) -> Iterator[g.Condition]:
    for leaf in g.conditions(rule):
        if not isinstance(leaf, g.InSegment):
            yield leaf
        elif leaf.segment_id not in seen:
            seen.add(leaf.segment_id)
            yield from _leaves(conn, parse(keeping.get(leaf.segment_id, conn=conn).rule), seen)


def _events(leaf: g.Condition) -> tuple[g.Events, ...]:
    match leaf:
        case g.Interactions() | g.Overdue():
            return (leaf.events,)
        case g.Sequence():
            return (leaf.first, leaf.then)
        case _:
            return ()
