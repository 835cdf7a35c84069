"""The page of intent: visits as they go, asked anew every few seconds, and the model behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.cases import whom
from touchloop.console.customers import sight
from touchloop.console.insight.risk import drawing
from touchloop.console.insight.tabs import tabs
from touchloop.console.pages import Request, page
from touchloop.console.ui import charts
from touchloop.core import access, clock
from touchloop.core.access import Permission
from touchloop.insight.models import api as models
from touchloop.insight.scores import api as scores

BUY, LEAVE = "intent_buy", "intent_leave"


@dataclass(frozen=True, slots=True)
class Line:
    """A visit with whose it is."""

    visit: scores.LiveVisit
    who: whom.Whom | None
    seconds: int
    steps: int


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """The visits now, and how well the model said it before."""
    found = models.latest(database.here()).get(scores.INTENT.name)
    version = (found[0] or found[1]) if found else None
    parts = version.curves.get("parts", {}) if version else {}
    context = {"tabs": tabs("intent"), "version": version, "in_use": found and found[0]}
    drawn = [
        drawing.calibration(parts.get(name, {}).get("calibration", ()), score=name, id=id)
        for name, id in ((BUY, "buys"), (LEAVE, "leaves"))
    ]
    contest = drawing.contest(parts.get(BUY, {}))
    if request.GET.get("csv"):
        return charts.drawn(request, "insight/intent/show.html", context, *drawn, contest)
    return charts.drawn(
        request, "insight/intent/show.html", context | _now(request), *drawn, contest
    )


@page(Permission.INSIGHT_VIEW)
def now(request: Request) -> HttpResponse:
    """The visits that are on, for the page that asks."""
    return render(request, "insight/intent/now.html", _now(request))


def _now(request: Request) -> dict[str, Any]:
    conn, at, sees = database.here(), clock.now(), sight.of(request.actor)
    may_see = access.allows(request.actor, Permission.CUSTOMERS_VIEW) and sees.locations is None
    visits = scores.visits_now(conn, at) if may_see else []
    people = whom.customers(conn, (visit.customer_id for visit in visits), sees)
    lines = [
        Line(
            visit,
            people.get(visit.customer_id),
            int((visit.last_at - visit.started_at).total_seconds()),
            sum(visit.acts.values()),
        )
        for visit in visits
    ]
    return {
        "lines": lines,
        "count": scores.count_now(conn, at),
        "may_see": may_see,
        "acts": {act: str(word) for act, word in _acts().items()},
    }


def _acts() -> dict[str, str]:
    return {
        "page": _("pages"), "product": _("products"), "list": _("searches and lists"),
        "cart": _("into the cart"), "remove": _("out of the cart"), "cart_view": _("cart seen"),
        "checkout": _("checkout"), "order": _("ordered"),
    }  # fmt: skip
