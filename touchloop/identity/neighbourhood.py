"""The part of the stored graph that a change can reach.

From the identifiers that changed, every link is followed, through everything that conducts. A
shared device is a wall: its own links are read, but what lies behind is only described (`beyond`),
because a change on this side cannot reach it as long as the device stays shared. When the
partition finds that a wall no longer is one, `widen` opens it and the partition is made anew.
A public thing is a wall for ever, and of its many links only as many are read as prove it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.identity import graph
from touchloop.identity.graph import CUT, STAFF, Beyond, Link, Node
from touchloop.identity.namespaces import rule


class Stored(NamedTuple):
    """Where an identifier stands in the database."""

    customer: int
    person: int
    state: str


@dataclass(slots=True)
class Neighbourhood:
    """Nodes inside with all their links, and what is known of those beyond the walls."""

    nodes: dict[int, Node] = field(default_factory=dict)
    links: dict[tuple[int, int, str], Link] = field(default_factory=dict)
    beyond: dict[int, Beyond] = field(default_factory=dict)
    stored: dict[int, Stored] = field(default_factory=dict)
    walls: dict[int, set[int]] = field(default_factory=dict)  # wall -> identifiers behind it


def load(conn: Connection, seeds: Iterable[int]) -> Neighbourhood:
    """Read the neighbourhood of these identifiers."""
    found = Neighbourhood()
    _spread(conn, found, set(seeds))
    return found


def widen(conn: Connection, found: Neighbourhood, walls: Iterable[int]) -> None:
    """Go on behind walls that have fallen."""
    behind: set[int] = set()
    for wall in walls:
        behind |= found.walls.pop(wall)
    _spread(conn, found, behind - found.nodes.keys())


def _spread(conn: Connection, found: Neighbourhood, frontier: set[int]) -> None:
    behind: set[int] = {id for ids in found.walls.values() for id in ids}
    while frontier:
        entered = _enter(conn, found, frontier)
        following: set[int] = set()
        for id, links in _links(conn, found, entered).items():
            kept = found.nodes[id]
            others = {link.b if link.a == id else link.a for link in links}
            decided = {
                link.b if link.a == id else link.a for link in links if link.kind in (STAFF, CUT)
            }
            for link in links:
                found.links[link.a, link.b, link.kind] = link
            following |= decided
            if kept.blocked or kept.public:
                continue
            if found.stored[id].state == "shared" and rule(kept.namespace).device:
                found.walls[id] = others
                behind |= others
            else:
                following |= others
        frontier = following - found.nodes.keys()
    _describe(conn, found, behind)


def _enter(conn: Connection, found: Neighbourhood, ids: set[int]) -> list[int]:
    rows = conn.execute(
        "SELECT id, namespace, value, state, customer_id, person_id FROM identifiers"
        " WHERE id = ANY(%s::bigint[])",
        (arrays.numbers(ids),),
    ).fetchall()
    for id, namespace, value, state, customer, person in rows:
        found.nodes[id] = Node(id, namespace, value, state == "blocked")
        found.stored[id] = Stored(customer, person, state)
        found.beyond.pop(id, None)
    return [row[0] for row in rows]


def _describe(conn: Connection, found: Neighbourhood, behind: set[int]) -> None:
    wanted = [id for id in behind if id not in found.nodes and id not in found.beyond]
    if not wanted:
        return
    rows = conn.execute(
        "SELECT i.id, i.customer_id, i.person_id, coalesce(p.namespace, i.namespace), i.namespace,"
        " i.state = 'ok' FROM identifiers i LEFT JOIN identifiers p ON p.id = i.person_id"
        " WHERE i.id = ANY(%s::bigint[])",
        (arrays.numbers(wanted),),
    )
    for id, *rest in rows:
        found.beyond[id] = Beyond(*rest)


def _links(conn: Connection, found: Neighbourhood, ids: list[int]) -> dict[int, list[Link]]:
    """All links of each, except for public things (see the module)."""
    whole: list[int] = []
    suspects: list[int] = []
    for id in ids:
        (whole if found.stored[id].state == "ok" else suspects).append(id)
    links: dict[int, list[Link]] = {id: [] for id in ids}
    if suspects:
        probed = _read(conn, _PROBE, suspects)
        for id in suspects:
            if len(probed[id]) < _enough():
                links[id] = probed[id]
            elif rule(found.nodes[id].namespace).device or _crowded(conn, found, id):
                found.nodes[id] = found.nodes[id]._replace(public=True)
                links[id] = _read(conn, _DECIDED, [id])[id]
            else:
                whole.append(id)
    links.update(_read(conn, _ALL, whole))
    return links


def _crowded(conn: Connection, found: Neighbourhood, id: int) -> bool:
    """Whether an identifier that is no device has too many neighbours that are none either."""
    rows = conn.execute(_NEIGHBOURS, {"id": id, "enough": graph.PUBLIC_AFTER + 1}).fetchall()
    return len(rows) > graph.PUBLIC_AFTER


def _enough() -> int:
    """So many rows can only be more neighbours than a thing may have that is not public."""
    return 5 * (graph.PUBLIC_AFTER + 1)


def _read(conn: Connection, sql: str, ids: list[int]) -> dict[int, list[Link]]:
    links: dict[int, list[Link]] = defaultdict(list, {id: [] for id in ids})
    if ids:
        arguments: dict[str, Any] = {"ids": arrays.numbers(ids), "enough": _enough()}
        for id, a, b, kind, at in conn.execute(sql, arguments):
            links[id].append(Link(a, b, kind, clock.micros(at)))
    return links


_OWN = """
    SELECT a_id, b_id, kind, created_at FROM links WHERE a_id = f.id AND undone_at IS NULL {more}
    UNION ALL
    SELECT a_id, b_id, kind, created_at FROM links WHERE b_id = f.id AND undone_at IS NULL {more}
"""
_EACH = "SELECT f.id, l.* FROM unnest(%(ids)s::bigint[]) f(id) CROSS JOIN LATERAL ({own}) l"
_ALL = _EACH.format(own=_OWN.format(more=""))
_PROBE = _EACH.format(own=_OWN.format(more="") + " LIMIT %(enough)s")
_DECIDED = _EACH.format(own=_OWN.format(more="AND kind IN ('staff', 'cut')"))
_NEIGHBOURS = """
    SELECT DISTINCT n.id
      FROM (SELECT b_id AS id FROM links WHERE a_id = %(id)s AND kind NOT IN ('staff', 'cut')
            UNION ALL
            SELECT a_id FROM links WHERE b_id = %(id)s AND kind NOT IN ('staff', 'cut')) l
      JOIN identifiers n ON n.id = l.id AND n.namespace NOT IN ('anonymous_id', 'device')
     LIMIT %(enough)s
"""
