"""Where the identifiers of a customer came from, what holds them together, what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from touchloop.core import arrays
from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Tie:
    """A link seen from one identifier: to which other, why, since when, by whom.

    `holds` is False for a link to an identifier that belongs to another customer.
    """

    identifier_id: int
    namespace: str
    value: str
    kind: str
    at: datetime
    source_id: int
    message_key: UUID | None
    actor_id: int | None
    reason: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An identifier of a customer and its links, the ones that hold it first."""

    id: int
    namespace: str
    value: str
    state: str
    first_seen_at: datetime
    source_id: int
    leads: bool
    ties: tuple[Tie, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A logged change: {customer: identifiers} before and after."""

    id: int
    at: datetime
    kind: str
    actor_id: int | None
    reason: str
    before: dict[int, list[int]]
    after: dict[int, list[int]]
    message_key: UUID | None
    undone_by: int | None


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggestion with the evidence as (namespace, value); `more` is how many are not shown."""

    id: int
    a_id: int
    b_id: int
    reason: str
    evidence: tuple[tuple[str, str], ...]
    more: int
    state: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: int | None
    probability: float | None = None  # of matching, with what speaks for and against it
    words: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


def identifiers(conn: Connection, customer_id: int, *, limit: int = 500) -> list[Held]:
    """The identifiers of a customer, the leader first, then in the order they were seen."""
    rows = conn.execute(
        "SELECT id, namespace, value, state, first_seen_at, source_id, id = customer_id"
        " FROM identifiers WHERE customer_id = %s"
        " ORDER BY id = customer_id DESC, first_seen_at, id LIMIT %s",
        (customer_id, limit),
    ).fetchall()
    ties = _ties(conn, [row[0] for row in rows], customer_id)
    return [Held(*(*row, tuple(ties[row[0]]))) for row in rows]


def operations(
    conn: Connection, *, customer_id: int | None = None, limit: int = 50, before: int | None = None
) -> list[Operation]:
    """The latest operations, of everybody or of one customer; `before` is an id to page from."""
    rows = conn.execute(
        "SELECT id, at, kind, actor_id, reason, before, after, message_key, undone_by"
        " FROM merge_operations WHERE (%(customer)s::bigint IS NULL"
        " OR customer_ids @> ARRAY[%(customer)s::bigint])"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {"customer": customer_id, "before": before, "limit": limit},
    )
    return [_operation(row) for row in rows]


def suggestions(
    conn: Connection,
    *,
    state: str = "open",
    customer_id: int | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[Suggested]:
    """The latest suggestions in a state, of everybody or touching one customer."""
    rows = conn.execute(
        "SELECT id, a_id, b_id, reason, evidence, state, created_at, decided_at, decided_by"
        " FROM suggestions WHERE state = %(state)s AND (%(customer)s::bigint IS NULL"
        " OR a_id = %(customer)s OR b_id = %(customer)s)"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {"state": state, "customer": customer_id, "before": before, "limit": limit},
    )
    return [_suggested(row) for row in rows]


def merged_at(conn: Connection, customer_ids: Sequence[int]) -> dict[int, datetime]:
    """When customers were last composed of what had been several; the others are left out."""
    rows = conn.execute(
        "SELECT i.customer_id, max(m.at) FROM identifiers i"
        " JOIN merge_operations m ON m.customer_ids @> ARRAY[i.id]"
        " WHERE i.customer_id = ANY(%s::bigint[]) GROUP BY 1",
        (arrays.numbers(customer_ids),),
    )
    return {customer: at for customer, at in rows}


def count_suggestions(conn: Connection) -> int:
    """How many wait for a decision."""
    row = conn.execute("SELECT count(*) FROM suggestions WHERE state = 'open'").fetchone()
    return int(row[0]) if row else 0


def _ties(conn: Connection, ids: Sequence[int], customer_id: int) -> dict[int, list[Tie]]:
    ties: dict[int, list[Tie]] = defaultdict(list)
    for own, *tie in conn.execute(_TIES, {"ids": list(ids), "customer": customer_id}):
        ties[own].append(Tie(*tie))
    return ties


def _operation(row: tuple[Any, ...]) -> Operation:
    id, at, kind, actor, reason, before, after, key, undone_by = row
    old = {int(name): ids for name, ids in before.items()}
    new = {int(name): ids for name, ids in after.items()}
    return Operation(id, at, kind, actor, reason, old, new, key, undone_by)


def _suggested(row: tuple[Any, ...]) -> Suggested:
    id, a, b, reason, evidence, state, created_at, decided_at, decided_by = row
    shown = tuple((namespace, value) for namespace, value in evidence["identifiers"])
    return Suggested(
        id, a, b, reason, shown, evidence["count"] - len(shown), state, created_at, decided_at,
        decided_by, evidence.get("probability"), tuple(evidence.get("words", ())),
        tuple(evidence.get("against", ())),
    )  # fmt: skip


_TIES: LiteralString = """
    SELECT own.id, o.id, o.namespace, o.value, l.kind, l.created_at, l.source_id, l.message_key,
           l.actor_id, l.reason,
           l.kind <> 'cut' AND o.customer_id = %(customer)s AND NOT EXISTS (
             SELECT FROM links c WHERE c.a_id = l.a_id AND c.b_id = l.b_id AND c.kind = 'cut'
                AND c.undone_at IS NULL)
      FROM unnest(%(ids)s::bigint[]) own(id)
     CROSS JOIN LATERAL (
           (SELECT *, b_id AS other FROM links WHERE a_id = own.id AND undone_at IS NULL LIMIT 50)
           UNION ALL
           (SELECT *, a_id AS other FROM links WHERE b_id = own.id AND undone_at IS NULL LIMIT 50)
           ) l
      JOIN identifiers o ON o.id = l.other
     ORDER BY own.id, 11 DESC, l.created_at, l.id
"""
