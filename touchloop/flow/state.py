"""How the flow is: which workers live, and how far the lake is behind the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.core.db import Connection

SILENT = timedelta(seconds=30)  # a worker speaks every five


@dataclass(frozen=True, slots=True)
class Living:
    """A worker that has spoken lately."""

    name: str
    silent_seconds: float
    processed: int


@dataclass(frozen=True, slots=True)
class Lag:
    """Rows of the log, how many of them are not in the lake yet, and since when."""

    logged: int
    waiting: int
    oldest_seconds: float


def living_workers(conn: Connection, *, now: datetime) -> list[Living]:
    """The workers that spoke in the last half minute."""
    rows = conn.execute(
        "SELECT worker, extract(epoch FROM %(now)s - seen_at), processed FROM heartbeats"
        " WHERE seen_at > %(since)s ORDER BY worker",
        {"now": now, "since": now - SILENT},
    ).fetchall()
    return [Living(name, max(float(silent), 0.0), int(n)) for name, silent, n in rows]


def lag(conn: Connection, *, now: datetime) -> Lag:
    """Counted in one snapshot."""
    row = conn.execute(_LAG, {"now": now}).fetchone()
    assert row is not None
    return Lag(logged=int(row[0]), waiting=int(row[1]), oldest_seconds=float(row[2]))


# A batch owns a run of ids. Rows of waiting batches are counted, not computed from the run's
# ends: some of them may have been erased.
_LAG = """
SELECT (SELECT count(*) FROM interactions),
       (SELECT count(*) FROM flow_batches b
        JOIN interactions i ON i.id BETWEEN b.first_id AND b.last_id WHERE b.exported IS NULL),
       (SELECT coalesce(extract(epoch FROM %(now)s - min(started_at)), 0)
        FROM flow_batches WHERE exported IS NULL)
"""
