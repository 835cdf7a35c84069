"""Sources and keys: the list, and one source with how to connect it, its plan and its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.pages import Request, page, say
from touchloop.console.sources import snippets, words
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Column, Query, Table, respond
from touchloop.core import access, audit, clock
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotFound
from touchloop.interactions import api as interactions
from touchloop.interactions.api import Source

DAYS = 14
PLAN_MODES = (
    (
        "allow",
        gettext_lazy("Allow"),
        gettext_lazy("Take everything; the plan is only written down."),
    ),
    ("warn", gettext_lazy("Warn"), gettext_lazy("Take everything, and note what does not fit.")),
    (
        "quarantine",
        gettext_lazy("Quarantine"),
        gettext_lazy("Hold back what does not fit until a person decides."),
    ),
)
PLAN_EXAMPLE = {
    "Order Completed": {
        "type": "object",
        "required": ["order_id", "products"],
        "properties": {
            "order_id": {"type": "string"},
            "products": {"type": "array", "minItems": 1},
        },
    }
}


@page(Permission.SOURCES_VIEW)
def show(request: Request) -> HttpResponse:
    """Every source but Touchloop's own, with what it sent in two weeks."""
    return respond(request, *listed(request))


def listed(request: Request) -> tuple[str, dict[str, Any]]:
    """The list's template and context; the drawer for a new source stands over it."""
    columns = _columns(_days())
    table = Table(
        name="sources",
        label=_("Sources"),
        columns=columns,
        query=Query.of(request, columns),
        rows=[source for source in interactions.every() if source.kind != "system"],
        href=lambda source: reverse("source", args=[source.id]),
    )
    return "sources/list.html", {"table": table}


@page(Permission.SOURCES_VIEW)
def one(request: Request, source_id: int) -> HttpResponse:
    source = find(source_id)
    manages = access.allows(request.actor, Permission.SOURCES_MANAGE)
    context = {
        **_frame(source, tab="connect"),
        **_figures(source),
        "host": snippets.door(request),
        "ways": snippets.ways(source, host=snippets.door(request)) if manages else [],
        "key_shown": source.write_key if manages else words.masked(source.write_key),
    }
    return render(request, "sources/connect.html", context)


@page(Permission.SOURCES_VIEW)
def waiting(request: Request, source_id: int) -> HttpResponse:
    """Asked every two seconds by the page until something arrives."""
    source = find(source_id)
    return render(request, "sources/waiting.html", {"source": source, **_figures(source)})


@page(Permission.SOURCES_MANAGE, methods=("GET", "POST"))
def plan(request: Request, source_id: int) -> HttpResponse:
    """What the source has promised to send."""
    source, error = find(source_id), None
    mode, text = source.plan_mode, json.dumps(source.plan, indent=2, ensure_ascii=False)
    if request.method == "POST":
        mode, text = request.POST.get("plan_mode", ""), request.POST.get("plan", "")
        try:
            changed = interactions.update(source_id, plan_mode=mode, plan=_plan(text))
        except Invalid as problem:
            error = problem
        else:
            audit.record(
                "source.plan_changed",
                by=request.actor,
                kind="source",
                id=source_id,
                name=source.name,
                before={"mode": source.plan_mode, "events": sorted(source.plan)},
                after={"mode": changed.plan_mode, "events": sorted(changed.plan)},
            )
            say(request, _("Saved the plan of %s.") % source.name)
            return redirect("source_plan", source_id)
    context = {
        **_frame(source, tab="plan"),
        "mode": mode,
        "plan": text,
        "modes": PLAN_MODES,
        "example": json.dumps(PLAN_EXAMPLE, indent=2),
        "errors": {error.field: error.message} if error else {},
    }
    return render(request, "sources/plan.html", context, status=422 if error else 200)


@page(Permission.SOURCES_MANAGE, methods=("GET", "POST"))
def settings(request: Request, source_id: int) -> HttpResponse:
    source, error = find(source_id), ""
    if request.method == "POST":
        name = request.POST.get("name", "").strip()[:200]
        signed = "require_signature" in request.POST
        if not name:
            error = _("Give the source a name.")
        else:
            interactions.update(source_id, name=name, require_signature=signed)
            audit.record(
                "source.changed",
                by=request.actor,
                kind="source",
                id=source_id,
                name=name,
                before={"name": source.name, "require_signature": source.require_signature},
                after={"name": name, "require_signature": signed},
            )
            say(request, _("Saved %s.") % name)
            return redirect("source_settings", source_id)
    context = {
        **_frame(source, tab="settings"),
        "error": error,
        "masked": words.masked(source.write_key),
    }
    return render(request, "sources/settings.html", context, status=422 if error else 200)


def find(source_id: int) -> Source:
    """The source, unless it is Touchloop's own, which nobody touches."""
    try:
        source = interactions.get(source_id)
    except NotFound as error:
        raise Http404 from error
    if source.kind == "system":
        raise Http404
    return source


def _frame(source: Source, *, tab: str) -> dict[str, Any]:
    state, tone = words.state(source)
    return {
        "source": source,
        "kind_word": words.label(source.kind),
        "state": state,
        "state_tone": tone,
        "tab": tab,
        "crumbs": [(source.name, "")],
    }


def _figures(source: Source) -> dict[str, Any]:
    days = _days().get(source.id)
    return {
        "stored": words.total(days, "stored"),
        "duplicate": words.total(days, "duplicate"),
        "set_aside": words.total(days, "quarantined"),
        "refused": words.total(days, "refused"),
        "trend": list(days["stored"]) if days else [],
    }


def _days() -> dict[int, Mapping[str, list[int]]]:
    today = clock.now().date()
    since = today - timedelta(days=DAYS - 1)
    return interactions.source_days(database.here(), since=since, until=today)


def _columns(days: Mapping[int, Mapping[str, list[int]]]) -> tuple[Column, ...]:
    return (
        Column(
            "name",
            gettext_lazy("Name"),
            cell=lambda s: cells.lead(s.name, reverse("source", args=[s.id])),
        ),
        Column("kind", gettext_lazy("Kind"), cell=lambda s: cells.quiet(words.label(s.kind))),
        Column("state", gettext_lazy("State"), cell=_state),
        Column(
            "key",
            gettext_lazy("Write key"),
            cell=lambda s: cells.code(words.masked(s.write_key)),
            minor=True,
        ),
        Column("plan", gettext_lazy("Plan"), cell=_plan_word, minor=True),
        Column(
            "trend",
            gettext_lazy("14 days"),
            cell=lambda s: cells.spark(days[s.id]["stored"] if s.id in days else [], tone="record"),
            minor=True,
        ),
        Column(
            "stored",
            gettext_lazy("Stored"),
            cell=lambda s: cells.figure(words.total(days.get(s.id), "stored")),
            end=True,
        ),
        Column(
            "seen", gettext_lazy("Last event"), cell=lambda s: cells.when(s.last_seen_at), end=True
        ),
    )


def _state(source: Source) -> SafeString:
    word, tone = words.state(source)
    return cells.badge(word, tone=tone)


def _plan_word(source: Source) -> SafeString:
    if not source.plan:
        return cells.quiet("")
    mode = next(str(label) for value, label, _words in PLAN_MODES if value == source.plan_mode)
    return cells.quiet(f"{mode}, {len(source.plan)}")


def _plan(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise Invalid("plan", _("This is not JSON: %s") % error) from error
