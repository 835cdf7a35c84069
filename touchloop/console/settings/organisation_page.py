"""Settings → Organisation."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from touchloop.console import organisation
from touchloop.console.organisation import House
from touchloop.console.pages import Request, page, say
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotAllowed

REGIONS = frozenset(
    ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)


@page(Permission.OWN_SETTINGS, methods=("GET", "POST"))
def show(request: Request) -> HttpResponse:
    """Everybody's way in to Settings; who may not change the organisation goes to their own."""
    if not access.allows(request.actor, Permission.ORGANISATION_EDIT):
        if request.method == "POST":
            raise NotAllowed
        return redirect("appearance")
    house, error = organisation.current(), None
    if request.method == "POST":
        house = House(
            name=request.POST.get("name", "").strip()[:120],
            time_zone=request.POST.get("time_zone", ""),
            currency=request.POST.get("currency", "").strip().upper(),
            collector_url=request.POST.get("collector_url", "").strip().rstrip("/"),
        )
        try:
            organisation.change(house, actor=request.actor)
        except Invalid as problem:
            error = problem
        else:
            say(request, _("Saved."))
            return redirect("settings")
    context = {
        "crumbs": [(_("Organisation"), "")],
        "tab": "organisation",
        "given": house,
        "errors": {error.field: error.message} if error else {},
        "zones": [(zone, zone, "") for zone in sorted(available_timezones()) if _regional(zone)],
    }
    return render(request, "settings/organisation.html", context, status=422 if error else 200)


def _regional(zone: str) -> bool:
    """Places that people know, not the aliases and offsets of the database."""
    return zone == "UTC" or zone.split("/")[0] in REGIONS
