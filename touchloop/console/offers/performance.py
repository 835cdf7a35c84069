"""How an offer does: its figures with intervals, each with the way to the people behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.offers import figures, words
from touchloop.console.offers.figures import Figures
from touchloop.console.ui import words as written
from touchloop.core.db import Connection
from touchloop.engage.offers.api import Offer


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the holdout: people, and how many of them reached the goal."""

    label: str
    href: str
    n: int
    reached: int
    reached_href: str
    rate: str


def of(conn: Connection, offer: Offer) -> dict[str, Any]:
    """What the page shows of an offer's performance."""
    found = figures.of_offers(conn, [offer.id])[offer.id]
    behind = reverse("offer_customers", args=[offer.id])
    gain = found.gain
    return {
        "figures": found,
        "behind": behind,
        "rate": written.percent(found.rate.value) if found.rate.n else None,
        "rate_interval": _interval(found),
        "answers": [
            (label, found.answers.get(word, 0), f"{behind}?which={word}")
            for word, label in words.ANSWERS.items()
        ],
        "gain": gain,
        "gained": words.signed(gain.people) if gain else None,
        "gain_interval": _("%(low)s to %(high)s")
        % {"low": words.signed(gain.low), "high": words.signed(gain.high)} if gain else "",
        "verdict": _verdict(offer, found),
        "sides": _sides(found, behind) if offer.holdout or gain else [],
    }  # fmt: skip


def _sides(found: Figures, behind: str) -> list[Side]:
    sides = (
        (_("Could get it"), "offered", found.treated, found.share_treated),
        (_("Held out"), "held", found.held, found.share_held),
    )
    return [
        Side(
            label,
            f"{behind}?which={which}",
            n,
            reached,
            f"{behind}?which={which}&reached=1",
            words.rate(share),
        )
        for label, which, (n, reached), share in sides
    ]


def _interval(found: Figures) -> str:
    share = found.rate
    if not share.n:
        return ""
    return _("%(low)s to %(high)s") % {
        "low": written.percent(share.low), "high": written.percent(share.high)
    }  # fmt: skip


def _verdict(offer: Offer, found: Figures) -> str:
    """What the comparison with the holdout says, in a sentence."""
    gain = found.gain
    if not offer.holdout and gain is None:
        return _("Without a holdout nobody can tell what it gains: those who take it might have"
                 " come anyway.")  # fmt: skip
    if gain is None:
        return _("Nobody stands on both sides of the holdout yet.")
    if gain.low > 0:
        return _("It brings people: the whole interval lies above zero.")
    if gain.high < 0:
        return _("It drives people away: the whole interval lies below zero.")
    return _("Not told apart from chance yet: the interval contains zero.")
