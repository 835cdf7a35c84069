"""The page that shows the whole loop."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from touchloop.console import database
from touchloop.console.customers import sight
from touchloop.console.customers.views import search
from touchloop.console.loop import figures
from touchloop.console.loop.changes import changes
from touchloop.console.loop.figures import Figures
from touchloop.console.loop.following import follow
from touchloop.console.loop.stations import stations
from touchloop.console.pages import Request, page
from touchloop.core.access import Permission
from touchloop.profiles import api as profiles

FOUND = 6


@page(Permission.LOOP_VIEW)
def loop(request: Request) -> HttpResponse:
    """At once with the figures made last; without any, they follow in a moment."""
    return render(request, "loop/loop.html", _context(request, figures.kept()))


@page(Permission.LOOP_VIEW)
def circle(request: Request) -> HttpResponse:
    """The circle and the sentences with fresh figures; the page asks for them now and then."""
    return render(request, "loop/circle.html", _context(request, figures.fresh()))


@page(Permission.CUSTOMERS_VIEW)
def find(request: Request) -> HttpResponse:
    """Customers to follow round the loop."""
    found = search(request.actor, request.GET.get("q", "")[:200], limit=FOUND)
    return render(request, "loop/find.html", {"found": found, "words": request.GET.get("q", "")})


def _context(request: Request, known: Figures | None) -> dict[str, Any]:
    conn, sees = database.here(), sight.of(request.actor)
    asked = request.GET.get("follow", "")
    followed = (
        follow(conn, int(asked), sees, request.actor)
        if asked.isdigit() and len(asked) < 19
        else None
    )
    context: dict[str, Any] = {"followed": followed, "sees": sees, "figures": known}
    if known is not None:
        drawn = stations(conn, known, request.actor)
        context["stations"] = [
            (station, followed.lines.get(station.key, "") if followed else "") for station in drawn
        ]
        context["changes"] = changes(conn, known) if sees.locations is None else []
        context["customers"] = profiles.count(conn, profiles.Filter())
    return context
