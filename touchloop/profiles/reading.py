"""Reading one customer: the canonical row, its facts with source and age, its activity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from touchloop.core.db import Connection
from touchloop.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Fact:
    """A trait as it counts now: its value, who stands behind it, from where and since when."""

    name: str
    value: Any
    authority: int
    source_id: int
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """The canonical row with its activity."""

    id: int
    display_name: str
    email: str
    phone: str
    stage: str
    allowed: int
    created_at: datetime
    updated_at: datetime
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    interactions: int
    orders: int
    spend: float
    leader: tuple[str, str]  # namespace and value of the leading identifier
    facts: tuple[Fact, ...]


def customer(conn: Connection, id: int) -> Customer:
    """The customer that an id belongs to now; ids of merged customers resolve for ever."""
    row = conn.execute(_CUSTOMER, {"id": id}).fetchone()
    if row is None:
        raise NotFound("No customer has this number.")
    return Customer(*(*row[:13], (row[14], row[15]), _facts(conn, row)))


@dataclass(frozen=True, slots=True)
class Named:
    """What a link to a customer needs."""

    id: int
    display_name: str
    email: str
    leader: tuple[str, str]


def names(conn: Connection, ids: Sequence[int]) -> dict[int, Named]:
    """What customers (or the identifiers of customers) are called, by the ids given."""
    rows = conn.execute(_NAMES, {"ids": list(ids)}).fetchall()
    return {row[0]: Named(row[1], row[2], row[3], (row[4], row[5])) for row in rows}


def rivals(conn: Connection, subject_ids: Sequence[int], name: str) -> list[Fact]:
    """Every value that was given for one trait, the strongest first: what stands behind a fact."""
    rows = conn.execute(_RIVALS, {"subjects": list(subject_ids), "name": name}).fetchall()
    return [Fact(name, msgspec.json.decode(value), *rest) for value, *rest in rows]


def _facts(conn: Connection, row: tuple[Any, ...]) -> tuple[Fact, ...]:
    """The traits of a canonical row, with the origin of each; of one without, the row's time."""
    held: dict[str, dict[str, Any]] = msgspec.json.decode(row[13])
    origins = {name: rest for name, *rest in conn.execute(_ORIGINS, {"customer": row[0]})}
    return tuple(
        Fact(name, fact["v"], fact["a"], *origins.get(name, (0, "", row[7])))
        for name, fact in sorted(held.items())
    )


_CUSTOMER = """
SELECT c.id, c.display_name, c.email, c.phone, c.stage, c.allowed, c.created_at, c.updated_at,
       a.first_seen_at, a.last_seen_at, coalesce(a.interactions, 0), coalesce(a.orders, 0),
       coalesce(a.spend, 0), c.traits::text, l.namespace, l.value
FROM identifiers i JOIN customers c ON c.id = i.customer_id JOIN identifiers l ON l.id = c.id
LEFT JOIN activity a ON a.customer_id = c.id
WHERE i.id = %(id)s
"""

_NAMES = """
SELECT i.id, c.id, c.display_name, c.email, l.namespace, l.value
FROM identifiers i JOIN customers c ON c.id = i.customer_id JOIN identifiers l ON l.id = c.id
WHERE i.id = ANY(%(ids)s)
"""

# Of each trait the value that the fold takes.
_ORIGINS = """
SELECT DISTINCT ON (t.name) t.name, t.source_id, coalesce(s.name, ''), t.at
FROM identifiers i JOIN trait_values t ON t.subject_id = i.id
LEFT JOIN sources s ON s.id = t.source_id
WHERE i.customer_id = %(customer)s
ORDER BY t.name, t.authority DESC, t.at DESC, t.tie DESC
"""

_RIVALS = """
SELECT t.value::text, t.authority, t.source_id, coalesce(s.name, ''), t.at
FROM trait_values t LEFT JOIN sources s ON s.id = t.source_id
WHERE t.subject_id = ANY(%(subjects)s) AND t.name = %(name)s
ORDER BY t.authority DESC, t.at DESC, t.tie DESC
"""
