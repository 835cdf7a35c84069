"""Why is this customer in, or out? Any customer can be looked up."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from touchloop.console import database
from touchloop.console.customers import listing, sight
from touchloop.console.pages import Request, page
from touchloop.console.segments import heading
from touchloop.console.segments.heading import one
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.insight.segments import api as segments
from touchloop.profiles import api as profiles

MOST = 6


@page(Permission.SEGMENTS_VIEW)
def find(request: Request, id: int) -> HttpResponse:
    """The verdict on those who were meant, each condition with what was seen."""
    conn, sees = database.here(), sight.of(request.actor)
    found, words = one(conn, id), request.GET.get("q", "").strip()[:200]
    context: dict[str, Any] = {**heading.head(conn, found, "segment_why_find"), "q": words}
    if words:
        matches = profiles.find(
            conn, words, limit=MOST, only_at=sight.touchpoints(sees, conn),
            namespaces=sees.namespaces,
        )  # fmt: skip
        context["verdicts"] = [
            {
                "name": listing.called(match.display_name, match.leader, match.id, sees),
                "url": reverse("customer", args=[match.id]),
                "why": segments.why(conn, match.id, id, clock.now()),
            }
            for match in matches
        ]
    context["sees"] = sees
    return render(request, "segments/why_find.html", context)
