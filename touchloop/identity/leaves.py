"""The commonest newcomer: a new browser or app of a person who is known.

It touches one person, so it joins that customer, and nobody else is concerned: a count of the
customer's devices is all that has to be read. Of a customer that has as many devices as may join
(a script that makes up an anonymous id for every message) a later one stays by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity.cluster import OK, Clustering
from touchloop.identity.graph import Node
from touchloop.identity.namespaces import rule

if TYPE_CHECKING:
    from touchloop.identity.storing import Newcomer, Origin, Pair


class Leaf(NamedTuple):
    """A new device and the one stored identifier that it was seen with, first at `at`."""

    id: int
    node: Node
    on: int
    at: int


@dataclass(slots=True)
class _Holder:
    customer: int
    ok: bool
    device: bool
    counts: Counter[str]
    people: int


def find_leaves(
    newcomers: Mapping[int, Newcomer], links: Mapping[Pair, Origin], reaching: Set[int]
) -> list[Leaf]:
    """The new devices of which every link goes to one stored identifier."""
    on: dict[int, set[int]] = defaultdict(set)
    at: dict[int, int] = {}
    for (a, b, _), origin in links.items():
        if a in reaching:
            for here, there in ((a, b), (b, a)):
                on[here].add(there)
                at[here] = min(origin.at, at.get(here, origin.at))
    return [
        Leaf(id, newcomers[id][0], next(iter(others)), at[id])
        for id, others in on.items()
        if id in newcomers
        and len(others) == 1
        and rule(newcomers[id][0].namespace).device
        and next(iter(others)) not in newcomers
    ]


def hang(conn: Connection, leaves: list[Leaf]) -> tuple[Clustering, set[int], list[Leaf]]:
    """Where leaves belong, the customers that got one, and those that need a closer look."""
    holders = _holders(conn, {leaf.on for leaf in leaves})
    latest = _Latest(conn)
    places, joined, others = Clustering(), set[int](), list[Leaf]()
    counts: dict[tuple[int, str], int] = {}
    for leaf in sorted(leaves, key=lambda leaf: (leaf.at, leaf.node.namespace, leaf.node.value)):
        holder, namespace = holders[leaf.on], leaf.node.namespace
        if holder.device:
            others.append(leaf)
            continue
        key = holder.customer, namespace
        taken = counts.setdefault(key, holder.counts[namespace])
        customer = leaf.id
        if holder.ok and taken < rule(namespace).limit:
            customer = holder.customer
            counts[key] += 1
            joined.add(customer)
        elif holder.ok and (holder.people > 1 or not latest.before(*key, leaf.at)):
            others.append(leaf)
            continue
        places.customer[leaf.id] = customer
        places.person[leaf.id] = 0
        places.state[leaf.id] = OK
    return places, joined, others


def _holders(conn: Connection, ids: set[int]) -> dict[int, _Holder]:
    rows = conn.execute(_HOLDERS, (arrays.numbers(ids),))
    return {
        id: _Holder(
            customer,
            state == "ok",
            rule(namespace).device,
            Counter(anonymous_id=anonymous, device=devices),
            people,
        )
        for id, customer, namespace, state, anonymous, devices, people in rows
    }


class _Latest:
    """When the last of a customer's devices was first seen with it, read once for each.

    None when one of them only came along with another device: it would have to give way.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.read: dict[tuple[int, str], int | None] = {}

    def before(self, customer: int, namespace: str, at: int) -> bool:
        """Whether all of them were seen before this time."""
        key = customer, namespace
        if key not in self.read:
            row = self.conn.execute(_LATEST, key).fetchone()
            self.read[key] = clock.micros(row[0]) if row and row[0] else None
        latest = self.read[key]
        return latest is not None and latest < at


_HOLDERS: LiteralString = """
SELECT m.id, m.customer_id, m.namespace, m.state, x.anonymous, x.devices, x.people
  FROM identifiers m
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE namespace = 'anonymous_id') AS anonymous,
              count(*) FILTER (WHERE namespace = 'device') AS devices,
              count(DISTINCT person_id) FILTER (WHERE person_id <> 0) AS people
         FROM identifiers WHERE customer_id = m.customer_id) x
 WHERE m.id = ANY(%s::bigint[])
"""
_LATEST: LiteralString = """
SELECT CASE WHEN bool_and(first IS NOT NULL) THEN max(first) END
  FROM (SELECT (SELECT min(l.created_at)
                  FROM (SELECT b_id AS other, created_at FROM links WHERE a_id = x.id UNION ALL
                        SELECT a_id, created_at FROM links WHERE b_id = x.id) l
                  JOIN identifiers o ON o.id = l.other AND o.customer_id = x.customer_id
                                    AND o.person_id <> 0) AS first
          FROM identifiers x WHERE x.customer_id = %s AND x.namespace = %s) y
"""
