"""Holdouts that are over: who stood on which side, and whether the goal came in time."""

from __future__ import annotations

from datetime import datetime

from touchloop.core.db import Connection
from touchloop.insight.uplift.api import Trial


def settled(conn: Connection, *, since: datetime | None, until: datetime) -> list[Trial]:
    """Exposures whose time for the goal ended within (since, until]; without a holdout none.

    Only offers, not the holdout of everything: that one tells of no single offer.
    """
    rows = conn.execute(_SETTLED, {"since": since, "until": until}).fetchall()
    return [
        Trial(offer, subject, not held, float(reached), at, ended)
        for offer, subject, held, reached, at, ended in rows
    ]


_SETTLED = """
SELECT o.slug, e.subject_id, e.held, e.reached_at IS NOT NULL, e.at, e.until
FROM offer_exposures e JOIN offers o ON o.id = e.offer_id
WHERE e.offer_id <> 0 AND e.until <= %(until)s
  AND (%(since)s::timestamptz IS NULL OR e.until > %(since)s)
ORDER BY e.until
"""
