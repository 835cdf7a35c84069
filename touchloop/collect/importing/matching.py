"""Whom the file is about: people are joined with the identifiers that are known.

Three kinds of people come out. New: none of the identifiers is known, and no other row has one of
them. Known: all of them are known, hang together already, and lead to one customer. Intricate: the
rest. The first two need no decision and are written in sets; the third goes through
`identity.resolve`, which decides for everybody else too.

Leaves the table matched(r, kind, subject_id, customer_id).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from touchloop.collect.importing.mapping import Columns
from touchloop.collect.importing.sending import send
from touchloop.core.db import Connection
from touchloop.lake.api import copy_to_arrow

NEW, KNOWN, INTRICATE = "new", "known", "intricate"


def match(connection: duckdb.DuckDBPyConnection, conn: Connection, columns: Columns) -> int:
    """Sort the people; gives the last identifier that was looked at (later ones are not known)."""
    count = len(columns.keys)
    keys = [f"k{number}" for number in range(count)]
    conn.execute("drop table if exists import_keys")
    conn.execute(
        f"create temp table import_keys (r bigint, {', '.join(f'{key} text' for key in keys)})"
    )
    row = conn.execute("select coalesce(max(id), 0) from identifiers").fetchone()
    assert row is not None
    send(connection, f"select r, {', '.join(keys)} from people", conn, "import_keys", ["r", *keys])
    conn.execute("analyze import_keys")
    found = copy_to_arrow(conn, _joined(columns), None, _schema(count))
    conn.execute("drop table import_keys")
    connection.register("found", found)
    connection.execute(_sorted(columns))
    connection.unregister("found")
    return int(row[0])


def _schema(count: int) -> pa.Schema:
    fields: list[tuple[str, pa.DataType]] = [("r", pa.int64())]
    for number in range(count):
        fields += [
            (f"i{number}", pa.int64()),
            (f"c{number}", pa.int64()),
            (f"ok{number}", pa.bool_()),
        ]
    return pa.schema([*fields, ("tied", pa.int32())])


def _joined(columns: Columns) -> str:
    """The identifier of each key, and how many of the others are tied to the strongest."""
    chosen, joins, tying, ties = ["s.r"], [], [], []
    strongest = ", ".join(f"i{number}.id" for number in range(len(columns.keys)))
    for number, (namespace, _) in enumerate(columns.keys):
        chosen.append(f"i{number}.id, i{number}.customer_id, i{number}.state = 'ok'")
        joins.append(
            f"left join identifiers i{number} on i{number}.namespace = '{namespace}'"
            f" and i{number}.value = s.k{number}"
        )
        if number:
            first, other = f"coalesce({strongest})", f"i{number}.id"
            tying.append(
                f"left join links l{number} on l{number}.a_id = least({first}, {other})"
                f" and l{number}.b_id = greatest({first}, {other})"
                f" and l{number}.kind = 'declared' and l{number}.undone_at is null"
            )
            ties.append(f"(l{number}.id is not null)::int")
    chosen.append(" + ".join(ties) or "0")
    return f"select {', '.join(chosen)} from import_keys s {' '.join(joins + tying)}"


def _sorted(columns: Columns) -> str:
    numbers = range(len(columns.keys))
    given = " + ".join(f"(p.k{n} is not null)::int" for n in numbers)
    present = " + ".join(f"(f.i{n} is not null)::int" for n in numbers)
    fine = " and ".join(f"coalesce(f.ok{n}, true)" for n in numbers)
    customer = f"coalesce({', '.join(f'f.c{n}' for n in numbers)})"
    one = " and ".join(f"coalesce(f.c{n}, {customer}) = {customer}" for n in numbers)
    strongest = f"coalesce({', '.join(f'f.i{n}' for n in numbers)})"
    return f"""
    create table matched as
    select p.r,
           case when p.shared or ({_external_twice(columns)}) then '{INTRICATE}'
                when ({present}) = 0 then '{NEW}'
                when ({present}) = ({given}) and f.tied = ({given}) - 1 and {fine} and {one}
                then '{KNOWN}' else '{INTRICATE}' end as kind,
           {strongest} as subject_id, {customer} as customer_id
    from people p join found f using (r)
    """


def _external_twice(columns: Columns) -> str:
    """Two ids of equal rank: which of them leads is for identity to say."""
    equal = [f"(p.k{n} is not null)::int" for n, (name, _) in enumerate(columns.keys)
             if name.startswith("external:")]  # fmt: skip
    return f"{' + '.join(equal)} > 1" if len(equal) > 1 else "false"
