"""Who lives together with a customer: a link that a run of matching found, and its undoing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import listing, person, sight
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page, say
from touchloop.core import access, audit, clock
from touchloop.core.access import Actor, Permission
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound
from touchloop.insight.matching import api as matching
from touchloop.profiles.api import Customer

WHY = {
    "the same surname and address": gettext_lazy("They have the same surname and address."),
    "the same telephone": gettext_lazy("They have the same telephone."),
}


@dataclass(frozen=True, slots=True)
class Home:
    """The others of a home whom the reader may see, why they are linked and since when."""

    others: list[tuple[int, str]]
    why: str
    since: datetime


def context(conn: Connection, customer: Customer, sees: Sight, actor: Actor) -> dict[str, Any]:
    """The card; nothing for a role that does not see who may belong together."""
    if not access.allows(actor, Permission.SUGGESTIONS_VIEW):
        return {"home": None}
    found = matching.home_of(conn, customer.id)
    if found is None:
        return {"home": None}
    others = [each for id in found.customers if (each := _other(conn, id, customer.id, sees))]
    home = Home(others, str(WHY.get(found.reason, found.reason)), found.since)
    return {"home": home if others else None}


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def part(request: Request, id: int) -> HttpResponse:
    """This customer does not live with the others."""
    return _said(
        request, id, "home.parted",
        _("Kept. Later runs do not put them into one home again."),
        lambda conn, id: matching.part(conn, id, by=request.actor.id, now=clock.now()),
        undo=True,
    )  # fmt: skip


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def rejoin(request: Request, id: int) -> HttpResponse:
    """They do live together, after all."""
    return _said(request, id, "home.rejoined", _("They are one home again."), matching.rejoin)


def _said(
    request: Request, id: int, act: str, words: str, does: Callable[[Connection, int], None], *,
    undo: bool = False,
) -> HttpResponse:  # fmt: skip
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    try:
        with transaction.atomic():
            does(conn, customer.id)
            audit.record(act, by=request.actor, kind="customer", id=customer.id)
    except NotFound as wrong:
        say(request, str(wrong), error=True)
    else:
        back = reverse("customer_home_rejoin", args=[customer.id]) if undo else ""
        say(request, words, undo=back)
    return redirect("customer", customer.id)


def _other(conn: Connection, id: int, own: int, sees: Sight) -> tuple[int, str] | None:
    try:
        other = person.within_sight(conn, id, sees)
    except Http404:
        return None
    if other.id == own:
        return None
    return other.id, listing.called(other.display_name, other.leader, other.id, sees)
