"""Store what a batch brings that is new, under the lock, and compute what it changes.

Three kinds of newcomers are told apart, because they differ much in what has to be read: those that
hang on nothing stored (nothing), a device that hangs on one stored person (a count), and the rest
(the neighbourhood).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity import known
from touchloop.identity.cluster import OK, Clustering, cluster
from touchloop.identity.graph import ALIAS, Link, Node
from touchloop.identity.known import Key, Tie
from touchloop.identity.leaves import Leaf, find_leaves, hang
from touchloop.identity.namespaces import rule
from touchloop.identity.recompute import Arrivals, Cause, Change, lock, open_suggestions, recompute

_T = TypeVar("_T")
Pair = tuple[int, int, str]


@dataclass(slots=True)
class Origin:
    """Where a new identifier or link was seen first; `at` in microseconds."""

    at: int
    source_id: int
    message_key: UUID | bytes | None


Newcomer = tuple[Node, Origin]


def note(into: dict[_T, Origin], key: _T, origin: Origin) -> None:
    """Keep the earliest origin of each."""
    kept = into.get(key)
    if kept is None or origin.at < kept.at:
        into[key] = origin


def tie(one: Key, other: Key, kind: str) -> Tie:
    """A link between two keys, the same from both sides."""
    return (one, other, kind) if one < other else (other, one, kind)


def times(ties: dict[Tie, Origin]) -> dict[Tie, int]:
    """When each was seen first."""
    return {link: origin.at for link, origin in ties.items()}


def store(
    conn: Connection, keys: dict[Key, Origin], ties: dict[Tie, Origin]
) -> tuple[dict[Key, int], list[Change]]:
    with conn.transaction():
        lock(conn)
        ids = known.find(conn, keys)
        new_keys = [key for key in sorted(keys) if key not in ids]
        fresh = dict(zip(new_keys, _new_ids(conn, len(new_keys)), strict=True))
        ids |= fresh
        for twin, origin in _twins(conn, ids, fresh, ties).items():
            note(ties, twin, origin)
        seen = times(ties)
        newcomers = {id: (Node(id, *key), keys[key]) for key, id in fresh.items()}
        links = {known.pair(ids, new): ties[new] for new in known.unknown(conn, ids, seen)}
        touched = _place(conn, newcomers, links)
    known.keep(ids, seen)
    return ids, touched


def _twins(
    conn: Connection, ids: dict[Key, int], fresh: dict[Key, int], ties: dict[Tie, Origin]
) -> dict[Tie, Origin]:
    """Aliases that gave up an anonymous id for a user id, said of the user id of the same value.

    Both sides are looked at, so that it does not matter which came first: the alias (in `ties`) or
    the user id that has this value (in `fresh`).
    """
    found: dict[Tie, Origin] = {}
    said: dict[Key, list[tuple[Key, Origin]]] = defaultdict(list)
    for (one, other, kind), origin in ties.items():
        if kind == ALIAS and {one[0], other[0]} == {"user_id", "anonymous_id"}:
            former, user = sorted((one, other))
            said["user_id", former[1]].append((user, origin))
    there = known.find(conn, said.keys() - ids.keys())
    ids |= there
    for twin in said.keys() & ids.keys():
        for user, origin in said[twin]:
            if user != twin:
                note(found, tie(user, twin, ALIAS), origin)
    values = [value for namespace, value in fresh if namespace == "user_id"]
    if values:
        for value, user, at, source, key in conn.execute(_ALIASES, (arrays.texts(values),)):
            if user != value:
                ids |= known.find(conn, [("user_id", user)])
                alias = tie(("user_id", user), ("user_id", value), ALIAS)
                note(found, alias, Origin(clock.micros(at), source, key))
    return found


def _place(
    conn: Connection, newcomers: dict[int, Newcomer], links: dict[Pair, Origin]
) -> list[Change]:
    """Store the newcomers where they belong and recompute what they reach."""
    reaching = _reaching(newcomers.keys(), links)
    leaves = find_leaves(newcomers, links, reaching)
    hanging = {leaf.id for leaf in leaves}
    among: dict[Pair, Origin] = {}
    meeting: dict[Pair, Origin] = {}
    held: dict[Pair, Origin] = {}
    for pair, origin in links.items():
        if pair[0] not in reaching:
            among[pair] = origin
        else:
            (held if pair[0] in hanging or pair[1] in hanging else meeting)[pair] = origin
    alone = {id: new for id, new in newcomers.items() if id not in reaching}
    _insert_identifiers(conn, alone, _place_alone(conn, alone, among))
    _upsert_links(conn, among)
    return _meet(conn, newcomers, meeting) + _hang(conn, newcomers, leaves, held)


def _hang(
    conn: Connection, newcomers: dict[int, Newcomer], leaves: list[Leaf], links: dict[Pair, Origin]
) -> list[Change]:
    """Leaves, after everything else of the batch is stored: they only look at what is there."""
    if not leaves:
        return []
    places, joined, others = hang(conn, leaves)
    late = {leaf.id for leaf in others}
    rest = {pair: links[pair] for pair in links if pair[0] in late or pair[1] in late}
    _insert_identifiers(conn, {id: newcomers[id] for id in places.customer}, places)
    _upsert_links(conn, {pair: links[pair] for pair in links if pair not in rest})
    changes = [Change(customer, ()) for customer in sorted(joined)]
    return changes + _meet(conn, newcomers, rest)


def _place_alone(
    conn: Connection, newcomers: dict[int, Newcomer], links: dict[Pair, Origin]
) -> Clustering:
    """Newcomers that hang on nothing stored. Most are one identifier, or a pair."""
    degree = Counter(end for a, b, _ in links for end in (a, b))
    places = Clustering()
    done: set[int] = set()
    for id, (node, _) in newcomers.items():
        if id not in degree:
            _put(places, [node], node)
            done.add(id)
    for a, b, _ in links:
        if degree[a] == degree[b] == 1:
            pair = [newcomers[a][0], newcomers[b][0]]
            first, second = (rule(node.namespace).priority for node in pair)
            if first != second:
                _put(places, pair, pair[0] if first < second else pair[1])
                done |= {a, b}
    rest = {id: node for id, (node, _) in newcomers.items() if id not in done}
    if rest:
        found = cluster(rest, _drawn({pair: links[pair] for pair in links if pair[0] in rest}))
        open_suggestions(conn, found.suggestions, clock.now())
        _add(places, found)
    return places


def _meet(
    conn: Connection, newcomers: dict[int, Newcomer], links: dict[Pair, Origin]
) -> list[Change]:
    """Newcomers and links that reach what is stored: its neighbourhood is computed anew."""
    if not links:
        return []
    reached = {end for a, b, _ in links for end in (a, b)}
    nodes = {id: newcomers[id][0] for id in reached if id in newcomers}
    keys = {(a, b): _uuid(origin.message_key) for (a, b, _), origin in links.items()}
    outcome = recompute(
        conn,
        reached - nodes.keys(),
        cause=Cause(clock.now()),
        arrivals=Arrivals(nodes, _drawn(links), keys),
    )
    _insert_identifiers(conn, {id: newcomers[id] for id in nodes}, outcome.places)
    _upsert_links(conn, links)
    return outcome.touched


def _drawn(links: dict[Pair, Origin]) -> list[Link]:
    return [Link(a, b, kind, origin.at) for (a, b, kind), origin in links.items()]


def _put(places: Clustering, nodes: list[Node], leader: Node) -> None:
    for node in nodes:
        places.customer[node.id] = leader.id
        places.person[node.id] = 0 if rule(node.namespace).device else leader.id
        places.state[node.id] = OK


def _add(places: Clustering, more: Clustering) -> None:
    places.customer |= more.customer
    places.person |= more.person
    places.state |= more.state


def _reaching(newcomers: Set[int], links: Iterable[Pair]) -> set[int]:
    """The identifiers of these links that are, or hang on, something that is stored already."""
    near: dict[int, list[int]] = defaultdict(list)
    reached: list[int] = []
    for a, b, _ in links:
        near[a].append(b)
        near[b].append(a)
        reached.extend(end for end in (a, b) if end not in newcomers)
    seen = set(reached)
    for id in reached:
        for other in near[id]:
            if other not in seen:
                seen.add(other)
                reached.append(other)
    return seen


def _new_ids(conn: Connection, number: int) -> list[int]:
    if not number:
        return []
    rows = conn.execute(
        "SELECT nextval('identifiers_id_seq') FROM generate_series(1, %s)",
        (number,),
    )
    return [row[0] for row in rows]


def _insert_identifiers(
    conn: Connection, newcomers: dict[int, Newcomer], places: Clustering
) -> None:
    if not newcomers:
        return
    nodes = [node for node, _ in newcomers.values()]
    origins = [origin for _, origin in newcomers.values()]
    conn.execute(
        "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
        " first_seen_at, source_id) SELECT id, namespace, value, customer, person, state,"
        " 'epoch'::timestamptz + at * interval '1 microsecond', source"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],"
        " %s::bigint[], %s::int[]) n(id, namespace, value, customer, person, state, at, source)",
        (
            arrays.numbers(newcomers),
            arrays.texts(node.namespace for node in nodes),
            arrays.texts(node.value for node in nodes),
            arrays.numbers(places.customer[id] for id in newcomers),
            arrays.numbers(places.person[id] for id in newcomers),
            arrays.texts(places.state[id] for id in newcomers),
            arrays.numbers(origin.at for origin in origins),
            arrays.numbers(origin.source_id for origin in origins),
        ),
    )


def _upsert_links(conn: Connection, links: dict[Pair, Origin]) -> None:
    """A link that is stored already was seen earlier than it seemed: the time and source follow."""
    if not links:
        return
    conn.execute(
        "INSERT INTO links (a_id, b_id, kind, source_id, message_key, created_at)"
        " SELECT a, b, kind, source, key, 'epoch'::timestamptz + at * interval '1 microsecond'"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::uuid[], %s::bigint[])"
        " n(a, b, kind, source, key, at) ON CONFLICT (a_id, b_id, kind) DO UPDATE SET"
        " created_at = excluded.created_at, source_id = excluded.source_id,"
        " message_key = excluded.message_key WHERE excluded.created_at < links.created_at",
        (
            arrays.numbers(a for a, _, _ in links),
            arrays.numbers(b for _, b, _ in links),
            arrays.texts(kind for _, _, kind in links),
            arrays.numbers(origin.source_id for origin in links.values()),
            arrays.uuids(origin.message_key for origin in links.values()),
            arrays.numbers(origin.at for origin in links.values()),
        ),
    )


def _uuid(key: UUID | bytes | None) -> UUID | None:
    return UUID(bytes=key) if isinstance(key, bytes) else key


_ALIASES = """
    SELECT former.value, u.value, l.created_at, l.source_id, l.message_key
      FROM unnest(%s::text[]) w(value)
      JOIN identifiers former ON former.namespace = 'anonymous_id' AND former.value = w.value
      JOIN LATERAL (SELECT * FROM links WHERE a_id = former.id AND kind = 'alias' UNION ALL
                    SELECT * FROM links WHERE b_id = former.id AND kind = 'alias') l ON true
      JOIN identifiers u ON u.id = l.a_id + l.b_id - former.id AND u.namespace = 'user_id'
"""
