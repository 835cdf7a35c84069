"""Suggestions: two customers that may be one, to be decided by a person; and what can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console import database
from touchloop.console.customers import belonging, person, sight
from touchloop.console.customers.merging import decide
from touchloop.console.customers.pair import Pair, pair
from touchloop.console.customers.sight import Sight
from touchloop.console.pages import Request, page, say
from touchloop.core import audit
from touchloop.core.access import Permission
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity import api as identity
from touchloop.identity.api import Suggested

SHOWN = 12
UNDONE_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Question:
    """One suggestion: the two, the evidence, and the reason in words."""

    id: int
    why: str
    evidence: Sequence[str]
    against: Sequence[str]
    more: int
    at: datetime
    pair: Pair


@page(Permission.SUGGESTIONS_VIEW)
def suggestions(request: Request) -> HttpResponse:
    """The merges to decide, the newest first."""
    conn, sees = database.here(), sight.of(request.actor)
    before = _before(request)
    found = identity.suggestions(conn, limit=SHOWN + 1, before=before)
    questions = [
        question for each in found[:SHOWN] if (question := _question(conn, each, sees)) is not None
    ]
    context = {
        "questions": questions,
        "older": found[SHOWN - 1].id if len(found) > SHOWN else None,
        "tabs": _tabs(conn, "decide"),
    }
    return render(request, "suggestions/decide.html", context)


@page(Permission.SUGGESTIONS_VIEW)
def history(request: Request) -> HttpResponse:
    """What was merged and set apart, by messages and by staff, each with its undoing."""
    conn, sees = database.here(), sight.of(request.actor)
    found = identity.operations(conn, limit=UNDONE_SHOWN + 1, before=_before(request))
    context = {
        "operations": belonging.joined(conn, found[:UNDONE_SHOWN], sees),
        "older": found[UNDONE_SHOWN - 1].id if len(found) > UNDONE_SHOWN else None,
        "tabs": _tabs(conn, "history"),
    }
    return render(request, "suggestions/history.html", context)


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def answer(request: Request, id: int) -> HttpResponse:
    """They are one, or they are not."""
    conn, accept = database.here(), request.POST.get("answer") == "merge"
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:500]
    said = _("Merged into one customer.") if accept else _("Kept apart. It is not suggested again.")
    return decide(
        request,
        id,
        "suggestion.accepted" if accept else "suggestion.declined",
        said,
        lambda: identity.answer(conn, id, accept=accept, actor_id=request.actor.id, reason=reason),
        to=reverse("suggestions"),
    )


@page(Permission.SUGGESTIONS_DECIDE, methods=("POST",))
def undo(request: Request, operation: int) -> HttpResponse:
    """Take an operation back."""
    conn = database.here()
    try:
        with transaction.atomic():
            decided = identity.undo(conn, operation, actor_id=request.actor.id)
            audit.record(
                "customer.merge_undone",
                by=request.actor,
                kind="merge_operation",
                id=operation,
                after={"operation": decided.operation_id, "customers": list(decided.customer_ids)},
            )
    except (Invalid, NotFound) as wrong:
        say(request, getattr(wrong, "message", str(wrong)), error=True)
    else:
        say(request, _("Undone: the customers are again what they were before."))
    return redirect("suggestions_history")


def _question(conn: Connection, suggested: Suggested, sees: Sight) -> Question | None:
    """None when one of the two is gone, or not within sight."""
    try:
        one, other = (
            person.within_sight(conn, id, sees) for id in (suggested.a_id, suggested.b_id)
        )
    except Http404:
        return None
    if one.id == other.id:
        return None
    return Question(
        id=suggested.id,
        why=_why(suggested),
        evidence=[
            *(belonging.called(namespace, value, sees) for namespace, value in suggested.evidence),
            *suggested.words,
        ],
        against=suggested.against,
        more=suggested.more,
        at=suggested.created_at,
        pair=pair(conn, one, other, sees),
    )


def _why(suggested: Suggested) -> str:
    if suggested.probability is None:
        return str(_REASONS.get(suggested.reason, suggested.reason))
    percent = min(round(100 * suggested.probability, 1), 99.9)
    return _("Their records are alike: one person at %(percent)s %%, by matching") % {
        "percent": f"{percent:g}"
    }


def _tabs(conn: Connection, here: str) -> list[tuple[str, str, bool, int | None]]:
    waiting = identity.count_suggestions(conn)
    return [
        (_("To decide"), reverse("suggestions"), here == "decide", waiting),
        (_("Merged and separated"), reverse("suggestions_history"), here == "history", None),
    ]


def _before(request: Request) -> int | None:
    given = request.GET.get("before", "")
    return int(given) if given.isdigit() and len(given) < 19 else None


_REASONS = {
    "alias": gettext_lazy("A source says that two user ids are one person"),
    "device": gettext_lazy("Both used the same browser or device"),
    "differing": gettext_lazy("Something names both, but their own numbers differ"),
    "shared_email": gettext_lazy("Both gave the same e-mail"),
    "shared_phone": gettext_lazy("Both gave the same phone"),
    "shared_card": gettext_lazy("Both used the same card"),
    "shared_device": gettext_lazy("Both used the same device"),
    "shared_anonymous_id": gettext_lazy("Both used the same browser"),
}
