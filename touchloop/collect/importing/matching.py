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
from touchloop.collect.importing.sending import INT8, TEXT, Column, send
from touchloop.core.db import Connection
from touchloop.lake.api import read_columns

NEW, KNOWN, INTRICATE = "new", "known", "intricate"


def match(connection: duckdb.DuckDBPyConnection, conn: Connection, columns: Columns) -> int:
    """Sort the people; gives the last identifier that was looked at (later ones are not known)."""
    keys = [f"k{number}" for number in range(len(columns.keys))]
    # The server's parallel workers cannot read a temporary table. Nobody ever sees this one: it is
    # gone with the transaction, however that ends.
    staged = f"import_keys_{conn.info.backend_pid}"
    conn.execute(
        f"create unlogged table {staged} (r bigint, {', '.join(f'{key} text' for key in keys)})"
    )
    row = conn.execute("select coalesce(max(id), 0) from identifiers").fetchone()
    assert row is not None
    sent: dict[str, Column] = {"r": INT8, **dict.fromkeys(keys, TEXT)}
    send(connection, f"select r, {', '.join(keys)} from people", conn, staged, sent)
    conn.execute(f"analyze {staged}")
    found = read_columns(conn, _joined(columns, staged), None, _FOUND)
    conn.execute(f"drop table {staged}")
    connection.register("found", pa.table(found))
    connection.execute(_SORTED.format(twice=_external_twice(columns)))
    connection.unregister("found")
    return int(row[0])


_FOUND = {"r": "int8", "whole": "int4", "subject_id": "int8", "customer_id": "int8"}


def _joined(columns: Columns, staged: str) -> str:
    """The rows that have known identifiers, and whether these are all of theirs and hang together.

    That is: tied to the strongest one, in good state, and of one customer.
    """
    numbers = range(len(columns.keys))
    joins, tying, ties = [], [], ["0"]
    strongest = f"coalesce({', '.join(f'i{n}.id' for n in numbers)})"
    customer = f"coalesce({', '.join(f'i{n}.customer_id' for n in numbers)})"
    for n, (namespace, _) in enumerate(columns.keys):
        joins.append(
            f"left join identifiers i{n} on i{n}.namespace = '{namespace}' and i{n}.value = s.k{n}"
        )
        if n:
            tying.append(
                f"left join links l{n} on l{n}.a_id = least({strongest}, i{n}.id)"
                f" and l{n}.b_id = greatest({strongest}, i{n}.id)"
                f" and l{n}.kind = 'declared' and l{n}.undone_at is null"
            )
            ties.append(f"(l{n}.id is not null)::int")
    given = f"num_nonnulls({', '.join(f's.k{n}' for n in numbers)})"
    present = f"num_nonnulls({', '.join(f'i{n}.id' for n in numbers)})"
    fine = " and ".join(
        f"coalesce(i{n}.state = 'ok' and i{n}.customer_id = {customer}, true)" for n in numbers
    )
    return (
        f"select s.r, ({present} = {given} and {' + '.join(ties)} = {given} - 1 and {fine})::int"
        f" as whole, {strongest} as subject_id, {customer} as customer_id"
        f" from {staged} s {' '.join(joins + tying)} where {strongest} is not null"
    )


def _external_twice(columns: Columns) -> str:
    """Two ids of equal rank: which of them leads is for identity to say."""
    equal = [f"(p.k{n} is not null)::int" for n, (name, _) in enumerate(columns.keys)
             if name.startswith("external:")]  # fmt: skip
    return f"{' + '.join(equal)} > 1" if len(equal) > 1 else "false"


_SORTED = f"""
create table matched as
select p.r,
       case when p.shared or ({{twice}}) then '{INTRICATE}' when f.r is null then '{NEW}'
            when f.whole = 1 then '{KNOWN}' else '{INTRICATE}' end as kind,
       f.subject_id, f.customer_id
from people p left join found f using (r)
"""
