"""Answers that may not be meant: given too fast, or the same everywhere. Flagged, never dropped."""

from __future__ import annotations

from collections.abc import Mapping

from touchloop.core.db import Connection

SPEEDER, STRAIGHT_LINER = "speeder", "straight_liner"
FAST = 0.5  # of the median time of the survey (experience.md §3)
ENOUGH_TIMES = 20  # below which there is no median to speak of
ENOUGH_RATINGS = 4  # below which the same everywhere means little


def flags(
    conn: Connection, survey_id: int, *, seconds: float | None, ratings: Mapping[str, int]
) -> list[str]:
    """What is odd about one answer."""
    found = []
    if seconds is not None:
        median = typical_seconds(conn, survey_id)
        if median is not None and seconds < FAST * median:
            found.append(SPEEDER)
    if is_straight(ratings):
        found.append(STRAIGHT_LINER)
    return found


def is_straight(ratings: Mapping[str, int]) -> bool:
    """Every one of at least four further questions got the same number."""
    return len(ratings) >= ENOUGH_RATINGS and len(set(ratings.values())) == 1


def typical_seconds(conn: Connection, survey_id: int) -> float | None:
    """The median time of the latest real answers; None while there are too few."""
    row = conn.execute(_MEDIAN, {"survey": survey_id}).fetchone()
    return float(row[0]) if row and row[1] >= ENOUGH_TIMES else None


_MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), count(*)
FROM (
  SELECT seconds FROM answers
  WHERE survey_id = %(survey)s AND seconds IS NOT NULL AND source = ''
  ORDER BY answered_at DESC LIMIT 500
) latest
"""
