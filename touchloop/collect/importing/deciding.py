"""Intricate people, through the same rules as live traffic: identity decides, the fold follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import msgspec

from touchloop.collect.importing.updating import Allowed
from touchloop.collect.importing.writing import Context
from touchloop.core.db import Connection
from touchloop.identity.api import Claim, customers_of, resolve
from touchloop.profiles.api import IMPORT, TraitValue, fold, record

PART = 2_000


def decide(
    connection: duckdb.DuckDBPyConnection,
    conn: Connection,
    context: Context,
    rows: Sequence[int],
    *,
    allowed: Allowed,
) -> tuple[int, int, int]:
    """Write these rows of `people`, in their order; gives created, updated, unchanged.

    Rows are unchanged when they led to a customer who knew all of it already.
    """
    done = [0, 0, 0]
    for start in range(0, len(rows), PART):
        part = list(rows[start : start + PART])
        for place, number in enumerate(_decide(connection, conn, context, part, allowed)):
            done[place] += number
    return done[0], done[1], done[2]


def _decide(
    connection: duckdb.DuckDBPyConnection,
    conn: Connection,
    context: Context,
    rows: list[int],
    allowed: Allowed,
) -> tuple[int, int, int]:
    names = [namespace for namespace, _ in context.columns.keys]
    traits = context.traits()
    listed = ", ".join([*(f"k{n}" for n in range(len(names))), *(c for _, c in traits)])
    found = connection.execute(
        f"select {listed} from people where r in (select unnest(?)) order by r", [rows]
    ).fetchall()
    claims = [_claim(names, row, context) for row in found]
    conn.commit()
    before = _last(conn)
    subjects = resolve(conn, claims).subjects
    values = [
        TraitValue(
            subject,
            name,
            IMPORT,
            msgspec.json.decode(cell),
            context.source_id,
            context.at,
            context.tie,
        )  # fmt: skip
        for subject, row in zip(subjects, found, strict=True)
        for (name, _), cell in zip(traits, row[len(names) :], strict=True)
        if subject and cell is not None
    ]
    customers = customers_of(conn, sorted(set(subjects) - {0}))
    conn.execute(_LOCK, [sorted(set(customers.values()))])
    told = record(conn, _news(conn, values))
    grown = _grown(conn, before, customers.values())
    concerned = sorted({customers[subject] for subject in told} | grown)
    fold(conn, concerned, allowed=allowed(conn, concerned), now=context.at)
    conn.execute(_SEEN, {"ids": concerned, "now": context.at})
    conn.execute(_DUE, {"ids": concerned, "now": context.at})
    conn.commit()
    created = len({subject for subject in customers if subject > before})
    touched = sum(s in told or customers.get(s) in grown for s in subjects)
    return created, touched - created, len(rows) - touched


def _grown(conn: Connection, before: int, customer_ids: Iterable[int]) -> set[int]:
    """The customers that have an identifier since then."""
    found = conn.execute(
        "select distinct customer_id from identifiers where id > %s and customer_id = any(%s)",
        [before, sorted(set(customer_ids))],
    )
    return {row[0] for row in found.fetchall()}


def _claim(names: list[str], row: tuple[Any, ...], context: Context) -> Claim:
    ids = tuple((name, value) for name, value in zip(names, row, strict=False) if value)
    return Claim(ids=ids, declares=True, previous=None, source_id=context.source_id,
                 message_key=None, at=context.at)  # fmt: skip


def _news(conn: Connection, values: list[TraitValue]) -> list[TraitValue]:
    """Without what an import said before; of several rows about one subject, the last."""
    last = {(value.subject_id, value.name): value for value in values}
    known = conn.execute(
        "select subject_id, name, value from trait_values"
        " where subject_id = any(%s) and authority = %s",
        [sorted({subject for subject, _ in last}), IMPORT],
    ).fetchall()
    same = {(subject, name): value for subject, name, value in known}
    absent = object()
    return [value for key, value in last.items() if same.get(key, absent) != value.value]


def _last(conn: Connection) -> int:
    row = conn.execute("select coalesce(max(id), 0) from identifiers").fetchone()
    conn.commit()
    assert row is not None
    return int(row[0])


_LOCK = "select 1 from activity where customer_id = any(%s) order by customer_id for update"

_SEEN = """
insert into activity
  (customer_id, first_seen_at, last_seen_at, interactions, orders, spend)
select id, %(now)s, %(now)s, 0, 0, 0
from unnest(%(ids)s::bigint[]) as t(id) order by id on conflict (customer_id) do nothing
"""

_DUE = """
insert into refreshes (customer_id, due_at, reason)
select id, %(now)s, 'import' from unnest(%(ids)s::bigint[]) as t(id) order by id
on conflict (customer_id) do update set due_at = least(refreshes.due_at, excluded.due_at)
"""
