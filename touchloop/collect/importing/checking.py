"""Rows become people: identifiers in their one written form, traits in their types.

What can be decided by its shape is decided by DuckDB for all rows at once; only values that are
not obviously final go through `identity.normalise`, each distinct one once. The result is the same
(a test compares them).

Leaves the tables people(r, k0…, t0…, shared) and problems(r, reason).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from touchloop.collect.importing.mapping import Columns
from touchloop.collect.importing.phones import plain_numbers
from touchloop.collect.importing.reading import MAX_CELL
from touchloop.identity.api import normalise

NOTHING = "('', 'null', 'none', 'nil', 'n/a', 'na', '-', 'undefined')"
TEXT_TRAITS = frozenset({"postalCode", "postal_code", "postcode", "zip"})  # leading zeroes count

_FIRST = 5_000  # rows of which the types of the columns are guessed

_EMAIL = r"[a-z0-9_+]+(?:[.\-][a-z0-9_+]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}"
_CARD = "[A-Z0-9]*[1-9][A-Z0-9]*"
_ID = r"[A-Za-z0-9_\-]*[1-9][A-Za-z0-9_\-]*"


@dataclass(frozen=True, slots=True)
class Checked:
    """How many rows and people there are."""

    rows: int
    people: int
    duplicates: int
    errors: int


def check(connection: duckdb.DuckDBPyConnection, columns: Columns) -> Checked:
    """Make `people` and `problems` from `raw`."""
    connection.register("plain_numbers", plain_numbers())
    _write_cells(connection, columns)
    for number, (namespace, _) in enumerate(columns.keys):
        _settle(connection, number, namespace)
    _find_problems(connection, columns)
    _gather_people(connection, columns)
    rows, rejected, errors, people = _numbers(
        connection,
        "select (select count(*) from raw), (select count(distinct line) from reject_errors),"
        " (select count(*) from problems), (select count(*) from people)",
    )
    return Checked(rows + rejected, people, rows - errors - people, errors + rejected)


def final(namespace: str, value: str) -> str:
    """SQL: the written form of a trimmed value that needs no closer look, null for any other."""
    if namespace == "phone":
        shapes = " or ".join(
            f"({value}[2:{end}] || ':' || length({value})) in (select shape from plain_numbers)"
            for end in (3, 4, 5)
        )
        test = f"regexp_full_match({value}, '\\+[1-9][0-9]+') and ({shapes})"
        return f"case when {test} then {value} end"
    if namespace == "email":  # test@test.com and its kind are nobody's
        name, place = (f"split_part(lower({value}), '@', {n})" for n in (1, 2))
        test = f"length({value}) <= 64 and regexp_full_match(lower({value}), '{_EMAIL}')"
        return f"case when {test} and {name} <> split_part({place}, '.', 1) then lower({value}) end"
    # Words that mean nobody (guest, undefined) have no digit.
    shape = _CARD if namespace == "card" else _ID
    test = f"length({value}) between 4 and 100 and regexp_full_match({value}, '{shape}')"
    return f"case when {test} then {value} end"


def _write_cells(connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    """cells(r, v0, k0, …, t0, …): each identifier trimmed and written, each trait as JSON."""
    trimmed, chosen = [], []
    for number, (namespace, position) in enumerate(columns.keys):
        trimmed.append(f"nullif(trim(c{position}), '') as v{number}")
        chosen.append(f"v{number}, {final(namespace, f'v{number}')} as k{number}")
    for number, (name, position) in enumerate(columns.traits):
        trimmed.append(f"nullif(c{position}, '') as c{position}")
        kind = _kind(connection, name, f"c{position}")
        chosen.append(f"{_AS_JSON[kind].format(cell=f'c{position}')} as t{number}")
    connection.execute(
        f"create table cells as select r, {', '.join(chosen)}"
        f" from (select r, {', '.join(trimmed)} from raw)"
    )


def _settle(connection: duckdb.DuckDBPyConnection, number: int, namespace: str) -> None:
    """Look at the values that are not obviously final, once each; what stays unwritten is wrong."""
    connection.execute(f"update cells set v{number} = null where lower(v{number}) in {NOTHING}")
    open_ones = f"v{number} is not null and k{number} is null"
    rows = connection.execute(f"select distinct v{number} from cells where {open_ones}").fetchall()
    if not rows:
        return
    values = [row[0] for row in rows]
    written = [normalise(namespace, value) for value in values]
    table = pa.table({"v": pa.array(values, pa.string()), "w": pa.array(written, pa.string())})
    connection.register("looked", table)
    connection.execute(
        f"update cells set k{number} = looked.w from looked where {open_ones}"
        f" and looked.v = v{number}"
    )
    connection.unregister("looked")


_AS_JSON = {
    "text": "to_json({cell})::varchar",
    "number": "trim({cell})",
    "boolean": "lower(trim({cell}))",
}


def _kind(connection: duckdb.DuckDBPyConnection, name: str, cell: str) -> str:
    """A column of numbers only holds numbers; one odd cell, and all of it is text."""
    if name in TEXT_TRAITS:
        return "text"
    for rows in (f"(from raw limit {_FIRST})", "raw"):  # text mostly shows at once
        some, numbers, booleans = _numbers(
            connection,
            f"select count({cell}) filter ({cell} <> ''),"
            f" count(*) filter (regexp_full_match(trim({cell}),"
            r" '-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,10})?')),"
            f" count(*) filter (lower(trim({cell})) in ('true', 'false')) from {rows}",
        )
        if some not in (numbers, booleans):
            return "text"
    return "number" if some == numbers else "boolean"


def _find_problems(connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    reasons = [
        (f"v{number} is not null and k{number} is null", f"{namespace}: cannot be one")
        for number, (namespace, _) in enumerate(columns.keys)
    ]
    reasons += [
        (f"strlen(t{number}) > {MAX_CELL}", f"{name}: longer than {MAX_CELL} bytes")
        for number, (name, _) in enumerate(columns.traits)
    ]
    nobody = " and ".join(f"k{number} is null" for number in range(len(columns.keys)))
    reasons.append((nobody, "identifies nobody"))
    cases = " ".join(f"when {test} then '{reason}'" for test, reason in reasons)
    connection.execute(
        f"create table problems as select * from (select r, case {cases} end as reason from cells)"
        " where reason is not null"
    )


def _gather_people(connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    """Rows with the same identifiers are one person: of each trait the last value counts."""
    keys = [f"k{number}" for number in range(len(columns.keys))]
    traits = [f"t{number}" for number in range(len(columns.traits))]
    chosen = ", ".join(["r", *keys, *traits])
    connection.execute(
        f"create view good as select {chosen} from cells where r not in (select r from problems)"
    )
    for key in keys:
        connection.execute(
            f"create table doubled_{key} as"
            f" select {key} from good where {key} is not null group by 1 having count(*) > 1"
        )
    doubled = " + ".join(f"(select count(*) from doubled_{key})" for key in keys)
    if _numbers(connection, f"select {doubled}") == (0,):
        connection.execute("create view people as select *, false as shared from good")
    else:
        _merge_copies(connection, keys, traits)


def _merge_copies(
    connection: duckdb.DuckDBPyConnection, keys: list[str], traits: list[str]
) -> None:
    """people, where identifiers repeat: those that repeat as a whole are one row."""
    latest = "".join(f", arg_max({t}, r) filter ({t} is not null) as {t}" for t in traits)
    repeat = " or ".join(
        f"coalesce({key} in (select {key} from doubled_{key}), false)" for key in keys
    )
    connection.execute(
        f"""
        create table repeating as select *, {repeat} as repeats from good;
        create table merged as
        select max(r) as r, {", ".join(keys)}{latest} from repeating where repeats
        group by {", ".join(keys)};
        """
    )
    shared = " or ".join(
        f"coalesce({key} in (select {key} from merged where {key} is not null"
        " group by 1 having count(*) > 1), false)"
        for key in keys
    )
    connection.execute(
        "create table people as select * exclude repeats, false as shared from repeating"
        f" where not repeats union all by name select *, {shared} as shared from merged"
    )


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    [row] = connection.execute(query).fetchall()
    return tuple(int(value) for value in row)
