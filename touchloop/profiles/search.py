"""Finding customers: by any identifier, by name, or by what is known of them.

Lists come by most recent activity. Activity is indexed by hour, and by coarse steps of the spend,
so that its rows stay cheap to update; within an hour or a step the database sorts. Pages go by key,
never by offset. A list takes as long as the newest customers that fit are rare: what takes too long
raises Unavailable, and is a segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec
import psycopg

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, Unavailable
from touchloop.profiles.places import touchpoints_of

PATIENCE_MS = 3_000  # of one list
COUNTED_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class Among:
    """A subquery of customer ids that a room above supplies, with what it binds."""

    sql: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which customers. Every part given must hold; `only_at` is the reader's own scope."""

    stages: tuple[str, ...] = ()
    traits: tuple[tuple[str, str], ...] = ()
    seen_from: date | None = None
    seen_to: date | None = None
    spend_from: float | None = None
    spend_to: float | None = None
    orders_from: int | None = None
    orders_to: int | None = None
    locations: tuple[str, ...] = ()
    only_at: tuple[str, ...] | None = None
    among: tuple[Among, ...] = ()

    @property
    def narrows(self) -> bool:
        return self != Filter()


@dataclass(frozen=True, slots=True)
class Listed:
    """A customer as a list shows it."""

    id: int
    display_name: str
    email: str
    phone: str
    stage: str
    created_at: datetime
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    interactions: int
    orders: int
    spend: float
    leader: tuple[str, str] = ("", "")  # namespace and value of the leading identifier
    shown_traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers and the key to the next ones; None at the end."""

    rows: tuple[Listed, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many; `exact` is False for an estimate, or when counting stopped at the bound."""

    n: int
    exact: bool
    at_least: bool = False


def listing(
    conn: Connection,
    wanted: Filter,
    *,
    order: str = "-seen",
    after: str = "",
    limit: int = 50,
    traits: Sequence[str] = (),
) -> Page:
    """One page of customers, each with these `traits`. Raises Unavailable when it takes long."""
    sort, descending = SORTS.get(order.lstrip("-")), order.startswith("-")
    if sort is None:
        raise Invalid("order", f"must be one of {', '.join(SORTS)}")
    conditions, parameters = _conditions(conn, wanted)
    if after:
        conditions.append(Condition(sort.beyond(descending=descending), sort.reads))
        parameters["key"] = _key(after, sort)
    parameters |= {"limit": limit + 1, "shown": list(traits)}
    by = sort.by(descending=descending)
    chosen = _chosen(conditions, sort, by)
    query = _SELECT.format(chosen=chosen, by=by)
    with _patience(conn):
        found = conn.execute(query, parameters).fetchall()
    rows = tuple(_listed(row) for row in found[:limit])
    more = len(found) > limit
    return Page(rows, _encode(found[limit - 1], sort) if more else None)


def count(conn: Connection, wanted: Filter) -> Count:
    """How many customers fit: exact up to COUNTED_UP_TO, of everybody the database's estimate."""
    if not wanted.narrows:
        row = conn.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = 'customers'::regclass"
        ).fetchone()
        if row and row[0] > COUNTED_UP_TO:
            return Count(row[0], exact=False)
    conditions, parameters = _conditions(conn, wanted)
    query = (
        f"SELECT count(*) FROM (SELECT 1 {_ACTIVITY} {_KNOWN} {_where(conditions)}"
        " LIMIT %(limit)s) counted"
    )
    with _patience(conn):
        row = conn.execute(query, {**parameters, "limit": COUNTED_UP_TO + 1}).fetchone()
    n = int(row[0]) if row else 0
    return Count(min(n, COUNTED_UP_TO), exact=n <= COUNTED_UP_TO, at_least=n > COUNTED_UP_TO)


def traits_in_use(conn: Connection, *, sample: int = 500) -> list[str]:
    """Names of traits that the customers changed last carry, the most usual first."""
    rows = conn.execute(_TRAITS_IN_USE, {"sample": sample}).fetchall()
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Sort:
    """What the list is ordered by; the last part makes every place in it unique."""

    parts: tuple[str, ...]
    types: tuple[str, ...]
    places: tuple[int, ...]  # of the parts in _SELECT
    reads: Literal["activity", "customers"] = "activity"

    def by(self, *, descending: bool) -> str:
        way = "DESC" if descending else "ASC"
        return ", ".join(f"{part} {way}" for part in self.parts)

    def beyond(self, *, descending: bool) -> str:
        keys = (f"(%(key)s::text[])[{n + 1}]::{type}" for n, type in enumerate(self.types))
        return f"({', '.join(self.parts)}) {'<' if descending else '>'} ({', '.join(keys)})"


SORTS: dict[str, Sort] = {
    "seen": Sort(
        ("a.last_hour", "a.last_seen_at", "a.customer_id"),
        ("timestamptz", "timestamptz", "bigint"),
        (11, 7, 0),
    ),
    "since": Sort(("c.id",), ("bigint",), (0,), "customers"),
    "name": Sort(
        ('lower(c.display_name) COLLATE "C"', "c.id"), ("text", "bigint"), (12, 0), "customers"
    ),
    "spend": Sort(
        ("a.spend_step", "a.spend", "a.customer_id"),
        ("smallint", "float8", "bigint"),
        (16, 10, 0),
    ),
    "orders": Sort(("a.orders", "a.customer_id"), ("int", "bigint"), (9, 0)),
}

# The page's customers are chosen first; only theirs are the names and traits that are read.
_CHOSEN = "SELECT a.customer_id {source} {where} ORDER BY {by} LIMIT %(limit)s"
# By recency they are asked one after the other, and no more of them than the page needs: an hour
# has many customers, of whom only the keys are sorted.
_WALKED = """
SELECT a.customer_id FROM (
  SELECT customer_id, last_hour, last_seen_at FROM activity a {inside} ORDER BY {by} OFFSET 0
) a {known} {asked} ORDER BY {by} LIMIT %(limit)s
"""
_ACTIVITY = "FROM activity a"
_KNOWN = "JOIN customers c ON c.id = a.customer_id"
_SELECT = """
SELECT c.id, c.display_name, c.email, c.phone, c.stage, c.created_at, a.first_seen_at,
       a.last_seen_at, a.interactions, a.orders, a.spend, a.last_hour, lower(c.display_name),
       (SELECT jsonb_object_agg(n, c.traits -> n -> 'v') FROM unnest(%(shown)s::text[]) n
        WHERE c.traits ? n)::text, l.namespace, l.value, a.spend_step
FROM ({chosen}) k JOIN activity a USING (customer_id) JOIN customers c ON c.id = a.customer_id
JOIN identifiers l ON l.id = c.id ORDER BY {by}
"""

_PARTS = {
    "stages": "c.stage = ANY(%(stages)s)",
    "seen_from": "a.last_hour >= %(seen_from)s::date::timestamp AT TIME ZONE 'UTC'",
    "seen_to": "a.last_hour < (%(seen_to)s::date + 1)::timestamp AT TIME ZONE 'UTC'",
    "spend_from": "a.spend >= %(spend_from)s",
    "spend_to": "a.spend <= %(spend_to)s",
    "orders_from": "a.orders >= %(orders_from)s",
    "orders_to": "a.orders <= %(orders_to)s",
}
# Who came to a place. Few: they are looked up. Some: they are listed, and the customers are walked
# past the list. Many: each customer that is walked is asked. The last two are values, not joins:
# else the planner might read every customer there is.
_CAME = (
    "SELECT i.customer_id FROM visits v JOIN identifiers i ON i.id = v.subject_id"
    " WHERE v.touchpoint_id = ANY(%({name})s::int[])"
)
_AT_FEW = f"a.customer_id = ANY(ARRAY({_CAME}))"
_AT_SOME = f"(a.customer_id IN ({_CAME})) IS TRUE"
_AT_MANY = f"({_CAME} AND i.customer_id = a.customer_id LIMIT 1) IS NOT NULL"
_FEW, _SOME = 5_000, 20_000
_TRAIT = (
    "c.traits ? %(trait_name_{n})s"
    " AND lower(c.traits -> %(trait_name_{n})s ->> 'v') = lower(%(trait_value_{n})s)"
)


class Condition(NamedTuple):
    """A part of the question, and what it reads: activity, customers, or more than is cheap."""

    sql: str
    reads: Literal["activity", "customers", "more"]


def _conditions(conn: Connection, wanted: Filter) -> tuple[list[Condition], dict[str, Any]]:
    conditions: list[Condition] = []
    parameters: dict[str, Any] = {}
    for name, sql in _PARTS.items():
        value = getattr(wanted, name)
        if value is not None and value != ():
            conditions.append(Condition(sql, "customers" if name == "stages" else "activity"))
            parameters[name] = list(value) if isinstance(value, tuple) else value
    for n, (trait, value) in enumerate(wanted.traits):
        conditions.append(Condition(_TRAIT.format(n=n), "customers"))
        parameters |= {f"trait_name_{n}": trait, f"trait_value_{n}": value}
    for name, places in (("locations", wanted.locations or None), ("only_at", wanted.only_at)):
        if places is not None:
            parameters[name] = touchpoints_of(conn, places)
            conditions.append(_at(conn, name, parameters[name]))
    for part in wanted.among:
        conditions.append(Condition(f"a.customer_id IN ({part.sql})", "activity"))
        parameters |= part.parameters
    return conditions, parameters


def _at(conn: Connection, name: str, touchpoints: list[int]) -> Condition:
    row = conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM visits WHERE touchpoint_id = ANY(%s) LIMIT %s) v",
        (touchpoints, _SOME + 1),
    ).fetchone()
    came = row[0] if row else 0
    if came <= _FEW:
        return Condition(_AT_FEW.format(name=name), "activity")
    return Condition((_AT_SOME if came <= _SOME else _AT_MANY).format(name=name), "more")


def _where(conditions: Sequence[Condition]) -> str:
    return "WHERE " + " AND ".join(part.sql for part in conditions) if conditions else ""


def _chosen(conditions: Sequence[Condition], sort: Sort, by: str) -> str:
    """The page's customers in their order."""
    inside = [part for part in conditions if part.reads == "activity"]
    asked = [part for part in conditions if part.reads != "activity"]
    known = _KNOWN if any(part.reads == "customers" for part in asked) else ""
    if asked and sort.parts[0].startswith("a.last_hour"):
        return _WALKED.format(inside=_where(inside), known=known, asked=_where(asked), by=by)
    source = f"{_ACTIVITY} {_KNOWN if known or 'c.' in by else ''}"
    return _CHOSEN.format(source=source, where=_where(conditions), by=by)


def _listed(row: Sequence[Any]) -> Listed:
    shown = msgspec.json.decode(row[13]) if row[13] else {}
    return Listed(*(*row[:11], (row[14], row[15]), shown))


def _encode(row: Sequence[Any], sort: Sort) -> str:
    values = [row[place] for place in sort.places]
    texts = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return msgspec.json.encode(texts).decode()


def _key(after: str, sort: Sort) -> list[str]:
    try:
        key = msgspec.json.decode(after, type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Invalid("after", "is not a place in this list") from None
    if len(key) != len(sort.places) or any("\0" in part for part in key):
        raise Invalid("after", "is not a place in this list")
    return key


@contextmanager
def _patience(conn: Connection) -> Iterator[None]:
    """Give a query some time, and say it in words when that was not enough."""
    with conn.transaction():
        conn.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise Unavailable("this list reads too many customers") from None
        except (psycopg.errors.DataError, psycopg.errors.InvalidTextRepresentation):
            raise Invalid("filter", "holds a value that cannot be compared") from None
        conn.execute("SET LOCAL statement_timeout = DEFAULT")


_TRAITS_IN_USE = """
SELECT key FROM (SELECT traits FROM customers ORDER BY id DESC LIMIT %(sample)s) c,
  jsonb_object_keys(c.traits) AS key
GROUP BY key ORDER BY count(*) DESC, key LIMIT 60
"""
