"""The console's addresses, and one page with nothing on it: what the bench compares with."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import include, path

from touchloop.console.pages import Request, page
from touchloop.core.access import Permission


@page(Permission.OWN_SETTINGS)
def empty(request: Request) -> HttpResponse:
    """Session, access, rail and top bar; no content."""
    return render(request, "base.html")


urlpatterns = [path("bench/empty/", empty), path("", include("touchloop.config.urls"))]
