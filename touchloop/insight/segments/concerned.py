"""Which rules an event can concern: the others need not be decided again because of it.

A rule that reads only orders cannot change by a page view; one that reads traits only, by no event
at all. A rule that asks about another segment is concerned whenever that one is. What the clock
alone changes is woken by its own instant, which stays noted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.live_rules import Live, part

# Each group is read by queries of its own: only few, and large ones, are worth them.
WORTH_A_GROUP = 1_500
GROUPS = 3
REMEMBERED = 10_000  # sets of names: customers do all kinds of things at a time

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Customers for whom the same rules are to be decided."""

    live: Live
    customers: list[int]


def groups(live: Live, events: Mapping[int, Names | None]) -> list[Group]:
    """Sort customers by the rules that their new events concern; None: by everything there is."""
    everything = frozenset(live.rules.ids)
    by_rules: dict[frozenset[int], list[int]] = defaultdict(list)
    for customer, names in events.items():
        ids = everything if names is None else _concerned(live, names)
        if ids:
            by_rules[ids].append(customer)
    return [Group(part(live, ids), sorted(found)) for ids, found in _joined(by_rules).items()]


def _concerned(live: Live, names: Names) -> frozenset[int]:
    known = live.concerned.get(names)
    if known is None:
        if len(live.concerned) >= REMEMBERED:
            live.concerned.clear()
        known = live.concerned[names] = _concerned_by(live, names)
    return known


def _concerned_by(live: Live, names: Names) -> frozenset[int]:
    found = {id for id, reads in live.reads.items() if reads is None or not names.isdisjoint(reads)}
    while more := {
        id for id, rule in live.rules.rules if id not in found and g.needs_segments(rule) & found
    }:
        found |= more
    return frozenset(found)


def _joined(by_rules: dict[frozenset[int], list[int]]) -> dict[frozenset[int], list[int]]:
    """The groups that are large enough for themselves, and one with all the others."""
    ordered: Sequence[frozenset[int]] = sorted(
        by_rules, key=lambda ids: (len(by_rules[ids]), len(ids)), reverse=True
    )
    alone = [ids for ids in ordered[: GROUPS - 1] if len(by_rules[ids]) >= WORTH_A_GROUP]
    rest = [ids for ids in ordered if ids not in alone]
    kept = {ids: by_rules[ids] for ids in alone}
    if rest:
        union = frozenset[int]().union(*rest)
        kept[union] = kept.get(union, []) + [c for ids in rest for c in by_rules[ids]]
    return kept
