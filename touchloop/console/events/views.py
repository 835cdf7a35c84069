"""Events: the catalogue of what was ever sent, each with what its messages carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, views_saved
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.interactions import api as interactions
from touchloop.interactions.api import KindRow

PAGE = 50
TREND_KEPT_SECONDS = 60
TONES = {"track": "record", "identify": "experience", "alias": "experience", "group": "experience"}


@page(Permission.EVENTS_VIEW)
def show(request: Request) -> HttpResponse:
    return respond(request, *_listed(request))


@page(Permission.EVENTS_VIEW)
def one(request: Request, kind_id: int) -> HttpResponse:
    found = interactions.kind(database.here(), kind_id)
    if found is None:
        raise Http404
    context = {
        "event": found.row,
        "event_name": event_name(found.row),
        "properties": found.properties,
        "example": found.example,
        "event_trend": _trends((kind_id,))[kind_id],
        "back": reverse("events"),
        "crumbs": [(event_name(found.row), "")],
    }
    return with_drawer(request, lambda: _listed(request), "events/drawer.html", context)


def event_name(row: KindRow) -> str:
    """Some kinds have no name of their own: an identify is an identify."""
    return row.name or row.type


def _listed(request: Request) -> tuple[str, Mapping[str, Any]]:
    conn = database.here()
    asked = request.GET.get("q", "").strip()[:100]
    kind_type = request.GET.get("type", "")
    trends: dict[int, list[float]] = {}
    columns = _columns(trends)
    query = Query.of(request, columns, default="-volume")
    skip = int(query.after) if query.after.isdecimal() else 0
    rows = interactions.kinds(
        conn,
        words=asked,
        type=kind_type,
        sort=query.sort,
        descending=query.descending,
        skip=skip,
        limit=PAGE + 1,
    )
    shown = rows[:PAGE]
    trends.update(_trends(tuple(row.id for row in shown)))
    table = Table(
        name="events",
        label=_("Events"),
        columns=columns,
        query=query,
        rows=shown,
        next=str(skip + PAGE) if len(rows) > PAGE else "",
        href=lambda row: reverse("event", args=[row.id]),
        note=_("The trend is of half a year, by week, from a sample of the log."),
    )
    context = {
        "table": table,
        "saved": views_saved.bar(request, "events", query),
        "words": asked,
        "kind_type": kind_type,
        "types": interactions.kind_types(conn),
    }
    return "events/list.html", context


def _columns(trends: Mapping[int, list[float]]) -> tuple[Column, ...]:
    return (
        Column(
            "name",
            gettext_lazy("Event"),
            cell=lambda k: cells.lead(event_name(k), reverse("event", args=[k.id]), drawer=True),
            sorts=True,
        ),
        Column(
            "type",
            gettext_lazy("Type"),
            cell=lambda k: cells.badge(k.type, tone=TONES.get(k.type, "")),
            sorts=True,
        ),
        Column(
            "trend",
            gettext_lazy("Trend"),
            cell=lambda k: cells.spark(trends.get(k.id, []), tone="record"),
            minor=True,
        ),
        Column(
            "volume",
            gettext_lazy("Volume"),
            cell=lambda k: cells.figure(k.volume),
            sorts=True,
            end=True,
        ),
        Column(
            "first_seen_at",
            gettext_lazy("First seen"),
            cell=lambda k: cells.when(k.first_seen_at),
            sorts=True,
            end=True,
            minor=True,
        ),
        Column(
            "last_seen_at",
            gettext_lazy("Last seen"),
            cell=lambda k: cells.when(k.last_seen_at),
            sorts=True,
            end=True,
        ),
    )


def _trends(kind_ids: tuple[int, ...]) -> dict[int, list[float]]:
    if not kind_ids:
        return {}
    key = f"events.trends.{hash(kind_ids)}"
    kept: dict[int, list[float]] | None = cache.get(key)
    if kept is None:
        kept = interactions.kind_trends(database.here(), kind_ids, now=clock.now())
        cache.set(key, kept, TREND_KEPT_SECONDS)
    return kept
