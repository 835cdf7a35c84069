"""Holdouts of offers that are over go to uplift, which learns from them whom an offer changes."""

from __future__ import annotations

from datetime import timedelta

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.decisions import api as decisions
from touchloop.insight.uplift import api as uplift

LATE = timedelta(days=1)  # interactions may arrive so long after they happened


def collect_trials(conn: Connection) -> int:
    """Hand over what ended since the last time; how many were new. Commits."""
    ended = decisions.settled_trials(
        conn, since=uplift.settled_until(conn), until=clock.now() - LATE
    )
    new = uplift.keep_trials(conn, ended)
    conn.commit()
    return new
