"""The list of models, and the card of one: whom it is about, how good it is, from what."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.insight.models import drawing, kinds, words
from touchloop.console.insight.models.words import Line
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.segments.words import PURPOSES
from touchloop.console.ui import cells, charts
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core.access import Permission
from touchloop.core.accounts.models import Staff
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Kind, VersionInfo


@page(Permission.INSIGHT_VIEW)
def listed(request: Request) -> HttpResponse:
    """Every kind of model, with the version that speaks for it."""
    conn = database.here()
    found, runs = models.latest(conn), models.latest_runs(conn)
    lines = []
    for kind in (*kinds.every(), *kinds.of_segments()):
        in_use, newest = found.get(kind.name, (None, None))
        lines.append(Line(kind, in_use or newest, in_use is not None, runs.get(kind.name)))
    table = Table(
        name="models",
        label=_("Models"),
        columns=COLUMNS,
        query=Query.of(request, COLUMNS),
        rows=lines,
        href=lambda line: reverse("insight_model", args=[line.id]),
        empty=_("No model is installed."),
        note=_("Figure: on held-out time, with its 95 % interval, beside the dumb baseline."),
    )
    return respond(request, "insight/models/list.html", {"table": table, "tabs": tabs("models")})


@page(Permission.INSIGHT_VIEW)
def card(request: Request, kind: str) -> HttpResponse:
    """The version in use, else the newest; or that it has not learned yet."""
    conn, one = database.here(), kinds.one(kind)
    past = models.versions(conn, kind)
    shown = next((v for v in past if v.state == "in_use"), past[0] if past else None)
    return _card(request, conn, one, past, shown)


@page(Permission.INSIGHT_VIEW)
def version(request: Request, kind: str, number: int) -> HttpResponse:
    """The card of one version, as it was."""
    conn, one = database.here(), kinds.one(kind)
    try:
        shown = models.version(conn, kind, number)
    except NotFound as error:
        raise Http404 from error
    return _card(request, conn, one, models.versions(conn, kind), shown)


@page(Permission.INSIGHT_VIEW)
def progress(request: Request, kind: str) -> HttpResponse:
    """How far the run is, for the page that waits; when it ended, the page is asked anew."""
    conn, one = database.here(), kinds.one(kind)
    context = {"kind": one, "run": models.open_run_of(conn, kind)}
    answer = render(request, "insight/models/progress.html", context)
    if context["run"] is None:
        answer["HX-Refresh"] = "true"
    return answer


def _card(
    request: Request, conn: Connection, kind: Kind, past: list[VersionInfo],
    shown: VersionInfo | None,
) -> HttpResponse:  # fmt: skip
    runs = models.runs(conn, kind.name, limit=8)
    context: dict[str, Any] = {
        "kind": kind,
        "version": shown,
        "tabs": tabs("models"),
        "crumbs": [(_("Models"), reverse("insight_models")), (kind.label, "")],
        "run": next((run for run in runs if run.open), None),
        "runs": [(run, words.OUTCOMES.get(run.outcome, "")) for run in runs if not run.open],
        "every": words.every(kind.every_hours),
        "purpose": PURPOSES.get(kind.purpose, kind.purpose),
        "newest": past[0] if past else None,
        "staff": _staff({run.asked_by for run in runs if run.asked_by}),
    }
    if shown is None:
        return render(request, "insight/models/card.html", context)
    word, tone = words.status(shown)
    moved = words.moved(shown.drift)
    context |= {
        "state": word,
        "tone": tone,
        "notice_tone": "danger" if shown.state == "failed" else "engage",
        "drift": words.drift(shown),
        "key": _metric(shown.key) if shown.key else None,
        "metrics": [_metric(each) for each in shown.metrics],
        "used": [(f, words.moved_of(moved, f.name)) for f in shown.features if not f.refused],
        "refused": [each for each in shown.features if each.refused],
        "left_out": shown.everybody - shown.people,
        "scored": words.scored(shown),
        "versions": [(each, *words.status(each), each.key and _metric(each.key)) for each in past],
        "backwards": [v for v in past if v.usable and v.state != "in_use"],
    }
    calibrations = drawing.calibrations(shown)
    context["calibrations"] = [chart.id for chart in calibrations]
    return charts.drawn(
        request,
        "insight/models/card.html",
        context,
        *calibrations,
        drawing.moved(shown),
        drawing.history(past),
    )


def _metric(metric: models.Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "value": words.value(metric.value),
        "spread": words.spread(metric),
        "n": metric.n,
        "beside": words.beside(metric),
        "lower": metric.better == "lower",
    }


def _staff(ids: set[int]) -> dict[int, str]:
    return dict(Staff.objects.filter(id__in=ids).values_list("id", "name"))


def _named(line: Line) -> SafeString:
    lead = cells.lead(line.kind.label, reverse("insight_model", args=[line.id]))
    return format_html('{}<br><span class="quiet small">{}</span>', lead, line.kind.sentence)


def _state(line: Line) -> SafeString:
    if line.run is not None and line.run.open:
        waits = line.run.started_at is None
        return cells.badge(_("waits") if waits else _("learning"), tone="record")
    if line.version is None:
        failed = line.run is not None and line.run.outcome == "failed"
        return cells.badge(_("failed") if failed else _("not yet"), tone="danger" if failed else "")
    word, tone = words.status(line.version)
    return cells.badge(word, tone=tone)


def _figure(line: Line) -> SafeString:
    key = line.version.key if line.version else None
    if key is None:
        return cells.quiet("")
    spread, beside = words.spread(key), words.beside(key)
    return format_html(
        '{} <b>{}</b> <span class="quiet small">{}{}</span>',
        key.name,
        words.value(key.value),
        f"({spread})" if spread else "",
        format_html("<br>{}", _("baseline: %s") % beside) if beside else "",
    )


def _drift(line: Line) -> SafeString:
    if line.version is None:
        return cells.quiet("")
    found = words.drift(line.version)
    return cells.badge(found.word, tone=found.tone) if found.tone else cells.quiet(found.word)


def _age(line: Line) -> SafeString:
    if line.version is None:
        return cells.quiet("")
    told = _("version %(n)d") % {"n": line.version.number}
    when = cells.when(line.version.trained_at)
    return format_html('{}<br><span class="quiet small">{}</span>', when, told)


COLUMNS = (
    Column("model", gettext_lazy("Model"), cell=_named, wrap=True),
    Column("state", gettext_lazy("State"), cell=_state),
    Column("age", gettext_lazy("Learned"), cell=_age),
    Column(
        "n", gettext_lazy("From"), end=True,
        cell=lambda line: cells.figure(line.version.n if line.version else None),
    ),
    Column("figure", gettext_lazy("Figure"), cell=_figure, wrap=True),
    Column("drift", gettext_lazy("Drift"), cell=_drift),
    Column(
        "scored", gettext_lazy("Scored"), end=True, minor=True,
        cell=lambda line: cells.figure(line.version.scored if line.version else None),
    ),
)  # fmt: skip
