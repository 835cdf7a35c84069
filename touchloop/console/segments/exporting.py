"""Members as a file, under consent: counted first, then written; or every day into a folder."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import time
from typing import Any, cast

from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database, organisation
from touchloop.console.customers import sight
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page, say
from touchloop.console.segments import heading, words
from touchloop.console.segments.heading import one
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.segments import api as segments
from touchloop.insight.segments.api import Exported, Wish

COLUMNS = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "identifiers": gettext_lazy("Card and user numbers"),
    "stage": gettext_lazy("Stage"),
    "since": gettext_lazy("Member since"),
}
MOST_TRAITS = 30


@page(Permission.SEGMENTS_EXPORT, methods=("GET", "POST"))
def export(request: Request, id: int) -> HttpResponse:
    """Ask what for and which columns; say who is left out and why; give the file."""
    conn, found = database.here(), one(database.here(), id)
    offered = _offered(conn, sight.of(request.actor))
    asked = _wish(request, offered)
    context: dict[str, Any] = {
        **heading.head(conn, found, "segment_export"),
        "purposes": list({**words.PURPOSES, "share": _("Give it to somebody else")}.items()),
        "offered": [(key, label, key in asked.columns) for key, label in offered],
        "wish": asked,
        "zone": organisation.current().time_zone,
        "folder": "exports",
        "crumbs": [(found.name[:60], reverse("segment", args=[id])), (_("Export"), "")],
    }
    if request.method != "POST":
        return render(request, "segments/export.html", context)
    try:
        if "file" in request.POST:
            return _file(request, conn, id, found.name, asked)
        if "daily" in request.POST:
            _plan(request, conn, id, asked)
            return redirect("segment_export", id)
        counted = segments.export(conn, id, asked, _Nowhere())
    except Invalid as wrong:
        return render(request, "segments/export.html", {**context, "wrong": wrong}, status=400)
    return render(request, "segments/export.html", {**context, "counted": counted})


@page(Permission.SEGMENTS_EXPORT, methods=("POST",))
def stop(request: Request, id: int) -> HttpResponse:
    """No more daily file."""
    conn, found = database.here(), one(database.here(), id)
    segments.unplan(conn, id, "export")
    audit.record("segment.unplanned", by=request.actor, kind="segment", id=id, name=found.name)
    say(request, _("The file is not written any more. The last one stays in the folder."))
    return redirect("segment_export", id)


@page(Permission.SEGMENTS_EDIT, methods=("POST",))
def refresh(request: Request, id: int) -> HttpResponse:
    """Decide a segment every day at a time, or live again."""
    conn, found = database.here(), one(database.here(), id)
    try:
        at = _time(request.POST.get("at", ""))
        zone = organisation.current().time_zone
        segments.plan(conn, id, "refresh", at=at, zone=zone, by=request.actor.id, now=clock.now())
    except Invalid as wrong:
        say(request, wrong.message, error=True)
        return redirect("segment_rule", id)
    audit.record(
        "segment.planned", by=request.actor, kind="segment", id=id, name=found.name,
        after={"refresh": at.isoformat("minutes"), "zone": zone},
    )  # fmt: skip
    say(request, _("%(name)s is decided every day at %(at)s.")
        % {"name": found.name, "at": at.strftime("%H:%M")})  # fmt: skip
    return redirect("segment_rule", id)


def _file(request: Request, conn: Connection, id: int, name: str, wish: Wish) -> HttpResponse:
    """Write it beside the page, note in the audit trail what left the house, and send it."""
    written = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115 (sent)
    found = segments.export(conn, id, wish, written)
    _note(request, id, name, wish, found)
    written.seek(0)
    csv = wish.form == "csv"
    sent = FileResponse(
        written.detach(),
        as_attachment=True,
        filename=f"{segments.get(id, conn=conn).slug}.{'csv' if csv else 'jsonl'}",
        content_type=f"{'text/csv' if csv else 'application/x-ndjson'}; charset=utf-8",
    )
    return cast(HttpResponse, sent)


def _plan(request: Request, conn: Connection, id: int, wish: Wish) -> None:
    at = _time(request.POST.get("at", ""))
    zone = organisation.current().time_zone
    segments.plan(
        conn, id, "export", at=at, zone=zone, by=request.actor.id, now=clock.now(), wish=wish
    )
    audit.record(
        "segment.planned", by=request.actor, kind="segment", id=id,
        name=segments.get(id, conn=conn).name,
        after={"export": at.isoformat("minutes"), "zone": zone, **asdict(wish)},
    )  # fmt: skip
    say(request, _("The file is written every day at %s.") % at.strftime("%H:%M"))


def _note(request: Request, id: int, name: str, wish: Wish, found: Exported) -> None:
    audit.record(
        "segment.exported",
        by=request.actor,
        kind="segment",
        id=id,
        name=name,
        after={**asdict(wish), **asdict(found)},
    )


def _wish(request: Request, offered: Sequence[tuple[str, str]]) -> Wish:
    """What the form asks; what this reader may not see is not asked."""
    known = [key for key, _label in offered]
    columns = tuple(key for key in known if key in request.POST.getlist("column"))
    form = request.POST.get("form", "csv")
    return Wish(
        request.POST.get("purpose", ""), columns, form if form in ("csv", "json") else "csv"
    )


def _offered(conn: Connection, sees: Sight) -> list[tuple[str, str]]:
    """The columns that this reader's role may see."""
    hidden = set() if sees.contact else {"email", "phone"}
    if not sees.identifiers:
        hidden.add("identifiers")
    own = [(key, str(label)) for key, label in COLUMNS.items() if key not in hidden]
    if not sees.contact:
        own = [pair for pair in own if pair[0] != "name"]
    rows = conn.execute(_TRAITS, {"most": MOST_TRAITS}).fetchall()
    return own + [
        (f"trait:{row[0]}", row[0])
        for row in rows
        if sees.shows_trait(row[0]) and row[0].lower() not in COLUMNS
    ]


def _time(given: str) -> time:
    try:
        return time.fromisoformat(given).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Invalid("at", _("Write the time like 06:30.")) from None


class _Nowhere(io.StringIO):
    """Takes everything and keeps nothing: for counting."""

    def write(self, text: str) -> int:
        return len(text)


_TRAITS = """
SELECT name FROM (
  SELECT DISTINCT jsonb_object_keys(traits) AS name FROM (
    SELECT traits FROM customers ORDER BY id DESC LIMIT 600) newest
) found ORDER BY lower(name) LIMIT %(most)s
"""
