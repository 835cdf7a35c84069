"""From PostgreSQL to Arrow: COPY out as CSV, parsed by Arrow's own reader.

The server writes text faster than a client can build rows, and Arrow parses it without a Python
object per value. A small result costs one round trip and one small parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import ClientCursor
from psycopg import sql as pg
from psycopg.pq import ExecStatus, Format, TransactionStatus

from touchloop.core.copying import EPOCH_2000

Params = Sequence[Any] | Mapping[str, Any] | None

_SMALL = 1 << 20  # below this many bytes threads cost more than they bring


def copy_to_arrow(
    conn: psycopg.Connection[Any], query: str, params: Params, schema: pa.Schema
) -> pa.Table:
    """Run a query and give its rows as an Arrow table with this schema.

    The columns come in the order of the schema; their names in the query do not matter. Instants
    must be selected in UTC without a zone (`x at time zone 'UTC'`) for a timestamp without one.
    """
    return _parse(b"".join(_blocks(conn, query, params)), schema)


def copy_in_pieces(
    conn: psycopg.Connection[Any],
    query: str,
    params: Params,
    schema: pa.Schema,
    *,
    piece_bytes: int = 64 << 20,
) -> Iterator[pa.Table]:
    """The same for results larger than memory: tables of about `piece_bytes` of text each."""
    kept: list[bytes] = []
    size = 0
    for block in _blocks(conn, query, params):  # the server sends whole rows
        kept.append(block)
        size += len(block)
        if size >= piece_bytes:
            yield _parse(b"".join(kept), schema)
            kept, size = [], 0
    if kept:
        yield _parse(b"".join(kept), schema)


def read_columns(
    conn: psycopg.Connection[Any], query: str, params: Params, types: Mapping[str, str]
) -> dict[str, Any]:
    """Columns of a query as NumPy arrays; `types` is int4, int8, float8 or instant for each.

    No field may be NULL. Each column comes as one array of the server's, in which every value has
    the same width: neither a row nor a value becomes an object. Instants are microseconds since
    1970 in UTC. For what fits into memory at both ends: some millions of rows.
    """
    gathered = pg.SQL(", ").join(pg.SQL("array_agg({})").format(pg.Identifier(x)) for x in types)
    wrapped = pg.SQL("select {} from ({{}}) as rows").format(gathered)
    (found,) = _arrays(conn, _begun(conn, wrapped.as_string(conn), query, params), types)
    return found


def read_arrays(
    conn: psycopg.Connection[Any], query: str, params: Params, types: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The same of a query that gathers by itself (`array_agg`), for each of its rows.

    A column may also be a `text`, which comes as its bytes.
    """
    return _arrays(conn, _begun(conn, "{}", query, params), types)


def _arrays(
    conn: psycopg.Connection[Any], statement: bytes, types: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    result = conn.pgconn.exec_params(statement, None, result_format=Format.BINARY)
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    for row in range(result.ntuples):
        values = {name: result.get_value(row, place) for place, name in enumerate(types)}
        yield {name: _column(values[name], type) for name, type in types.items()}


def _column(value: bytes | None, type: str) -> Any:
    if type == "text":
        return value or b""
    found = _values(value, _WIRE[type])
    return found + EPOCH_2000 if type == "instant" else found


def _values(array: bytes | None, wire: str) -> Any:
    """The values of an array in PostgreSQL's binary format: a header, then lengths and values."""
    if array is None:
        return np.empty(0, np.dtype(wire).newbyteorder("="))
    values = np.frombuffer(array, np.dtype([("length", ">i4"), ("value", wire)]), offset=20)
    return values["value"].astype(np.dtype(wire).newbyteorder("="))


_WIRE = {"int4": ">i4", "int8": ">i8", "float8": ">f8", "instant": ">i8"}


def _blocks(conn: psycopg.Connection[Any], query: str, params: Params) -> Iterator[bytes]:
    """The rows of COPY as CSV, each as the server sends it.

    By libpq itself: psycopg's own loop waits for each row in Python, some 20 µs a row. Raises the
    psycopg error of a query that fails.
    """
    # NULL is an empty field and an empty string is "", so the two stay apart.
    statement = _begun(conn, "copy ({}) to stdout (format csv)", query, params)
    link = conn.pgconn
    started = link.exec_(statement)
    if started.status != ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(started)
    while True:
        size, data = link.get_copy_data(0)
        if size < 0:
            break
        yield bytes(data)
    if size == -2:
        raise psycopg.OperationalError(link.get_error_message())
    while (result := link.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)


def _begun(conn: psycopg.Connection[Any], around: str, query: str, params: Params) -> bytes:
    """The query with its values, `around` it the rest; in a transaction, as psycopg would be."""
    whole = pg.SQL(cast(Any, around)).format(pg.SQL(cast(Any, query)))
    statement = ClientCursor(conn).mogrify(whole, params)
    if conn.info.transaction_status == TransactionStatus.IDLE and not conn.autocommit:
        conn.execute("begin")
    return statement.encode()


def _parse(text: bytes, schema: pa.Schema) -> pa.Table:
    if not text:
        return schema.empty_table()
    small = len(text) < _SMALL
    return pa_csv.read_csv(
        pa.BufferReader(text),
        read_options=pa_csv.ReadOptions(
            column_names=schema.names,
            use_threads=not small,
            block_size=len(text) + 1 if small else 8 * _SMALL,
        ),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
