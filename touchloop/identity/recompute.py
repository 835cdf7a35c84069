"""Bring the stored partition of a neighbourhood in line with its links.

Everything that changes the graph ends here, under one lock for the whole database, so that what is
stored is at every commit the function of all links that are stored.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from touchloop.core import arrays, locks
from touchloop.core.db import Connection
from touchloop.identity import graph, neighbourhood, settling
from touchloop.identity.cluster import OK, Clustering, Suggestion, cluster
from touchloop.identity.graph import Link, Node
from touchloop.identity.namespaces import rule
from touchloop.identity.neighbourhood import Neighbourhood

ALIKE = "alike"  # the suggestions of matching: see alike.py

Partition = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class Change:
    """A customer that is not composed as before; `absorbed` are customers that ended in it."""

    customer_id: int
    absorbed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a partition changes, for the log of operations."""

    at: datetime
    kind: str | None = None  # None: merge or split, as it turns out
    actor_id: int | None = None
    reason: str = ""
    decisions: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Arrivals:
    """What is not stored yet: identifiers with (source, first seen), links with their message."""

    nodes: dict[int, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    keys: Mapping[tuple[int, int], UUID | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changed, where each new identifier belongs, and the operations that were logged."""

    touched: list[Change]
    places: Clustering
    operations: list[int]


def lock(conn: Connection, *, together: bool = False) -> None:
    """Wait until nobody else changes identities; held until the end of the transaction.

    `together` lets others in that ask for it too: for those who know of each other that they have
    no identifier in common.
    """
    shared = "_shared" if together else ""
    conn.execute(f"SELECT pg_advisory_xact_lock{shared}(%s)", (locks.IDENTITY,))


def recompute(
    conn: Connection, seeds: Iterable[int], *, cause: Cause, arrivals: Arrivals | None = None
) -> Outcome:
    """Recompute the neighbourhood of `seeds` and write what changed, except for the arrivals."""
    new = arrivals or Arrivals()
    found, places = _look(conn, seeds, new)
    _move(conn, found, places)
    _suggest(conn, found, places, cause.at)
    touched, changes = _changes(conn, found, places, new)
    if cause.kind is not None:  # one act of the staff is one operation, even if it moves nobody
        changes = [_united(changes)]
    operations = _log(conn, changes, new, cause)
    return Outcome(touched, places, operations)


def preview(conn: Connection, seeds: Iterable[int]) -> Clustering:
    """What `recompute` would make of the links that are stored now."""
    return _look(conn, seeds, Arrivals())[1]


def _look(
    conn: Connection, seeds: Iterable[int], new: Arrivals
) -> tuple[Neighbourhood, Clustering]:
    found = neighbourhood.load(conn, seeds)
    places = _partition(found, new)
    while fallen := [w for w in found.walls if places.state[w] == OK or _gathers(found, new, w)]:
        neighbourhood.widen(conn, found, fallen)
        places = _partition(found, new)
    return found, places


def _gathers(found: Neighbourhood, new: Arrivals, wall: int) -> bool:
    """Whether what a wall suggests about two customers behind it may have to change.

    It does when the people it touches become a crowd, or are one no longer. With more known people
    behind it than evidence may have, it was a crowd and stays one.
    """
    most = rule(found.nodes[wall].namespace).evidence_up_to
    behind = found.walls[wall]
    near = behind | {link.a + link.b - wall for link in new.links if wall in (link.a, link.b)}
    if len(near) <= min(most, graph.PUBLIC_AFTER):
        return False
    described = [found.beyond[id] for id in behind if id in found.beyond]
    people = {one.customer for one in described if one.ok and rule(one.person_namespace).strong}
    return len(people) <= most


def _partition(found: Neighbourhood, new: Arrivals) -> Clustering:
    nodes = found.nodes | new.nodes
    links = dict(found.links)
    for link in new.links:
        key = link.a, link.b, link.kind
        if key not in links or link.at < links[key].at:
            links[key] = link
    return cluster(nodes, links.values(), beyond=found.beyond)


def _move(conn: Connection, found: Neighbourhood, places: Clustering) -> None:
    moved = [
        (id, places.customer[id], places.person[id], places.state[id])
        for id, stored in found.stored.items()
        if stored != (places.customer[id], places.person[id], places.state[id])
    ]
    if moved:
        conn.execute(
            "UPDATE identifiers i SET customer_id = m.customer, person_id = m.person,"
            " state = m.state FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
            " m(id, customer, person, state) WHERE i.id = m.id",
            (
                arrays.numbers(row[0] for row in moved),
                arrays.numbers(row[1] for row in moved),
                arrays.numbers(row[2] for row in moved),
                arrays.texts(row[3] for row in moved),
            ),
        )


def _changes(
    conn: Connection, found: Neighbourhood, places: Clustering, new: Arrivals
) -> tuple[list[Change], list[tuple[Partition, Partition]]]:
    """The customers that changed, and those whose change is more than a newcomer, in groups."""
    before: Partition = defaultdict(list)
    after: Partition = defaultdict(list)
    for id, stored in found.stored.items():
        before[stored.customer].append(id)
        after[places.customer[id]].append(id)
    grown: Partition = {name: list(ids) for name, ids in after.items()}
    for id in new.nodes:
        grown.setdefault(places.customer[id], []).append(id)
    touched = []
    for name, ids in grown.items():
        old = {found.stored[id].customer for id in ids if id in found.stored}
        if old and sorted(ids) != sorted(before.get(name, [])):
            gone = (other for other in old if other != name and other not in grown)
            touched.append(Change(name, tuple(sorted(gone))))
    settling.note(conn, before, after)
    return touched, _regroupings(before, after, grown)


def _regroupings(
    before: Partition, after: Partition, grown: Partition
) -> list[tuple[Partition, Partition]]:
    """Old and new customers that overlap, group by group, where old ones came together or apart."""
    customer_of = {id: name for name, ids in after.items() for id in ids}
    holder_of = {id: name for name, ids in before.items() for id in ids}
    seen: set[int] = set()
    groups = []
    for start in before:
        if start in seen:
            continue
        seen.add(start)
        old, made = [start], []
        for name in old:
            for id in before[name]:
                if customer_of[id] not in made:
                    made.append(customer_of[id])
                    for other in after[customer_of[id]]:
                        if holder_of[other] not in seen:
                            seen.add(holder_of[other])
                            old.append(holder_of[other])
        if len(old) > 1 or len(made) > 1:
            groups.append(
                (
                    {name: sorted(before[name]) for name in old},
                    {name: sorted(grown[name]) for name in made},
                )
            )
    return groups


def _united(changes: list[tuple[Partition, Partition]]) -> tuple[Partition, Partition]:
    before: Partition = {}
    after: Partition = {}
    for old, made in changes:
        before |= old
        after |= made
    return before, after


def _log(
    conn: Connection, groups: list[tuple[Partition, Partition]], new: Arrivals, cause: Cause
) -> list[int]:
    if not groups:
        return []
    key_of = {id: key for pair, key in new.keys.items() if key for id in pair}
    rows = []
    for before, after in groups:
        keys = (key_of[id] for ids in after.values() for id in ids if id in key_of)
        kind = cause.kind or ("split" if len(after) > len(before) else "merge")
        names = sorted(before.keys() | after.keys())
        rows.append((kind, json.dumps(before), json.dumps(after), next(keys, None), names))
    made = conn.execute(
        "INSERT INTO merge_operations"
        " (at, kind, actor_id, reason, before, after, message_key, customer_ids, decisions)"
        " SELECT %s, kind, %s, %s, before, after, key,"
        "        ARRAY(SELECT jsonb_array_elements_text(names)::bigint), %s"
        " FROM unnest(%s::text[], %s::jsonb[], %s::jsonb[], %s::uuid[], %s::jsonb[])"
        "      m(kind, before, after, key, names) RETURNING id",
        (
            cause.at,
            cause.actor_id,
            cause.reason,
            json.dumps(cause.decisions),
            arrays.texts(row[0] for row in rows),
            arrays.texts(row[1] for row in rows),
            arrays.texts(row[2] for row in rows),
            arrays.uuids(row[3] for row in rows),
            arrays.texts(json.dumps(row[4]) for row in rows),
        ),
    )
    return [row[0] for row in made]


def _suggest(conn: Connection, found: Neighbourhood, places: Clustering, now: datetime) -> None:
    """Open the suggestions that hold now, close those that no longer do."""
    customers = {stored.customer for stored in found.stored.values()}
    customers |= set(places.customer.values())
    rows = conn.execute(
        "SELECT a_id, b_id, reason, evidence, state FROM suggestions"
        " WHERE a_id = ANY(%(ids)s::bigint[]) OR b_id = ANY(%(ids)s::bigint[])",
        {"ids": arrays.numbers(customers)},
    ).fetchall()
    held = {(a, b, reason): (evidence, state) for a, b, reason, evidence, state in rows}
    wanted = {(s.a, s.b, s.reason): _evidence(s) for s in places.suggestions}
    gone = customers - set(places.customer.values())
    stale = [
        key
        for key, (_, state) in held.items()
        if state == "open"
        and key not in wanted
        and (key[2] != ALIKE or not gone.isdisjoint(key[:2]))  # no function of the links
    ]
    fresh = {key for key in wanted if held.get(key) != (wanted[key], "open")}
    if stale:
        conn.execute(
            "DELETE FROM suggestions s USING unnest(%s::bigint[], %s::bigint[], %s::text[])"
            " d(a, b, reason) WHERE s.a_id = d.a AND s.b_id = d.b AND s.reason = d.reason",
            [list(column) for column in zip(*stale, strict=True)],
        )
    open_suggestions(conn, [s for s in places.suggestions if s[:3] in fresh], now)


def open_suggestions(conn: Connection, made: Iterable[Suggestion], now: datetime) -> None:
    """Put these before the staff, again if they had been decided."""
    rows = [(s.a, s.b, s.reason, json.dumps(_evidence(s))) for s in made]
    if not rows:
        return
    conn.execute(
        "INSERT INTO suggestions (a_id, b_id, reason, evidence, state, created_at)"
        " SELECT a, b, reason, evidence, 'open', %s"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::jsonb[])"
        "      n(a, b, reason, evidence)"
        " ON CONFLICT (a_id, b_id, reason) DO UPDATE SET evidence = excluded.evidence,"
        " state = 'open', decided_at = NULL, decided_by = NULL",
        (now, *(list(column) for column in zip(*rows, strict=True))),
    )


def _evidence(suggestion: Suggestion) -> dict[str, object]:
    shown = [list(pair) for pair in suggestion.evidence[:10]]
    return {"identifiers": shown, "count": len(suggestion.evidence)}
