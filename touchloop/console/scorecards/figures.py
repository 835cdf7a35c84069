"""Figures of experience as people read them: values, intervals, and where these lie on a scale.

A drawing is coordinates only; templates make the SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from touchloop.console.ui import words
from touchloop.core.proportions import Share
from touchloop.experience.scorecards.api import Month, Row

NPS = "nps"
BAR, LINE, HIGH = 120.0, 72.0, 20.0  # px: an interval bar and a trend line, and their height
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval on its whole scale: x from 0 to `BAR`."""

    low: float
    wide: float
    at: float
    middle: float | None


def percent(value: float) -> str:
    """0.534 -> 53 %."""
    return _("%s %%") % words.rounded(100 * value, 0)


def between(part: Share) -> str:
    """Wilson's interval of a share, in words."""
    return _("%(low)s to %(high)s") % {"low": percent(part.low), "high": percent(part.high)}


def value(kind: str, given: float | None) -> str:
    """A net promoter score with its sign, or a percentage."""
    if given is None:
        return words.DASH
    if kind != NPS:
        return percent(given / 100)
    whole = round(given)
    if whole == 0:
        return "0"
    return f"{_MINUS if whole < 0 else '+'}{abs(whole)}"


def spread(row: Row) -> str:
    """How sure the value is: a standard error and its margin, or an interval."""
    if row.hidden or row.n in (None, 0):
        return ""
    if row.net is not None:
        return _("± %(margin)s, SE %(se)s") % {
            "margin": words.rounded(row.net.margin, 0),
            "se": words.rounded(row.net.se, 1),
        }
    return between(row.share) if row.share else ""


def bar(row: Row, middle: float | None) -> Bar | None:
    """The interval of a row, with a tick where the whole stands."""
    if row.value is None or row.low is None or row.high is None:
        return None
    low, high = _x(row.kind, row.low), _x(row.kind, row.high)
    return Bar(
        low,
        round(max(high - low, 2.0), 1),
        _x(row.kind, row.value),
        None if middle is None else _x(row.kind, middle),
    )


def line(kind: str, months: Sequence[Month]) -> str:
    """A trend as the points of a polyline; empty where there is none to speak of."""
    if len(months) < 2:
        return ""
    step = LINE / (len(months) - 1)
    return " ".join(
        f"{place * step:.1f},{_y(kind, month.value):.1f}" for place, month in enumerate(months)
    )


def part_of_scale(kind: str, given: float) -> float:
    """Where a value lies on its scale, from 0 to 1."""
    return (given + 100) / 200 if kind == NPS else given / 100


def _x(kind: str, given: float) -> float:
    return round(BAR * part_of_scale(kind, given), 1)


def _y(kind: str, given: float) -> float:
    return HIGH - 2 - (HIGH - 4) * part_of_scale(kind, given)
