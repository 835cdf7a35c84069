"""Holdouts of offers and campaigns that are over go to uplift, which learns whom they change."""

from __future__ import annotations

from datetime import timedelta

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.decisions import api as decisions
from touchloop.insight.uplift import api as uplift

LATE = timedelta(days=1)  # interactions may arrive so long after they happened


def collect_trials(conn: Connection) -> int:
    """Hand over what ended since the last time; how many were new. Commits."""
    until = clock.now() - LATE
    ended = decisions.settled_trials(conn, since=uplift.settled_until(conn), until=until)
    new = uplift.keep_trials(conn, ended)
    for tried in campaigns.experiments(conn):
        since = uplift.settled_until(conn, tried.experiment)
        if since is None or tried.ends is None or since < tried.ends:
            ended = campaigns.settled_trials(conn, tried, since=since, until=until)
            new += uplift.keep_trials(conn, ended)
    conn.commit()
    return new
