"""What the segment rules read, for the customers just touched: as Arrow tables.

Of the log it is what the worker recalls (recalling.py); names are looked up from the catalogue by
their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.flow import recalling
from touchloop.flow.batch import Batch, Work
from touchloop.flow.histories import AMOUNTS, TEXTS, Part, joined
from touchloop.insight.segments.api import SCHEMAS, Needs, Reading
from touchloop.lake.api import copy_to_arrow

Relations = dict[str, pa.Table]

TRAITS_OF_A_CALL = 50  # PostgreSQL takes a hundred arguments


def relations(needs: Needs, customers: Sequence[int], batch: Batch, work: Work) -> Relations:
    """The relations that `needs` asks for; those it does not read are left out."""
    found: Relations = {}
    if needs.interactions is not None or needs.lines is not None:
        work.catalogue.every_kind(work.conn)  # after the customers are held: none is missed
        part = joined(recalling.recall(customers, batch, work))
        if needs.interactions is not None:
            found["interactions"] = _interactions(needs.interactions, part, work)
        if needs.lines is not None:
            found["lines"] = _lines(needs.lines, part, work)
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


def _interactions(reading: Reading, part: Part, work: Work) -> pa.Table:
    chosen = _concerned(reading, part.rows, work)
    rows, names = part.rows[chosen], work.catalogue.kinds
    columns = {
        "customer_id": pa.array(part.row_of[chosen]),
        "name": looked_up(rows["kind_id"], {id: name for (_, name), id in names.items()}),
        "occurred_at": pa.array(rows["occurred_at"]).cast(pa.timestamp("us")),
    }
    if "interaction_id" in reading.columns:
        columns["interaction_id"] = pa.array(rows["id"])
    if "value" in reading.columns:
        columns["value"] = pa.array(rows["value"], from_pandas=True)
    if "type" in reading.columns:
        columns["type"] = looked_up(rows["kind_id"], {id: type for (type, _), id in names.items()})
    if reading.columns & {"channel", "location"}:
        met = np.unique(rows["touchpoint_id"]).tolist()
        places = work.catalogue.places_by_id(work.conn, (id for id in met if id))
        for place, column in enumerate(("channel", "location")):
            words = {id: names[place] for id, names in places.items()}
            columns[column] = looked_up(rows["touchpoint_id"], words)
    if "properties" in reading.columns:
        columns["properties"] = _properties(rows["id"], work.conn)
    return pa.table(columns)


def _lines(reading: Reading, part: Part, work: Work) -> pa.Table:
    chosen = _concerned(reading, part.lines, work)
    lines = part.lines[chosen]
    columns = {
        "customer_id": pa.array(part.line_of[chosen]),
        "name": looked_up(
            lines["kind_id"], {id: name for (_, name), id in work.catalogue.kinds.items()}
        ),
        "occurred_at": pa.array(lines["occurred_at"]).cast(pa.timestamp("us")),
    }
    if "interaction_id" in reading.columns:
        columns["interaction_id"] = pa.array(lines["interaction_id"])
    for name in reading.columns & set(TEXTS):
        columns[name] = work.histories.texts(name, lines[name])
    for name in reading.columns & set(AMOUNTS):
        columns[name] = pa.array(lines[name], from_pandas=True)
    return pa.table(columns)


def _concerned(reading: Reading, rows: Any, work: Work) -> Any:
    """Where the rows are that a part of the rules reads, of all that is read of these customers."""
    chosen = np.isin(rows["kind_id"], recalling.kinds(reading, work))
    since = reading.since(work.now)
    if since is not None:
        chosen &= rows["occurred_at"] > clock.micros(since)
    return np.flatnonzero(chosen)


def _customers(needs: Needs, customers: Sequence[int], conn: Connection) -> pa.Table:
    traits = {f"t{n}": name for n, name in enumerate(sorted(needs.traits))}
    return copy_to_arrow(
        conn,
        _CUSTOMERS.format(traits=_object_of(list(traits))),
        {"customers": arrays.numbers(customers), **traits},
        pa.schema(
            [SCHEMAS["customers"].field(n) for n in ("customer_id", "traits", "stage", "allowed")]
        ),
    )


def _object_of(traits: Sequence[str]) -> str:
    """SQL for an object of these parameters' traits; a subquery for each customer costs more."""
    pairs = [f"%({trait})s::text, c.traits -> %({trait})s::text -> 'v'" for trait in traits]
    parts = [pairs[i : i + TRAITS_OF_A_CALL] for i in range(0, len(pairs), TRAITS_OF_A_CALL)]
    return " || ".join(f"jsonb_build_object({', '.join(part)})" for part in parts) or "NULL::jsonb"


def _properties(interaction_ids: Any, conn: Connection) -> pa.ChunkedArray:
    table = copy_to_arrow(
        conn,
        _PROPERTIES,
        {"ids": arrays.numbers(interaction_ids.tolist())},
        pa.schema([("place", pa.int64()), ("properties", pa.string())]),
    )
    return table.sort_by("place").column("properties")


def looked_up(numbers: Any, words: Mapping[int, str]) -> pa.DictionaryArray:
    """The word of each number, as a dictionary in which a word may repeat; NULL without one."""
    last = int(numbers.max(initial=0))  # numbers of kinds and places are counted from one
    named = pa.array([words.get(number) for number in range(last + 1)], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), named)


_CUSTOMERS = """
SELECT c.id, ({traits})::text, c.stage, c.allowed
FROM customers c WHERE c.id = ANY(%(customers)s::bigint[])
"""

_PROPERTIES = """
SELECT w.place, coalesce(nullif((x.body::json -> 'properties')::text, 'null'), '{}')
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS w(id, place) JOIN interactions x ON x.id = w.id
"""
