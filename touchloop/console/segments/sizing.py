"""The size of a segment through time, as a chart."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from touchloop.console.ui import words
from touchloop.console.ui.charts import Chart
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Segment, Size

DAYS = 90


def chart(conn: Connection, segment: Segment) -> Chart | None:
    """The notes of the last ninety days, and now; None while there is one note only."""
    now = clock.now()
    notes = segments.sizes(conn, segment.id, since=now - timedelta(days=DAYS))
    noted = [*notes, Size(now, segment.members)]
    if len(noted) < 3:
        return None
    points = [[note.hour.isoformat(), note.members] for note in noted]
    return Chart(
        id="size",
        title=_finding(noted),
        note=_("noted by the hour for two weeks, by the day before"),
        option={
            "xAxis": {"type": "time", "axisLabel": {"formatter": "day"}},
            "yAxis": {"type": "value", "minInterval": 1, "scale": True},
            "series": [
                {
                    "name": _("members"),
                    "type": "line",
                    "step": "end",
                    "tone": "record",
                    "showSymbol": False,
                    "data": points,
                }
            ],
        },
        columns=((_("When"), "text"), _("Members")),
        rows=[(_moment(note.hour), note.members) for note in reversed(noted)],
    )


def _finding(noted: list[Size]) -> str:
    first, last = noted[0], noted[-1]
    change = last.members - first.members
    since = formats.date_format(timezone.localtime(first.hour), "j M")
    figures = {"n": words.figure(abs(change)), "now": words.figure(last.members), "since": since}
    if change > 0:
        return _("%(now)s members: %(n)s more than on %(since)s") % figures
    if change < 0:
        return _("%(now)s members: %(n)s fewer than on %(since)s") % figures
    return _("%(now)s members, as many as on %(since)s") % figures


def _moment(value: datetime) -> str:
    return formats.date_format(timezone.localtime(value), "j M Y, H:i")
