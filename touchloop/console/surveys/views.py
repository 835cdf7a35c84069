"""The list of surveys, and one survey: its answers, who was asked, its questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.customers import sight, wording
from touchloop.console.pages import Request, page
from touchloop.console.scorecards import figures
from touchloop.console.surveys import standing, stream, words
from touchloop.console.surveys.previewing import drawn
from touchloop.console.surveys.standing import Person, Standing
from touchloop.console.surveys.stream import Wanted
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.experience.surveys import api as surveys
from touchloop.experience.surveys.api import Survey

ROWS = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A survey in the list, with how it stands."""

    id: int
    survey: Survey
    standing: Standing


@page(Permission.SURVEYS_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every survey."""
    conn, locations = database.here(), whom.scope(request.actor)
    stands = standing.standings(conn, locations=locations)
    found = [Line(each.id, each, stands.get(each.id, Standing())) for each in surveys.listing(conn)]
    table = Table(
        name="surveys",
        label=_("Surveys"),
        columns=COLUMNS,
        query=Query.of(request, COLUMNS),
        rows=found,
        href=lambda row: reverse("survey", args=[row.id]),
        empty=SafeString(render_to_string("surveys/empty.html", {}, request)),
        note=_("Counts are of your stores only.") if locations is not None else "",
    )
    days = surveys.quarantine_days(conn)
    context = {
        "table": table,
        "days": f"{days:g}",
        "days_words": words.days(days),
        "any": bool(found),
    }
    return respond(request, "surveys/list.html", context)


@page(Permission.SURVEYS_VIEW)
def survey(request: Request, id: int) -> HttpResponse:
    """What was answered, newest first."""
    conn = database.here()
    found = one(conn, id)
    query = Query.of(request, stream.COLUMNS)
    asked, real = request.GET, request.GET.get("without") == "simulation"
    touchpoint = None
    channel, tilde, location = asked.get("place", "").partition("~")
    if tilde:
        touchpoint = (channel, location)
    wanted = Wanted(
        survey_id=id,
        touchpoint=touchpoint,
        poor_only="poor" in asked,
        since=stream.day(asked, "given_from"),
        until=stream.day(asked, "given_until", end=True),
        simulated=False if real else None,
        locations=whom.scope(request.actor),
    )
    given, following = stream.answers(conn, wanted, after=query.after)
    table = Table(
        name="answers",
        label=_("Answers"),
        columns=stream.COLUMNS,
        query=query,
        rows=stream.rows(conn, given, sight.of(request.actor)),
        next=following,
        empty=SafeString(render_to_string("surveys/unanswered.html", {"survey": found}, request)),
        nothing_fits=_("A confidential survey shows answers of whole places only, without dates."),
    )
    if request.headers.get("X-Rows"):
        return respond(request, "surveys/answers.html", {"table": table})
    context = {
        **head(conn, request, found, "answers"),
        "table": table,
        "places": _places_answered(conn, found, whom.scope(request.actor)),
        "place": asked.get("place", ""),
        "poor": wanted.poor_only,
        "real": real,
        "given_from": asked.get("given_from", "") if wanted.since else "",
        "given_until": asked.get("given_until", "") if wanted.until else "",
    }
    return render(request, "surveys/answers.html", context)


@page(Permission.SURVEYS_VIEW)
def asked(request: Request, id: int) -> HttpResponse:
    """Who was asked and who was not, why not, and the customers behind each count."""
    conn, locations = database.here(), whom.scope(request.actor)
    found = one(conn, id)
    state, reason = request.GET.get("state", ""), request.GET.get("reason", "")[:200]
    query, table = Query.of(request, PEOPLE), None
    if state in words.STATES and (found.identified or state == standing.NOT_ASKED):
        before = int(query.after) if query.after.isdigit() and len(query.after) < 18 else None
        people = standing.people(
            conn, id, state=state, reason=reason, locations=locations, before=before, limit=ROWS + 1
        )
        table = Table(
            name="people",
            label=_("Customers"),
            columns=PEOPLE,
            query=query,
            rows=_people(conn, request, people[:ROWS]),
            next=str(people[ROWS - 1].id) if len(people) > ROWS else "",
        )
        if request.headers.get("X-Rows"):
            return respond(request, "surveys/asked.html", {"table": table})
    shown = head(conn, request, found, "asked")
    context = {
        **shown,
        "lines": _outcomes(shown["stands"]),
        "table": table,
        "chosen": words.reason(reason) if reason else words.STATES.get(state, ""),
        "state": state,
        "reason": reason,
    }
    return render(request, "surveys/asked.html", context)


@page(Permission.SURVEYS_VIEW)
def questions(request: Request, id: int) -> HttpResponse:
    """What a customer reads, the words of earlier versions, and how it samples."""
    conn = database.here()
    found = one(conn, id)
    names = {(channel, place): name for channel, place, name in places(conn, None)}
    context = {
        **head(conn, request, found, "questions"),
        "shown": drawn(found.kind, found.words, identified=found.identified),
        "versions": [
            (version, surveys.words_of(conn, id, version))
            for version in range(found.version - 1, max(found.version - 6, 0), -1)
        ],
        "shares": [
            (touchpoint, names.get(touchpoint, touchpoint[1] or _("the whole channel")),
             wording.channel(touchpoint[0]), words.share(share))
            for touchpoint, share in sorted(surveys.shares(conn, id).items())
        ],
        "all_places": [(f"{channel}~{location}", f"{name} · {wording.channel(channel)}")
                       for channel, location, name in places(conn, whom.scope(request.actor))],
        "share_words": words.share(found.share),
        "privacy": words.PRIVACY.get(found.privacy, found.privacy),
        "delay": words.minutes(found.delay_minutes),
        "expires": words.days(found.expires_days),
        "quarantine": words.days(found.quarantine_days),
        "quarantine_all": words.days(surveys.quarantine_days(conn)),
    }  # fmt: skip
    return render(request, "surveys/questions.html", context)


def one(conn: Connection, id: int) -> Survey:
    """The survey. Raises Http404."""
    try:
        return surveys.get(conn, id)
    except NotFound as missing:
        raise Http404(str(missing)) from missing


def places(conn: Connection, locations: frozenset[str] | None) -> list[tuple[str, str, str]]:
    """Touchpoints that are at a place: channel, location, name."""
    rows = conn.execute(
        "SELECT channel, location, coalesce(nullif(name, ''), location) FROM touchpoints"
        " WHERE location <> '' AND (%(all)s OR location = ANY(%(locations)s::text[]))"
        " ORDER BY 3, 1 LIMIT 2000",
        {"all": locations is None, "locations": sorted(locations or ())},
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def head(conn: Connection, request: Request, found: Survey, here: str) -> dict[str, Any]:
    """What every page of one survey shows."""
    locations = whom.scope(request.actor)
    stands = standing.standings(conn, locations=locations, survey_id=found.id)
    now = stands.get(found.id, Standing())
    tabs = (
        ("answers", _("Answers"), "survey", now.answers),
        ("asked", _("Who was asked"), "survey_asked", None),
        ("questions", _("Questions and sampling"), "survey_questions", None),
        ("codes", _("Codes for places"), "survey_codes", None),
    )
    return {
        "survey": found,
        "sentence": words.sentence(found),
        "kind_word": words.KINDS.get(found.kind, found.kind),
        "stands": now,
        "score": _score(found, now),
        "response": {
            "value": figures.percent(now.response.value),
            "spread": figures.between(now.response),
        }
        if now.response
        else None,
        "tabs": [
            (label, reverse(route, args=[found.id]), name == here, count)
            for name, label, route, count in tabs
        ],
        "confined": locations is not None,
        "crumbs": [(found.name, "")],
    }


def _score(found: Survey, now: Standing) -> dict[str, str] | None:
    """The score of a survey with its interval."""
    if found.kind == "nps":
        net = now.net()
        if net is None:
            return None
        spread = _("%(low)s to %(high)s, SE %(se).1f") % {
            "low": figures.value("nps", net.low),
            "high": figures.value("nps", net.high),
            "se": net.se,
        }
        return {"value": figures.value("nps", net.value), "spread": spread}
    part = now.satisfied()
    if part is None:
        return None
    return {"value": figures.percent(part.value), "spread": figures.between(part)}


def _outcomes(now: Standing) -> list[tuple[str, str, str, int]]:
    """State, reason, words and count, in the order of the story."""
    asked = (
        (standing.REPLIED, now.replied),
        (standing.PENDING, now.pending),
        (standing.EXPIRED, now.expired),
    )
    return [(state, "", str(words.STATES[state]), n) for state, n in asked] + [
        (standing.NOT_ASKED, reason, words.reason(reason), n) for reason, n in now.reasons
    ]


def _places_answered(
    conn: Connection, found: Survey, locations: frozenset[str] | None
) -> list[tuple[str, str]]:
    """The touchpoints at which it was answered, for the filter."""
    rows = conn.execute(
        "SELECT a.channel, a.location, coalesce(min(t.name), '') FROM answers a"
        " LEFT JOIN touchpoints t ON (t.channel, t.location) = (a.channel, a.location)"
        " WHERE a.survey_id = %(survey)s AND (%(all)s OR a.location = ANY(%(locations)s::text[]))"
        " GROUP BY 1, 2 ORDER BY 3, 1, 2 LIMIT 500",
        {"survey": found.id, "all": locations is None, "locations": sorted(locations or ())},
    ).fetchall()
    return [
        (f"{channel}~{place}", name or place or wording.channel(channel))
        for channel, place, name in rows
        if channel or place
    ]


def _people(conn: Connection, request: Request, found: list[Person]) -> list[dict[str, Any]]:
    named = whom.customers(conn, (each.customer_id for each in found), sight.of(request.actor))
    names = whom.place_names(conn, (each.location for each in found))
    return [
        {
            "id": each.id,
            "person": each,
            "customer": named.get(each.customer_id),
            "place": names.get(each.location, each.location),
        }
        for each in found
    ]


def _name(line: Line) -> SafeString:
    return format_html(
        '<a class="lead" href="{}"><bdi>{}</bdi></a><br><small><bdi>{}</bdi></small>',
        reverse("survey", args=[line.id]),
        line.survey.name[:120],
        line.survey.words.question[:160],
    )


def _state(line: Line) -> SafeString:
    if line.survey.live:
        return cells.badge(_("live"), tone="experience")
    return cells.badge(_("paused"))


def _score_cell(line: Line) -> SafeString:
    if line.standing.hidden:
        return format_html('<span class="faint">{}</span>', _("fewer than 5 answers"))
    score = _score(line.survey, line.standing)
    if score is None:
        return cells.quiet(None)
    mark = cells.badge(_("simulated"), hatched=True) if line.standing.simulated else ""
    return format_html("<b>{}</b> <small>{}</small> {}", score["value"], score["spread"], mark)


def _response(line: Line) -> SafeString:
    part = line.standing.response
    if part is None:
        return cells.quiet(None)
    return format_html("{} <small>{}</small>", figures.percent(part.value), figures.between(part))


COLUMNS = (
    Column("name", gettext_lazy("Survey"), cell=_name, wrap=True),
    Column("state", gettext_lazy("State"), cell=_state),
    Column(
        "kind",
        gettext_lazy("Kind"),
        minor=True,
        cell=lambda line: cells.quiet(words.KINDS.get(line.survey.kind, line.survey.kind)),
    ),
    Column("score", gettext_lazy("Score and interval"), cell=_score_cell),
    Column(
        "answers",
        gettext_lazy("Answers"),
        end=True,
        cell=lambda line: cells.figure(line.standing.answers),
    ),
    Column("response", gettext_lazy("Answered, of those asked"), cell=_response, minor=True),
    Column(
        "asked",
        gettext_lazy("Asked"),
        end=True,
        minor=True,
        cell=lambda line: cells.figure(line.standing.invited),
    ),
)
PEOPLE = (
    Column("customer", gettext_lazy("Customer"), cell=lambda row: whom.cell(row["customer"])),
    Column("when", gettext_lazy("When"), cell=lambda row: cells.when(row["person"].decided_at)),
    Column("where", gettext_lazy("Where"), cell=lambda row: cells.quiet(row["place"])),
    Column(
        "mark",
        gettext_lazy("Mark"),
        cell=lambda row: (
            cells.badge(_("simulated"), hatched=True) if row["person"].simulated else SafeString("")
        ),
    ),
)
