"""One customer: who, what happened, what now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database, organisation
from touchloop.console.customers import (
    agreeing,
    belonging,
    events,
    following,
    home,
    listing,
    permissions,
    person,
    sight,
    understood,
    wording,
)
from touchloop.console.pages import Request, page
from touchloop.console.ui import words
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Customer, Fact

FACTS_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A trait in words, with its source and age."""

    name: str
    value: str
    plain: str  # as it is edited; "" when it is no plain value
    editable: bool
    origin: str
    at: datetime
    address: str  # where an edit is sent


@page(Permission.CUSTOMERS_VIEW)
def customer(request: Request, id: int) -> HttpResponse:
    """The whole page."""
    sees, conn = sight.of(request.actor), database.here()
    found = person.within_sight(conn, id, sees)
    if found.id != id:
        return redirect("customer", found.id, permanent=False)
    subjects = person.subjects(conn, found.id)
    house = organisation.current()
    facts = [shown(fact, found.id) for fact in found.facts if sees.shows_trait(fact.name)]
    try:
        timeline = events.timeline(conn, found.id, subjects, request.GET, sees=sees)
    except Invalid:
        return redirect("customer", found.id)
    edits = access.allows(request.actor, Permission.CUSTOMERS_EDIT)
    context = {
        "customer": found,
        "customer_id": found.id,
        "name": listing.called(found.display_name, found.leader, found.id, sees),
        "sees": sees,
        "may_edit": edits,
        "stage": wording.stage(found.stage),
        "facts": facts[:FACTS_AT_ONCE],
        "more_facts": facts[FACTS_AT_ONCE:],
        "hidden_facts": len(found.facts) - len(facts),
        "figures": figures(found, house.currency),
        "timeline": timeline,
        "filtered": "kind" in request.GET or "channel" in request.GET,
        "older": _query(request),
        **_choices(conn, subjects, request),
        **belonging.context(conn, found, sees, request.actor),
        **home.context(conn, found, sees, request.actor),
        **permissions.context(conn, found),
        "may_record": access.allows(request.actor, Permission.CONSENT_RECORD),
        "ways": list(agreeing.WAYS.items()),
        **understood.context(conn, found),
        **following.context(conn, found, request.actor),
    }
    return render(request, "customers/customer.html", context)


def shown(fact: Fact, customer_id: int) -> ShownFact:
    """A trait as the page shows it."""
    address = reverse("customer_trait_set", args=[customer_id])
    plain = isinstance(fact.value, (str, int, float)) and not isinstance(fact.value, bool)
    return ShownFact(
        name=fact.name,
        value=wording.value(fact.value),
        plain=str(fact.value) if plain else "",
        editable=plain or fact.value is None,
        origin=_("%(source)s, %(authority)s")
        % {
            "source": fact.source or _("a source that is gone"),
            "authority": wording.authority(fact.authority),
        },
        at=fact.at,
        address=f"{address}?{urlencode({'name': fact.name})}",
    )


@page(Permission.CUSTOMERS_VIEW)
def trait(request: Request, id: int) -> HttpResponse:
    """Every value that was given for one trait: what stands behind the one that counts."""
    sees, conn = sight.of(request.actor), database.here()
    found = person.within_sight(conn, id, sees)
    name = request.GET.get("name", "")[:200].replace("\0", "")
    values = (
        []
        if not sees.shows_trait(name)
        else [
            shown(fact, found.id)
            for fact in profiles.rivals(conn, person.subjects(conn, found.id), name)
        ]
    )
    return render(request, "customers/rivals.html", {"values": values, "name": name})


@page(Permission.CUSTOMERS_VIEW)
def weeks(request: Request, id: int) -> HttpResponse:
    """The small line of orders, which reads half a year."""
    conn = database.here()
    found = person.within_sight(conn, id, sight.of(request.actor))
    values = understood.orders_by_week(conn, found.id)
    return render(request, "ui/spark.html", {"values": values, "tone": "record"})


def figures(found: Customer, currency: str) -> list[tuple[str, str]]:
    """What the customer has done so far, as figures."""
    basket = found.spend / found.orders if found.orders else None
    return [
        (_("Orders"), words.figure(found.orders)),
        (_("Spend"), wording.money(found.spend, currency)),
        (_("Average order"), wording.money(basket, currency)),
        (_("Interactions"), words.figure(found.interactions)),
    ]


def _choices(conn: Connection, subjects: Sequence[int], request: Request) -> dict[str, Any]:
    """The channels and kinds that can be chosen."""
    kinds, channels = profiles.kinds_and_channels(conn, subjects)
    return {
        "channels": [(name, wording.channel(name)) for name in channels],
        "kinds": [(kind.id, kind.name or kind.type) for kind in kinds],
        "channel_on": request.GET.get("channel", ""),
        "kind_on": request.GET.get("kind", ""),
    }


def _query(request: Request) -> str:
    kept = request.GET.copy()
    for name in ("before", "day"):
        kept.pop(name, None)
    return kept.urlencode() + ("&" if kept else "")
