"""What the staff decides: merge, set apart, block, answer a suggestion, and undo any of it.

A decision is a link of kind staff or cut; it overrides what messages say, and a later decision
overrides an earlier one. Undoing withdraws the decision. A merge that happened by itself is undone
by deciding against it: the links that cross are cut, so that the customers before it are restored
and stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import LiteralString

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity.graph import CUT, STAFF
from touchloop.identity.recompute import Cause, lock, preview, recompute

Pair = tuple[int, int]
Decision = tuple[str, int]  # ("made" | "withdrawn", link) or ("blocked" | "unblocked", identifier)


@dataclass(frozen=True, slots=True)
class Decided:
    """The operation that was logged, and the customers that are not as before."""

    operation_id: int
    customer_ids: tuple[int, ...]


def merge(conn: Connection, one: int, other: int, *, actor_id: int, reason: str) -> Decided:
    """Two customers (by any identifier of each) are one."""
    with conn.transaction():
        lock(conn)
        a, b = _leader(conn, one), _leader(conn, other)
        if a == b:
            raise Invalid("customer", "both are the same customer already")
        cause = _cause("staff_merge", actor_id, reason)
        return _apply(conn, cause, _decide(conn, [(a, b)], STAFF, cause))


def separate(conn: Connection, identifier: int, *, actor_id: int, reason: str) -> Decided:
    """An identifier does not belong to its customer."""
    with conn.transaction():
        lock(conn)
        leader = _leader(conn, identifier)
        beside = conn.execute(
            "SELECT id FROM identifiers WHERE customer_id = %(leader)s AND id <> %(id)s AND"
            " (id = %(leader)s OR id IN (SELECT a_id FROM links WHERE b_id = %(id)s UNION ALL"
            " SELECT b_id FROM links WHERE a_id = %(id)s))",
            {"id": identifier, "leader": leader},
        ).fetchall()
        if not beside:
            raise Invalid("identifier", "this customer has no other identifier")
        cause = _cause("cut", actor_id, reason)
        pairs = [(identifier, row[0]) for row in beside]
        return _apply(conn, cause, _decide(conn, pairs, CUT, cause))


def block(
    conn: Connection, identifier: int, *, blocked: bool, actor_id: int, reason: str
) -> Decided:
    """An identifier names nobody (or, taken back, does): it holds nothing together any more."""
    with conn.transaction():
        lock(conn)
        _leader(conn, identifier)
        cause = _cause("cut" if blocked else "undo", actor_id, reason)
        what = "blocked" if blocked else "unblocked"
        _set_state(conn, what, [identifier])
        return _apply(conn, cause, [(what, identifier)])


def answer(
    conn: Connection, suggestion: int, *, accept: bool, actor_id: int | None, reason: str = ""
) -> Decided:
    """Accept a suggestion (the two are one) or decline it (they never are by themselves).

    Without an actor it is a rule of the company that decides.
    """
    with conn.transaction():
        lock(conn)
        row = conn.execute(
            "UPDATE suggestions SET state = %s, decided_at = %s, decided_by = %s"
            " WHERE id = %s AND state = 'open' RETURNING a_id, b_id, reason",
            ("accepted" if accept else "declined", clock.now(), actor_id, suggestion),
        ).fetchone()
        if row is None:
            raise NotFound("this suggestion is not open any more")
        cause = _cause("staff_merge" if accept else "cut", actor_id, reason or row[2])
        return _apply(conn, cause, _decide(conn, [row[:2]], STAFF if accept else CUT, cause))


def undo(conn: Connection, operation: int, *, actor_id: int, reason: str = "") -> Decided:
    """Restore the customers as they were before an operation."""
    with conn.transaction():
        lock(conn)
        row = conn.execute(
            "SELECT before, after, decisions, undone_by FROM merge_operations WHERE id = %s",
            (operation,),
        ).fetchone()
        if row is None:
            raise NotFound(f"there is no operation {operation}")
        before, after, decisions, undone_by = row
        if undone_by is not None:
            raise Invalid("operation", "this was undone already")
        cause = _cause("undo", actor_id, reason)
        if decisions:
            made = _reverse(conn, decisions, cause.at)
        else:
            made = _restore(conn, _groups(conn, before), _groups(conn, after), cause)
        decided = _apply(conn, cause, made)
        conn.execute(
            "UPDATE merge_operations SET undone_by = %s WHERE id = %s",
            (decided.operation_id, operation),
        )
        return decided


def _cause(kind: str, actor_id: int | None, reason: str) -> Cause:
    return Cause(clock.now(), kind, actor_id, reason)


def _leader(conn: Connection, identifier: int) -> int:
    row = conn.execute(
        "SELECT customer_id FROM identifiers WHERE id = %s", (identifier,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no identifier {identifier}")
    return int(row[0])


def _decide(conn: Connection, pairs: Iterable[Pair], kind: str, cause: Cause) -> list[Decision]:
    """Write links of the staff; one that is there already is decided anew."""
    wanted = sorted({(min(pair), max(pair)) for pair in pairs})
    rows = conn.execute(
        "INSERT INTO links (a_id, b_id, kind, source_id, created_at, actor_id, reason)"
        " SELECT a, b, %s, 0, %s, %s, %s FROM unnest(%s::bigint[], %s::bigint[]) p(a, b)"
        " ON CONFLICT (a_id, b_id, kind) DO UPDATE SET created_at = excluded.created_at,"
        " actor_id = excluded.actor_id, reason = excluded.reason, undone_at = NULL RETURNING id",
        (
            kind,
            cause.at,
            cause.actor_id,
            cause.reason,
            arrays.numbers(a for a, _ in wanted),
            arrays.numbers(b for _, b in wanted),
        ),
    )
    return [("made", row[0]) for row in rows.fetchall()]


def _apply(conn: Connection, cause: Cause, decisions: list[Decision]) -> Decided:
    """Recompute what the decisions reach, and log them as one operation."""
    links = arrays.numbers(id for what, id in decisions if what in ("made", "withdrawn"))
    reached = _ends(conn, "id = ANY(%(ids)s::bigint[])", {"ids": links})
    for what, id in decisions:
        if what in ("blocked", "unblocked"):
            reached |= {id} | _ends(conn, "a_id = %(id)s OR b_id = %(id)s", {"id": id})
    found = recompute(conn, reached, cause=replace(cause, decisions=tuple(decisions)))
    return Decided(found.operations[0], tuple(change.customer_id for change in found.touched))


def _set_state(conn: Connection, what: str, identifiers: list[int]) -> None:
    conn.execute(
        "UPDATE identifiers SET state = %s WHERE id = ANY(%s::bigint[])",
        ("blocked" if what == "blocked" else "ok", arrays.numbers(identifiers)),
    )


def _ends(conn: Connection, where: LiteralString, arguments: dict[str, object]) -> set[int]:
    rows = conn.execute(f"SELECT a_id, b_id FROM links WHERE {where}", arguments)
    return {end for row in rows for end in row}


def _reverse(conn: Connection, decisions: list[Decision], at: datetime) -> list[Decision]:
    """Withdraw what was decided, and let what was withdrawn hold again."""
    turned = [(_OPPOSITE[what], id) for what, id in decisions]
    for what, undone_at in (("withdrawn", at), ("made", None)):
        conn.execute(
            "UPDATE links SET undone_at = %s WHERE id = ANY(%s::bigint[])",
            (undone_at, arrays.numbers(id for said, id in turned if said == what)),
        )
    for what in ("blocked", "unblocked"):
        _set_state(conn, what, [id for said, id in turned if said == what])
    return turned


def _groups(conn: Connection, stored: dict[str, list[int]]) -> dict[int, list[int]]:
    """Customers of an operation without the identifiers that were erased meanwhile."""
    every = [id for ids in stored.values() for id in ids]
    rows = conn.execute(
        "SELECT id FROM identifiers WHERE id = ANY(%s::bigint[])", (arrays.numbers(every),)
    )
    there = {row[0] for row in rows}
    groups = {int(name): [id for id in ids if id in there] for name, ids in stored.items()}
    return {name if name in ids else ids[0]: ids for name, ids in groups.items() if ids}


def _restore(
    conn: Connection, before: dict[int, list[int]], after: dict[int, list[int]], cause: Cause
) -> list[Decision]:
    """Decide against what happened by itself: gently, and if that is not enough, thoroughly."""
    apart = _crossing(conn, before, after) | set(combinations(before, 2))
    together = {
        (name, id)
        for name, ids in before.items()
        for id in ids
        if id != name and _leader(conn, id) != _leader(conn, name)
    }
    made = _decide(conn, apart, CUT, cause) + _decide(conn, together, STAFF, cause)
    every = [id for ids in before.values() for id in ids]
    found = preview(conn, every)
    wanted = {frozenset(ids) for ids in before.values()}
    restored: dict[int, set[int]] = defaultdict(set)
    for id in every:
        restored[found.customer[id]].add(id)
    if {frozenset(ids) for ids in restored.values()} != wanted:
        whole = {(name, id) for name, ids in before.items() for id in ids if id != name}
        made += _decide(conn, whole - together, STAFF, cause)
    return made


def _crossing(
    conn: Connection, before: dict[int, list[int]], after: dict[int, list[int]]
) -> set[Pair]:
    """The links between the customers that were; newcomers go with whom they are closest to."""
    inside = {id for ids in (*before.values(), *after.values()) for id in ids}
    rows = conn.execute(
        "SELECT a_id, b_id FROM links WHERE kind NOT IN ('staff', 'cut')"
        " AND a_id = ANY(%(ids)s::bigint[]) AND b_id = ANY(%(ids)s::bigint[])",
        {"ids": arrays.numbers(inside)},
    )
    near: dict[int, list[int]] = defaultdict(list)
    for a, b in rows:
        near[a].append(b)
        near[b].append(a)
    side = {id: name for name, ids in sorted(before.items()) for id in ids}
    frontier = list(side)
    for id in frontier:
        for other in near[id]:
            if other not in side:
                side[other] = side[id]
                frontier.append(other)
    return {
        (id, other)
        for id, others in near.items()
        for other in others
        if id < other and side.get(id) != side.get(other)
    }


_OPPOSITE = {
    "made": "withdrawn",
    "withdrawn": "made",
    "blocked": "unblocked",
    "unblocked": "blocked",
}
