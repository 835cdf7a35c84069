"""Figures, moments and small trend lines as people read them. Pure, but for the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.core import clock

DASH = "–"


def figure(value: object) -> str:
    """Grouped digits in the reader's language; whole numbers stay whole."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, float):
        value = int(value) if value.is_integer() else round(value, 2)
    return str(formats.number_format(value, use_l10n=True, force_grouping=True))


def rounded(value: float, places: int, *, grouped: bool = False) -> str:
    """So many places in the reader's language. Django's own formatting cuts digits off."""
    return str(formats.number_format(round(value, places), places, force_grouping=grouped))


def percent(value: float | None) -> str:
    """0.1236 -> 12.4 %."""
    if value is None:
        return DASH
    return f"{rounded(value * 100, 0 if value in (0, 1) else 1)} %"


def short(value: float | None) -> str:
    """1234567 -> 1.2M."""
    if value is None:
        return DASH
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            size = value / (1e3 if letter == "k" else limit)
            return f"{rounded(size, 0 if size >= 100 else 1)}{letter}"
    return figure(value)


def ago(moment: datetime, *, now: datetime | None = None) -> str:
    """How long ago, in one unit: precise enough to act on, short enough for a column."""
    seconds = ((now or clock.now()) - moment).total_seconds()
    if -5 < seconds < 10:
        return _("now")
    for limit, unit, one, many in _UNITS:
        if abs(seconds) < limit:
            count = max(1, int(abs(seconds) // unit))
            words = ngettext(one, many, count) % {"n": count}
            return (
                words if seconds >= 0 else _("in %(time)s") % {"time": words.removesuffix(" ago")}
            )
    return formats.date_format(moment, "DATE_FORMAT")


_UNITS = (
    (60, 1, "%(n)d s ago", "%(n)d s ago"),
    (3600, 60, "%(n)d min ago", "%(n)d min ago"),
    (86400, 3600, "%(n)d h ago", "%(n)d h ago"),
    (86400 * 31, 86400, "%(n)d day ago", "%(n)d days ago"),
)


def when(moment: datetime | None, *, form: str = "ago") -> SafeString:
    """A <time>; the script adds the exact local time as its title."""
    if moment is None:
        return format_html('<span class="faint">{}</span>', DASH)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = timezone.localtime(moment)
    if form == "date":
        text = formats.date_format(moment, "DATE_FORMAT")
    elif form == "time":
        text = formats.time_format(moment, "H:i")
    elif form == "seconds":
        text = formats.time_format(moment, "H:i:s")
    elif form == "full":
        text = formats.date_format(moment, "DATETIME_FORMAT")
    else:
        text = ago(moment)
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)


def spark(values: Sequence[float]) -> dict[str, str]:
    """Line and ground of a trend in a box of 100 x 32, from zero."""
    if len(values) < 2 or max(values) <= 0:
        return {}
    top = max(values)
    step = 100 / (len(values) - 1)
    points = [f"{i * step:.1f} {31 - 30 * max(v, 0) / top:.1f}" for i, v in enumerate(values)]
    line = "M" + " L".join(points)
    return {"line": line, "ground": f"{line} L100 32 L0 32 Z"}
