"""The door of Insight: the first of its rooms that has a page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render

from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.core.access import Permission


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """Go on to the first room; say what Insight is while there is none."""
    rooms = tabs("")
    if rooms:
        return redirect(rooms[0][1])
    return render(request, "insight/empty.html")
