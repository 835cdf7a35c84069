"""A CSV file as it is, made readable: encoding, separator, headings, limits.

Nothing in a file is ever executed: cells are text, also those that begin like a formula.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from touchloop.core.errors import Invalid

MAX_BYTES = 2 << 30
MAX_COLUMNS = 250
MAX_CELL = 8_192
MAX_LINE = 1 << 20
MAX_ROWS = 10_000_000
SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A readable file."""

    path: Path  # in UTF-8
    separator: str
    headings: list[str]


@contextmanager
def opened(path: Path, *, folder: Path) -> Iterator[Table]:
    """The file, its separator and its headings. Raises Invalid for what cannot be a table."""
    size = path.stat().st_size
    if size == 0:
        raise Invalid("file", "is empty")
    if size > MAX_BYTES:
        raise Invalid("file", f"has more than {MAX_BYTES >> 20} MB")
    text = _in_utf8(path, folder)
    first = _first_line(text)
    separator = max(SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))
    headings = [cell.strip() for cell in next(csv.reader(io.StringIO(first), delimiter=separator))]
    _check(headings)
    yield Table(text, separator, headings)


def load(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Read the rows into raw(r, c0, c1, …), and lines that fit no column into `rejects`."""
    names = ", ".join(f"'c{n}': 'varchar'" for n in range(len(table.headings)))
    path = str(table.path).replace("'", "''")
    connection.execute(
        f"""
        create table raw as
        select row_number() over () as r, * from read_csv(
          '{path}', delim = '{table.separator}', quote = '"', escape = '"', header = true,
          columns = {{{names}}}, auto_detect = false, store_rejects = true,
          max_line_size = {MAX_LINE}, null_padding = false, strict_mode = true
        )
        """
    )
    [(rows,)] = connection.execute("select count(*) from raw").fetchall()
    if rows > MAX_ROWS:
        raise Invalid("file", f"has more than {MAX_ROWS:,} rows")


def _in_utf8(path: Path, folder: Path) -> Path:
    """The same text in UTF-8 without a mark at its start: Excel writes others too."""
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Invalid("file", "is UTF-16; save it as CSV UTF-8")
        encoding = "utf-8"
        file.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
        start = file.tell()
        for block in iter(lambda: file.read(8 << 20), b""):
            if b"\0" in block:
                raise Invalid("file", "contains NUL characters; it is not a CSV text file")
            if encoding == "utf-8" and not _is_utf8(block + file.readline()):
                encoding = "cp1252"
    if encoding == "utf-8" and start == 0:
        return path
    target = folder / "utf8.csv"
    with path.open("rb") as raw:
        raw.seek(start)
        reader = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        with target.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(reader, out, 1 << 20)
    return target


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise Invalid("file", "its first line is longer than a megabyte")
    return line.decode("utf-8", "replace").rstrip("\r\n")


def _check(headings: list[str]) -> None:
    if len(headings) > MAX_COLUMNS:
        raise Invalid("file", f"has {len(headings):,} columns; at most {MAX_COLUMNS} are read")
    if not any(headings):
        raise Invalid("file", "its first line must name the columns")
    doubled = [name for name in headings if headings.count(name) > 1]
    if doubled:
        raise Invalid("file", f"two columns are called {doubled[0]!r}")
