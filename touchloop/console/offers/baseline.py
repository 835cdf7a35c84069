"""The dumb baseline beside the learned choice: the best single offer for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console import database
from touchloop.console.offers.words import plain
from touchloop.console.pages import Request, page
from touchloop.console.ui import words as written
from touchloop.core import clock
from touchloop.core.access import Permission
from touchloop.core.errors import NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.api import Estimate, Evaluation
from touchloop.engage.offers import api as offers

KEY = "offers.baseline"
KEPT_SECONDS = 300
DAYS = 28
LATEST = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A way to choose, and how much of what is shown it would get taken."""

    label: str
    href: str
    rate: str
    interval: str
    width: int
    note: str
    inferred: bool


@page(Permission.OFFERS_VIEW)
def beside(request: Request) -> HttpResponse:
    """Both, estimated from the same log; kept for some minutes, for it decides much anew."""
    found: Evaluation | None = cache.get(KEY)
    if found is None:
        now = clock.now()
        found = decisions.evaluate(
            database.here(), since=now - timedelta(days=DAYS), until=now, limit=LATEST
        )
        cache.set(KEY, found, KEPT_SECONDS)
    context = {"found": found, "lines": _lines(found), "verdict": _verdict(found), "days": DAYS}
    return render(request, "offers/baseline.html", context)


def _lines(found: Evaluation) -> list[Line]:
    if found.learned is None or found.single is None or found.single_offer is None:
        return []
    name = _named(found.single_offer)
    top = max(found.logged, found.learned.dr, found.single.dr, 1e-9)
    logged = Line(
        _("As it was decided"), reverse("decisions"), written.percent(found.logged), "",
        _width(found.logged, top), _("measured"), inferred=False,
    )  # fmt: skip
    return [
        logged,
        _estimated(_("The learned choice"), reverse("decisions"), found.learned, top),
        _estimated(
            _("“%s” for everybody") % name,
            reverse("offer", args=[found.single_offer]),
            found.single,
            top,
        ),
    ]


def _estimated(label: str, href: str, found: Estimate, top: float) -> Line:
    low, high = (max(0.0, min(1.0, limit)) for limit in found.interval)
    note = ngettext(
        "as much as %(n)d decision says", "as much as %(n)d decisions say", round(found.effective)
    ) % {"n": round(found.effective)}
    return Line(
        label, href, written.percent(found.dr),
        _("%(low)s to %(high)s") % {"low": plain(low * 100), "high": plain(high * 100)},
        _width(found.dr, top), note, inferred=True,
    )  # fmt: skip


def _verdict(found: Evaluation) -> str:
    if found.learned is None or found.single is None:
        return ""
    low, high = found.learned.interval
    other_low, other_high = found.single.interval
    if low > other_high:
        return _("Choosing for each customer gets more taken than the best single offer for all.")
    if high < other_low:
        return _("The best single offer for all would get more taken: the choice has to learn.")
    return _("The learned choice and the best single offer for all cannot be told apart yet.")


def _named(offer_id: int) -> str:
    try:
        return offers.get(offer_id, conn=database.here()).name[:80]
    except NotFound:
        return str(offer_id)


def _width(part: float, whole: float) -> int:
    return max(0, min(100, round(100 * part / whole)))
