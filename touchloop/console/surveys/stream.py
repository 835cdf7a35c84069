"""Answers as a list: score, words, where, whose; used by a survey and by the scorecards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import organisation
from touchloop.console.cases import whom
from touchloop.console.cases.whom import Whom
from touchloop.console.customers import wording
from touchloop.console.customers.sight import Sight
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column
from touchloop.core.db import Connection
from touchloop.experience.surveys import api as surveys
from touchloop.experience.surveys.api import Given

ROWS = 50
CHUNK, MOST_CHUNKS = 200, 20


@dataclass(frozen=True, slots=True)
class Row:
    """An answer with what its columns say."""

    id: int
    given: Given
    customer: Whom | None
    place: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers; `fits` judges what the survey room cannot be asked for."""

    survey_id: int | None = None
    touchpoint: tuple[str, str] | None = None
    poor_only: bool = False
    since: datetime | None = None
    until: datetime | None = None
    simulated: bool | None = None
    locations: frozenset[str] | None = None
    fits: Callable[[Given], bool] | None = None


def answers(
    conn: Connection, wanted: Wanted, *, after: str = "", limit: int = ROWS
) -> tuple[list[Given], str]:
    """A page of answers, newest first, and where the next page begins; empty at the end."""
    start = int(after) if after.isdigit() and len(after) < 8 else 0
    found: list[Given] = []
    for _chunk in range(MOST_CHUNKS):
        part = surveys.answers(
            conn,
            survey_id=wanted.survey_id,
            touchpoint=wanted.touchpoint,
            poor_only=wanted.poor_only,
            since=wanted.since,
            until=wanted.until,
            simulated=wanted.simulated,
            locations=wanted.locations,
            limit=CHUNK if wanted.fits else limit + 1,
            offset=start,
        )
        for place, given in enumerate(part):
            if wanted.fits is None or wanted.fits(given):
                if len(found) == limit:
                    return found, str(start + place)
                found.append(given)
        start += len(part)
        if wanted.fits is None or len(part) < CHUNK:
            return found, ""
    return found, str(start)


def rows(conn: Connection, found: Iterable[Given], sees: Sight) -> list[Row]:
    """Answers with names, as one set."""
    given = list(found)
    named = whom.customers(conn, (each.customer_id for each in given), sees)
    places = whom.place_names(conn, (each.location for each in given))
    return [
        Row(
            id=each.id,
            given=each,
            customer=named.get(each.customer_id),
            place=places.get(each.location, each.location)
            or (wording.channel(each.channel) if each.channel else ""),
            text=sees.masked(each.text),
            url=reverse("survey", args=[each.survey_id]),
        )
        for each in given
    ]


def day(asked: QueryDict, name: str, *, end: bool = False) -> datetime | None:
    """Midnight of a day in the house's zone; with `end`, the midnight after it."""
    try:
        found = date.fromisoformat(asked.get(name, ""))
        if end:
            found += timedelta(days=1)
        return datetime.combine(found, time(), ZoneInfo(organisation.current().time_zone))
    except (ValueError, OverflowError):
        return None


def feeling(kind: str, score: int) -> tuple[str, str, str]:
    """What a score counts as: word, tone, icon."""
    poor, good = surveys.POOR[kind], GOOD[kind]
    if score <= poor:
        return (_("detractor") if kind == "nps" else _("poor"), "danger", "frown")
    if score >= good:
        return (_("promoter") if kind == "nps" else _("good"), "experience", "smile")
    return (_("passive") if kind == "nps" else _("between"), "", "meh")


def score_cell(given: Given) -> SafeString:
    """The score of its scale, with a word, so that colour is not all."""
    word, tone, _icon = feeling(given.kind, given.score)
    return format_html(
        '<span class="answer-score"><b>{}</b> <small>{}</small></span> {}',
        given.score,
        _("of %d") % surveys.SCALES[given.kind][1],
        cells.badge(word, tone=tone),
    )


def marks(given: Given) -> SafeString:
    """What is to be known of an answer: made up, given too fast, given at a place."""
    found = SafeString("")
    if given.simulated:
        found = format_html("{} {}", found, cells.badge(_("simulated"), hatched=True))
    for flag in given.flags:
        found = format_html("{} {}", found, cells.badge(FLAGS.get(flag, flag), tone="engage"))
    if given.mode == "qr":
        found = format_html("{} {}", found, cells.badge(_("by code")))
    return found


def _words(row: Row) -> SafeString:
    said = row.text[:400] + ("…" if len(row.text) > 400 else "")
    text = (
        format_html("<bdi>{}</bdi>", said)
        if said
        else format_html('<span class="faint">{}</span>', _("no words"))
    )
    return format_html("{}{}", text, marks(row.given))


def _customer(row: Row) -> SafeString:
    if row.given.customer_id is None:
        return cells.quiet(_("confidential"))
    return whom.cell(row.customer)


def _where(row: Row) -> SafeString:
    return format_html('<bdi class="quiet">{}</bdi>', row.place[:60])


def _survey(row: Row) -> SafeString:
    return format_html('<a href="{}"><bdi>{}</bdi></a>', row.url, row.given.survey[:60])


GOOD: Mapping[str, int] = {"nps": 9, "csat": 4, "ces": 5}
FLAGS = {
    "speeder": gettext_lazy("very fast"),
    "straight_liner": gettext_lazy("the same everywhere"),
}
COLUMNS = (
    Column("score", gettext_lazy("Score"), cell=lambda row: score_cell(row.given)),
    Column(
        "when", gettext_lazy("When"), end=True, cell=lambda row: cells.when(row.given.answered_at)
    ),
    Column("words", gettext_lazy("Words"), cell=_words, wrap=True),
    Column("where", gettext_lazy("Where"), cell=_where),
    Column("customer", gettext_lazy("Customer"), cell=_customer),
    Column("survey", gettext_lazy("Survey"), cell=_survey, minor=True, hidden=True),
)
