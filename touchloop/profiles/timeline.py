"""The timeline: everything that happened between one customer and the company, newest first.

A customer is several subjects (its identifiers). Each subject's newest rows come from one index
range, and the page is cut from their merge, so a page costs the same whether the customer has ten
interactions or ten thousand. Bodies are read and parsed for the rows shown, and for no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

PAGE = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One interaction as a timeline shows it."""

    id: int
    subject_id: int
    occurred_at: datetime
    received_at: datetime
    type: str
    name: str
    channel: str
    location: str
    place: str
    stage: str
    outgoing: bool
    value: float | None
    uses: int
    source_id: int
    source: str
    body: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def traits(self) -> Mapping[str, Any]:
        found = self.body.get("traits")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Product:
    """One line of an order."""

    product_id: str
    name: str
    department: str
    category: str
    brand: str
    quantity: float | None
    price: float | None
    amount: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a timeline, and the key to what is older; None at its end."""

    items: tuple[Item, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class KindCount:
    """A kind of interaction that a timeline holds."""

    id: int
    type: str
    name: str


def page(
    conn: Connection,
    subject_ids: Sequence[int],
    *,
    kinds: Sequence[int] = (),
    channels: Sequence[str] = (),
    before: str = "",
    limit: int = PAGE,
) -> Part:
    """The newest interactions of these subjects, older than `before`."""
    at, id = _key(before)
    rows = conn.execute(
        _PAGE,
        {
            "subjects": list(subject_ids),
            "at": at,
            "id": id,
            "all_kinds": not kinds,
            "kinds": list(kinds),
            "all_channels": not channels,
            "channels": list(channels),
            "limit": limit + 1,
        },
    ).fetchall()
    items = tuple(_item(row) for row in rows[:limit])
    more = len(rows) > limit
    last = items[-1] if items else None
    return Part(items, f"{clock.micros(last.occurred_at)}.{last.id}" if more and last else None)


def one(conn: Connection, interaction_id: int) -> Item:
    """One interaction. Raises NotFound."""
    row = conn.execute(_ONE, {"id": interaction_id}).fetchone()
    if row is None:
        raise NotFound("This interaction is not in the log.")
    return _item(row)


def newer(conn: Connection, *, after_id: int, limit: int = 50) -> list[Item]:
    """What was written to the log after an id, newest first; for the live page."""
    rows = conn.execute(_NEWER, {"after": after_id, "limit": limit}).fetchall()
    return [_item(row) for row in rows]


def products(conn: Connection, interaction_id: int) -> list[Product]:
    """What an order held."""
    rows = conn.execute(
        "SELECT product_id, name, department, category, brand, quantity, price, amount"
        " FROM interaction_lines WHERE interaction_id = %s ORDER BY line",
        (interaction_id,),
    ).fetchall()
    return [Product(*row) for row in rows]


def kinds_and_channels(
    conn: Connection, subject_ids: Sequence[int]
) -> tuple[list[KindCount], list[str]]:
    """Kinds and channels among the latest interactions, for choosing from; the usual first."""
    rows = conn.execute(_CHOICES, {"subjects": list(subject_ids)}).fetchall()
    kinds = dict.fromkeys(KindCount(*row[:3]) for row in rows)
    return list(kinds), list(dict.fromkeys(row[3] for row in rows if row[3]))


def _item(row: Sequence[Any]) -> Item:
    return Item(*(*row[:15], _parsed(row[15])))


def _parsed(body: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _key(before: str) -> tuple[datetime | None, int | None]:
    if not before:
        return None, None
    at, dot, id = before.partition(".")
    if not (dot and at.lstrip("-").isdigit() and id.isdigit() and len(before) < 60):
        raise Invalid("before", "is not a place in a timeline")
    return clock.from_micros(int(at)), int(id)


_COLUMNS = """
SELECT x.id, x.subject_id, x.occurred_at, x.received_at, k.type, k.name, coalesce(t.channel, ''),
       coalesce(t.location, ''), coalesce(t.name, ''), coalesce(t.stage, ''), x.direction = 1,
       x.value, x.uses, x.source_id, coalesce(s.name, ''), x.body
"""
_NAMED = """
JOIN kinds k ON k.id = x.kind_id LEFT JOIN touchpoints t ON t.id = x.touchpoint_id
LEFT JOIN sources s ON s.id = x.source_id
"""

_PAGE = f"""
WITH newest AS MATERIALIZED (
  SELECT f.id, f.occurred_at FROM unnest(%(subjects)s::bigint[]) AS w(subject_id)
  CROSS JOIN LATERAL (
    SELECT i.id, i.occurred_at FROM interactions i
    WHERE i.subject_id = w.subject_id
      AND (%(at)s::timestamptz IS NULL OR i.occurred_at <= %(at)s::timestamptz)
      AND (%(at)s::timestamptz IS NULL
           OR (i.occurred_at, i.id) < (%(at)s::timestamptz, %(id)s::bigint))
      AND (%(all_kinds)s OR i.kind_id = ANY(%(kinds)s::int[]))
      AND (%(all_channels)s OR i.touchpoint_id IN (
        SELECT id FROM touchpoints WHERE channel = ANY(%(channels)s)))
    ORDER BY i.occurred_at DESC, i.id DESC LIMIT %(limit)s
  ) f ORDER BY f.occurred_at DESC, f.id DESC LIMIT %(limit)s
)
{_COLUMNS}
FROM newest n JOIN interactions x ON x.id = n.id {_NAMED}
ORDER BY x.occurred_at DESC, x.id DESC
"""

_ONE = f"{_COLUMNS} FROM interactions x {_NAMED} WHERE x.id = %(id)s"

_NEWER = f"""
{_COLUMNS} FROM (
  SELECT * FROM interactions WHERE id > %(after)s ORDER BY id DESC LIMIT %(limit)s
) x {_NAMED} ORDER BY x.id DESC
"""

_CHOICES = """
SELECT k.id, k.type, k.name, t.channel FROM (
  SELECT f.kind_id, f.touchpoint_id, count(*) AS n
  FROM unnest(%(subjects)s::bigint[]) AS w(subject_id)
  CROSS JOIN LATERAL (
    SELECT kind_id, touchpoint_id FROM interactions i WHERE i.subject_id = w.subject_id
    ORDER BY i.occurred_at DESC LIMIT 200
  ) f GROUP BY 1, 2
) l JOIN kinds k ON k.id = l.kind_id LEFT JOIN touchpoints t ON t.id = l.touchpoint_id
GROUP BY k.id, t.channel ORDER BY sum(l.n) DESC, k.name LIMIT 100
"""
