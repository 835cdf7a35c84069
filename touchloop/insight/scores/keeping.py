"""Scores as they are kept: written in sets, read for one customer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Score:
    """One number about one customer, what it was made of, when, and by which version of a model."""

    name: str
    value: float
    inputs: dict[str, Any]
    computed_at: datetime
    version: int | None = None


def write(
    conn: Connection,
    name: str,
    rows: Iterable[tuple[int, float, str]] | pa.Table,
    *,
    now: datetime,
    version: int | None = None,
) -> list[int]:
    """Make these (customer, value, inputs as JSON) the whole of a score.

    `rows` are tuples, or an Arrow table with these three columns in this order. `version` is the
    id of the model's version that says so; None: it was counted. Commits with the caller.
    Gives the customers whose value changed, appeared or went: their segments must be decided again.
    """
    conn.execute(
        "CREATE TEMP TABLE IF NOT EXISTS new_scores"
        " (customer_id bigint PRIMARY KEY, value double precision, inputs jsonb) ON COMMIT DROP"
    )
    conn.execute("TRUNCATE new_scores")
    _copy(conn, rows)
    changed = [row[0] for row in conn.execute(_CHANGED, {"name": name}).fetchall()]
    conn.execute(_GONE, {"name": name})
    conn.execute(_WRITTEN, {"name": name, "now": now, "version": version})
    return changed


def of_customer(conn: Connection, customer_id: int) -> list[Score]:
    """The scores of a customer, by name."""
    rows = conn.execute(
        "SELECT name, value, inputs, computed_at, model_version_id FROM scores"
        " WHERE customer_id = %s ORDER BY name",
        (customer_id,),
    ).fetchall()
    return [Score(*row) for row in rows]


def _copy(conn: Connection, rows: Iterable[tuple[int, float, str]] | pa.Table) -> None:
    if isinstance(rows, pa.Table):
        text = BytesIO()
        pa_csv.write_csv(rows, text, pa_csv.WriteOptions(include_header=False))
        with conn.cursor() as cursor, cursor.copy(_FROM_CSV) as copy:
            copy.write(text.getvalue())
        return
    with conn.cursor() as cursor, cursor.copy("COPY new_scores FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


_FROM_CSV = "COPY new_scores FROM STDIN (FORMAT csv)"

_CHANGED = """
SELECT coalesce(n.customer_id, s.customer_id)
FROM new_scores n
FULL JOIN (SELECT customer_id, value FROM scores WHERE name = %(name)s) s
  ON s.customer_id = n.customer_id
WHERE n.value IS DISTINCT FROM s.value
"""

_GONE = """
DELETE FROM scores s WHERE s.name = %(name)s
  AND NOT EXISTS (SELECT FROM new_scores n WHERE n.customer_id = s.customer_id)
"""

_WRITTEN = """
INSERT INTO scores (customer_id, name, value, inputs, computed_at, model_version_id)
SELECT customer_id, %(name)s, value, inputs, %(now)s, %(version)s FROM new_scores
ON CONFLICT (customer_id, name) DO UPDATE
  SET value = excluded.value, inputs = excluded.inputs, computed_at = excluded.computed_at,
      model_version_id = excluded.model_version_id
"""
