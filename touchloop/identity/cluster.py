"""Who is one customer: a pure function of the set of identifiers and links.

Nothing here knows in which order links arrived or which worker wrote them. Ids name nodes and
break the tie for the leader; no decision depends on them. The reasoning, and why the function may
be computed for the neighbourhood of a change alone, is in
docs/decisions/0006-identity-is-a-function-of-the-set.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from touchloop.identity import devices as devices_
from touchloop.identity import graph as graphs
from touchloop.identity import persons as persons_
from touchloop.identity.devices import Devices
from touchloop.identity.graph import CUT, STAFF, Beyond, Graph, Link, Node, draw
from touchloop.identity.namespaces import rule
from touchloop.identity.persons import Persons, level_of

OK = "ok"
SHARED = "shared"
BLOCKED = "blocked"


class Suggestion(NamedTuple):
    """Two customers (by their leaders, the smaller first) that may be one, and the evidence."""

    a: int
    b: int
    reason: str
    evidence: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Clustering:
    """The partition. `customer` and `person` map an identifier to a leader.

    `person` is the leader before devices and what they bring; 0 for devices.
    """

    customer: dict[int, int] = field(default_factory=dict)
    person: dict[int, int] = field(default_factory=dict)
    state: dict[int, str] = field(default_factory=dict)
    suggestions: set[Suggestion] = field(default_factory=set)


def cluster(
    nodes: Mapping[int, Node],
    links: Iterable[Link],
    *,
    beyond: Mapping[int, Beyond] | None = None,
) -> Clustering:
    """Partition the nodes. `beyond` describes the far ends of links that leave the nodes."""
    result = Clustering()
    outside = beyond or {}
    for part, inside in _components(nodes, links):
        if not _star(part, inside, result):
            _partition(draw(part, inside, outside), result)
    return result


def leader(nodes: Iterable[Node]) -> Node:
    """The identifier that stands for a customer: the strongest namespace, then the oldest."""
    return min(nodes, key=lambda node: (rule(node.namespace).priority, node.id))


def _components(
    nodes: Mapping[int, Node], links: Iterable[Link]
) -> Iterable[tuple[dict[int, Node], list[Link]]]:
    """The parts that no link joins, each with its links."""
    above = {id: id for id in nodes}

    def top(id: int) -> int:
        while above[id] != id:
            above[id] = id = above[above[id]]
        return id

    links = list(links)
    for a, b, _, _ in links:
        if a in above and b in above:
            above[top(a)] = top(b)
    parts: dict[int, tuple[dict[int, Node], list[Link]]] = defaultdict(lambda: ({}, []))
    for id, node in nodes.items():
        parts[top(id)][0][id] = node
    for link in links:
        if link.a in above or link.b in above:
            parts[top(link.a if link.a in above else link.b)][1].append(link)
    return parts.values()


def _star(nodes: dict[int, Node], links: list[Link], result: Clustering) -> bool:
    """The common case without any choice: everything hangs on the strongest identifier."""
    center = leader(nodes.values())
    own = rule(center.namespace)
    counts: Counter[str] = Counter()
    for node in nodes.values():
        if node.blocked or node.public:
            return False
        if node is not center and rule(node.namespace).priority <= own.priority:
            return False
        counts[node.namespace] += 1
    if len(nodes) > graphs.PUBLIC_AFTER or any(
        number > (rule(name).limit if own.strong or rule(name).device else 1)
        for name, number in counts.items()
    ):
        return False
    for a, b, kind, _ in links:
        hanging = center.id in (a, b) and a in nodes and b in nodes
        if not hanging or kind in (STAFF, CUT):
            return False
    for id, node in nodes.items():
        result.customer[id] = center.id
        result.person[id] = 0 if rule(node.namespace).device else center.id
        result.state[id] = OK
    return True


def _partition(graph: Graph, result: Clustering) -> None:
    persons = persons_.gather(graph)
    devices = devices_.attach(persons)
    people: dict[int, list[int]] = defaultdict(list)
    customers: dict[int, list[int]] = defaultdict(list)
    done: set[int] = set()
    for unit, name in persons.of_unit.items():
        people[name].extend(n for n in graph.members[unit] if not graph.rules[n].device)
        customers[devices_.has(devices, name)].extend(graph.members[unit])
        done.add(unit)
    for unit, name in devices.owner.items():
        if name > 0:
            customers[devices_.has(devices, name)].extend(graph.members[unit])
            done.add(unit)
    for group in devices.groups:
        customers[group[0]].extend(node for unit in group for node in graph.members[unit])
        done.update(group)
    for unit, members in graph.members.items():
        if unit not in done:
            customers[unit].extend(members)
    for id, node in graph.nodes.items():
        device = rule(node.namespace).device
        result.person[id] = 0 if device else id
        result.state[id] = _state(graph, persons, devices, id)
    _lead(graph, people, result.person)
    _lead(graph, customers, result.customer)
    _suggest(graph, persons, devices, result)


def _lead(graph: Graph, groups: Mapping[int, list[int]], into: dict[int, int]) -> None:
    for members in groups.values():
        name = leader(graph.nodes[node] for node in members).id
        into.update((node, name) for node in members)


def _state(graph: Graph, persons: Persons, devices: Devices, node: int) -> str:
    unit = graph.unit[node]
    if graph.nodes[node].blocked:
        return BLOCKED
    if node in graph.public or unit in persons.contested or unit in devices.shared:
        return SHARED
    return OK


def _suggest(graph: Graph, persons: Persons, devices: Devices, result: Clustering) -> None:
    """What might be one customer: whom a link still joins, and whom a shared identifier touches."""
    evidence: dict[tuple[int, int, str], set[tuple[str, str]]] = defaultdict(set)
    for id, node in graph.nodes.items():
        if result.state[id] == OK:
            for other, _, alias in graph.near.get(id, ()):
                if id < other and result.state.get(other) == OK:
                    pair = result.customer[id], result.customer[other]
                    reason = _reason(graph, id, other, alias)
                    found = evidence[min(pair), max(pair), reason]
                    found |= {(node.namespace, node.value), graph.written(other)}
        elif result.state[id] == SHARED and id not in graph.public:
            for pair in _touching(graph, persons, devices, result, id):
                evidence[*pair, f"shared_{rule(node.namespace).name}"].add(graph.written(id))
    members: dict[int, list[int]] = defaultdict(list)
    for id in graph.nodes:
        members[result.customer[id]].append(id)
    for (a, b, reason), found in evidence.items():
        if a != b and _may_suggest(graph, members, a, b):
            result.suggestions.add(Suggestion(a, b, reason, tuple(sorted(found))))


def _reason(graph: Graph, id: int, other: int, alias: bool) -> str:
    names = {graph.nodes[id].namespace, graph.nodes[other].namespace}
    if alias and names == {"user_id"}:
        return "alias"
    return "device" if any(rule(name).device for name in names) else "differing"


def _touching(
    graph: Graph, persons: Persons, devices: Devices, result: Clustering, id: int
) -> Iterable[tuple[int, int]]:
    """Pairs of customers that a shared identifier touches; none when it touches a crowd."""
    own = rule(graph.nodes[id].namespace)
    known = devices.touched.get(graph.unit[id])
    people = set()
    for other, _, _ in graph.near.get(id, ()):
        if other in graph.beyond:
            if known is not None and -graph.beyond[other].person in known:
                people.add(graph.beyond[other].customer)
        elif result.state[other] != OK or graph.rules[other].device:
            continue
        elif known is None or persons.of(other) in known:
            people.add(result.customer[other])
    if len(people) <= own.evidence_up_to:
        yield from combinations(sorted(people), 2)


def _may_suggest(graph: Graph, members: Mapping[int, list[int]], a: int, b: int) -> bool:
    """A suggestion is about two customers of whom more is known than a device."""
    inside = [name for name in (a, b) if name in graph.nodes]
    if not inside or any(level_of(graph.nodes[name].namespace) > 2 for name in inside):
        return False
    return not graph.barred(members[a], members[b])
