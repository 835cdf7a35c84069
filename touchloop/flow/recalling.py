"""What the log holds of the customers just touched: from memory, or read.

Only kinds that the live rules read are fetched, and only as far back as they look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from touchloop.core import arrays
from touchloop.flow.batch import Batch, Work
from touchloop.flow.histories import (
    AMOUNTS,
    LINE,
    ROW,
    TEXTS,
    Histories,
    Kept,
    News,
    pack_lines,
    pack_row,
    split,
)
from touchloop.insight.segments.api import SCHEMAS, Reading
from touchloop.lake.api import copy_to_arrow, read_columns

UNKNOWN = -1  # the turn of a customer who was merged in this very batch


def recall(customers: Sequence[int], batch: Batch, work: Work) -> dict[int, Kept]:
    """All that the live rules read of these customers, with what the batch itself has brought."""
    needs, turns = work.needs, batch.turns
    known = work.histories.known(customers, turns)
    found = dict(_brought_up(known, batch, work)) if known else {}
    stands = work.histories.stands
    batch.stands.update((id, stands[id]) for id in known if id in stands)
    missing = [customer for customer in customers if customer not in known]
    if missing:
        rows, lines = _rows(needs.interactions, missing, work), _lines(needs.lines, missing, work)
        for id in missing:
            found[id] = Kept(turns.get(id, UNKNOWN), rows.get(id, b""), lines.get(id, b""))
    batch.histories.update((id, kept) for id, kept in found.items() if kept.turn != UNKNOWN)
    return found


def kinds(reading: Reading, work: Work) -> list[int]:
    """Numbers of the kinds that are read; what Touchloop says of itself is never among them."""
    return [
        id
        for (type, name), id in work.catalogue.kinds.items()
        if type != "system" and (reading.names is None or name in reading.names)
    ]


def _brought_up(known: Mapping[int, Kept], batch: Batch, work: Work) -> Iterator[tuple[int, Kept]]:
    """Those who are known, with what the batch has added to the log for them."""
    if batch.news is None:
        batch.news = News(_new_rows(batch, work), _new_lines(batch, work))
    rows, lines = batch.news
    for id, kept in known.items():
        new_rows, new_lines = rows.get(id), lines.get(id)
        yield (
            id,
            Kept(
                batch.turns[id],
                kept.rows + b"".join(new_rows) if new_rows else kept.rows,
                kept.lines + b"".join(new_lines) if new_lines else kept.lines,
            ),
        )


def _new_rows(batch: Batch, work: Work) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = defaultdict(list)
    if work.needs.interactions is not None:
        wanted = frozenset(kinds(work.needs.interactions, work))
        for row, message in zip(batch.rows, batch.messages, strict=False):
            if row.kind_id in wanted:
                found[message.customer_id].append(pack_row(row))
    return found


def _new_lines(batch: Batch, work: Work) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = defaultdict(list)
    if work.needs.lines is not None and batch.lines:
        wanted = frozenset(kinds(work.needs.lines, work))
        first = batch.rows[0].id
        for row, bought in batch.lines:
            if row.kind_id in wanted:
                customer = batch.messages[row.id - first].customer_id
                found[customer] += pack_lines(row, bought, work.needs.lines, work.histories)
    return found


def _rows(reading: Reading | None, customers: Sequence[int], work: Work) -> dict[int, bytes]:
    if reading is None:
        return {}
    columns = read_columns(
        work.conn,
        _ROWS,
        _parameters(reading, customers, work),
        {"customer_id": "int8", "id": "int8", "kind_id": "int4", "touchpoint_id": "int4",
         "occurred_at": "instant", "value": "float8"},
    )  # fmt: skip
    return _packed(columns, ROW)


def _lines(reading: Reading | None, customers: Sequence[int], work: Work) -> dict[int, bytes]:
    if reading is None:
        return {}
    wanted = [name for name in (*TEXTS, *AMOUNTS) if name in reading.columns]
    schema = pa.schema([*_ALWAYS, *(SCHEMAS["lines"].field(name) for name in wanted)])
    chosen = sql.SQL(", ").join(sql.SQL(_LINE_COLUMNS[name]) for name in schema.names)
    where: sql.Composable = sql.SQL("")
    values: dict[str, Any] = {}
    for column, only in reading.only:
        where = sql.SQL(" AND {} = ANY(%(only)s)").format(sql.SQL(_LINE_COLUMNS[column]))
        values = {"only": sorted(only)}
    query = sql.SQL("SELECT ") + chosen + sql.SQL(_LINES) + where
    table = copy_to_arrow(
        work.conn,
        query.as_string(work.conn),
        {**_parameters(reading, customers, work), **values},
        schema,
    )
    columns = {name: _column(name, table.column(name), work.histories) for name in schema.names}
    return _packed(columns, LINE)


def _column(name: str, column: pa.ChunkedArray, memory: Histories) -> Any:
    if name in TEXTS:
        encoded = column.combine_chunks().dictionary_encode()
        codes = np.array(
            [memory.code(name, text) for text in encoded.dictionary.to_pylist()], np.int32
        )
        return codes[encoded.indices.to_numpy()] if len(codes) else np.empty(0, np.int32)
    if name in AMOUNTS:
        return pc.fill_null(column, float("nan")).to_numpy()
    return column.cast(pa.int64()).to_numpy()


def _packed(columns: Mapping[str, Any], dtype: np.dtype[Any]) -> dict[int, bytes]:
    """Columns as packed rows, by customer; what was not read is left empty."""
    packed = np.zeros(len(columns["customer_id"]), dtype)
    for name in dtype.names or ():
        if name in columns:
            packed[name] = columns[name]
    return split(columns["customer_id"], packed)


def _parameters(reading: Reading, customers: Iterable[int], work: Work) -> dict[str, Any]:
    return {
        "customers": arrays.numbers(customers),
        "kinds": kinds(reading, work),
        "since": reading.since(work.now),
    }


_ROWS = """
SELECT i.customer_id, x.id, x.kind_id, coalesce(x.touchpoint_id, 0) AS touchpoint_id,
       x.occurred_at, coalesce(x.value, 'NaN'::float8) AS value
FROM identifiers i JOIN interactions x ON x.subject_id = i.id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND x.kind_id = ANY(%(kinds)s)
  AND (%(since)s::timestamptz IS NULL OR x.occurred_at > %(since)s::timestamptz)
"""

_LINES = """
FROM identifiers i JOIN interaction_lines l ON l.subject_id = i.id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND l.kind_id = ANY(%(kinds)s)
  AND (%(since)s::timestamptz IS NULL OR l.occurred_at > %(since)s::timestamptz)
"""

_ALWAYS = (
    pa.field("customer_id", pa.int64()),
    pa.field("interaction_id", pa.int64()),
    pa.field("kind_id", pa.int32()),
    pa.field("occurred_at", pa.timestamp("us")),
)
_LINE_COLUMNS = {
    "customer_id": "i.customer_id",
    "interaction_id": "l.interaction_id",
    "kind_id": "l.kind_id",
    "occurred_at": "l.occurred_at AT TIME ZONE 'UTC'",
    "product_id": "l.product_id",
    "product": "l.name",
    "department": "l.department",
    "category": "l.category",
    "brand": "l.brand",
    "quantity": "l.quantity",
    "price": "l.price",
    "amount": "l.amount",
}
