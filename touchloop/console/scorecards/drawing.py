"""What the charts of the scorecards draw: a funnel of units, and the trend of one."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from touchloop.console.scorecards.columns import Line
from touchloop.core.proportions import Share
from touchloop.experience.scorecards.api import Limits, Month, Row, net_limits, share_limits
from touchloop.experience.scorecards.api import Net as NetScore

STEPS = 40
OUTSIDE = ("very_low", "very_high")
ZONES = {
    "very_low": ("danger", "triangle"),
    "low": ("engage", "triangle"),
    "inside": ("ink-3", "circle"),
    "high": ("experience", "diamond"),
    "very_high": ("experience", "diamond"),
}


def funnel(whole: Row | None, lines: Sequence[Line]) -> dict[str, Any] | None:
    """Units by their number of answers, with the limits of chance about the whole."""
    shown = [line for line in lines if line.row.n and line.row.value is not None and line.row.zone]
    if whole is None or whole.hidden or len(shown) < 2:
        return None
    most = max(line.row.n or 0 for line in shown)
    least = max(min(line.row.n or 0 for line in shown) - 2, 3)
    limits = [_limits(whole, n) for n in _grid(least, most + max(2, most // 20))]
    scale = 1.0 if whole.net is not None else 100.0
    return {
        "kind": "funnel",
        "x": _("Answers"),
        "y": [-100, 100] if whole.net is not None else [0, 100],
        "lines": [
            _line(_("the whole"), "solid", [(each.n, each.target) for each in limits], scale),
            *_pair(_("95 in 100 by chance"), "dashed", limits, "low95", "high95", scale),
            *_pair(_("998 in 1,000 by chance"), "dotted", limits, "low998", "high998", scale),
        ],
        "groups": [
            group
            for zone in ZONES
            if (group := _group(zone, [line for line in shown if line.row.zone == zone]))
        ],
    }


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


def trend(row: Row) -> dict[str, Any] | None:
    """The months of one unit with their intervals."""
    if len(row.trend) < 2:
        return None
    series = ((_("score"), "value"), (_("interval, low"), "low"), (_("interval, high"), "high"))
    return {
        "kind": "line",
        "labels": [_period(month) for month in row.trend],
        "series": [
            {
                "name": name,
                "tone": "experience" if field == "value" else "ink-3",
                "values": [round(getattr(month, field), 1) for month in row.trend],
            }
            for name, field in series
        ],
    }


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


def _line(
    name: str, dash: str, points: Sequence[tuple[int, float]], scale: float
) -> dict[str, Any]:
    return {"name": name, "dash": dash, "points": [[n, round(v * scale, 2)] for n, v in points]}


def _pair(
    name: str, dash: str, limits: Sequence[Limits], low: str, high: str, scale: float
) -> list[dict[str, Any]]:
    return [
        _line(name, dash, [(each.n, getattr(each, side)) for each in limits], scale)
        for side in (low, high)
    ]


def _group(zone: str, lines: Sequence[Line]) -> dict[str, Any] | None:
    tone, symbol = ZONES[zone]
    points = [
        {"at": [line.row.n, round(line.row.value or 0.0, 1)], "name": line.name, "href": line.href}
        for line in lines
    ]
    if not points:
        return None
    return {"name": zone_word(zone), "tone": tone, "symbol": symbol, "points": points}
