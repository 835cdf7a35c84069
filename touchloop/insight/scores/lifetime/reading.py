"""Purchases in a file of anybody's: customer, date, value; with or without a header."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from touchloop.core.errors import Invalid

Column = np.ndarray[Any, Any]

CUSTOMER = ("customer", "customer_id", "customerid", "cust_id", "custid", "client", "client_id",
            "household", "household_id", "user", "user_id", "id")  # fmt: skip
DATE = ("date", "day", "order_date", "purchase_date", "transaction_date", "invoicedate", "datetime",
        "timestamp", "time", "occurred_at")  # fmt: skip
VALUE = ("value", "amount", "dollar_value", "sales_value", "spend", "revenue", "total", "price",
         "dollars", "sales")  # fmt: skip
SUMMARY = (("x", "frequency"), ("tx", "recency"), ("t",), ("zbar", "monetaryvalue", "z"))
CHANCES = (("x", "frequency"), ("tx", "recency"), ("n", "periods"), ("weights", "weight"))
LARGEST = 1e100  # beyond it squares have no end
EARLIEST, LATEST = -25_567, 84_006  # 1900 and 2200, in days since 1970
CHURNED = ("churned", "churn", "left", "cancelled", "lost")

_YES_NO = {"yes": "1", "no": "0", "true": "1", "false": "0"}
_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f",
            "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M", "%d.%m.%Y")  # fmt: skip
_AMBIGUOUS = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y")


def table(path: Path) -> tuple[pa.Table, bool]:
    """The file as columns of text, and whether the first row was a header.

    Raises Invalid when it cannot be read, is empty, or rows differ in length.
    """
    text = _utf8(path)
    if not text.strip():
        raise Invalid("file", f"{path} is empty")
    if b"\n" not in text.strip():
        raise Invalid("file", f"{path} has a single row")
    first = text.lstrip().split(b"\n", 1)[0]
    mark = max(b",;\t|", key=lambda each: first.count(bytes([each])))
    separator = chr(mark)
    if not first.count(bytes([mark])):
        separator = ","
        text = b"\n".join(b",".join(line.split()) for line in text.splitlines())
        first = text.lstrip().split(b"\n", 1)[0]
    header = not any(_is_number(cell) for cell in first.decode("utf-8", "replace").split(separator))
    try:
        line = first.decode("utf-8").rstrip("\r")
        cells = next(csv.reader([line], delimiter=separator))
        names = cells if header else [f"f{place}" for place in range(len(cells))]
        found = pa_csv.read_csv(
            io.BytesIO(text.lstrip()),
            read_options=pa_csv.ReadOptions(autogenerate_column_names=not header),
            parse_options=pa_csv.ParseOptions(delimiter=separator),
            convert_options=pa_csv.ConvertOptions(  # text as it stands: 007 is not 7
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise Invalid("file", f"{path}: {str(error).splitlines()[0]}") from None
    if not found.num_rows:
        raise Invalid("file", f"{path} has a header and no rows")
    return found, header


def _utf8(path: Path) -> bytes:
    """A file, plain or .gz, in UTF-8; text that is none is taken for Latin-1."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid("file", f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        raw.decode()
    except UnicodeDecodeError:
        raw = raw.decode("latin-1").encode()
    return raw.removeprefix(b"\xef\xbb\xbf")


def purchases(
    path: Path,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Customer (as numbers from 0), day (days since 1970) and value of each row.

    Raises Invalid with the row for a date or a value that is none.
    """
    found, header = table(path)
    names = _columns(found, header, path)
    with duckdb.connect() as connection:
        connection.register("given", found)
        chosen = _date_format(connection, names[1])
        rows = connection.sql(
            _READ.format(customer=_name(names[0]), date=_name(names[1]), value=_name(names[2])),
            params={"formats": list(chosen)},
        ).to_arrow_table()
    first = 2 if header else 1
    for column, word in (("day", "date"), ("value", "value"), ("customer", "customer")):
        missing = np.flatnonzero(rows.column(column).is_null().to_numpy())
        if len(missing):
            shown = found.column(names[("customer", "date", "value").index(word)])
            raise Invalid(
                word,
                f"row {missing[0] + first} has {str(shown[int(missing[0])])[:40]!r}, which is no"
                f" {'name' if word == 'customer' else word}"
                + (f" (and {len(missing) - 1} more rows)" if len(missing) > 1 else ""),
            )
    value = rows.column("value").to_numpy()
    if not (np.abs(value) < LARGEST).all():
        row = int(np.flatnonzero(~(np.abs(value) < LARGEST))[0])
        raise Invalid("value", f"row {row + first} has a value that is no number")
    days = rows.column("day").to_numpy()
    odd = np.flatnonzero((days < EARLIEST) | (days >= LATEST))
    if len(odd):
        shown = found.column(names[1])[int(odd[0])]
        raise Invalid(
            "date",
            f"row {odd[0] + first} is dated {str(shown)[:40]}: between 1900 and 2200"
            " a purchase is expected",
        )
    code = rows.column("customer").combine_chunks().dictionary_encode().indices.to_numpy()
    return code.astype(np.int64), days.astype(np.int64), value


def summary(path: Path) -> tuple[Column, Column, Column, Column] | None:
    """x, tx, T and the mean value of repeat purchases (NaN where unknown), when the file has them.

    None for a log of purchases. Raises Invalid for a row that is no number.
    """
    found, header = table(path)
    if not header:
        return None
    plain = {name.strip().lower().replace("_", ""): name for name in found.column_names}
    names = [next((plain[each] for each in words if each in plain), None) for words in SUMMARY]
    if None in names[:3]:
        return None
    columns = []
    for name in names:
        if name is None:
            columns.append(np.full(found.num_rows, np.nan))
            continue
        try:
            columns.append(np.array(found.column(name).to_pylist(), dtype=np.float64))
        except ValueError as error:
            raise Invalid(name, f"{path}: {error}") from None
    return columns[0], columns[1], columns[2], columns[3]


def chances(path: Path) -> tuple[Column, Column, Column, Column] | None:
    """x, tx, n and customers of each row, when the file has the first three; None otherwise."""
    found, header = table(path)
    plain = {name.strip().lower().replace("_", ""): name for name in found.column_names}
    names = [next((plain[each] for each in words if each in plain), None) for words in CHANCES]
    if not header or None in names[:3]:
        return None
    columns = []
    for name in names:
        try:
            columns.append(
                np.ones(found.num_rows)
                if name is None
                else np.array(found.column(name).to_pylist(), dtype=np.float64)
            )
        except ValueError as error:
            raise Invalid(str(name), f"{path}: {error}") from None
    return columns[0], columns[1], columns[2], columns[3]


def contracts(path: Path) -> tuple[Column, Column]:
    """Renewals asked for and whether the customer left at the last, of each row."""
    found, header = table(path)
    plain = {name.strip().lower(): name for name in found.column_names} if header else {}
    columns = []
    for word, others in (("tenure", ("tenure", "renewals", "periods")), ("churned", CHURNED)):
        name = next((plain[each] for each in others if each in plain), None)
        if name is None:
            raise Invalid(word, f"{path} has no such column")
        text = [str(each).strip().lower() for each in found.column(name).to_pylist()]
        try:
            columns.append(np.array([_YES_NO.get(each, each) for each in text], dtype=np.float64))
        except ValueError as error:
            raise Invalid(word, f"{path}: {error}") from None
    if not np.isin(columns[1], (0.0, 1.0)).all():
        raise Invalid("churned", "is 0 or 1 in each row")
    return columns[0], columns[1]


def _columns(found: pa.Table, header: bool, path: Path) -> tuple[str, str, str]:
    names: list[str] = found.column_names
    if header:
        plain = {name.strip().lower().replace(" ", "_"): name for name in reversed(names)}
        picked = [
            next((plain[word] for word in words if word in plain), None)
            for words in (CUSTOMER, DATE, VALUE)
        ]
        for name, word in zip(picked, ("customer", "date", "value"), strict=True):
            if name is None:
                raise Invalid(word, f"{path} has no such column among: {', '.join(names)[:200]}")
            if names.count(name) > 1:
                raise Invalid(word, f"{path} names the column {name} twice")
        return str(picked[0]), str(picked[1]), str(picked[2])
    if len(names) < 3:
        raise Invalid("file", f"{path} has {len(names)} columns; customer, date, value are needed")
    with duckdb.connect() as connection:
        connection.register("given", found.slice(0, 100))
        for name in names[1:-1]:
            try:
                _date_format(connection, name)
            except Invalid:
                continue
            return names[0], name, names[-1]
    return names[0], names[1], names[-1]


def _date_format(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """The formats to read dates by; Invalid when day and month cannot be told apart."""
    sure = connection.execute(
        f"SELECT count(*) FROM given WHERE {_TEXT.format(name=_name(name))} IS NOT NULL"
        f" AND try_strptime({_TEXT.format(name=_name(name))}, $formats) IS NOT NULL",
        {"formats": list(_FORMATS)},
    ).fetchall()
    if sure[0][0]:
        return _FORMATS
    fits = []
    for form in _AMBIGUOUS:
        wrong = connection.execute(
            f"SELECT count(*) FROM given WHERE"
            f" try_strptime({_TEXT.format(name=_name(name))}, $form) IS NULL",
            {"form": form},
        ).fetchall()
        if not wrong[0][0]:
            fits.append(form)
    if len(fits) > 1:
        raise Invalid("date", "day and month cannot be told apart: write dates as YYYY-MM-DD")
    if not fits:
        raise Invalid("date", f"column {name}: dates are written as YYYY-MM-DD")
    return (fits[0],)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_number(cell: str) -> bool:
    text = cell.strip().strip('"').replace("-", "").replace("/", "").replace(":", "")
    try:
        float(text)
    except ValueError:
        return False
    return text.lower() not in ("nan", "inf", "infinity")


_TEXT = "trim(CAST({name} AS VARCHAR))"

_READ = """
SELECT nullif(trim(CAST({customer} AS VARCHAR)), '') AS customer,
  date_diff('day', DATE '1970-01-01',
    CAST(try_strptime(trim(CAST({date} AS VARCHAR)), $formats) AS DATE)) AS day,
  try_cast(trim(CAST({value} AS VARCHAR)) AS DOUBLE) AS value
FROM given
"""
