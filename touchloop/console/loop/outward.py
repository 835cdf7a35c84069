"""The way back to the customer in figures: decisions and deliveries, answers, cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from touchloop.channels import api as channels
from touchloop.console.loop.series import DAYS, Series, series
from touchloop.core.db import Connection
from touchloop.experience.scorecards import api as scorecards
from touchloop.experience.scorecards.api import Net

FEWEST = 5  # answers below which no score is shown
WAITS: Final = timedelta(minutes=5)  # a message that is due may wait this long before it is said


@dataclass(frozen=True, slots=True)
class Outward:
    """Everything of today that goes out, and what is felt and done about it.

    `nps` is of the last four weeks, None of too few answers; `simulated` when some of them are.
    """

    decisions: Series
    deliveries: Series
    answers: Series
    cases: Series
    nps: Net | None
    simulated: bool
    overdue_deliveries: int
    stopped_campaigns: int


def figures(conn: Connection, *, start: datetime, now: datetime) -> Outward:
    """Counted from the tables of record; `start` is midnight where the organisation is."""
    since = start - timedelta(days=DAYS)
    values = {
        "start": start,
        "since": since,
        "now": now,
        "elapsed": (now - start).total_seconds(),
        "due": now - WAITS,
        "pushed": [one.name for one in channels.channels().values() if not one.pulled],
    }

    def counted(query: LiteralString) -> Series:
        by_day = {row[0]: row[1:] for row in conn.execute(query, values).fetchall()}
        return series(by_day, so_far=0, whole=1)

    nps = conn.execute(_NPS, values).fetchone()
    waiting = conn.execute(_WAITING, values).fetchone()
    promoters, passives, detractors, simulated = nps or (0, 0, 0, 0)
    enough = promoters + passives + detractors >= FEWEST
    overdue, stopped = waiting or (0, 0)
    return Outward(
        decisions=counted(_DECISIONS),
        deliveries=counted(_DELIVERIES),
        answers=counted(_ANSWERS),
        cases=counted(_CASES),
        nps=scorecards.net(promoters, passives, detractors) if enough else None,
        simulated=simulated > 0,
        overdue_deliveries=overdue,
        stopped_campaigns=stopped,
    )


_HEAD: LiteralString = """
SELECT day::int, count(*) FILTER (WHERE moment - day * 86400 <= %(elapsed)s), count(*)
FROM (SELECT moment, floor(moment / 86400) AS day FROM (
  SELECT extract(epoch FROM at - %(start)s)::float8 AS moment FROM
"""
_TAIL: LiteralString = ") t WHERE at >= %(since)s AND at <= %(now)s) m) d GROUP BY day"
_DECISIONS: LiteralString = f"{_HEAD} (SELECT at FROM decisions {_TAIL}"
_DELIVERIES: LiteralString = f"{_HEAD} (SELECT handed_at AS at FROM deliveries {_TAIL}"
_ANSWERS: LiteralString = f"{_HEAD} (SELECT answered_at AS at FROM answers {_TAIL}"
_CASES: LiteralString = f"{_HEAD} (SELECT opened_at AS at FROM cases {_TAIL}"
_NPS: LiteralString = """
SELECT count(*) FILTER (WHERE score >= 9), count(*) FILTER (WHERE score BETWEEN 7 AND 8),
       count(*) FILTER (WHERE score <= 6), count(*) FILTER (WHERE source <> '')
FROM answers WHERE kind = 'nps' AND answered_at >= %(since)s AND answered_at <= %(now)s
"""
_WAITING: LiteralString = """
SELECT (SELECT count(*) FROM deliveries WHERE state IN ('queued', 'deferred')
          AND not_before < %(due)s AND channel = ANY(%(pushed)s)),
       (SELECT count(*) FROM campaigns WHERE state = 'paused' AND trouble <> '')
"""
