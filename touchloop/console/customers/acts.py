"""What staff do on a customer's page: a note, a trait. Each goes the way of every interaction."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import person, sight
from touchloop.console.pages import Request, page, say
from touchloop.core import audit, clock, ids
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.interactions import api as interactions
from touchloop.interactions.api import News
from touchloop.profiles import api as profiles
from touchloop.profiles.api import STAFF, Customer, TraitValue

LONGEST_NOTE = 5_000


@page(Permission.CUSTOMERS_EDIT, methods=("POST",))
def note(request: Request, id: int) -> HttpResponse:
    """Write a note; it stands in the timeline once the flow has taken it, in a moment."""
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    text = request.POST.get("text", "").replace("\0", "").strip()
    if not text or len(text) > LONGEST_NOTE:
        say(request, _("Write a note of up to %d characters.") % LONGEST_NOTE, error=True)
        return redirect("customer", customer.id)
    with transaction.atomic():
        tell(conn, customer.id, "Note Added", {"text": text, **author(request)})
        audit.record("customer.note", by=request.actor, kind="customer", id=customer.id)
    say(request, _("Note added. It stands in the timeline in a moment."))
    return redirect("customer", customer.id)


@page(Permission.CUSTOMERS_EDIT, methods=("POST",))
def trait(request: Request, id: int) -> HttpResponse:
    """Set a trait: staff count more than systems and imports, less than the customer's word."""
    conn, sees = database.here(), sight.of(request.actor)
    customer = person.within_sight(conn, id, sees)
    name = (request.GET.get("name") or request.POST.get("name", "")).strip()
    value = request.POST.get("value", "").replace("\0", "").strip()
    kept, _refused = profiles.permitted({name: value}, trusted=False) if name else ({}, [])
    if not kept or not sees.shows_trait(name):
        say(request, _("This trait cannot be set by hand."), error=True)
        return redirect("customer", customer.id)
    before = next((fact.value for fact in customer.facts if fact.name == name), None)
    with transaction.atomic():
        _set(conn, customer, name, _typed(value, before))
        tell(conn, customer.id, "Trait Changed", {"trait": name, "value": value, **author(request)})
        audit.record("customer.trait", by=request.actor, kind="customer", id=customer.id, name=name)
    weightier = any(fact.name == name and fact.authority > STAFF for fact in customer.facts)
    say(request, _said(name, weightier))
    return redirect("customer", customer.id)


def _said(name: str, weightier: bool) -> str:
    if weightier:
        return _("Kept. What the customer said of %s still counts more.") % name
    return _("%s is changed. It shows in a moment.") % name


def _set(conn: Connection, customer: Customer, name: str, value: object) -> None:
    profiles.record(
        conn,
        [
            TraitValue(
                subject_id=customer.id,
                name=name,
                authority=STAFF,
                value=value,
                source_id=interactions.own_id(conn),
                at=clock.now(),
                tie=ids.uuid7(),
            )
        ],
    )
    refresh(conn, customer.id)


def _typed(value: str, before: object) -> object:
    """A number stays a number."""
    if isinstance(before, (int, float)) and not isinstance(before, bool):
        try:
            return int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value


def tell(conn: Connection, customer_id: int, event: str, properties: Mapping[str, object]) -> None:
    """Into the inbox, as Touchloop's own news of this customer."""
    news = News(event, customer_id, str(ids.uuid7()), clock.now(), properties)
    interactions.tell(conn, [news])


def refresh(conn: Connection, customer_id: int) -> None:
    """The worker folds the customer anew and asks the segments again."""
    conn.execute(_REFRESH, (customer_id, clock.now()))


def author(request: Request) -> dict[str, object]:
    """Who did it, as news say it."""
    return {"author": request.actor.name or request.actor.email, "author_id": request.actor.id}


_REFRESH = """
INSERT INTO refreshes (customer_id, due_at, reason) VALUES (%s, %s, 'staff')
ON CONFLICT (customer_id) DO UPDATE SET due_at = least(refreshes.due_at, excluded.due_at)
"""
