"""The scorecard of everything, of a region's stores, and of one store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.customers import sight
from touchloop.console.pages import Request, page
from touchloop.console.scorecards import behind, columns, drawing, figures
from touchloop.console.scorecards.asking import CUTS, KINDS, PERIODS, Asked, kinds_answered, read
from touchloop.console.scorecards.columns import COLUMNS, Line
from touchloop.console.surveys import stream
from touchloop.console.ui import charts, words
from touchloop.console.ui.tables import Query, Table
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.experience.scorecards.api import By, Card, Row

LATEST = 10  # answers on the page of a store


@page(Permission.SCORECARDS_VIEW)
def listed(request: Request) -> HttpResponse:
    """Units side by side, in the cut that the address asks for."""
    conn = database.here()
    asked = read(request.GET, actor=request.actor, conn=conn, now=clock.now())
    card = asked.card(conn, asked.by)
    lines = columns.lines(card, asked, names=_names(conn, card))
    whole = card.totals.get(asked.kind)
    if asked.region is not None:
        lines = [line for line in lines if line.row.path[0] == asked.region]
        whole = _one(asked.card(conn, "region"), (asked.region,))
    query = Query.of(request, COLUMNS, default="rank")
    everything = card.totals.get(asked.kind)
    choices, made_up = _choices(conn, asked), _made_up(whole)
    context = {
        **choices,
        "table": _table(request, lines, query),
        "whole": _stats(whole, asked),
        "made_up": made_up,
        "empty": not card.rows,
        "crumbs": [(asked.region or _("No region"), "")] if asked.region is not None else [],
    }
    funnel = drawing.funnel(everything, lines, made_up=bool(made_up), csv=choices["csv"])
    return charts.drawn(request, "scorecards/list.html", context, funnel)


@page(Permission.SCORECARDS_VIEW)
def place(request: Request) -> HttpResponse:
    """One store: its figures, its months, its touchpoints, its latest answers."""
    conn = database.here()
    asked = read(request.GET, actor=request.actor, conn=conn, now=clock.now())
    path = (asked.region or "", asked.place)
    card = asked.card(conn, "location")
    row = _one(card, path)
    if row is None:
        raise Http404
    line = next(
        each for each in columns.lines(card, _as(asked, "location"), names=_names(conn, card))
        if each.row.path == path
    )  # fmt: skip
    parts = asked.card(conn, "touchpoint")
    touchpoints = [
        each
        for each in columns.lines(parts, _as(asked, "touchpoint"), names={})
        if each.row.path[:2] == path
    ]
    found: list[stream.Row] = []
    if not row.hidden:
        given, _next = stream.answers(conn, behind.wanted(conn, asked), limit=LATEST)
        found = stream.rows(conn, given, sight.of(request.actor))
    choices = _choices(conn, asked)
    context = {
        **choices,
        "line": line,
        "row": row,
        "whole": _stats(row, _as(asked, "location")),
        "made_up": _made_up(row),
        "touchpoints": _table(
            request, touchpoints, Query.of(request, COLUMNS, default="rank"), name="touchpoints"
        ),
        "answers": Table(
            name="latest",
            label=_("Latest answers"),
            columns=stream.COLUMNS,
            query=Query("", False, (), "", ()),
            rows=found,
        ),
        "answers_url": line.answers,
        "crumbs": [
            (asked.region or _("No region"), asked.of_region(asked.region or "")),
            (line.name, ""),
        ],
    }
    trend = drawing.trend(row, csv=choices["csv"])
    return charts.drawn(request, "scorecards/place.html", context, trend)


def _choices(conn: Connection, asked: Asked) -> dict[str, Any]:
    """The bar above every card: what, over which time, with or without what was made up."""
    there = kinds_answered(conn)
    return {
        "asked": asked,
        "kinds": [(kind, label) for kind, label in KINDS.items() if kind in there],
        "kind_word": KINDS[asked.kind],
        "cuts": CUTS.items(),
        "periods": PERIODS,
        "csv": f"{reverse('scorecards_csv')}?{asked.words(region=asked.region)}",
        "all_answers": f"{reverse('scorecard_answers')}?{asked.words(by=None)}",
        "confined": sorted(asked.locations) if asked.locations is not None else None,
    }


def _table(request: Request, lines: list[Line], query: Query, *, name: str = "scorecard") -> Table:
    return Table(
        name=name,
        label=_("Scorecard"),
        columns=COLUMNS,
        query=query,
        rows=columns.ordered(lines, sort=query.sort, descending=query.descending),
        href=lambda line: line.href,
        empty=SafeString(render_to_string("scorecards/empty.html", {}, request)),
        note=_hidden_note(lines),
    )


def _hidden_note(lines: list[Line]) -> str:
    if not any(line.row.hidden for line in lines):
        return ""
    return _(
        "A unit with fewer than 5 answers is not shown, so that nobody is picked out; where one"
        " alone would follow from the others, the next larger is left out with it."
    )


def _stats(row: Row | None, asked: Asked) -> dict[str, Any] | None:
    """The figures of one unit, each with what is behind it."""
    if row is None:
        return None
    shown = not row.hidden and bool(row.n)
    mean = _("mean %s") % words.figure(round(row.mean, 2)) if row.mean is not None else ""
    return {
        "hidden": row.hidden,
        "shown": shown,
        "value": figures.value(row.kind, row.value),
        "spread": figures.spread(row),
        "bar": figures.bar(row, None),
        "n": row.n,
        "by_code": row.by_code,
        "mean": mean,
        "simulated": _("simulated") if row.simulated else "",
        "answers": asked.of_answers(row) if shown else "",
        "poor": asked.of_answers(row, poor=1) if shown else "",
        "detractors": row.net.detractors if row.net else None,
        "response": figures.percent(row.response.value) if row.response else "",
        "response_spread": figures.between(row.response) if row.response else "",
        "invited": row.invited,
        "worst": figures.percent(row.shrunken.in_worst) if row.shrunken else "",
    }


def _made_up(row: Row | None) -> dict[str, Any] | None:
    """How many of the answers were simulated."""
    if row is None or not row.simulated:
        return None
    return {"n": row.simulated, "of": row.n, "all": row.simulated == row.n}


def _one(card: Card, path: tuple[str, ...]) -> Row | None:
    return next((row for row in card.rows if row.path == path), None)


def _as(asked: Asked, by: By) -> Asked:
    return replace(asked, by=by)


def _names(conn: Connection, card: Card) -> dict[str, str]:
    return whom.place_names(conn, (row.location for row in card.rows))
