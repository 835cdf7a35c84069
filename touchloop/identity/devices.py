"""Second part of the partition: devices join the person they touch, and may bring a lead along.

A device that touches two known people is shared: it belongs to none of them and conducts nothing.
What is known by e-mail only yields to a known person; so a browser that signed up for a newsletter
and then logged in makes the address join, if the person has no other e-mail address and no second
address asks to join the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from touchloop.identity.graph import Graph
from touchloop.identity.namespaces import rule
from touchloop.identity.persons import Person, Persons, level_of


@dataclass(slots=True)
class Devices:
    """Where the devices went. A label below zero is a person outside of the graph."""

    owner: dict[int, int] = field(default_factory=dict)  # unit -> person
    shared: set[int] = field(default_factory=set)  # units
    touched: dict[int, set[int]] = field(default_factory=dict)  # shared unit -> who it touches
    groups: list[list[int]] = field(default_factory=list)  # units that nobody owns, together
    adopted: dict[int, int] = field(default_factory=dict)  # person -> person that has it now


def attach(persons: Persons) -> Devices:
    """Give the devices of a graph to its persons."""
    graph = persons.graph
    devices = Devices()
    free = [
        unit
        for unit, members in graph.members.items()
        if unit not in persons.of_unit
        and all(graph.rules[node].device for node in members)
        and any(graph.conducts(node) for node in members)
    ]
    offers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    unowned = set()
    for unit in free:
        touched = _touched(persons, unit)
        if len(touched) > 1:
            devices.shared.add(unit)
            devices.touched[unit] = set(touched)
        elif touched:
            for name, at in touched.items():
                offers[name].append((at, unit))
        else:
            unowned.add(unit)
    for name, made in offers.items():
        _admit(persons, devices, name, made)
    _settle(persons, devices, unowned)
    for level in (1, 2):
        _adopt(persons, devices, level)
    return devices


def has(devices: Devices, name: int) -> int:
    """The person that has this one after adoption."""
    while name in devices.adopted:
        name = devices.adopted[name]
    return name


def _touched(persons: Persons, unit: int) -> dict[int, int]:
    """The best known people that a device touches, each with the earliest time."""
    graph = persons.graph
    found: dict[int, tuple[int, int]] = {}
    for node in graph.members[unit]:
        if not graph.conducts(node):
            continue
        for other, at, _ in graph.near.get(node, ()):
            label, level = _person(persons, other)
            if label == 0:
                continue
            if label > 0 and graph.barred(graph.members[unit], persons.people[label].nodes):
                continue
            found[label] = (level, min(at, found[label][1]) if label in found else at)
    top = min((level for level, _ in found.values()), default=0)
    return {label: at for label, (level, at) in found.items() if level == top}


def _person(persons: Persons, node: int) -> tuple[int, int]:
    """(label, level) of the person of an identifier that is no device; (0, 0) for nobody."""
    graph = persons.graph
    if node in graph.nodes:
        name = None if graph.rules[node].device or not graph.conducts(node) else persons.of(node)
        return (name, persons.people[name].level) if name is not None else (0, 0)
    beyond = graph.beyond[node]
    if not beyond.ok or rule(beyond.namespace).device:
        return 0, 0
    return -beyond.person, level_of(beyond.person_namespace)


def _admit(persons: Persons, devices: Devices, name: int, offers: list[tuple[int, int]]) -> None:
    """The earliest devices join, up to the limit of their namespace."""
    graph = persons.graph
    person = persons.people.get(name)
    order = sorted(
        offers, key=lambda offer: (offer[0], min(map(graph.written, graph.members[offer[1]])))
    )
    for _, unit in order:
        if person is None:  # outside of this graph: whoever asked has to look further
            devices.owner[unit] = name
        elif _fits(graph, person, [unit]):
            _join(graph, devices, person, name, unit)
        else:
            devices.groups.append([unit])


def _settle(persons: Persons, devices: Devices, unowned: set[int]) -> None:
    """Devices that touch nobody themselves go with the devices they were seen on."""
    graph = persons.graph
    taken: list[tuple[int, list[int]]] = []
    seen: set[int] = set()
    for start in unowned:
        if start in seen:
            continue
        seen.add(start)
        group, owners = [start], set()
        for unit in group:
            for other in _devices_near(graph, unit):
                beside = graph.unit[other]
                if beside in unowned:
                    if beside not in seen:
                        seen.add(beside)
                        group.append(beside)
                else:
                    owners.add(devices.owner.get(beside, persons.of_unit.get(beside)))
        owners.discard(None)
        owner = owners.pop() if len(owners) == 1 else None
        if owner is None or owner < 0:
            devices.groups.append(group)
        else:
            taken.append((owner, group))
    _let_in(persons, devices, taken)


def _let_in(persons: Persons, devices: Devices, taken: list[tuple[int, list[int]]]) -> None:
    """Whole groups join, or stay whole. Smallest first, so that the order of arrival is nothing."""
    graph = persons.graph

    def order(entry: tuple[int, list[int]]) -> tuple[int, tuple[str, str]]:
        nodes = [node for unit in entry[1] for node in graph.members[unit]]
        return len(nodes), min(map(graph.written, nodes))

    for name, group in sorted(taken, key=order):
        person = persons.people[name]
        nodes = [node for unit in group for node in graph.members[unit]]
        if _fits(graph, person, group) and not graph.barred(nodes, person.nodes):
            for unit in group:
                _join(graph, devices, person, name, unit)
        else:
            devices.groups.append(group)


def _adopt(persons: Persons, devices: Devices, level: int) -> None:
    """Who is known by e-mail (then: by phone) only joins the one better known person nearby."""
    graph = persons.graph
    wishes: dict[int, list[int]] = defaultdict(list)
    for name, person in persons.people.items():
        if person.level != level:
            continue
        near = {
            has(devices, owner)
            for node in person.nodes
            for owner in _owners_near(persons, devices, node)
        }
        better = {other for other in near if persons.people[other].level < level}
        if len(better) == 1:
            adopter = better.pop()
            if not graph.barred(person.nodes, persons.people[adopter].nodes):
                wishes[adopter].append(name)
    for adopter, leads in wishes.items():
        asked: Counter[str] = Counter()
        for lead in leads:
            asked.update(set(_contacts(graph, persons.people[lead].nodes)))
        own = _contacts(graph, persons.people[adopter].nodes)
        for lead in leads:
            names = set(_contacts(graph, persons.people[lead].nodes))
            if all(own[name] == 0 and asked[name] == 1 for name in names):
                devices.adopted[lead] = adopter
        for lead in leads:
            if devices.adopted.get(lead) == adopter:
                persons.people[adopter].nodes.extend(persons.people[lead].nodes)


def _contacts(graph: Graph, nodes: Iterable[int]) -> Counter[str]:
    return Counter(graph.nodes[node].namespace for node in nodes if not graph.rules[node].device)


def _owners_near(persons: Persons, devices: Devices, node: int) -> Iterable[int]:
    graph = persons.graph
    if graph.rules[node].device or not graph.conducts(node):
        return
    for other, _, _ in graph.near.get(node, ()):
        if other in graph.nodes and graph.rules[other].device and graph.conducts(other):
            unit = graph.unit[other]
            owner = devices.owner.get(unit, persons.of_unit.get(unit))
            if owner is not None and owner > 0:
                yield owner


def _devices_near(graph: Graph, unit: int) -> Iterable[int]:
    for node in graph.members[unit]:
        if graph.conducts(node):
            for other, _, _ in graph.near.get(node, ()):
                if graph.conducts(other) and graph.rules[other].device:
                    yield other


def _fits(graph: Graph, person: Person, units: list[int]) -> bool:
    wanted = Counter(graph.nodes[node].namespace for unit in units for node in graph.members[unit])
    return all(person.counts[name] + number <= rule(name).limit for name, number in wanted.items())


def _join(graph: Graph, devices: Devices, person: Person, name: int, unit: int) -> None:
    devices.owner[unit] = name
    person.nodes.extend(graph.members[unit])
    person.counts.update(graph.nodes[node].namespace for node in graph.members[unit])
