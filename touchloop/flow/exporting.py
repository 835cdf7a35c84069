"""From the log to the lake: which batches wait, what they hold, and that they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw, Struct

from touchloop.core.db import Connection
from touchloop.flow.reading import looked_up
from touchloop.interactions.api import IDS_OF_A_BATCH
from touchloop.lake import api as lake

BATCHES_OF_AN_EXPORT = 400
ROWS_OF_AN_EXPORT = 400_000
ROWS_OF_A_PIECE = 8_192  # of 32 KB at most each: PostgreSQL makes no text of a gigabyte


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


def rows_waiting(conn: Connection) -> int:
    """How many rows of the log, about, are not in the lake."""
    row = conn.execute(
        "SELECT coalesce(sum(last_id - first_id + 1), 0) FROM flow_batches WHERE exported IS NULL"
    ).fetchone()
    conn.rollback()
    return int(row[0]) if row else 0


def pieces(conn: Connection, table: str, batch_ids: Sequence[int]) -> Iterator[pa.Table]:
    """Every row of the log for one table, without batches that wait outside of `batch_ids`."""
    query = _EVERY_INTERACTION if table == lake.INTERACTIONS else _EVERY_LINE
    return lake.copy_in_pieces(conn, query, {"ids": list(batch_ids)}, lake.SCHEMAS[table])


def read(conn: Connection, batch_ids: Sequence[int]) -> lake.Rows:
    """The rows that these batches wrote."""
    ids = {"ids": list(batch_ids)}
    return lake.Rows(
        _interactions(conn, ids),
        lake.copy_to_arrow(conn, _LINES, ids, lake.SCHEMAS[lake.LINES]),
    )


def mark(conn: Connection, batch_ids: Sequence[int], seq: int) -> None:
    """Note that the lake holds these batches, in the caller's transaction."""
    conn.execute("UPDATE flow_batches SET exported = %s WHERE id = ANY(%s)", (seq, list(batch_ids)))


def _interactions(conn: Connection, ids: dict[str, Any]) -> pa.Table:
    """Columns as the server holds them; what numbers and bodies say is worked out here."""
    asked = {**ids, "piece": ROWS_OF_A_PIECE}
    pieces = list(lake.read_arrays(conn, _INTERACTIONS, asked, _COLUMNS))
    if not pieces:
        return lake.SCHEMAS[lake.INTERACTIONS].empty_table()
    found = {
        name: np.concatenate([piece[name] for piece in pieces])
        for name, kind in _COLUMNS.items()
        if kind != "text"
    }
    kinds = conn.execute("SELECT id, type, name FROM kinds").fetchall()
    places = conn.execute(
        "SELECT id, channel, location FROM touchpoints WHERE id = ANY(%s)",
        (np.unique(found["place_id"]).tolist(),),
    ).fetchall()
    return pa.table(
        {
            "interaction_id": found["id"],
            "subject_id": found["subject_id"],
            "type": looked_up(found["kind_id"], {id: type for id, type, _ in kinds}),
            "name": looked_up(found["kind_id"], {id: name for id, _, name in kinds}),
            "channel": looked_up(found["place_id"], {id: channel for id, channel, _ in places}),
            "location": looked_up(found["place_id"], {id: place for id, _, place in places}),
            "occurred_at": pa.array(found["occurred_at"]).cast(pa.timestamp("us")),
            "value": pa.array(found["value"], from_pandas=True),
            "properties": pa.array(
                [text for piece in pieces for text in _properties(piece["bodies"])], pa.string()
            ),
        }
    )


class _Body(Struct, gc=False):
    properties: Raw = Raw(b"{}")


_bodies = msgspec.json.Decoder(list[_Body])


def _properties(bodies: bytes) -> list[bytes]:
    """The properties of each body, letter by letter as they came; {} where there are none."""
    texts = [bytes(body.properties) for body in _bodies.decode(b"[%b]" % bodies)]
    return [b"{}" if text == b"null" else text for text in texts]


_COLUMNS = {
    "id": "int8", "subject_id": "int8", "kind_id": "int4", "place_id": "int4",
    "occurred_at": "instant", "value": "float8", "bodies": "text",
}  # fmt: skip

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

_INTERACTIONS = """
SELECT r.* FROM flow_batches b,
  generate_series(b.first_id, b.last_id, %(piece)s) AS p(first),
  LATERAL (
    SELECT array_agg(i.id), array_agg(i.subject_id), array_agg(i.kind_id),
           array_agg(coalesce(i.touchpoint_id, 0)), array_agg(i.occurred_at),
           array_agg(coalesce(i.value, 'NaN')), string_agg(i.body, ',')
    FROM interactions i
    WHERE i.id BETWEEN p.first AND least(p.first + %(piece)s - 1, b.last_id)
  ) r
WHERE b.id = ANY(%(ids)s::bigint[])
"""
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
