"""Pages that are reports, and what they read: looking at one is a use of that data.

A look is noted once a day for each process, in one small row, when the page has been answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from touchloop.console import database
from touchloop.core import clock
from touchloop.insight.motion import api as motion
from touchloop.insight.motion.api import Item, Use

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is called, and what it reads."""

    label: str | Promise
    reads: tuple[Item, ...]


_ORDERS: tuple[Item, ...] = (
    ("event", "Order Completed"),
    ("property", "Order Completed.total"),
)
_BASKETS: tuple[Item, ...] = (*_ORDERS, ("property", "Order Completed.products"))
_ANSWERS: tuple[Item, ...] = (("event", "Survey Answered"),)
_PAGES: tuple[Item, ...] = (
    ("event", "page"),
    ("event", "Product Viewed"),
    ("event", "Product Added"),
    ("event", "Cart Viewed"),
)

REPORTS: dict[str, Report] = {
    "scorecards": Report(_("Scorecards"), _ANSWERS),
    "scorecards_csv": Report(_("Scorecards, as a file"), _ANSWERS),
    "scorecard_place": Report(_("Scorecard of a place"), _ANSWERS),
    "insight_value": Report(_("Value"), _ORDERS),
    "insight_risk": Report(_("Risk"), _ORDERS),
    "insight_affinity": Report(_("Affinity"), _BASKETS),
    "insight_paths": Report(_("Paths"), _PAGES),
    "insight_intent": Report(_("Intent"), _PAGES),
    "insight_uplift": Report(_("Uplift"), _ORDERS),
}


def note(request: HttpRequest) -> None:
    """Note that somebody looked at a report; nothing for any other page."""
    match = request.resolver_match
    route = match.view_name if match else ""
    report = REPORTS.get(route)
    if report is None:
        return
    now = clock.now()
    if not cache.add(f"report:{route}:{now.date().isoformat()}", 1, DAY_SECONDS):
        return
    uses = [Use(kind, name, "report", route, route, "", now) for kind, name in report.reads]
    motion.keep(database.here(), uses, now=now)
