"""The graph that a partition is computed from: identifiers, the links between them, decisions.

`Graph` is made once for a component by `draw`. It holds the links that may conduct, in both
directions; the units, which are sets of identifiers that a person of the staff has put together;
and the cuts, pairs that a person has set apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from touchloop.identity.namespaces import DEVICE, Rule, rule

OBSERVED: Final = "observed"
DECLARED: Final = "declared"
ALIAS: Final = "alias"
STAFF: Final = "staff"
CUT: Final = "cut"

# More neighbours than this, and an identifier is a public thing: a kiosk, info@, a till's card.
PUBLIC_AFTER: Final = 50


class Node(NamedTuple):
    """An identifier."""

    id: int
    namespace: str
    value: str
    blocked: bool = False  # by the staff; a value that is blocked by rule never becomes a node
    public: bool = False  # known to have too many neighbours; they need not be there


class Link(NamedTuple):
    """A reason to put two identifiers together, or (cut) apart. `at` is in microseconds."""

    a: int
    b: int
    kind: str
    at: int


class Beyond(NamedTuple):
    """What is known of an identifier outside of the part of the graph that is computed."""

    customer: int
    person: int
    person_namespace: str
    namespace: str
    ok: bool


class Edge(NamedTuple):
    """One direction of a link that may conduct."""

    to: int
    at: int
    alias: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of the graph, ready to be partitioned."""

    nodes: Mapping[int, Node]
    beyond: Mapping[int, Beyond]
    rules: Mapping[int, Rule]
    near: Mapping[int, list[Edge]]
    unit: Mapping[int, int]
    members: Mapping[int, list[int]]
    cuts: Mapping[int, set[int]]
    public: frozenset[int]

    def conducts(self, node: int) -> bool:
        """Whether anything may be learnt about others through this identifier."""
        return node not in self.public and node in self.nodes and not self.nodes[node].blocked

    def barred(self, some: Iterable[int], others: Iterable[int]) -> bool:
        """Whether a person has set one of `some` apart from one of `others`."""
        if not self.cuts:
            return False
        apart = set(others)
        return any(not apart.isdisjoint(self.cuts[node]) for node in some if node in self.cuts)

    def written(self, node: int) -> tuple[str, str]:
        """An order of identifiers that does not depend on when they were stored."""
        return self.nodes[node].namespace, self.nodes[node].value


def draw(
    nodes: Mapping[int, Node],
    links: Iterable[Link],
    beyond: Mapping[int, Beyond],
) -> Graph:
    """Make the graph of these nodes and links."""
    links = list(links)
    unit, members, cuts = _decide(nodes, links)
    near: dict[int, list[Edge]] = defaultdict(list)
    degree: dict[int, set[int]] = defaultdict(set)
    rules = {id: rule(node.namespace) for id, node in nodes.items()}
    for a, b, kind, at in links:
        if kind in (STAFF, CUT):
            continue
        for here, there in ((a, b), (b, a)):
            if here not in nodes or not (there in nodes or there in beyond):
                continue
            if rules[here].device or not _is_device(there, rules, beyond):
                degree[here].add(there)
            if there not in cuts.get(here, ()):
                near[here].append(Edge(there, at, kind == ALIAS))
    crowds = {id for id, others in degree.items() if len(others) > PUBLIC_AFTER}
    public = frozenset(crowds | {id for id, node in nodes.items() if node.public})
    return Graph(nodes, beyond, rules, near, unit, members, cuts, public)


def _is_device(node: int, rules: Mapping[int, Rule], beyond: Mapping[int, Beyond]) -> bool:
    found = rules.get(node)
    return (found or rule(beyond[node].namespace)).kind == DEVICE


def _decide(
    nodes: Mapping[int, Node], links: list[Link]
) -> tuple[dict[int, int], dict[int, list[int]], dict[int, set[int]]]:
    """Weigh what the staff decided, the latest first: an older decision yields to a later one."""
    unit = {id: id for id in nodes}
    members = {id: [id] for id in nodes}
    cuts: dict[int, set[int]] = {}
    decisions = [link for link in links if link.kind in (STAFF, CUT)]
    for a, b, kind, _ in sorted(decisions, key=lambda link: (-link.at, link.kind)):
        if a not in nodes or b not in nodes:
            continue
        keep, give = unit[a], unit[b]
        if kind == CUT:
            if keep != give:
                cuts.setdefault(a, set()).add(b)
                cuts.setdefault(b, set()).add(a)
        elif keep != give and not _apart(members[keep], members[give], cuts):
            for node in members[give]:
                unit[node] = keep
            members[keep] = members[keep] + members.pop(give)
    return unit, members, cuts


def _apart(some: list[int], others: list[int], cuts: Mapping[int, set[int]]) -> bool:
    return any(other in cuts.get(node, ()) for node in some for other in others)
