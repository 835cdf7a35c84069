"""New customers, written in sets, a part at a time.

A part is one transaction. Identifiers are stored under identity's lock, so nobody else can store
the same meanwhile; whoever did so since the match is seen, and those people become intricate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import duckdb
import pyarrow as pa

from touchloop.collect.importing.mapping import Columns
from touchloop.collect.importing.sending import send
from touchloop.core.db import Connection
from touchloop.identity.api import lock
from touchloop.lake.api import copy_to_arrow
from touchloop.profiles.api import IMPORT

PART = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all rows of an import."""

    columns: Columns
    source_id: int
    at: datetime
    tie: UUID
    allowed: int  # what may be done with somebody of whom nothing else is known

    @property
    def stamp(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def traits(self) -> list[tuple[str, str]]:
        """(name, column of JSON) of every trait. An address is an identifier, and only that."""
        return [(name, f"t{number}") for number, (name, _) in enumerate(self.columns.traits)]

    def addresses(self) -> dict[str, str]:
        """The columns of the e-mail address and the phone number."""
        return {name: f"k{number}" for number, (name, _) in enumerate(self.columns.keys)}


def write_new(
    connection: duckdb.DuckDBPyConnection, conn: Connection, context: Context, *, after: int
) -> int:
    """Store the people of the table `part` as new customers; gives the last identifier made.

    `since` collects what others have stored after the match, which looked at identifiers up to
    `after`. People whom that concerns go to the table `late`, and are not written here.
    """
    lock(conn)
    _note_others(connection, conn, after)
    tests = " or ".join(
        f"k{number} in (select value from since where namespace = '{namespace}')"
        for number, (namespace, _) in enumerate(context.columns.keys)
    )
    connection.execute(f"insert into late select r from part where {tests}")
    last = _number(connection, conn, context.columns)
    _send_identifiers(connection, conn, context)
    _send_profiles(connection, conn, context)
    conn.commit()
    return last


def _note_others(connection: duckdb.DuckDBPyConnection, conn: Connection, after: int) -> None:
    schema = pa.schema([("namespace", pa.string()), ("value", pa.string())])
    query = "select namespace, value from identifiers where id > %s"
    connection.register("others", copy_to_arrow(conn, query, [after], schema))
    connection.execute("insert into since select * from others")
    connection.unregister("others")


def _number(connection: duckdb.DuckDBPyConnection, conn: Connection, columns: Columns) -> int:
    """fresh(…, n0, …, lead): an id for each identifier; the strongest of each person leads."""
    numbers = range(len(columns.keys))
    given = " + ".join(f"(k{n} is not null)::int" for n in numbers)
    connection.execute(
        f"create or replace temp table counted as select *, {given} as n from part"
        " where r not in (select r from late)"
    )
    [(wanted,)] = connection.execute("select coalesce(sum(n), 0) from counted").fetchall()
    first, last = _reserve(conn, int(wanted))
    before = [" + ".join(["0", *(f"(k{m} is not null)::int" for m in range(n))]) for n in numbers]
    ids = ", ".join(
        f"case when k{n} is not null then start + {before[n]} end as n{n}" for n in numbers
    )
    connection.execute(
        f"create or replace temp table fresh as select *, start as lead, {ids} from (select *,"
        f" {first} + sum(n) over (order by r rows unbounded preceding) - n as start from counted)"
    )
    return last


def _reserve(conn: Connection, number: int) -> tuple[int, int]:
    """A run of ids; nobody else takes any while identity's lock is held."""
    row = conn.execute(
        "select setval(s.name, nextval(s.name) + greatest(%(n)s, 1) - 1)"
        " from (select pg_get_serial_sequence('identifiers', 'id') as name) s",
        {"n": number},
    ).fetchone()
    assert row is not None
    return int(row[0]) - max(number, 1) + 1, int(row[0])


def _send_identifiers(
    connection: duckdb.DuckDBPyConnection, conn: Connection, context: Context
) -> None:
    stamp, source = context.stamp, context.source_id
    keys = list(enumerate(context.columns.keys))
    rows = " union all ".join(
        f"select n{n} as id, '{namespace}' as namespace, k{n} as value, lead, lead as person,"
        f" 'ok', '{stamp}', {source} from fresh where k{n} is not null"
        for n, (namespace, _) in keys
    )
    names = [*_IDENTIFIER]
    send(connection, f"{rows} order by namespace, value", conn, "identifiers", names)
    if len(keys) == 1:
        return
    links = " union all ".join(
        f"select lead as a, n{n} as b, 'declared', {source}, '{stamp}' from fresh"
        f" where k{n} is not null and n{n} <> lead"
        for n, _ in keys
    )
    names = ["a_id", "b_id", "kind", "source_id", "created_at"]
    send(connection, f"{links} order by a, b", conn, "links", names)


def _send_profiles(
    connection: duckdb.DuckDBPyConnection, conn: Connection, context: Context
) -> None:
    stamp, source, tie = context.stamp, context.source_id, context.tie
    values = " union all ".join(
        f"select lead, '{name}' as name, {IMPORT}, {column} as value, {source}, '{stamp}', '{tie}'"
        f" from fresh where {column} is not null"
        for name, column in context.traits()
    )
    names = ["subject_id", "name", "authority", "value", "source_id", "at", "tie"]
    send(connection, f"{values} order by lead, name", conn, "trait_values", names)
    conn.execute(_STAGE)
    send(
        connection,
        _customers(context),
        conn,
        "import_new",
        ["id", "name", "email", "phone", "traits"],
    )
    given = {"allowed": context.allowed, "now": context.at}
    conn.execute(_NEW_CUSTOMERS, given)
    conn.execute(_NEW_ACTIVITY, given)
    conn.execute(_NEW_REFRESHES, given)


def _customers(context: Context) -> str:
    """The canonical rows, as the fold would make them of these traits alone."""
    found = dict(context.traits())
    entry = f"""',"s":{context.source_id},"a":{IMPORT},"at":"{context.stamp}"}}'"""
    entries = ", ".join(
        f"""'"{name}":{{"v":' || {column} || {entry}""" for name, column in found.items()
    )

    def text(*names: str) -> str:
        cells = [f"json_extract_string({found[name]}, '$')" for name in names if name in found]
        return f"coalesce({', '.join([*cells, repr('')])})"

    email, phone = (context.addresses().get(name, "''") for name in ("email", "phone"))
    first, last = text("firstName", "first_name"), text("lastName", "last_name")
    name = f"coalesce(nullif({text('name')}, ''), trim(concat_ws(' ', {first}, {last})))"
    return (
        f"select lead, left({name}, 300), left({email}, 320), left({phone}, 40),"
        f" '{{' || concat_ws(',', {entries or repr('')}) || '}}' from fresh"
    )


_IDENTIFIER = (
    "id", "namespace", "value", "customer_id", "person_id", "state", "first_seen_at", "source_id",
)  # fmt: skip

_STAGE = """
create temp table if not exists import_new
  (id bigint, name text, email text, phone text, traits jsonb) on commit delete rows
"""

_NEW_CUSTOMERS = """
insert into customers
  (id, display_name, email, phone, traits, allowed, created_at, updated_at, search)
select id, coalesce(name, ''), coalesce(email, ''), coalesce(phone, ''), traits,
       %(allowed)s, %(now)s, %(now)s,
       to_tsvector('simple', concat_ws(' ', name, replace(email, '@', ' '), email))
from import_new order by id
"""

_NEW_ACTIVITY = """
insert into activity
  (customer_id, first_seen_at, last_seen_at, last_day, interactions, orders, spend)
select id, %(now)s, %(now)s, (%(now)s::timestamptz at time zone 'UTC')::date, 0, 0, 0
from import_new order by id
"""

_NEW_REFRESHES = """
insert into refreshes (customer_id, due_at, reason)
select id, %(now)s, 'import' from import_new order by id
on conflict (customer_id) do update set due_at = least(refreshes.due_at, excluded.due_at)
"""
