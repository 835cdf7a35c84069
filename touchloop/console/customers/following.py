"""What now: the next best action at a place, with its reasons and what is held back; open cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.cases import words as case_words
from touchloop.console.customers import person, sight, wording
from touchloop.console.decisions import anatomy, views
from touchloop.console.decisions.anatomy import Candidate, HeldBack
from touchloop.console.pages import Request, page
from touchloop.core import access, clock
from touchloop.core.access import Actor, Permission
from touchloop.core.db import Connection
from touchloop.engage.decisions import api as decisions
from touchloop.profiles.api import Customer
from touchloop.records.cases import api as cases

OFFERS = 3
FIRST = "store"


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stage that held offers back."""

    label: str
    held: Sequence[HeldBack]


@dataclass(frozen=True, slots=True)
class Best:
    """What this customer would get at a place, now."""

    offers: Sequence[Candidate]
    stopped: Sequence[Stopped]
    held: int
    total: int
    muted: str
    holdout: bool
    simulator: str


def context(conn: Connection, customer: Customer, actor: Actor) -> dict[str, Any]:
    """The open cases that the reader may see; the next best action comes in a moment."""
    may = access.allows(actor, Permission.CASES_VIEW)
    now = clock.now()
    return {
        "open_cases": [
            (reverse("case", args=[each.id]), each, case_words.kind(each.kind),
             case_words.KIND_TONES.get(each.kind, ""), each.overdue(now))
            for each in (_cases(conn, customer.id, actor) if may else ())
        ],
        "sees_next": access.allows(actor, Permission.DECISIONS_VIEW),
    }  # fmt: skip


@page(Permission.DECISIONS_VIEW)
def next_best(request: Request, id: int) -> HttpResponse:
    """The next best action at one channel, as a part of the page. Nothing is recorded."""
    conn, sees = database.here(), sight.of(request.actor)
    customer = person.within_sight(conn, id, sees)
    places = views.channels(conn) or [(FIRST, wording.channel(FIRST))]
    names = [name for name, _label in places]
    asked = request.GET.get("at", "")
    at = asked if asked in names else (FIRST if FIRST in names else names[0])
    found = decisions.simulate(
        conn,
        decisions.Request(channel=at, now=clock.now(), customer_id=customer.id, limit=OFFERS),
    )
    laid = anatomy.lay(conn, found, sees, most=0)
    best = Best(
        laid.proposed,
        [Stopped(step.label, step.held) for step in laid.steps],
        laid.held,
        laid.total,
        found.facts.muted,
        found.decision.holdout,
        f"{reverse('simulator')}?{urlencode({'customer': customer.id, 'channel': at})}",
    )
    return render(
        request,
        "customers/next.html",
        {"best": best, "places": places, "at": at, "customer": customer},
    )


def _cases(conn: Connection, customer_id: int, actor: Actor) -> list[cases.Case]:
    where = cases.Filter(customer_id=customer_id, states=("open", "waiting"))
    return cases.listing(conn, where=where, locations=whom.scope(actor), limit=10)
