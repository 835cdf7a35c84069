"""A list of people from a file against the customers: for each row new, a customer, or not sure.

A list changes nobody: nothing is merged and nothing is suggested by it. Its rows are kept as they
stand in the file, for 30 days, and go when the customer they were found to be is erased. Customers
who objected to being compared are not in it, so that a row of theirs comes out as new; how many
they are is said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.matching import cleaning, columns, reading
from touchloop.insight.matching.matching import connect, probability_of
from touchloop.insight.matching.proposing import Evidence, told

ANSWERS: Final = ("same", "unsure", "new")
MOST_BYTES: Final = 50 << 20
MOST_ROWS: Final = 100_000
LONGEST: Final = 1_000  # letters of a cell that are kept


@dataclass(frozen=True, slots=True)
class ListInfo:
    """One list. `kinds` says of each heading what it is, "" where it is not compared; `figures`:
    rows, new, same, unsure, customers, left_out."""

    id: int
    name: str
    at: datetime
    asked_by: int
    state: str
    step: str
    done: float
    headings: tuple[str, ...]
    kinds: tuple[str, ...]
    figures: dict[str, Any]
    words: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row, numbered from 1. `customer_id` is who it is, or may be; `bits` how sure that is."""

    number: int
    cells: tuple[str, ...]
    answer: str
    customer_id: int | None
    bits: float | None
    evidence: tuple[Evidence, ...]

    @property
    def probability(self) -> float | None:
        """That the row is this customer, by the model."""
        return None if self.bits is None else probability_of(self.bits)


def keep(conn: Connection, path: Path, *, name: str, by: int, now: datetime) -> int:
    """Read a list from a CSV file and have it compared; gives its number.

    Raises Invalid for what is no list of people, or a larger one. In the caller's transaction.
    """
    if path.stat().st_size > MOST_BYTES:
        raise Invalid("file", f"has more than {MOST_BYTES >> 20} MB")
    duck = connect()
    try:
        headings = reading.read(duck, path)
        rows = reading.rows_of(duck)
        if not rows:
            raise Invalid("file", "has no row below its headings")
        if rows > MOST_ROWS:
            raise Invalid("file", f"has {rows:,} rows; at most {MOST_ROWS:,} are compared")
        seen = cleaning.seen(duck, reading.RAW, headings)
        fields, words = columns.fields_of(seen, rows, few=True)
        if not fields:
            raise Invalid("file", "has no column that says who somebody is")
        kinds = {field.column: field.kind for field in fields}
        listed = ", ".join(f"coalesce(trim({cleaning.quoted(each)}), '')" for each in headings)
        cells = duck.execute(
            f"SELECT {listed} FROM {reading.RAW} ORDER BY {cleaning.RECORD}"
        ).fetchall()
    finally:
        duck.close()
    made = conn.execute(
        _KEEP,
        (name[:200], now, by, list(headings), [kinds.get(each, "") for each in headings],
         json.dumps({"rows": rows}), list(words)),
    ).fetchone()  # fmt: skip
    assert made is not None
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for number, row in enumerate(cells, start=1):
            copy.write_row((made[0], number, now, [_kept(cell) for cell in row], "[]"))
    return int(made[0])


def lists(conn: Connection, *, limit: int = 20) -> list[ListInfo]:
    """The newest lists."""
    rows = conn.execute(f"{_LIST} ORDER BY id DESC LIMIT %s", (limit,)).fetchall()
    return [_list(row) for row in rows]


def one_list(conn: Connection, id: int) -> ListInfo:
    """One list. Raises NotFound."""
    row = conn.execute(f"{_LIST} WHERE id = %s", (id,)).fetchone()
    if row is None:
        raise NotFound(f"no list {id}")
    return _list(row)


def list_rows(
    conn: Connection, id: int, *, answer: str = "", after: int = 0, limit: int = 50
) -> list[ListRow]:
    """Rows of a list behind a number, all or of one answer."""
    rows = conn.execute(
        _ROWS, {"id": id, "answer": answer, "after": after, "limit": limit}
    ).fetchall()
    return [
        ListRow(number, tuple(cells), said, customer, bits, told(evidence))
        for number, cells, said, customer, bits, evidence in rows
    ]


def forget(conn: Connection, id: int) -> None:
    """Take a list away with its rows; one at work then ends by itself. Raises NotFound."""
    conn.execute("DELETE FROM matching_list_rows WHERE list_id = %s", (id,))
    if not conn.execute("DELETE FROM matching_lists WHERE id = %s", (id,)).rowcount:
        raise NotFound(f"no list {id}")


def waiting(conn: Connection) -> ListInfo | None:
    """The list that is to be compared next: those whose process ended are taken again."""
    row = conn.execute(
        f"{_LIST} WHERE state IN ('asked', 'running') ORDER BY id LIMIT 1"
    ).fetchone()
    return _list(row) if row else None


def _list(row: tuple[Any, ...]) -> ListInfo:
    id, name, at, by, state, step, done, headings, kinds, figures, words, error = row
    return ListInfo(id, name, at, by, state, step, done, tuple(headings), tuple(kinds), figures,
                    tuple(words), error)  # fmt: skip


def _kept(cell: str) -> str:
    return cell[:LONGEST].replace("\0", "")


_LIST = (
    "SELECT id, name, at, asked_by, state, step, done, headings, kinds, figures, words, error"
    " FROM matching_lists"
)
_KEEP = """
INSERT INTO matching_lists (name, at, asked_by, state, headings, kinds, figures, words)
VALUES (%s, %s, %s, 'asked', %s, %s, %s, %s) RETURNING id"""
_COPY = "COPY matching_list_rows (list_id, number, at, cells, evidence) FROM STDIN"
_ROWS = """
SELECT number, cells, answer, customer_id, bits, evidence FROM matching_list_rows
WHERE list_id = %(id)s AND number > %(after)s AND (%(answer)s = '' OR answer = %(answer)s)
ORDER BY number LIMIT %(limit)s"""
