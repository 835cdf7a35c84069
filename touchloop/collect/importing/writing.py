"""New customers, written in sets, a part at a time.

A part is one transaction. Identifiers are stored under identity's lock, so nobody else can store
the same meanwhile; whoever did so since the match is seen, and those people become intricate. The
writers of one import hold that lock together: new people have no identifier in common.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import duckdb
import pyarrow as pa

from touchloop.collect.importing.mapping import Columns
from touchloop.collect.importing.sending import FLOAT8, INT2, INT8, JSONB, TEXT, Column, same, send
from touchloop.core.db import Connection
from touchloop.identity.api import lock
from touchloop.lake.api import copy_to_arrow
from touchloop.profiles.api import IMPORT

PART = 20_000
PART_BYTES = 64 << 20  # of text: an array of texts holds 2 GB, and each writer has several
_ALONE = 0x544C_494D  # "TLIM"


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


@dataclass(slots=True)
class Numbering:
    """The identifiers so far, for the writers of one import: one of them at a time looks on.

    Later ids than `after` are not known yet.
    """

    after: int
    turn: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def alone(conn: Connection) -> Iterator[None]:
    """One import at a time writes new customers; its own writers know of each other."""
    conn.execute("select pg_advisory_lock(%s)", (_ALONE,))
    conn.commit()
    try:
        yield
    finally:
        conn.execute("select pg_advisory_unlock(%s)", (_ALONE,))
        conn.commit()


def write_new(
    connection: duckdb.DuckDBPyConnection,
    conn: Connection,
    context: Context,
    numbering: Numbering,
) -> None:
    """Store the people of the table `part` as new customers.

    `since` collects what others have stored after the match. People whom that concerns go to the
    table `late`, and are not written here.
    """
    lock(conn, together=True)
    with numbering.turn:
        _note_others(connection, conn, numbering.after)
        tests = " or ".join(
            f"k{number} in (select value from since where namespace = '{namespace}')"
            for number, (namespace, _) in enumerate(context.columns.keys)
        )
        connection.execute(f"insert into late select r from part where {tests}")
        numbering.after = _number(connection, conn, context.columns)
    _send_identifiers(connection, conn, context)
    _send_profiles(connection, conn, context)
    conn.commit()


def _note_others(connection: duckdb.DuckDBPyConnection, conn: Connection, after: int) -> None:
    schema = pa.schema([("namespace", pa.string()), ("value", pa.string())])
    query = "select namespace, value from identifiers where id > %s"
    connection.register("others", copy_to_arrow(conn, query, [after], schema))
    connection.execute("insert into since select * from others")
    connection.unregister("others")


def _number(connection: duckdb.DuckDBPyConnection, conn: Connection, columns: Columns) -> int:
    """fresh(…, n0, …, lead), by lead: an id for each identifier; the strongest of a person leads.

    Gives the last id. Nobody else takes any meanwhile: see `lock` and `Numbering`.
    """
    numbers = range(len(columns.keys))
    given = " + ".join(f"(k{n} is not null)::int" for n in numbers)
    counted = f"(select *, {given} as n from part where r not in (select r from late))"
    [(wanted,)] = connection.execute(f"select coalesce(sum(n), 0) from {counted}").fetchall()
    first, last = _reserve(conn, int(wanted))
    before = [" + ".join(["0", *(f"(k{m} is not null)::int" for m in range(n))]) for n in numbers]
    ids = ", ".join(
        f"case when k{n} is not null then start + {before[n]} end as n{n}" for n in numbers
    )
    connection.execute(
        f"create or replace temp table fresh as select *, start as lead, {ids} from (select *,"
        f" ({first} + sum(n) over (order by r rows unbounded preceding) - n)::bigint as start"
        f" from {counted})"
    )
    return last


def _reserve(conn: Connection, number: int) -> tuple[int, int]:
    """A run of ids."""
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
    at, source = same(context.at), same(context.source_id)
    # In the order of their ids: two of the three indexes grow at one place then.
    rows = " union all ".join(
        f"select n{n} as id, '{namespace}' as namespace, k{n} as value, lead, lead from fresh"
        f" where k{n} is not null"
        for n, (namespace, _) in enumerate(context.columns.keys)
    )
    columns: dict[str, Column] = {
        "id": INT8, "namespace": TEXT, "value": TEXT, "customer_id": INT8, "person_id": INT8,
        "state": same("ok"), "first_seen_at": at, "source_id": source,
    }  # fmt: skip
    send(connection, f"{rows} order by id", conn, "identifiers", columns)
    links = " union all ".join(
        f"select lead as a, n{n} as b from fresh where n{n} <> lead"
        for n, _ in enumerate(context.columns.keys)
    )
    columns = {"a_id": INT8, "b_id": INT8, "kind": same("declared"), "source_id": source,
               "created_at": at}  # fmt: skip
    send(connection, f"{links} order by a, b", conn, "links", columns)


def _send_profiles(
    connection: duckdb.DuckDBPyConnection, conn: Connection, context: Context
) -> None:
    at = same(context.at)
    said = object_of(dict(context.traits()))
    rows = f"select lead, {said} as said from fresh where said <> '{{}}'"
    columns: dict[str, Column] = {
        "subject_id": INT8, "authority": same(IMPORT, INT2), "source_id": same(context.source_id),
        "at": at, "tie": same(context.tie), "traits": JSONB,
    }  # fmt: skip
    send(connection, rows, conn, "trait_statements", columns)
    columns = {"id": INT8, "display_name": TEXT, "email": TEXT, "phone": TEXT, "traits": JSONB,
               "allowed": same(context.allowed), "created_at": at, "updated_at": at}  # fmt: skip
    send(connection, _customers(context), conn, "customers", columns)
    leads = "select lead from fresh"
    columns = {"customer_id": INT8, "first_seen_at": at, "last_seen_at": at,
               "interactions": same(0), "orders": same(0), "spend": same(0, FLOAT8)}  # fmt: skip
    send(connection, leads, conn, "activity", columns)
    columns = {"customer_id": INT8, "due_at": at, "reason": same("import")}
    send(connection, leads, conn, "refreshes", columns)


def object_of(entries: Mapping[str, str]) -> str:
    """SQL: a JSON object of these columns of JSON, by key, without those that are null."""
    listed = ", ".join(f"""'"{name}":' || {value}""" for name, value in entries.items())
    return f"'{{' || concat_ws(',', {listed or repr('')}) || '}}'"


def _customers(context: Context) -> str:
    """The canonical rows, as the fold would make them of these traits alone."""
    found = dict(context.traits())
    entry = f"""',"a":{IMPORT}}}'"""
    traits = object_of({name: f"""'{{"v":' || {cell} || {entry}""" for name, cell in found.items()})

    def text(*names: str) -> str:
        cells = [f"json_extract_string({found[name]}, '$')" for name in names if name in found]
        return f"coalesce({', '.join([*cells, repr('')])})"

    email, phone = (context.addresses().get(name, "''") for name in ("email", "phone"))
    first, last = text("firstName", "first_name"), text("lastName", "last_name")
    name = f"coalesce(nullif({text('name')}, ''), trim(concat_ws(' ', {first}, {last})))"
    return (
        f"select lead, left({name}, 300), left(coalesce({email}, ''), 320),"
        f" left(coalesce({phone}, ''), 40), {traits} from fresh"
    )
