"""Who came and went, from the interactions that say so, in the lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.core.cache import cache
from django.utils import formats
from django.utils.translation import gettext as _

from touchloop.console.ui.charts import Chart
from touchloop.core import clock
from touchloop.lake import api as lake

DAYS = 28
MOVES = 100
KEPT_SECONDS = 60
MEMORY_MB = 512
KEY = "segments.moves"

ByDay = dict[int, dict[date, tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Move:
    """One customer entered or left."""

    customer_id: int
    entered: bool
    at: datetime


def by_day(segment_id: int) -> list[tuple[date, int, int]]:
    """How many entered and left on each of the last days, the oldest first."""
    known: ByDay | None = cache.get(KEY)
    if known is None:
        known = _counted()
        cache.set(KEY, known, KEPT_SECONDS)
    mine = known.get(segment_id, {})
    today = clock.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [(day, *mine.get(day, (0, 0))) for day in days]


def trend(segment_id: int, members: int) -> list[int]:
    """The size on each of the last days, counted back from now."""
    sizes, size = [], members
    for _day, entered, left in reversed(by_day(segment_id)):
        sizes.append(size)
        size = max(size - entered + left, 0)
    return sizes[::-1]


def chart(segment_id: int) -> Chart:
    """Who entered and who left, day by day."""
    days = by_day(segment_id)
    entered, left = sum(day[1] for day in days), sum(day[2] for day in days)
    return Chart(
        id="moves",
        title=_("%(entered)d entered and %(left)d left in four weeks")
        % {"entered": entered, "left": left},
        n=entered + left,
        note=_("days in UTC"),
        option={
            "xAxis": {
                "type": "category",
                "data": [formats.date_format(day, "j M") for day, _entered, _left in days],
            },
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {"name": name, "type": "bar", "tone": tone, "data": [day[at] for day in days]}
                for name, tone, at in ((_("entered"), "experience", 1), (_("left"), "engage", 2))
            ],
        },
        columns=(_("Day"), _("entered"), _("left")),
        rows=days,
    )


def latest(segment_id: int, *, since: datetime | None = None) -> Sequence[Move]:
    """The newest moves."""
    bounds = {
        "segment": segment_id,
        "since": (since or clock.now() - timedelta(days=90)).astimezone(UTC).replace(tzinfo=None),
    }
    with lake.engine(threads=1, memory_mb=MEMORY_MB) as engine:
        rows = engine.rows(_LATEST, bounds)
    return [Move(customer, entered, at.replace(tzinfo=UTC)) for customer, entered, at in rows]


def _counted() -> ByDay:
    since = (clock.now() - timedelta(days=DAYS + 1)).replace(tzinfo=None)
    with lake.engine(threads=1, memory_mb=MEMORY_MB) as engine:
        rows = engine.rows(_BY_DAY, {"since": since})
    found: ByDay = {}
    for segment, day, entered, left in rows:
        found.setdefault(segment, {})[day] = (entered, left)
    return found


_MOVED = """
select customer_id, name = 'Segment Entered' as entered, occurred_at,
       cast(properties ->> '$.segment_id' as integer) as segment_id
from interactions where type = 'system' and name in ('Segment Entered', 'Segment Left')
  and occurred_at >= $since
"""
_BY_DAY = f"""
select segment_id, cast(occurred_at as date) as day, count(*) filter (entered),
       count(*) filter (not entered)
from ({_MOVED}) where segment_id is not null group by 1, 2
"""
_LATEST = f"""
select customer_id, entered, occurred_at from ({_MOVED})
where segment_id = $segment order by occurred_at desc, customer_id limit {MOVES}
"""
