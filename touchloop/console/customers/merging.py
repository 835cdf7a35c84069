"""Merging, separating and undoing, from a customer's page. identity decides; nothing here does."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.customers import person, sight
from touchloop.console.customers.pair import pair
from touchloop.console.customers.views import search
from touchloop.console.pages import Request, page, say
from touchloop.core import audit
from touchloop.core.access import Permission
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity import api as identity
from touchloop.identity.api import Decided

FOUND = 6


@page(Permission.SUGGESTIONS_DECIDE)
def candidates(request: Request, id: int) -> HttpResponse:
    """Customers that this one could be merged with."""
    customer = person.within_sight(database.here(), id, sight.of(request.actor))
    found = search(request.actor, request.GET.get("q", "")[:200], limit=FOUND)
    context = {"found": [row for row in found if row.id != customer.id], "customer_id": customer.id}
    return render(request, "customers/candidates.html", context)


@page(Permission.SUGGESTIONS_DECIDE)
def beside(request: Request, id: int, other_id: int) -> HttpResponse:
    """Two customers side by side, before anything is merged."""
    conn, sees = database.here(), sight.of(request.actor)
    one, other = (person.within_sight(conn, each, sees) for each in (id, other_id))
    if one.id == other.id:
        return redirect("customer", one.id)
    return render(request, "customers/beside.html", {"pair": pair(conn, one, other, sees)})


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def merge(request: Request, id: int) -> HttpResponse:
    """Two customers are one."""
    conn, sees = database.here(), sight.of(request.actor)
    one = person.within_sight(conn, id, sees)
    other = person.within_sight(conn, _number(request, "other"), sees)
    reason = _reason(request)
    return decide(
        request,
        one.id,
        "customer.merged",
        _("Merged. It shows in a moment."),
        lambda: identity.merge(conn, one.id, other.id, actor_id=request.actor.id, reason=reason),
    )


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def separate(request: Request, id: int) -> HttpResponse:
    """An identifier does not belong to this customer."""
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    identifier = _number(request, "identifier")
    if identity.customers_of(conn, [identifier]).get(identifier) != customer.id:
        raise Http404
    reason = _reason(request)
    return decide(
        request,
        customer.id,
        "customer.separated",
        _("Separated. It shows in a moment."),
        lambda: identity.separate(conn, identifier, actor_id=request.actor.id, reason=reason),
    )


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def undo(request: Request, id: int) -> HttpResponse:
    """Take an operation of this customer's past back."""
    conn = database.here()
    customer = person.within_sight(conn, id, sight.of(request.actor))
    operation = _number(request, "operation")
    return decide(
        request,
        customer.id,
        "customer.merge_undone",
        _("Undone. It shows in a moment."),
        lambda: identity.undo(conn, operation, actor_id=request.actor.id, reason=_reason(request)),
        undoable=False,
    )


def decide(
    request: Request,
    customer_id: int,
    act: str,
    said: str,
    decision: Callable[[], Decided],
    *,
    undoable: bool = True,
    to: str = "",
) -> HttpResponse:
    """Do it, write it into the audit trail, and offer to take it back."""
    answer = redirect(to or reverse("customer", args=[customer_id]))
    try:
        with transaction.atomic():
            decided = decision()
            audit.record(
                act,
                by=request.actor,
                kind="customer",
                id=customer_id,
                after={"operation": decided.operation_id, "customers": list(decided.customer_ids)},
            )
    except (Invalid, NotFound) as wrong:
        say(request, getattr(wrong, "message", str(wrong)), error=True)
        return answer
    back = reverse("suggestion_undo", args=[decided.operation_id]) if undoable else ""
    say(request, said, undo=back)
    return answer


def _number(request: Request, name: str) -> int:
    given = request.POST.get(name, "")
    if not given.isdigit() or len(given) > 18:
        raise Http404
    return int(given)


def _reason(request: Request) -> str:
    return request.POST.get("reason", "").replace("\0", "").strip()[:500]
