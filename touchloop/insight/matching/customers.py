"""The customers as a table to match: what they or the staff told of themselves, under consent.

Matching serves that one person is one record (`improve`, of what people told us): whoever objected
to that is not in it, and what was only inferred about somebody says nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.insight.matching import cleaning, columns
from touchloop.insight.matching.columns import Field, Seen
from touchloop.insight.models import api as models
from touchloop.lake.api import copy_to_arrow

PURPOSE: Final = "improve"
CATEGORY: Final = "told_us"
MOST_TRAITS: Final = 40
OFTEN: Final = 20  # records that must share a value before it is kept as a frequent one
KEPT_VALUES: Final = 10
_PERSONAL: Final = (columns.EMAIL, columns.PHONE, columns.NATIONAL_ID, columns.BORN, columns.STREET)


@dataclass(frozen=True, slots=True)
class People:
    """`table`: record, and a text column for each of `names`; `ids` the customer of each record."""

    table: pa.Table
    names: tuple[str, ...]
    ids: NDArray[np.int64]
    left_out: int

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.ids)


def load(conn: Connection) -> People:
    """Everybody who may be compared, with those traits whose names say that they name a person."""
    allowed = models.people(conn, PURPOSE, (CATEGORY,))
    ids = np.asarray(allowed.column("customer_id"), dtype=np.int64)
    names = [
        row[0]
        for row in conn.execute(_TRAITS, {"most": MOST_TRAITS}).fetchall()
        if columns.kind_of(row[0], Seen(0, 0, 0, ())) not in ("", columns.TEXT)
    ]
    told = [name for name in names if name.lower() not in ("email", "phone")]
    schema = pa.schema(
        [("customer_id", pa.int64()), *((name, pa.string()) for name in ("email", "phone", *told))]
    )
    listed = "".join(
        f", CASE WHEN (traits->%(n{at})s->>'a')::int > 0 THEN traits->%(n{at})s->>'v' END"
        for at in range(len(told))
    )
    given = {f"n{at}": name for at, name in enumerate(told)}
    query = _CUSTOMERS.format(listed=listed)
    found = copy_to_arrow(conn, query, {**given, "ids": ids.tolist()}, schema)
    record = pa.array(range(found.num_rows), pa.int64())
    table = found.append_column(cleaning.RECORD, record)
    return People(
        table.drop_columns(["customer_id"]),
        ("email", "phone", *told),
        np.asarray(found.column("customer_id"), dtype=np.int64),
        models.everybody(conn) - len(ids),
    )


def frequent(
    conn: duckdb.DuckDBPyConnection, fields: Sequence[Field]
) -> dict[str, list[tuple[str, int]]]:
    """The most frequent values by field, of many records each; nothing that names one person."""
    found = {}
    there = {row[0] for row in conn.execute(f"DESCRIBE {cleaning.TABLE}").fetchall()}
    for field in fields:
        if field.kind in _PERSONAL or field.name not in there:
            continue
        rows = conn.execute(
            f"SELECT {field.name}, count(*) AS n FROM {cleaning.TABLE}"
            f" WHERE {field.name} IS NOT NULL GROUP BY 1 HAVING n >= {OFTEN}"
            f" ORDER BY n DESC, 1 LIMIT {KEPT_VALUES}"
        ).fetchall()
        if rows:
            found[field.name] = [(str(value), int(n)) for value, n in rows]
    return found


_TRAITS = """
SELECT name, count(*) FROM (SELECT traits FROM customers ORDER BY updated_at DESC LIMIT 2000) c,
  jsonb_object_keys(c.traits) name
GROUP BY name ORDER BY 2 DESC, 1 LIMIT %(most)s"""
_CUSTOMERS = """
SELECT id, nullif(email, ''), nullif(phone, ''){listed}
FROM customers WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id"""
