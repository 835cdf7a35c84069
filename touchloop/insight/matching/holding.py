"""Holding a list against the customers: the same matching over both, and what it says of each row.

Columns meet by what they are: the list's "Vorname" and the customers' "first_name". A row is a
customer where the pair is surely one (SURE bits) and no other customer comes near; it is not sure
where anybody is likely, or nearly; else it is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.matching import cleaning, columns, customers, reading
from touchloop.insight.matching.columns import Field
from touchloop.insight.matching.customers import People
from touchloop.insight.matching.lists import ListInfo
from touchloop.insight.matching.matching import Matched, connect, match
from touchloop.insight.matching.proposing import evidence

Progress = Callable[[str, float], None]

SURE: Final = 4.0  # bits from which a row is taken for a customer: fifteen in sixteen by the model
NEAR: Final = 3.0  # bits that the next customer must lie below
LIKELY: Final = -2.0  # bits from which somebody should look
_LIST = "list_rows"


@dataclass(frozen=True, slots=True)
class Found:
    """What is said of one row, counted from 0; `pair` is the place of the pair that says it."""

    row: int
    answer: str
    customer_id: int
    bits: float
    pair: int


def hold(conn: Connection, one: ListInfo, now: datetime, progress: Progress) -> None:
    """Compare a list and keep what is said of its rows. Invalid where nothing can be compared."""
    people = customers.load(conn)
    duck = connect()
    try:
        rows = _rows(conn, duck, one)
        fields, words = _together(duck, one, people, rows)
        found = match(
            duck, reading.RAW, [field.column for field in fields], rows=rows + people.rows,
            now=now, fields=fields, progress=progress,
        )  # fmt: skip
    finally:
        duck.close()
    said = answers(found, people.ids, rows)
    with conn.transaction():
        conn.execute("UPDATE matching_list_rows SET answer = 'new' WHERE list_id = %s", (one.id,))
        with conn.cursor() as cursor:
            cursor.executemany(_SAY, [
                (each.answer, each.customer_id, each.bits,
                 json.dumps([[e.about, e.words, round(e.bits, 2)]
                             for e in evidence(found, each.pair)]), one.id, each.row + 1)
                for each in said
            ])  # fmt: skip
        counts = dict.fromkeys(("same", "unsure"), 0)
        for each in said:
            counts[each.answer] += 1
        figures = {"rows": rows, **counts, "new": rows - len(said), "customers": people.rows,
                   "left_out": people.left_out}  # fmt: skip
        conn.execute(_DONE, (json.dumps(figures), [*one.words, *words, *found.words], now, one.id))


def answers(found: Matched, ids: NDArray[np.int64], rows: int) -> list[Found]:
    """What is said of the rows that somebody is like; the first `rows` records are the list's."""
    pairs = found.pairs
    across = np.flatnonzero(
        (pairs.a < rows) & (pairs.b >= rows) & (pairs.bits >= LIKELY) & ~pairs.against
    )
    order = across[np.lexsort((pairs.b[across], -pairs.bits[across], pairs.a[across]))]
    said: list[Found] = []
    next_best: dict[int, float] = {}
    for at in order.tolist():
        row, bits = int(pairs.a[at]), float(pairs.bits[at])
        if said and said[-1].row == row:
            next_best.setdefault(row, bits)
            continue
        said.append(Found(row, "same" if bits >= SURE else "unsure",
                          int(ids[pairs.b[at] - rows]), bits, at))  # fmt: skip
    return [
        Found(each.row, "unsure", each.customer_id, each.bits, each.pair)
        if each.bits - next_best.get(each.row, -np.inf) < NEAR
        else each
        for each in said
    ]


def _rows(conn: Connection, duck: duckdb.DuckDBPyConnection, one: ListInfo) -> int:
    """The rows of the list as a table of DuckDB, c0, c1, …, in their order; how many."""
    import pyarrow as pa

    cells = [
        row[0]
        for row in conn.execute(
            "SELECT cells FROM matching_list_rows WHERE list_id = %s ORDER BY number", (one.id,)
        )
    ]
    turned = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
    named = [f"c{at}" for at in range(len(turned))]
    numbers = pa.array(range(len(cells)), pa.int64())
    duck.register(_LIST, pa.table([numbers, *turned], names=[cleaning.RECORD, *named]))
    return len(cells)


def _together(
    duck: duckdb.DuckDBPyConnection, one: ListInfo, people: People, rows: int
) -> tuple[list[Field], tuple[str, ...]]:
    """Make `raw` of the list and, behind it, the customers, by what their columns are."""
    theirs = _by_name([(f"c{at}", kind) for at, kind in enumerate(one.kinds) if kind])
    duck.register("customer_rows", people.table)
    seen = cleaning.seen(duck, "customer_rows", people.names)
    ours = _by_name([
        (field.column, field.kind)
        for field in columns.fields_of(seen, max(people.rows, 1), few=True)[0]
    ])  # fmt: skip
    theirs, ours = _full_names(theirs, ours), _full_names(ours, theirs)
    shared = [name for name in theirs if name in ours]
    if not shared:
        raise Invalid("columns", "nothing in this list is known of customers")
    sides = [
        f"SELECT {number} AS {cleaning.RECORD}, "
        + ", ".join(f"{side[name]} AS {name}" for name in shared)
        + f" FROM {table}"
        for number, side, table in (
            (cleaning.RECORD, theirs, _LIST),
            (f"{cleaning.RECORD} + {rows}", ours, "customer_rows"),
        )
    ]
    duck.execute(f"CREATE TABLE {reading.RAW} AS {' UNION ALL '.join(sides)}")
    left = [name for name in theirs if name not in ours]
    words = (f"not known of customers, so not compared: {', '.join(left)}",) if left else ()
    return [Field(name, name.rstrip("_0123456789"), name) for name in shared], words


def _by_name(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The column, as SQL, of each kind; the second of a kind has a number behind it."""
    found: dict[str, str] = {}
    for column, kind in given:
        nth = 1 + sum(1 for name in found if name.rstrip("_0123456789") == kind)
        found[columns.field_of(column, kind, nth).name] = cleaning.quoted(column)
    return found


def _full_names(side: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """A given name and a surname as one, where the other side has the whole name only."""
    parts = (columns.GIVEN, columns.SURNAME)
    if columns.FULL_NAME in side or columns.FULL_NAME not in other:
        return side
    if not all(part in side for part in parts) or all(part in other for part in parts):
        return side
    whole = " || ' ' || ".join(f"coalesce({side[part]}, '')" for part in parts)
    rest = {name: sql for name, sql in side.items() if name not in parts}
    return {columns.FULL_NAME: f"trim({whole})", **rest}


_SAY = """
UPDATE matching_list_rows SET answer = %s, customer_id = %s, bits = %s, evidence = %s
WHERE list_id = %s AND number = %s"""
_DONE = """
UPDATE matching_lists SET state = 'done', done = 1, figures = %s, words = %s, finished_at = %s
WHERE id = %s"""
