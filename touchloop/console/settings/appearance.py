"""How the console looks for one person: theme and language."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from touchloop.console.pages import Request, back, page, say
from touchloop.core.access import Permission
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.models import Theme


@page(Permission.OWN_SETTINGS, methods=("GET", "POST"))
def show(request: Request) -> HttpResponse:
    if request.method == "POST":
        changes = {}
        if request.POST.get("theme") in Theme.values:
            changes["theme"] = request.POST["theme"]
        if request.POST.get("language") in {"", *dict(settings.LANGUAGES)}:
            changes["language"] = request.POST["language"]
        accounts.change_person(request.actor.id, actor=request.actor, **changes)
        if "language" in changes:
            say(request, _("Saved."))
        return back(request, request.path)
    return render(
        request,
        "settings/appearance.html",
        {"crumbs": [(_("Appearance"), "")], "tab": "appearance", "theme_choices": Theme.choices},
    )
