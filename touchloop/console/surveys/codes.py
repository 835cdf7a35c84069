"""Codes for places: what a customer scans on a wall or a receipt."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.customers import wording
from touchloop.console.pages import Request, page
from touchloop.console.surveys.views import head, one, places
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.experience.surveys import api as surveys

FORMS = {"svg": "image/svg+xml", "png": "image/png"}
ADDRESS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@page(Permission.SURVEYS_VIEW)
def codes(request: Request, id: int) -> HttpResponse:
    """Choose a place; its code, its address, and both to take along."""
    conn = database.here()
    found = one(conn, id)
    there = places(conn, whom.scope(request.actor))
    chosen = _chosen(request, there)
    context = {
        **head(conn, request, found, "codes"),
        "all_places": [
            (f"{channel}~{location}", f"{name} · {wording.channel(channel)}")
            for channel, location, name in there
        ],
        "place": f"{chosen[0]}~{chosen[1]}" if chosen else "",
    }
    if chosen:
        place = urlencode({"place": context["place"]})
        context |= {
            "address": surveys.address(found, touchpoint=chosen[:2]),
            "name": chosen[2],
            "pictures": {
                form: f"{reverse('survey_code', args=[id, form])}?{place}" for form in FORMS
            },
        }
    return render(request, "surveys/codes.html", context)


@page(Permission.SURVEYS_VIEW)
def picture(request: Request, id: int, form: str) -> HttpResponse:
    """The code of a place as a picture."""
    conn: Connection = database.here()
    found = one(conn, id)
    chosen = _chosen(request, places(conn, whom.scope(request.actor)))
    if chosen is None or form not in FORMS:
        raise Http404
    address = surveys.address(found, touchpoint=chosen[:2])
    body = surveys.svg(address) if form == "svg" else surveys.png(address)
    response = HttpResponse(body, content_type=FORMS[form])
    response["Content-Security-Policy"] = ADDRESS
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{found.slug}.{form}"'
    return response


def _chosen(request: Request, there: list[tuple[str, str, str]]) -> tuple[str, str, str] | None:
    """The place that the address names, if the person may see it."""
    asked = request.GET.get("place", "")
    return next((each for each in there if f"{each[0]}~{each[1]}" == asked), None)
