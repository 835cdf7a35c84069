"""The figures of the loop: today so far, beside what is usual by this hour, from the lake.

One scan of the last four weeks serves every figure. It is kept for a while and made by whoever asks
next, outside of the page's own request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.cache import cache

from touchloop.console import database, organisation
from touchloop.console.loop import outward
from touchloop.console.loop.outward import Outward
from touchloop.console.loop.series import DAYS, Series, series
from touchloop.core import clock
from touchloop.lake import api as lake

FRESH = timedelta(seconds=15)
KEPT_SECONDS = 600
KEY = "loop.figures"
MEMORY_MB = 512


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened today, by event name."""

    name: str
    times: int
    customers: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the page shows of today."""

    at: datetime
    start: datetime  # of the day, in the organisation's time zone
    interactions: Series
    customers: Series
    moves: Series
    happened: Sequence[Happened]
    outward: Outward  # what went back to customers, and what came of it
    left: Mapping[int, int]  # customers that left a segment today, by segment id


def kept() -> Figures | None:
    """The figures that were made last, if that is not too long ago."""
    found: Figures | None = cache.get(KEY)
    return found


def fresh() -> Figures:
    """The figures, made anew when the last ones are some seconds old."""
    found, now = kept(), clock.now()
    if found is None or now - found.at > FRESH or found.start != start_of_day(now):
        found = _made(now)
        cache.set(KEY, found, KEPT_SECONDS)
    return found


def start_of_day(now: datetime) -> datetime:
    """Midnight where the organisation is."""
    local = now.astimezone(ZoneInfo(organisation.current().time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _made(now: datetime) -> Figures:
    start = start_of_day(now)
    bounds = {
        "start": start.astimezone(UTC).replace(tzinfo=None),
        "since": (start - timedelta(days=DAYS)).astimezone(UTC).replace(tzinfo=None),
        "now": now.replace(tzinfo=None),
    }
    elapsed = (now - start).total_seconds()
    with lake.engine(threads=1, memory_mb=MEMORY_MB) as engine:
        days = engine.rows(_DAYS, {**bounds, "elapsed": elapsed})
        today = {"start": bounds["start"], "now": bounds["now"]}
        happened = engine.rows(_HAPPENED, today)
        left = engine.rows(_LEFT, today)
    by_day = {row[0]: row[1:] for row in days}
    return Figures(
        at=now,
        start=start,
        interactions=series(by_day, so_far=0, whole=1),
        customers=series(by_day, so_far=2, whole=3),
        moves=series(by_day, so_far=4, whole=5),
        outward=outward.figures(database.here(), start=start, now=now),
        happened=[Happened(*row) for row in happened],
        left=dict(left),
    )


_DAYS = """
with happened as (
  select customer_id, type, epoch(occurred_at - $start) as moment,
         cast(floor(epoch(occurred_at - $start) / 86400) as integer) as day
  from interactions where occurred_at >= $since and occurred_at <= $now
)
select day,
  count(*) filter (type <> 'system' and moment - day * 86400 <= $elapsed),
  count(*) filter (type <> 'system'),
  count(distinct customer_id) filter (type <> 'system' and moment - day * 86400 <= $elapsed),
  count(distinct customer_id) filter (type <> 'system'),
  count(*) filter (type = 'system' and moment - day * 86400 <= $elapsed),
  count(*) filter (type = 'system')
from happened group by day
"""

_HAPPENED = """
select name, count(*), count(distinct customer_id) from interactions
where occurred_at >= $start and occurred_at <= $now and type = 'track'
group by name order by count(*) desc, name limit 6
"""

_LEFT = """
select cast(properties ->> '$.segment_id' as integer) as segment_id, count(distinct customer_id)
from interactions
where occurred_at >= $start and occurred_at <= $now and type = 'system' and name = 'Segment Left'
  and properties ->> '$.segment_id' is not null
group by 1
"""
