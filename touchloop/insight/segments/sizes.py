"""The size of each segment through time: hour by hour lately, day by day before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.core.db import Connection

HOURLY = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Size:
    """How many members there were, as noted in the hour that began at `hour` (UTC)."""

    hour: datetime
    members: int


def note(conn: Connection, now: datetime) -> None:
    """Write the counted sizes down for this hour, and thin out what is old. Commits with caller.

    A row is written when the size differs from the last one that was noted, and once a day: a
    thousand quiet segments are no rows.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    conn.execute(_NOTE, {"hour": hour, "day": hour.replace(hour=0)})


def thin(conn: Connection, now: datetime) -> None:
    """Of days that are long past keep the last note only; of deleted segments none."""
    conn.execute(_THIN, {"before": now - HOURLY})


def sizes(conn: Connection, segment_id: int, *, since: datetime) -> list[Size]:
    """The notes of a segment, the oldest first; the last one before `since` opens the list."""
    rows = conn.execute(_SIZES, {"segment": segment_id, "since": since}).fetchall()
    return [Size(*row) for row in rows]


_NOTE = """
INSERT INTO segment_sizes (segment_id, hour, members)
SELECT s.id, %(hour)s, s.members FROM segments s
LEFT JOIN LATERAL (
  SELECT z.members, z.hour FROM segment_sizes z WHERE z.segment_id = s.id
  ORDER BY z.hour DESC LIMIT 1
) last ON true
WHERE last.hour IS NULL OR last.hour < %(day)s OR last.members <> s.members
ON CONFLICT (segment_id, hour) DO UPDATE SET members = excluded.members
"""
_THIN = """
DELETE FROM segment_sizes z
WHERE NOT EXISTS (SELECT FROM segments s WHERE s.id = z.segment_id)
   OR (z.hour < %(before)s AND EXISTS (
        SELECT FROM segment_sizes l WHERE l.segment_id = z.segment_id AND l.hour > z.hour
          AND date_trunc('day', l.hour, 'UTC') = date_trunc('day', z.hour, 'UTC')))
"""
_SIZES = """
(SELECT hour, members FROM segment_sizes
  WHERE segment_id = %(segment)s AND hour < %(since)s ORDER BY hour DESC LIMIT 1)
UNION ALL
SELECT hour, members FROM segment_sizes WHERE segment_id = %(segment)s AND hour >= %(since)s
ORDER BY hour
"""
