"""A new or changed segment is filled from history in one go, and its members' entries are logged.

The lake may be some seconds behind. Customers whom a batch touched that was not in it are looked at
again, also those of batches that were under way while the segment was filled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from psycopg.types.json import Jsonb

from touchloop.core import arrays, clock, db
from touchloop.flow import exporting, understanding
from touchloop.flow.understanding import ENTERED, LEFT, SYSTEM
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions
from touchloop.interactions.api import IDS_OF_A_BATCH, Catalogue

PATIENCE = 30.0  # seconds to wait for the lake or for batches that are under way


@dataclass(frozen=True, slots=True)
class Filling:
    """What filling a segment did."""

    segment_id: int
    members: int
    entered: int
    left: int
    seconds: float


def fill_segment(segment_id: int) -> Filling:
    """Decide a segment for everybody. Raises NotFound for an unknown one."""
    start = perf_counter()
    with db.connect(application="touchloop fill") as conn:
        _bring_lake_up(conn)
        now = clock.now()
        catalogue = Catalogue()
        catalogue.kind_ids(conn, {(SYSTEM, ENTERED), (SYSTEM, LEFT)}, now)
        filled = segments.fill(conn, segment_id, now)
        _log(conn, filled.changes, segments.get(segment_id, conn=conn).name, catalogue, now)
        understanding.note_wakes(filled.due, conn)
        _look_again(conn, now)
        xid = conn.execute("SELECT pg_current_xact_id()::text").fetchone()
        conn.commit()
        _outwait(conn, str(xid[0]) if xid else "0")
        _look_again(conn, now)
        conn.commit()
    entered = sum(change.entered for change in filled.changes)
    return Filling(
        segment_id, filled.members, entered, len(filled.changes) - entered, perf_counter() - start
    )


def _bring_lake_up(conn: db.Connection) -> None:
    """Export what waits; another exporter may be at it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        exporting.export_finished(conn)
        waiting = exporting.waiting(conn)
        conn.rollback()
        if not waiting:
            return
        time.sleep(0.05)


def _log(
    conn: db.Connection,
    changes: Sequence[segments.MembershipChange],
    name: str,
    catalogue: Catalogue,
    now: datetime,
) -> None:
    own = interactions.own_id(conn)
    for first in range(0, len(changes), IDS_OF_A_BATCH):
        batch_id = interactions.next_batch(conn)
        part = changes[first : first + IDS_OF_A_BATCH]
        rows = understanding.rows_of(
            part, {change.segment_id: name for change in part}, own, catalogue, batch_id
        )
        interactions.append(conn, rows)
        start = interactions.first_id(batch_id)
        conn.execute(
            "INSERT INTO flow_batches (id, worker, started_at, seconds, messages, counts, kinds,"
            " steps, first_id, last_id) VALUES (%s, 'fill', %s, 0, 0, '[]', '[]', %s, %s, %s)",
            (
                batch_id,
                now,
                Jsonb({"understand": {"filled": len(part)}}),
                start,
                start + len(part) - 1,
            ),
        )


def _look_again(conn: db.Connection, now: datetime) -> None:
    """Customers whom the lake did not know as they are now are due at once."""
    batches = [
        row[0]
        for row in conn.execute(
            "SELECT id FROM flow_batches WHERE exported IS NULL AND worker <> 'fill'"
        ).fetchall()
    ]
    conn.execute(_DUE_NOW, {"batches": arrays.numbers(batches), "run": IDS_OF_A_BATCH, "now": now})


def _outwait(conn: db.Connection, xid: str) -> None:
    """Wait for transactions that began before this one ended: they may not know the new rule."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        row = conn.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8", (xid,)
        ).fetchone()
        conn.rollback()
        if row and row[0]:
            return
        time.sleep(0.02)


_DUE_NOW = """
INSERT INTO refreshes (customer_id, due_at, reason)
SELECT DISTINCT i.customer_id, %(now)s::timestamptz, 'filled'
FROM unnest(%(batches)s::bigint[]) AS b(id)
JOIN interactions x ON x.id >= b.id * %(run)s AND x.id < (b.id + 1) * %(run)s
JOIN identifiers i ON i.id = x.subject_id
ORDER BY 1
ON CONFLICT (customer_id) DO UPDATE SET due_at = least(refreshes.due_at, excluded.due_at)
"""
