"""The conservation law: sent = stored + duplicate + quarantined + refused + erased.

Each micro-batch leaves its counts in its own row, so that workers never wait for one another at a
counter. `fold` adds those rows up into `tallies`, the catalogue and the sources, exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from touchloop.core import locks
from touchloop.core.db import Connection

OUTCOMES = ("stored", "duplicate", "quarantined", "refused", "erased")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The sum over all that comes by the inbox, which is all but what segments say.

    `pending` waits in the inbox and is part of `sent`.
    """

    sent: int
    stored: int
    duplicate: int
    quarantined: int
    refused: int
    erased: int
    pending: int
    stored_rows: int

    @property
    def missing(self) -> int:
        """Messages that were sent and ended nowhere: 0 when the law holds."""
        ends = self.stored + self.duplicate + self.quarantined + self.refused + self.erased
        return self.sent - ends - self.pending

    @property
    def holds(self) -> bool:
        return self.missing == 0 and self.stored == self.stored_rows


def read(conn: Connection) -> Ledger:
    """The ledger as of now: counts folded and not yet folded, and the log itself."""
    counts: dict[str, int] = dict(conn.execute(_COUNTS).fetchall())
    pending, rows = conn.execute(_ROWS).fetchone() or (0, 0)
    return Ledger(
        sent=counts.get("sent", 0) + int(pending),
        stored=counts.get("stored", 0),
        duplicate=counts.get("duplicate", 0),
        quarantined=counts.get("quarantined", 0),
        refused=counts.get("refused", 0),
        erased=counts.get("erased", 0),
        pending=int(pending),
        stored_rows=int(rows),
    )


def snapshot(conn: Connection) -> Ledger:
    """`read` in a repeatable-read transaction of its own, so that the sums belong together."""
    conn.rollback()
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    ledger = read(conn)
    conn.rollback()
    return ledger


def fold(conn: Connection, *, now: datetime) -> int:
    """Add up finished micro-batches; returns how many. One folder at a time; commits."""
    locked = conn.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", locks.FOLD_FIGURES).fetchone()
    if not locked or not locked[0]:
        conn.rollback()
        return 0
    ids = [row[0] for row in conn.execute(_UNFOLDED).fetchall()]
    if ids:
        for statement in (_FOLD_TALLIES, _FOLD_KINDS, _FOLD_SOURCES, _MARK):
            conn.execute(statement, {"ids": ids, "now": now})
    conn.commit()
    return len(ids)


def add(conn: Connection, source_id: int, counts: Mapping[str, int], *, now: datetime) -> None:
    """Count outcomes that no micro-batch knows of (refused, erased). Does not commit."""
    for outcome, n in sorted(counts.items()):
        conn.execute(
            "INSERT INTO tallies (source_id, day, outcome, n) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (source_id, day, outcome) DO UPDATE SET n = tallies.n + excluded.n",
            (source_id, now.date(), outcome, n),
        )


_COUNTS = """
SELECT outcome, sum(n)::bigint FROM (
  SELECT outcome, n FROM tallies
  UNION ALL
  SELECT c ->> 1, (c ->> 2)::bigint
  FROM flow_batches, jsonb_array_elements(counts) c WHERE NOT folded
) t GROUP BY outcome
"""

_ROWS = """
SELECT (SELECT coalesce(sum(messages), 0) FROM inbox),
       (SELECT count(*) FROM interactions
        WHERE kind_id <> ALL (ARRAY(SELECT id FROM kinds WHERE type = 'system')))
"""

_UNFOLDED = "SELECT id FROM flow_batches WHERE NOT folded ORDER BY id LIMIT 2000 FOR UPDATE"

_FOLD_TALLIES = """
INSERT INTO tallies (source_id, day, outcome, n)
SELECT (c ->> 0)::int, started_at::date, c ->> 1, sum((c ->> 2)::bigint)
FROM flow_batches, jsonb_array_elements(counts) c WHERE flow_batches.id = ANY(%(ids)s)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (source_id, day, outcome) DO UPDATE SET n = tallies.n + excluded.n
"""

_FOLD_KINDS = """
UPDATE kinds SET volume = kinds.volume + f.n, last_seen_at = greatest(kinds.last_seen_at, f.at)
FROM (
  SELECT (k ->> 0)::int AS id, sum((k ->> 1)::bigint) AS n, max(started_at) AS at
  FROM flow_batches, jsonb_array_elements(kinds) k WHERE flow_batches.id = ANY(%(ids)s) GROUP BY 1
) f WHERE kinds.id = f.id
"""

_FOLD_SOURCES = """
UPDATE sources SET last_seen_at = greatest(sources.last_seen_at, f.at)
FROM (
  SELECT (c ->> 0)::int AS id, max(started_at) AS at
  FROM flow_batches, jsonb_array_elements(counts) c WHERE flow_batches.id = ANY(%(ids)s) GROUP BY 1
) f WHERE sources.id = f.id
"""

_MARK = "UPDATE flow_batches SET folded = true WHERE id = ANY(%(ids)s)"
