"""Dead letters and quarantine: what was set aside, why, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, views_saved
from touchloop.console.held import reasons
from touchloop.console.pages import Request, page, with_drawer
from touchloop.console.ui import cells
from touchloop.console.ui.tables import Action, Column, Query, Table, respond
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.interactions import api as interactions
from touchloop.interactions.api import HeldFilter, HeldRow

PAGE = 50
STATES = {
    "held": gettext_lazy("Waiting"),
    "replayed": gettext_lazy("Replayed"),
    "discarded": gettext_lazy("Discarded"),
}
SHELVES = {
    "quarantine": gettext_lazy("Quarantine"),
    "dead_letter": gettext_lazy("Dead letter"),
}
TONES = {"quarantine": "engage", "dead_letter": "danger"}


@page(Permission.HELD_VIEW)
def show(request: Request) -> HttpResponse:
    return respond(request, *_listed(request))


@page(Permission.HELD_VIEW)
def one(request: Request, held_id: int) -> HttpResponse:
    found = interactions.held_message(database.here(), held_id)
    if found is None:
        raise Http404
    row, payload = found
    decided_by = accounts.names([row.decided_by]) if row.decided_by else {}
    context = {
        "held": row,
        "payload": payload,
        "reason_word": reasons.word(row.reason),
        "advice": reasons.advice(row.reason),
        "shelf_word": SHELVES.get(row.shelf, row.shelf),
        "state_word": STATES.get(row.state, row.state),
        "source_name": source_names().get(row.source_id, str(row.source_id)),
        "decider": decided_by.get(row.decided_by or 0, ""),
        "may_decide": access.allows(request.actor, Permission.HELD_DECIDE),
        "back": reverse("held"),
        "crumbs": [(f"#{row.id}", "")],
    }
    return with_drawer(request, lambda: _listed(request), "held/drawer.html", context)


def asked(values: Mapping[str, str]) -> HeldFilter:
    """The filter that stands in an address or a form."""
    source, state, shelf = (
        values.get("source", ""),
        values.get("state", "held"),
        values.get("shelf"),
    )
    return HeldFilter(
        shelf=shelf if shelf in SHELVES else "",
        state=state if state in STATES else "held",
        reason=values.get("reason", "")[:200],
        source_id=int(source) if source.isdecimal() and len(source) < 10 else None,
    )


def source_names() -> dict[int, str]:
    return {source.id: source.name for source in interactions.every()}


def _listed(request: Request) -> tuple[str, dict[str, Any]]:
    conn, wanted = database.here(), asked(request.GET.dict())
    names = source_names()
    columns = _columns(names)
    query = Query.of(request, columns)
    before = int(query.after) if query.after.isdecimal() else None
    rows = interactions.held_rows(conn, wanted, before_id=before, limit=PAGE + 1)
    decides = access.allows(request.actor, Permission.HELD_DECIDE) and wanted.state == "held"
    table = Table(
        name="held",
        label=_("Messages set aside"),
        columns=columns,
        query=query,
        rows=rows[:PAGE],
        next=str(rows[PAGE - 1].id) if len(rows) > PAGE else "",
        href=lambda row: reverse("held_one", args=[row.id]),
        actions=_actions() if decides else (),
    )
    context = {
        "table": table,
        "saved": views_saved.bar(request, "held", query),
        "wanted": wanted,
        "states": list(STATES.items()),
        "shelves": list(SHELVES.items()),
        "reasons": [
            (value, reasons.word(value), n)
            for value, n in interactions.held_reasons(conn, state=wanted.state)
        ],
        "sources": sorted(names.items(), key=lambda item: item[1]),
        "decides": decides and bool(rows),
    }
    return "held/list.html", context


def _actions() -> tuple[Action, ...]:
    return (
        Action(gettext_lazy("Replay"), reverse("held_replay"), icon="rotate-ccw", look="primary"),
        Action(gettext_lazy("Discard"), reverse("held_discard"), icon="trash-2"),
    )


def _columns(names: Mapping[int, str]) -> tuple[Column, ...]:
    def lead(row: HeldRow) -> SafeString:
        return cells.lead(reasons.word(row.reason), reverse("held_one", args=[row.id]), drawer=True)

    return (
        Column("reason", gettext_lazy("Reason"), cell=lead),
        Column(
            "shelf",
            gettext_lazy("Shelf"),
            cell=lambda r: cells.badge(SHELVES.get(r.shelf, r.shelf), tone=TONES.get(r.shelf, "")),
        ),
        Column("detail", gettext_lazy("Detail"), cell=lambda r: cells.quiet(r.detail)),
        Column(
            "source",
            gettext_lazy("Source"),
            cell=lambda r: cells.quiet(names.get(r.source_id, r.source_id)),
            minor=True,
        ),
        Column(
            "id", gettext_lazy("Message id"), cell=lambda r: cells.code(r.message_id), hidden=True
        ),
        Column(
            "attempts",
            gettext_lazy("Attempts"),
            cell=lambda r: cells.figure(r.attempts),
            end=True,
            minor=True,
        ),
        Column(
            "held_at", gettext_lazy("Set aside"), cell=lambda r: cells.when(r.held_at), end=True
        ),
    )
