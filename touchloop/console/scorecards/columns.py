"""The columns of a scorecard: each value with its interval, each figure with what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.customers import wording
from touchloop.console.scorecards import figures
from touchloop.console.scorecards.asking import Asked
from touchloop.console.ui import cells, words
from touchloop.console.ui.tables import Column
from touchloop.experience.scorecards.api import Card, Row

ALARMING = 0.5  # probability of being in the worst tenth
FEWEST = 5  # units, below which somebody is always the worst


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the scorecard with its words and addresses."""

    row: Row
    name: str
    note: str
    href: str
    answers: str
    middle: float | None
    of: int

    @property
    def id(self) -> str:
        return "/".join(self.row.path)


def lines(card: Card, asked: Asked, *, names: dict[str, str]) -> list[Line]:
    """The rows of a card, in its order."""
    whole = card.totals.get(asked.kind)
    ranked = sum(row.rank is not None for row in card.rows)
    return [
        Line(
            row=row,
            name=name_of(row, asked, names),
            note=_note(row, asked),
            href="" if row.hidden else _href(row, asked),
            answers="" if row.hidden or not row.n else asked.of_answers(row),
            middle=whole.value if whole else None,
            of=ranked,
        )
        for row in card.rows
    ]


def name_of(row: Row, asked: Asked, names: dict[str, str]) -> str:
    """What a unit is called."""
    if asked.by == "stage":
        return wording.stage(row.path[0]) if row.path[0] else _("No stage")
    if asked.by == "region":
        return row.path[0] or _("No region")
    location, channel = row.path[1], row.channel or (row.path[2] if len(row.path) > 2 else "")
    return names.get(location) or row.name or (wording.channel(channel) if channel else location)


def _note(row: Row, asked: Asked) -> str:
    if asked.by == "touchpoint":
        return wording.channel(row.path[2])
    return row.path[0] if asked.by == "location" and asked.region is None else ""


def _href(row: Row, asked: Asked) -> str:
    if asked.by == "region":
        return asked.of_region(row.path[0])
    if asked.by == "location":
        return asked.of_place(row)
    return asked.of_answers(row)


def ordered(found: Sequence[Line], *, sort: str, descending: bool) -> list[Line]:
    """By rank, name, number or value; what is hidden stays last."""
    keys: dict[str, Any] = {
        "rank": lambda line: line.row.rank or 0,
        "name": lambda line: line.name.lower(),
        "n": lambda line: line.row.n or 0,
        "score": lambda line: line.row.value or 0.0,
        "worst": lambda line: line.row.shrunken.in_worst if line.row.shrunken else 0.0,
    }
    shown = [line for line in found if line.row.rank is not None]
    rest = [line for line in found if line.row.rank is None]
    return sorted(shown, key=keys.get(sort, keys["rank"]), reverse=descending) + rest


def _name(line: Line) -> SafeString:
    note = format_html(" <small><bdi>{}</bdi></small>", line.note) if line.note else ""
    mark = simulated_mark(line.row)
    if not line.href:
        return format_html('<bdi class="quiet">{}</bdi>{}{}', line.name, note, mark)
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a>{}{}', line.href, line.name, note, mark
    )


def simulated_mark(row: Row) -> SafeString:
    """Says on the row itself that answers in it were made up."""
    if not row.simulated:
        return SafeString("")
    every = row.simulated == row.n
    text = _("simulated") if every else _("%s simulated") % words.figure(row.simulated)
    return format_html(" {}", cells.badge(text, hatched=True))


def _score(line: Line) -> SafeString:
    row = line.row
    if row.hidden:
        return format_html('<span class="faint">{}</span>', _("fewer than 5 answers"))
    if not row.n:
        return format_html('<span class="faint">{}</span>', _("no answers"))
    return SafeString(
        render_to_string(
            "scorecards/interval.html",
            {
                "bar": figures.bar(row, line.middle),
                "value": figures.value(row.kind, row.value),
                "spread": figures.spread(row),
            },
        )
    )


def _n(line: Line) -> SafeString:
    if not line.answers:
        return SafeString("")
    return format_html('<a href="{}">{}</a>', line.answers, words.figure(line.row.n))


def _response(line: Line) -> SafeString:
    part = line.row.response
    if part is None or line.row.hidden:
        return cells.quiet(None)
    return format_html(
        '<span title="{}">{}</span> <small>{}</small>',
        figures.between(part),
        figures.percent(part.value),
        _("of %s") % words.figure(part.n),
    )


def _rank(line: Line) -> SafeString:
    if line.row.rank is None or line.row.shrunken is None:
        return SafeString("")
    kind, shrunken = line.row.kind, line.row.shrunken
    scale = 1.0 if kind == figures.NPS else 100.0
    said = _("shrunken to %(value)s (%(low)s to %(high)s); %(weight)s its own answers") % {
        "value": figures.value(kind, shrunken.value * scale),
        "low": figures.value(kind, shrunken.low * scale),
        "high": figures.value(kind, shrunken.high * scale),
        "weight": figures.percent(shrunken.weight),
    }
    return format_html(
        '<span title="{}">{}</span> <small>{}</small>',
        said,
        line.row.rank,
        _("of %d") % line.of,
    )


def _worst(line: Line) -> SafeString:
    if line.row.shrunken is None or line.of < 2:
        return SafeString("")
    chance = line.row.shrunken.in_worst
    said = _("< 1 %") if chance < 0.01 else figures.percent(chance)
    alarming = chance >= ALARMING and line.of >= FEWEST
    return cells.badge(said, tone="danger") if alarming else cells.text(said)


def _trend(line: Line) -> SafeString:
    points = figures.line(line.row.kind, line.row.trend)
    return SafeString(render_to_string("scorecards/trend.html", {"points": points}))


COLUMNS = (
    Column("name", gettext_lazy("Unit"), cell=_name, sorts=True, wrap=True),
    Column("score", gettext_lazy("Score and interval"), cell=_score, sorts=True),
    Column("n", gettext_lazy("Answers"), cell=_n, sorts=True, end=True),
    Column("response", gettext_lazy("Answered"), cell=_response, end=True, minor=True),
    Column("rank", gettext_lazy("Rank"), cell=_rank, sorts=True, minor=True),
    Column("worst", gettext_lazy("In the worst tenth"), cell=_worst, sorts=True, minor=True),
    Column("trend", gettext_lazy("By month"), cell=_trend, minor=True),
)
