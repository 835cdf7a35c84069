"""Saved views: a list's filter, order and columns under a name. One mechanism for every list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.models import SavedView
from touchloop.console.pages import Request, back, page, say
from touchloop.console.ui.tables import Query
from touchloop.core import access
from touchloop.core.access import Permission

PAGES = (
    "customers",
    "segments",
    "events",
    "held",
    "sources",
    "live",
    "offers",
    "decisions",
    "cases",
    "outbox",
)
MOST_PER_PERSON = 50


@dataclass(frozen=True, slots=True)
class View:
    id: int
    name: str
    url: str
    on: bool
    pinned: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """What the component `saved_views` draws."""

    page: str
    query: str
    views: Sequence[View]
    own: Sequence[View]
    may_share: bool


def bar(request: Request, page: str, query: Query) -> Bar:
    """The views of this list that the person may use: their own and the shared ones."""
    mine = Q(owner_id=request.actor.id) | Q(shared=True)
    rows = SavedView.objects.filter(mine, page=page).order_by("-pinned", "name")[:MOST_PER_PERSON]
    views = [
        View(
            id=row.pk,
            name=row.name,
            url=f"{request.path}?{row.query}",
            on=row.query == query.words,
            pinned=row.pinned,
            own=row.owner_id == request.actor.id,
        )
        for row in rows
    ]
    return Bar(
        page=page,
        query=query.words,
        views=views,
        own=[view for view in views if view.own],
        may_share=access.allows(request.actor, Permission.VIEWS_SHARE),
    )


@page(Permission.OWN_SETTINGS, methods=("POST",))
def save(request: Request) -> HttpResponse:
    """Keep the list as it stands; the same name again replaces it."""
    list_page, name = request.POST.get("page", ""), request.POST.get("name", "").strip()[:80]
    if list_page not in PAGES or not name:
        say(request, _("Give the view a name."), error=True)
        return back(request, "/")
    if SavedView.objects.filter(owner_id=request.actor.id).count() >= MOST_PER_PERSON:
        say(request, _("You have 50 views. Remove one first."), error=True)
        return back(request, reverse(list_page))
    shares = access.allows(request.actor, Permission.VIEWS_SHARE)
    SavedView.objects.update_or_create(
        owner_id=request.actor.id,
        page=list_page,
        name=name,
        defaults={
            "query": QueryDict(request.POST.get("query", "")[:2000]).urlencode(),
            "shared": shares and "shared" in request.POST,
            "pinned": "pinned" in request.POST,
        },
    )
    say(request, _("Kept the view “%s”.") % name)
    return back(request, reverse(list_page))


@page(Permission.OWN_SETTINGS, methods=("POST",))
def remove(request: Request, view_id: int) -> HttpResponse:
    """Only one's own."""
    found = SavedView.objects.filter(pk=view_id, owner_id=request.actor.id).first()
    if found:
        found.delete()
        say(request, _("Removed the view “%s”.") % found.name)
    return back(request, "/")
