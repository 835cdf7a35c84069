"""What the charts of the scorecards draw: a funnel of units, and the trend of one."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, floor, log
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from touchloop.console.scorecards.columns import Line
from touchloop.console.ui import words as written
from touchloop.console.ui.charts import Chart, Lead
from touchloop.core.proportions import Share
from touchloop.experience.scorecards.api import Limits, Month, Row, net_limits, share_limits
from touchloop.experience.scorecards.api import Net as NetScore

STEPS = 40
OUTSIDE = ("very_low", "very_high")
ZONES = {
    "very_low": ("danger", "triangle"),
    "low": ("engage", "triangle"),
    "inside": ("muted", "circle"),
    "high": ("experience", "diamond"),
    "very_high": ("experience", "diamond"),
}


def funnel(whole: Row | None, lines: Sequence[Line], *, made_up: bool, csv: str) -> Chart | None:
    """Units by their number of answers, with the limits of chance about the whole."""
    shown = [line for line in lines if line.row.n and line.row.value is not None and line.row.zone]
    if whole is None or whole.hidden or len(shown) < 2:
        return None
    most = max(line.row.n or 0 for line in shown)
    least = max(min(line.row.n or 0 for line in shown) - 2, 3)
    limits = [_limits(whole, n) for n in _grid(least, most + max(2, most // 20))]
    groups = [(zone, [line for line in shown if line.row.zone == zone]) for zone in ZONES]
    series = [*_bounds(whole, limits), *(_group(zone, found) for zone, found in groups if found)]
    return Chart(
        id="funnel",
        title=finding(lines),
        n=whole.n,
        note=_("small units stray further from the whole by chance: the lines say how far"),
        simulated=made_up,
        size="tall",
        option={
            "narrow": {"grid": {"top": 84}, "legend": {"type": "plain"}},
            "grid": {"top": 44, "bottom": 28},
            "tooltip": {"trigger": "item"},
            "xAxis": {
                "type": "value", "name": _("Answers"), "scale": True, "minInterval": 1,
                "axisLine": {"onZero": False},
            },
            "yAxis": {"type": "value", "scale": True, **_scale(whole, shown, limits)},
            "series": series,
        },
        columns=((_("Unit"), "text"), _("Answers"), _("Score"), _("Low"), _("High"),
                 (_("In the funnel"), "text")),
        rows=[_behind(line) for line in lines if line.row.zone],
        csv_href=csv,
    )  # fmt: skip


def finding(lines: Sequence[Line]) -> str:
    """The funnel in words."""
    worse = sum(line.row.zone == "very_low" for line in lines)
    better = sum(line.row.zone == "very_high" for line in lines)
    if not worse and not better:
        return _("All differences are within what chance alone would leave")
    return _("%(worse)d clearly worse and %(better)d clearly better than chance would leave") % {
        "worse": worse,
        "better": better,
    }


def zone_word(zone: str) -> str:
    """What a zone of the funnel says."""
    return {
        "very_low": _("clearly worse"),
        "low": _("maybe worse"),
        "inside": _("as by chance"),
        "high": _("maybe better"),
        "very_high": _("clearly better"),
    }.get(zone, "")


def trend(row: Row, *, csv: str) -> Chart | None:
    """The months of one unit with their intervals."""
    if len(row.trend) < 2:
        return None
    months = [
        (_period(month), *(round(at, 1) for at in (month.value, month.low, month.high)))
        for month in row.trend
    ]
    return Chart(
        id="trend",
        title=_("Month by month, with its interval"),
        n=row.n,
        note=_("months in which few answered stand together"),
        option={
            "xAxis": {"type": "category", "data": [name for name, *_rest in months]},
            "yAxis": {"type": "value"},
            "series": [
                {
                    "name": _("interval"), "type": "band", "tone": "experience",
                    "data": [[at, low, high] for at, (_n, _v, low, high) in enumerate(months)],
                },
                {
                    "name": _("score"), "type": "line", "tone": "experience",
                                        "data": [value for _name, value, _low, _high in months],
                },
            ],
        },
        columns=(_("Month"), _("score"), _("interval, low"), _("interval, high")),
        rows=months,
        csv_href=csv,
    )  # fmt: skip


def _period(month: Month) -> str:
    """A month, or several where too few answered in one."""
    first, last = (formats.date_format(day, "M Y") for day in (month.month, month.last))
    return first if first == last else f"{first} – {last}"


def _limits(whole: Row, n: int) -> Limits:
    if whole.net is not None:
        return _net_limits(whole.net, n)
    part: Share | None = whole.share
    return share_limits(part.value if part else 0.0, n)


def _net_limits(score: NetScore, n: int) -> Limits:
    return net_limits(score.promoters / score.n, score.detractors / score.n, n)


def _grid(least: int, most: int) -> list[int]:
    """Numbers of answers, closer where the funnel bends."""
    low, high = log(least), log(most)
    return sorted({round(exp(low + (high - low) * at / STEPS)) for at in range(STEPS + 1)})


def _bounds(whole: Row, limits: Sequence[Limits]) -> list[dict[str, Any]]:
    """The whole, and how far chance alone would lead from it."""
    return [
        {
            "name": name, "type": "line", "tone": "muted", "symbol": "none", "z": 1,
            "lineStyle": {"width": 1, "type": dash}, "tooltip": {"show": False},
            "data": [[each.n, _on_scale(whole, getattr(each, side))] for each in limits],
        }
        for name, dash, sides in (
            (_("the whole"), "solid", ("target",)),
            (_("95 in 100 by chance"), "dashed", ("low95", "high95")),
            (_("998 in 1,000 by chance"), "dotted", ("low998", "high998")),
        )
        for side in sides
    ]  # fmt: skip


def _scale(whole: Row, lines: Sequence[Line], limits: Sequence[Limits]) -> dict[str, int]:
    """Both ends of the axis, on round figures within the scale."""
    least, most = (-100, 100) if whole.net is not None else (0, 100)
    values = [line.row.value or 0.0 for line in lines]
    values += [_on_scale(whole, at) for each in limits for at in (each.low998, each.high998)]
    return {
        "min": max(least, floor(min(values) / 20) * 20),
        "max": min(most, ceil(max(values) / 20) * 20),
    }


def _on_scale(whole: Row, value: float) -> float:
    return round(value * (1.0 if whole.net is not None else 100.0), 2)


def _group(zone: str, lines: Sequence[Line]) -> dict[str, Any]:
    tone, symbol = ZONES[zone]
    return {
        "name": zone_word(zone), "type": "scatter", "tone": tone, "symbol": symbol,
        "data": [
            {
                "value": [line.row.n, round(line.row.value or 0.0, 1)],
                "url": line.href,
                "tip": [
                    line.name,
                    _("%(value)s, %(n)s answers, %(zone)s") % {
                        "value": written.rounded(line.row.value or 0.0, 1),
                        "n": line.row.n, "zone": zone_word(zone),
                    },
                ],
            }
            for line in lines
        ],
    }  # fmt: skip


def _behind(line: Line) -> tuple[object, ...]:
    row = line.row
    values = (None if at is None else round(at, 1) for at in (row.value, row.low, row.high))
    return (Lead(line.name, line.href), row.n, *values, zone_word(row.zone))
