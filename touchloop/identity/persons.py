"""First part of the partition: strong identifiers and contacts become persons.

Tier by tier, from user ids down to phones, the identifiers that nothing stronger has claimed found
persons, and each person grows along its links in waves. An identifier that two persons reach in
the same wave is contested: it belongs to neither and conducts nothing. What a strong identifier
attests joins up to the limit of its namespace, the earliest first; over a contact only what
complements the person joins: a first card, never a differing second one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from touchloop.identity.graph import Graph
from touchloop.identity.namespaces import rule

TIERS = ("user_id", "external", "card", "email", "phone")
# One person may have been given several user ids by alias; more than this is an alias gone wrong.
ALIASES = 5


@dataclass(slots=True)
class Person:
    """A person in the making. `units` and `nodes` are what it has, `counts` by namespace."""

    level: int
    nodes: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Persons:
    """The result: who has which unit, and which units nobody can have."""

    graph: Graph
    people: dict[int, Person] = field(default_factory=dict)
    of_unit: dict[int, int] = field(default_factory=dict)
    contested: set[int] = field(default_factory=set)
    pending: dict[int, int] = field(default_factory=dict)  # unit -> tier, still without a person
    refused: set[tuple[int, int]] = field(default_factory=set)

    def of(self, node: int) -> int | None:
        """The person of an identifier."""
        return self.of_unit.get(self.graph.unit[node])


@dataclass(slots=True)
class _Offer:
    unit: int
    at: int
    direct: bool


def gather(graph: Graph) -> Persons:
    """Form the persons of a graph."""
    persons = Persons(graph)
    for unit, members in graph.members.items():
        tiers = [graph.rules[node].priority for node in members if graph.conducts(node)]
        if tiers and min(tiers) < len(TIERS):
            persons.pending[unit] = min(tiers)
    for tier in range(len(TIERS)):
        founded = _found(persons, tier)
        while founded:
            founded = _grow(persons, founded)
    return persons


def level_of(namespace: str) -> int:
    """0 for known persons, then what is known by e-mail only, by phone only, by a device only."""
    found = rule(namespace)
    return 0 if found.strong else min(found.priority - 2, 3)


def _found(persons: Persons, tier: int) -> list[int]:
    """Identifiers of one tier found a person each, or together when they may be one person."""
    units = {unit for unit, own in persons.pending.items() if own == tier}
    founded: list[int] = []
    for group in _bound(persons, units, tier):
        together = len(group) == 1 or _may_be_one(persons, group, tier)
        for company in [group] if together else [[unit] for unit in group]:
            name = company[0]
            persons.people[name] = Person(level=max(0, tier - 2))
            for unit in company:
                _join(persons, name, unit)
            founded.extend(company)
    return founded


def _bound(persons: Persons, units: set[int], tier: int) -> list[list[int]]:
    """The units of a tier in groups that direct links hold; between user ids only an alias does."""
    seen: set[int] = set()
    groups: list[list[int]] = []
    for start in units:
        if start in seen:
            continue
        seen.add(start)
        group = [start]
        for unit in group:
            for _, other, _, alias in _edges(persons.graph, unit):
                bound = persons.graph.unit[other]
                if bound in units and bound not in seen and (alias or tier > 0):
                    seen.add(bound)
                    group.append(bound)
        groups.append(group)
    return groups


def _may_be_one(persons: Persons, group: list[int], tier: int) -> bool:
    graph = persons.graph
    nodes = [node for unit in group for node in graph.members[unit]]
    if any(graph.barred(graph.members[unit], nodes) for unit in group):
        return False
    around = set(nodes)
    if tier == 0:  # an alias must not bring differing strong identifiers together
        around |= {
            other
            for unit in group
            for _, other, _, _ in _edges(graph, unit)
            if graph.rules[other].strong
        }
    counts = Counter(graph.nodes[node].namespace for node in around)
    return all(
        number <= (ALIASES if name == "user_id" and tier == 0 else rule(name).limit)
        for name, number in counts.items()
        if tier > 0 or rule(name).strong
    )


def _grow(persons: Persons, frontier: list[int]) -> list[int]:
    """One wave: what the units joined last reach. Gives the units that joined in this wave."""
    offers: dict[int, dict[int, _Offer]] = defaultdict(dict)
    for unit in frontier:
        name = persons.of_unit[unit]
        for node, other, at, _ in _edges(persons.graph, unit):
            target = persons.graph.unit[other]
            if target not in persons.pending or (name, target) in persons.refused:
                continue
            if _barred(persons, name, target):
                continue
            direct = persons.graph.rules[node].strong
            found = offers[target].setdefault(name, _Offer(target, at, direct))
            found.at, found.direct = min(found.at, at), found.direct or direct
    joined: list[int] = []
    to_person: dict[int, list[_Offer]] = defaultdict(list)
    for target, by_person in offers.items():
        if len(by_person) > 1:
            persons.contested.add(target)
            del persons.pending[target]
        else:
            for name, offer in by_person.items():
                to_person[name].append(offer)
    for name, made in to_person.items():
        joined.extend(_admit(persons, name, made))
    return joined


def _admit(persons: Persons, name: int, offers: list[_Offer]) -> list[int]:
    """Let those join that fit. Depends on the offers only, not on their order."""
    graph = persons.graph
    person = persons.people[name]
    bridged: Counter[str] = Counter()
    for offer in offers:
        if not offer.direct:
            bridged.update({graph.nodes[node].namespace for node in graph.members[offer.unit]})
    offers.sort(
        key=lambda offer: (
            not offer.direct,
            persons.pending[offer.unit],
            offer.at,
            min(graph.written(node) for node in graph.members[offer.unit]),
        )
    )
    joined: list[int] = []
    for offer in offers:
        wanted = Counter(graph.nodes[node].namespace for node in graph.members[offer.unit])
        if offer.direct:
            fits = all(person.counts[n] + k <= rule(n).limit for n, k in wanted.items())
        else:
            fits = all(person.counts[n] == 0 and bridged[n] == 1 for n in wanted)
        if fits and not _barred(persons, name, offer.unit):
            _join(persons, name, offer.unit)
            joined.append(offer.unit)
        else:
            persons.refused.add((name, offer.unit))
    return joined


def _join(persons: Persons, name: int, unit: int) -> None:
    graph, person = persons.graph, persons.people[name]
    persons.of_unit[unit] = name
    persons.pending.pop(unit, None)
    person.nodes.extend(graph.members[unit])
    person.counts.update(graph.nodes[node].namespace for node in graph.members[unit])


def _barred(persons: Persons, name: int, unit: int) -> bool:
    graph = persons.graph
    return bool(graph.cuts) and graph.barred(graph.members[unit], persons.people[name].nodes)


def _edges(graph: Graph, unit: int) -> Iterable[tuple[int, int, int, bool]]:
    """(from, to, at, alias) for the links of a unit to identifiers that are no devices."""
    for node in graph.members[unit]:
        if graph.rules[node].device or not graph.conducts(node):
            continue
        for other, at, alias in graph.near.get(node, ()):
            if graph.conducts(other) and not graph.rules[other].device:
                yield node, other, at, alias
