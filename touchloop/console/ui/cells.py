"""What may stand in a cell of a table. Everything is escaped here, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from touchloop.console.ui import words


def text(value: object) -> SafeString:
    return format_html("{}", words.DASH if value in (None, "") else value)


def quiet(value: object) -> SafeString:
    return format_html(
        '<span class="quiet">{}</span>', words.DASH if value in (None, "") else value
    )


def code(value: object) -> SafeString:
    return format_html('<code dir="ltr">{}</code>', value)


def lead(value: object, href: str, *, drawer: bool = False, note: object = "") -> SafeString:
    """What the row is called and where it leads; with `drawer` it opens over the list."""
    extra = format_html(" <small>{}</small>", note) if note else ""
    opens = SafeString(" data-drawer") if drawer else ""
    return format_html('<a class="lead" href="{}"{}>{}</a>{}', href, opens, value, extra)


def figure(value: float | None) -> SafeString:
    return format_html("{}", words.figure(value))


def when(moment: datetime | None, *, form: str = "ago") -> SafeString:
    return words.when(moment, form=form)


def badge(word: object, *, tone: str = "", icon: str = "", hatched: bool = False) -> SafeString:
    shape = "badge" + (f" badge-{tone}" if tone else "") + (" badge-hatched" if hatched else "")
    return format_html('<span class="{}">{}</span>', shape, word)


def spark(values: Sequence[float], *, tone: str = "") -> SafeString:
    return SafeString(
        render_to_string("ui/spark.html", {"values": list(values), "tone": tone, "small": True})
    )
