"""A list of people from a CSV file with any columns, as the table `raw` in DuckDB.

Encoding (UTF-8 with or without its mark, UTF-16, else Windows-1252), separator and headings are
found out; every cell is text. A first line that holds an e-mail address or a date names no columns
but is a record: the columns are numbered then.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from touchloop.core.errors import Invalid
from touchloop.insight.matching import cleaning

RAW: Final = "raw"
SEPARATORS: Final = ",;\t|"
MOST_COLUMNS: Final = 250
BATCH: Final = 100_000
_RECORD = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}")


def read(conn: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """Make `raw` from a file, its rows numbered from 0 by `record`; gives the headings.

    Raises Invalid for what is no table of people.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        head = file.read(1 << 20)
    if not head.strip():
        raise Invalid("file", "is empty")
    if "\0" in head:
        raise Invalid("file", "is not text: it contains NUL characters")
    separator = _separator(head)
    first = next(_rows(head.splitlines(keepends=True), separator))
    named = not any(_RECORD.fullmatch(cell.strip()) for cell in first)
    headings = _headings(first if named else [f"column {at}" for at, _ in enumerate(first, 1)])
    plain = encoding in ("utf-8", "utf-8-sig") and not re.search(re.escape(separator) + ' +"', head)
    if not plain or not _by_duckdb(conn, path, separator, headings, named=named):
        _by_python(conn, path, encoding, separator, headings, named=named)
    return headings


def rows_of(conn: duckdb.DuckDBPyConnection) -> int:
    """How many records were read."""
    return int(conn.execute(f"SELECT count(*) FROM {RAW}").fetchall()[0][0])


def values(conn: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    """What stands in one column, stripped, in the order of the file; "" where nothing does."""
    found = conn.execute(
        f"SELECT coalesce(trim({cleaning.quoted(column)}), '') FROM {RAW}"
        f" ORDER BY {cleaning.RECORD}"
    ).fetchall()
    return [row[0] for row in found]


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            decoder.decode(start)
            for block in iter(lambda: file.read(8 << 20), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    except OSError as wrong:
        raise Invalid("file", wrong.strerror or "cannot be read") from None
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _separator(head: str) -> str:
    """The one that makes the first lines equally many cells, of several the one with most."""
    lines = head.splitlines(keepends=True)[:50]

    def told(mark: str) -> tuple[bool, int]:
        counts = [len(row) for row in _rows(lines[:-1] if len(lines) > 2 else lines, mark) if row]
        usual = max(set(counts), key=counts.count) if counts else 1
        return usual > 1 and counts.count(usual) >= 0.8 * len(counts), usual

    return max(SEPARATORS, key=told)


def _rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error as wrong:
        raise Invalid("file", f"is no CSV: {wrong}") from None


def _headings(first: list[str]) -> tuple[str, ...]:
    headings = [cell.strip().lstrip("\N{ZERO WIDTH NO-BREAK SPACE}") for cell in first]
    while headings and not headings[-1]:
        headings.pop()
    if not headings or not all(headings):
        raise Invalid("file", "its first line must name the columns")
    if len(headings) > MOST_COLUMNS:
        raise Invalid("file", f"has {len(headings)} columns; at most {MOST_COLUMNS} are read")
    lower = [name.lower() for name in headings]
    twice = next((name for name in lower if lower.count(name) > 1), "")
    if twice:
        raise Invalid("file", f"two columns are called {twice}")
    return tuple(headings)


def _by_duckdb(
    conn: duckdb.DuckDBPyConnection, path: Path, separator: str, headings: Sequence[str], *,
    named: bool,
) -> bool:  # fmt: skip
    """False where lines differ in length or quotes do not close: those are read line by line."""
    typed = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(headings)))
    listed = ", ".join(f"c{at} AS {cleaning.quoted(name)}" for at, name in enumerate(headings))
    escaped = str(path).replace("'", "''")
    try:
        conn.execute(
            f"CREATE OR REPLACE TABLE {RAW} AS SELECT row_number() OVER () - 1 AS"
            f" {cleaning.RECORD}, {listed} FROM read_csv('{escaped}', delim = '{separator}',"
            f" quote = '\"', escape = '\"', header = {named}, columns = {{{typed}}},"
            " auto_detect = false, null_padding = false, strict_mode = true)"
        )
    except duckdb.Error:
        return False
    return True


def _by_python(
    conn: duckdb.DuckDBPyConnection,
    path: Path,
    encoding: str,
    separator: str,
    headings: Sequence[str],
    *,
    named: bool,
) -> None:
    width, start = len(headings), 0
    names = [cleaning.RECORD, *(f"c{at}" for at in range(width))]
    listed = ", ".join(f"c{at} VARCHAR" for at in range(width))
    conn.execute(f"CREATE OR REPLACE TABLE {RAW} ({cleaning.RECORD} BIGINT, {listed})")
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
        try:
            if named:
                next(reader)
            while batch := [row for row, _ in zip(reader, range(BATCH), strict=False)]:
                kept = [(row + [""] * width)[:width] for row in batch if any(row)]
                columns = [pa.array(column, pa.string()) for column in zip(*kept, strict=True)]
                if columns:
                    numbers = pa.array(range(start, start + len(kept)), pa.int64())
                    conn.register("batch", pa.table([numbers, *columns], names=names))
                    conn.execute(f"INSERT INTO {RAW} SELECT * FROM batch")
                    conn.unregister("batch")
                    start += len(kept)
        except csv.Error as wrong:
            raise Invalid("file", f"line {reader.line_num}: {wrong}") from None
    for at, name in enumerate(headings):
        conn.execute(f"ALTER TABLE {RAW} RENAME COLUMN c{at} TO {cleaning.quoted(name)}")
