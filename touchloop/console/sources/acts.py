"""What is done to a source: add, new key, switch, reveal. Each leaves its entry in the audit."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.pages import Request, back, page, say, with_drawer
from touchloop.console.sources import views, words
from touchloop.core import audit
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid
from touchloop.interactions import api as interactions


@page(Permission.SOURCES_MANAGE, methods=("GET", "POST"))
def add(request: Request) -> HttpResponse:
    given, error = {"name": "", "kind": request.GET.get("kind", "web")}, None
    if request.method == "POST":
        given = {"name": request.POST.get("name", ""), "kind": request.POST.get("kind", "")}
        try:
            if given["kind"] not in {kind.value for kind in words.KINDS}:
                raise Invalid("kind", _("Choose what it is."))
            with transaction.atomic():
                source = interactions.create(given["name"], kind=given["kind"])
                audit.record(
                    "source.added",
                    by=request.actor,
                    kind="source",
                    id=source.id,
                    name=source.name,
                    after={"kind": source.kind},
                )
        except Invalid as problem:
            error = problem
        else:
            return redirect("source", source.id)
    context = {
        "given": given,
        "kinds": words.KINDS,
        "errors": {error.field: error.message} if error else {},
        "back": reverse("sources"),
    }
    return with_drawer(request, lambda: views.listed(request), "sources/add.html", context)


@page(Permission.SOURCES_MANAGE, methods=("POST",))
def rotate(request: Request, source_id: int) -> HttpResponse:
    source = views.find(source_id)
    with transaction.atomic():
        interactions.rotate_key(source_id)
        audit.record(
            "source.key_renewed", by=request.actor, kind="source", id=source_id, name=source.name
        )
    say(request, _("%s has a new key. The old one is refused from now on.") % source.name)
    return redirect("source", source_id)


@page(Permission.SOURCES_MANAGE, methods=("POST",))
def switch(request: Request, source_id: int) -> HttpResponse:
    """On or off; the toast takes it back."""
    source = views.find(source_id)
    with transaction.atomic():
        interactions.update(source_id, enabled=not source.enabled)
        audit.record(
            "source.switched_off" if source.enabled else "source.switched_on",
            by=request.actor,
            kind="source",
            id=source_id,
            name=source.name,
        )
    text = _("%s is switched off.") if source.enabled else _("%s is switched on.")
    say(request, text % source.name, undo=reverse("source_switch", args=[source_id]))
    return back(request, reverse("source_settings", args=[source_id]))


@page(Permission.SOURCES_MANAGE, methods=("POST",), fresh=True)
def secret(request: Request, source_id: int) -> HttpResponse:
    """Show the signing secret on this one answer; that it was shown is kept."""
    source = views.find(source_id)
    audit.record(
        "source.secret_shown", by=request.actor, kind="source", id=source_id, name=source.name
    )
    return render(request, "sources/secret.html", {"source": source})
