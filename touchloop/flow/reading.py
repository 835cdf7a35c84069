"""What the segment rules read, for the customers just touched: Arrow tables straight from the log.

Numbers come by binary COPY with rows of one width, which NumPy reads without touching a value;
names are looked up from the catalogue by their numbers. Only what the rules need is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from psycopg import sql

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.flow.batch import Work
from touchloop.insight.segments.api import SCHEMAS, Needs, Reading
from touchloop.lake.api import copy_columns, copy_to_arrow

NOBODY = pa.table({"customer_id": pa.array([], pa.int64())})


def relations(needs: Needs, customers: Sequence[int], work: Work) -> dict[str, pa.Table]:
    """The relations that `needs` asks for; those it does not read are left out."""
    found: dict[str, pa.Table] = {}
    if needs.interactions is not None:
        found["interactions"] = _interactions(needs.interactions, customers, work)
    if needs.lines is not None:
        found["lines"] = _lines(needs.lines, customers, work)
    if needs.traits or needs.stage or needs.consent:
        found["customers"] = _customers(needs, customers, work.conn)
    if needs.segments:
        found["members"] = copy_to_arrow(
            work.conn,
            "SELECT customer_id, segment_id FROM segment_members"
            " WHERE customer_id = ANY(%(customers)s::bigint[]) AND segment_id = ANY(%(segments)s)",
            {"customers": arrays.numbers(customers), "segments": sorted(needs.segments)},
            SCHEMAS["members"],
        )
    if needs.scores:
        found["scores"] = copy_to_arrow(
            work.conn,
            "SELECT customer_id, name, value FROM scores"
            " WHERE customer_id = ANY(%(customers)s::bigint[]) AND name = ANY(%(names)s)",
            {"customers": arrays.numbers(customers), "names": sorted(needs.scores)},
            SCHEMAS["scores"],
        )
    return found


def _interactions(reading: Reading, customers: Sequence[int], work: Work) -> pa.Table:
    kinds = _kinds(reading, work)
    wanted = _COLUMNS["always"] | {
        name: kind
        for column in sorted(reading.columns & _COLUMNS.keys())
        for name, kind in _COLUMNS[column].items()
    }
    selected = ", ".join(f"{_EXPRESSIONS[name]} AS {name}" for name in wanted)
    rows = copy_columns(
        work.conn,
        f"SELECT {selected} {_OF_CUSTOMERS}",
        _parameters(reading, customers, kinds, work.now),
        wanted,
    )
    names = {id: name for (_, name), id in work.catalogue.kinds.items()}
    columns = {
        "customer_id": pa.array(rows["customer_id"]),
        "name": _looked_up(rows["kind_id"], names),
        "occurred_at": pa.array(rows["occurred_at"]).cast(pa.timestamp("us")),
    }
    if "id" in rows:
        columns["interaction_id"] = pa.array(rows["id"])
    if "value" in rows:
        columns["value"] = pa.array(rows["value"], from_pandas=True)
    if "type" in reading.columns:
        types = {id: type for (type, _), id in work.catalogue.kinds.items()}
        columns["type"] = _looked_up(rows["kind_id"], types)
    if reading.columns & {"channel", "location"}:
        places = {id: place for place, id in work.catalogue.every_place(work.conn).items()}
        for place, column in enumerate(("channel", "location")):
            words = {id: names[place] for id, names in places.items()}
            columns[column] = _looked_up(rows["touchpoint_id"], words)
    if "properties" in reading.columns:
        columns["properties"] = _properties(rows["id"], work.conn)
    return pa.table(columns)


def _lines(reading: Reading, customers: Sequence[int], work: Work) -> pa.Table:
    wanted = [field for field in SCHEMAS["lines"] if field.name in reading.columns]
    if all(field.name != "customer_id" for field in wanted):
        wanted.insert(0, SCHEMAS["lines"].field("customer_id"))
    chosen = sql.SQL(", ").join(sql.SQL(_LINE_COLUMNS[field.name]) for field in wanted)
    where: sql.Composable = sql.SQL("")
    values: dict[str, Any] = {}
    for column, only in reading.only:
        where = sql.SQL(" AND {} = ANY(%(only)s)").format(sql.SQL(_LINE_COLUMNS[column]))
        values = {"only": sorted(only)}
    query = sql.SQL("SELECT ") + chosen + sql.SQL(_LINES) + where
    kinds = _kinds(reading, work)
    return copy_to_arrow(
        work.conn,
        query.as_string(work.conn),
        {**_parameters(reading, customers, kinds, work.now), **values},
        pa.schema(wanted),
    )


def _customers(needs: Needs, customers: Sequence[int], conn: Connection) -> pa.Table:
    return copy_to_arrow(
        conn,
        _CUSTOMERS,
        {"customers": arrays.numbers(customers), "traits": sorted(needs.traits)},
        pa.schema(
            [SCHEMAS["customers"].field(n) for n in ("customer_id", "traits", "stage", "allowed")]
        ),
    )


def _kinds(reading: Reading, work: Work) -> list[int]:
    """Numbers of the kinds that are read; what Touchloop says of itself is never among them."""
    return [
        id
        for (type, name), id in work.catalogue.every_kind(work.conn).items()
        if type != "system" and (reading.names is None or name in reading.names)
    ]


def _parameters(
    reading: Reading, customers: Sequence[int], kinds: list[int], now: datetime
) -> dict[str, Any]:
    return {"customers": arrays.numbers(customers), "kinds": kinds, "since": reading.since(now)}


def _properties(interaction_ids: Any, conn: Connection) -> pa.ChunkedArray:
    table = copy_to_arrow(
        conn,
        _PROPERTIES,
        {"ids": arrays.numbers(interaction_ids.tolist())},
        pa.schema([("place", pa.int64()), ("properties", pa.string())]),
    )
    return table.sort_by("place").column("properties")


def _looked_up(numbers: Any, words: Mapping[int, str]) -> pa.DictionaryArray:
    """The word of each number, as a dictionary in which a word may repeat; NULL without one."""
    last = int(numbers.max(initial=0))  # numbers of kinds and places are counted from one
    named = pa.array([words.get(number) for number in range(last + 1)], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), named)


# What the columns of the relation need of the log; each stands in the index of the timeline.
_COLUMNS: dict[str, dict[str, str]] = {
    "always": {"customer_id": "int8", "kind_id": "int4", "occurred_at": "instant"},
    "interaction_id": {"id": "int8"},
    "properties": {"id": "int8"},
    "channel": {"touchpoint_id": "int4"},
    "location": {"touchpoint_id": "int4"},
    "value": {"value": "float8"},
}
_EXPRESSIONS = {
    "customer_id": "i.customer_id",
    "id": "x.id",
    "kind_id": "x.kind_id",
    "touchpoint_id": "coalesce(x.touchpoint_id, 0)",
    "occurred_at": "x.occurred_at",
    "value": "coalesce(x.value, 'NaN'::float8)",
}

_OF_CUSTOMERS = """
FROM identifiers i JOIN interactions x ON x.subject_id = i.id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND x.kind_id = ANY(%(kinds)s)
  AND (%(since)s::timestamptz IS NULL OR x.occurred_at > %(since)s::timestamptz)
"""

_LINES = """
FROM identifiers i JOIN interaction_lines l ON l.subject_id = i.id JOIN kinds k ON k.id = l.kind_id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND l.kind_id = ANY(%(kinds)s)
  AND (%(since)s::timestamptz IS NULL OR l.occurred_at > %(since)s::timestamptz)
"""

_LINE_COLUMNS = {
    "customer_id": "i.customer_id",
    "interaction_id": "l.interaction_id",
    "name": "k.name",
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

_CUSTOMERS = """
SELECT c.id, (
         SELECT jsonb_object_agg(t, c.traits -> t -> 'v') FROM unnest(%(traits)s::text[]) t
         WHERE c.traits -> t -> 'v' <> 'null'::jsonb
       )::text, c.stage, c.allowed
FROM customers c WHERE c.id = ANY(%(customers)s::bigint[])
"""

_PROPERTIES = """
SELECT w.place, coalesce(nullif((x.body::json -> 'properties')::text, 'null'), '{}')
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS w(id, place) JOIN interactions x ON x.id = w.id
"""
