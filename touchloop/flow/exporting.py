"""From the log to the lake: which batches wait, what they hold, and that they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from touchloop.core.db import Connection
from touchloop.interactions.api import IDS_OF_A_BATCH
from touchloop.lake import api as lake

BATCHES_OF_AN_EXPORT = 400
ROWS_OF_AN_EXPORT = 400_000


def export_finished(conn: Connection) -> int:
    """Bring finished batches into the lake; returns the rows of the log that were written."""
    return lake.export(conn, waiting=waiting, read=read, mark=mark) or 0


def export_all(conn: Connection) -> int:
    """Export until nothing waits; returns the rows."""
    total = 0
    while written := lake.export(conn, waiting=waiting, read=read, mark=mark):
        total += written
    return total


def compact(conn: Connection) -> None:
    """Merge small files of the lake."""
    lake.compact(conn)


def rebuild(conn: Connection) -> int:
    """Write the lake anew from the log; returns the rows of the log."""
    return lake.rebuild(conn, waiting=waiting, pieces=pieces, read=read, mark=mark)


def waiting(conn: Connection) -> list[int]:
    """The oldest batches that are not in the lake, up to a bounded number of rows."""
    return [
        row[0]
        for row in conn.execute(
            _WAITING, {"batches": BATCHES_OF_AN_EXPORT, "rows": ROWS_OF_AN_EXPORT}
        ).fetchall()
    ]


def pieces(conn: Connection, table: str, batch_ids: Sequence[int]) -> Iterator[pa.Table]:
    """Every row of the log for one table, without batches that wait outside of `batch_ids`."""
    query = _EVERY_INTERACTION if table == lake.INTERACTIONS else _EVERY_LINE
    return lake.copy_in_pieces(conn, query, {"ids": list(batch_ids)}, lake.SCHEMAS[table])


def read(conn: Connection, batch_ids: Sequence[int]) -> lake.Rows:
    """The rows that these batches wrote."""
    ids = {"ids": list(batch_ids)}
    schemas = lake.SCHEMAS
    return lake.Rows(
        lake.copy_to_arrow(conn, _INTERACTIONS, ids, schemas[lake.INTERACTIONS]),
        lake.copy_to_arrow(conn, _LINES, ids, schemas[lake.LINES]),
    )


def mark(conn: Connection, batch_ids: Sequence[int], seq: int) -> None:
    """Note that the lake holds these batches, in the caller's transaction."""
    conn.execute("UPDATE flow_batches SET exported = %s WHERE id = ANY(%s)", (seq, list(batch_ids)))


_WAITING = """
SELECT id FROM (
  SELECT id, sum(last_id - first_id + 1) OVER (ORDER BY id) AS upto,
         row_number() OVER (ORDER BY id) AS n
  FROM (SELECT id, first_id, last_id FROM flow_batches WHERE exported IS NULL
        ORDER BY id LIMIT %(batches)s) b
) w WHERE n = 1 OR upto <= %(rows)s ORDER BY id
"""

_INTERACTION_COLUMNS = """
SELECT i.id, i.subject_id, k.type, k.name, t.channel, t.location,
       i.occurred_at AT TIME ZONE 'UTC', i.value,
       coalesce(nullif((i.body::json -> 'properties')::text, 'null'), '{}')
"""

_LINE_COLUMNS = """
SELECT l.interaction_id, l.subject_id, k.name, l.occurred_at AT TIME ZONE 'UTC', l.product_id,
       l.name, l.department, l.category, l.brand, l.quantity, l.price, l.amount
"""

_NAMED = """
JOIN kinds k ON k.id = i.kind_id LEFT JOIN touchpoints t ON t.id = i.touchpoint_id
"""

# A batch owns a run of ids: see interactions.log.
_OF_BATCHES = f"""
FROM unnest(%(ids)s::bigint[]) AS b(id)
JOIN {{table}} ON {{key}} >= b.id * {IDS_OF_A_BATCH} AND {{key}} < (b.id + 1) * {IDS_OF_A_BATCH}
"""

_INTERACTIONS = (
    _INTERACTION_COLUMNS + _OF_BATCHES.format(table="interactions i", key="i.id") + _NAMED
)
_LINES = (
    _LINE_COLUMNS
    + _OF_BATCHES.format(table="interaction_lines l", key="l.interaction_id")
    + "JOIN kinds k ON k.id = l.kind_id"
)

_NOT_WAITING = f"""
WHERE NOT EXISTS (
  SELECT 1 FROM flow_batches w WHERE w.exported IS NULL AND w.id <> ALL (%(ids)s::bigint[])
  AND w.id = {{key}} / {IDS_OF_A_BATCH})
"""

_EVERY_INTERACTION = (
    _INTERACTION_COLUMNS + "FROM interactions i" + _NAMED + _NOT_WAITING.format(key="i.id")
)
_EVERY_LINE = (
    _LINE_COLUMNS
    + "FROM interaction_lines l JOIN kinds k ON k.id = l.kind_id"
    + _NOT_WAITING.format(key="l.interaction_id")
)
