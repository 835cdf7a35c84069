"""From what messages claim about a person to the subject that each hangs on, a batch at a time.

When every identifier and link of the batch is known, nothing is locked and nothing written. Else
one short transaction, under the one lock of this room, stores what is new and recomputes the
neighbourhood. A newcomer that hangs on nothing stored (a new customer) is placed without reading
anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity import known
from touchloop.identity.cluster import Clustering, cluster
from touchloop.identity.graph import ALIAS, DECLARED, OBSERVED, Link, Node
from touchloop.identity.known import Key, Tie
from touchloop.identity.namespaces import normalise, rule
from touchloop.identity.recompute import Arrivals, Cause, Change, lock, open_suggestions, recompute

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one message says about who it is from: (namespace, raw value), strongest first.

    `declares`: the message states that these belong together (identify, alias) rather than merely
    carrying them. `previous` is the identifier that an alias gives up for the first of `ids`. The
    wire does not say of which kind it was: as an anonymous id, it also stands for the user id of
    the same value, if there ever is one.
    """

    ids: tuple[tuple[str, str], ...]
    declares: bool
    previous: tuple[str, str] | None
    source_id: int
    message_key: UUID | bytes | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """One subject per claim (0: nothing usable), and the customers that changed."""

    subjects: list[int]
    touched: list[Change]


@dataclass(slots=True)
class _Origin:
    """Where a new identifier or link was seen first."""

    at: int
    source_id: int
    message_key: UUID | bytes | None


def resolve(conn: Connection, claims: Sequence[Claim]) -> Resolution:
    """Find or make the subject of every claim.

    `conn` must not be in a transaction: what is stored here is committed before this returns, so
    that the lock is held briefly. What is stored depends on the set of claims ever made only, so a
    batch that is resolved again after a crash changes nothing.
    """
    with conn.transaction():
        subjects = known.settled(conn, ((_said(claim), claim.at) for claim in claims))
        if None not in subjects:
            return Resolution([subject or 0 for subject in subjects], [])
        news = [claim for claim, subject in zip(claims, subjects, strict=True) if subject is None]
        keys: dict[Key, _Origin] = {}
        ties: dict[Tie, _Origin] = {}
        usable = [_read(claim, keys, ties) for claim in news]
        ids = known.find(conn, keys)
        stored = len(ids) == len(keys) and not known.unknown(conn, ids, _times(ties))
    touched: list[Change] = []
    if not stored:
        ids, touched = _store(conn, keys, ties)
    found = iter([tuple([ids[key] for key in each]) for each in usable])
    for place, claim in enumerate(claims):
        if subjects[place] is None:
            own = next(found)
            subjects[place] = own[0] if own else 0
            known.settle(_said(claim), own, claim.at)
    return Resolution([subject or 0 for subject in subjects], touched)


def _said(claim: Claim) -> Hashable:
    """What of a claim decides about identifiers and links."""
    return claim.ids, claim.previous, claim.declares


def _read(claim: Claim, keys: dict[Key, _Origin], ties: dict[Tie, _Origin]) -> list[Key]:
    """Note the identifiers and links of a claim; gives its identifiers, the strongest first."""
    usable: list[Key] = []
    for namespace, raw in claim.ids:
        value = normalise(namespace, raw)
        if value is not None and (namespace, value) not in usable:
            usable.append((namespace, value))
    if len(usable) > 1:
        usable.sort(key=_priority)
    kinds = [DECLARED if claim.declares else OBSERVED] * len(usable)
    if claim.previous is not None:
        value = normalise(*claim.previous)
        if value is not None and (claim.previous[0], value) not in usable[:1]:
            usable.append((claim.previous[0], value))
            kinds.append(ALIAS)
    if usable:
        origin = _Origin(clock.micros(claim.at), claim.source_id, claim.message_key)
        center = usable[0]
        _note(keys, center, origin)
        for other, kind in zip(usable[1:], kinds[1:], strict=True):
            _note(keys, other, origin)
            _note(ties, _tie(center, other, kind), origin)
    return usable


def _tie(one: Key, other: Key, kind: str) -> Tie:
    return (one, other, kind) if one < other else (other, one, kind)


def _priority(key: Key) -> int:
    return rule(key[0]).priority


def _note(into: dict[_T, _Origin], key: _T, origin: _Origin) -> None:
    kept = into.get(key)
    if kept is None or origin.at < kept.at:
        into[key] = origin


def _times(ties: dict[Tie, _Origin]) -> dict[Tie, int]:
    return {tie: origin.at for tie, origin in ties.items()}


def _store(
    conn: Connection, keys: dict[Key, _Origin], ties: dict[Tie, _Origin]
) -> tuple[dict[Key, int], list[Change]]:
    with conn.transaction():
        lock(conn)
        ids = known.find(conn, keys)
        new_keys = [key for key in sorted(keys) if key not in ids]
        fresh = dict(zip(new_keys, _new_ids(conn, len(new_keys)), strict=True))
        ids |= fresh
        for tie, origin in _twins(conn, ids, fresh, ties).items():
            _note(ties, tie, origin)
        times = _times(ties)
        newcomers = {id: (Node(id, *key), keys[key]) for key, id in fresh.items()}
        links = {known.pair(ids, tie): ties[tie] for tie in known.unknown(conn, ids, times)}
        touched = _place(conn, newcomers, links)
    known.keep(ids, times)
    return ids, touched


def _twins(
    conn: Connection, ids: dict[Key, int], fresh: dict[Key, int], ties: dict[Tie, _Origin]
) -> dict[Tie, _Origin]:
    """Aliases that gave up an anonymous id for a user id, said of the user id of the same value.

    Both sides are looked at, so that it does not matter which came first: the alias (in `ties`) or
    the user id that has this value (in `fresh`).
    """
    found: dict[Tie, _Origin] = {}
    said: dict[Key, list[tuple[Key, _Origin]]] = defaultdict(list)
    for (one, other, kind), origin in ties.items():
        if kind == ALIAS and {one[0], other[0]} == {"user_id", "anonymous_id"}:
            former, user = sorted((one, other))
            said["user_id", former[1]].append((user, origin))
    there = known.find(conn, said.keys() - ids.keys())
    ids |= there
    for twin in said.keys() & ids.keys():
        for user, origin in said[twin]:
            if user != twin:
                _note(found, _tie(user, twin, ALIAS), origin)
    values = [value for namespace, value in fresh if namespace == "user_id"]
    if values:
        for value, user, at, source, key in conn.execute(_ALIASES, (arrays.texts(values),)):
            if user != value:
                ids |= known.find(conn, [("user_id", user)])
                tie = _tie(("user_id", user), ("user_id", value), ALIAS)
                _note(found, tie, _Origin(clock.micros(at), source, key))
    return found


def _place(
    conn: Connection,
    newcomers: dict[int, tuple[Node, _Origin]],
    links: dict[tuple[int, int, str], _Origin],
) -> list[Change]:
    """Store the newcomers where they belong and recompute what they reach."""
    reaching = _reaching(newcomers.keys(), links)
    among: list[Link] = []
    meeting: list[Link] = []
    for (a, b, kind), origin in links.items():
        link = Link(a, b, kind, origin.at)
        (meeting if a in reaching or b in reaching else among).append(link)
    nodes = {id: node for id, (node, _) in newcomers.items()}
    places = cluster({id: node for id, node in nodes.items() if id not in reaching}, among)
    now = clock.now()
    open_suggestions(conn, places.suggestions, now)
    touched: list[Change] = []
    if meeting:
        keys = {(a, b): _uuid(origin.message_key) for (a, b, _), origin in links.items()}
        arrivals = Arrivals({id: nodes[id] for id in reaching & nodes.keys()}, meeting, keys)
        outcome = recompute(conn, reaching - nodes.keys(), cause=Cause(now), arrivals=arrivals)
        touched = outcome.touched
        places.customer |= outcome.places.customer
        places.person |= outcome.places.person
        places.state |= outcome.places.state
    _insert_identifiers(conn, newcomers, places)
    _upsert_links(conn, links)
    return touched


def _reaching(newcomers: Set[int], links: Iterable[tuple[int, int, str]]) -> set[int]:
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
    conn: Connection, newcomers: dict[int, tuple[Node, _Origin]], places: Clustering
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


def _upsert_links(conn: Connection, links: dict[tuple[int, int, str], _Origin]) -> None:
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
