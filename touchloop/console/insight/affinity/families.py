"""Families of products: the tree, and what the house calls them."""

from __future__ import annotations

from typing import Any, cast

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.insight.affinity import drawing, views
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotFound
from touchloop.insight.affinity import api as affinity
from touchloop.insight.affinity.api import Family, Level

BELOW: dict[str, Level] = {"": "department", "department": "category", "category": "product"}
MOST = 200


@page(Permission.INSIGHT_VIEW)
def listed(request: Request) -> HttpResponse:
    """One step of the tree: departments, the categories of one, the products of one."""
    conn = database.here()
    inside = _one(request.GET.get("in", "")) if request.GET.get("in") else None
    level = BELOW.get(inside.level if inside else "")
    if level is None:
        raise Http404(_("A product holds nothing."))
    found = [
        family
        for family in affinity.families(conn, level)
        if inside is None or family.parent == inside.key
    ][:MOST]
    context = {
        **views.common(conn, "families"),
        "inside": inside,
        "level": level,
        "families": [(family, _behind(family)) for family in found],
        "deeper": level != "product",
    }
    return render(request, "insight/affinity/families.html", context)


@page(Permission.INSIGHT_EDIT, methods=("GET", "POST"))
def change(request: Request, id: int) -> HttpResponse:
    """Another name or parent for a family, or that it is never recommended."""
    conn = database.here()
    family = _one(str(id))
    wrong: dict[str, str] = {}
    given: dict[str, Any] = {
        "name": family.name, "parent": family.parent, "offered": family.offered
    }  # fmt: skip
    if request.method == "POST":
        text = {key: request.POST.get(key, "").replace("\0", "") for key in ("name", "parent")}
        given = {**text, "offered": "offered" in request.POST}
        try:
            with transaction.atomic():
                changed = affinity.change_family(
                    conn, id, actor=request.actor.id, now=clock.now(), **given
                )
                audit.record(
                    "family.changed", by=request.actor, kind="family", id=id, name=changed.name,
                    after=given,
                )  # fmt: skip
        except Invalid as refused:
            wrong[refused.field] = refused.message
        else:
            say(request, _("Changed “%s”; counted so from the next time on.") % changed.name)
            return redirect("insight_affinity_families")
    above = {"category": "department", "product": "category"}.get(family.level)
    context = {
        **views.common(conn, "families"),
        "family": family, "given": given, "wrong": wrong,
        "versions": affinity.family_changes(conn, id),
        "parents": [each.key for each in affinity.families(conn, cast(Level, above))]
        if above
        else [],
        "crumbs": [(_("Families"), reverse("insight_affinity_families")), (family.name, "")],
    }  # fmt: skip
    return render(request, "insight/affinity/family.html", context, status=400 if wrong else 200)


def _one(id: str) -> Family:
    try:
        return affinity.family(database.here(), int(id) if id.isdigit() and len(id) < 10 else 0)
    except NotFound as missing:
        raise Http404(str(missing)) from None


def _behind(family: Family) -> str:
    return drawing.buyers(family.level, family.key)
