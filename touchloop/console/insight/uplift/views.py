"""The page of uplift: one offer or campaign after the other, as it was learned last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.insight.tabs import tabs
from touchloop.console.insight.uplift import drawing
from touchloop.console.pages import Request, page
from touchloop.console.ui import charts, words
from touchloop.core import access
from touchloop.core.access import Permission
from touchloop.engage.campaigns import api as campaigns
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.uplift import api as uplift


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """The experiment that the address names, else the first; nothing is learned here."""
    conn = database.here()
    in_use, newest = models.latest(conn).get("uplift", (None, None))
    version = newest or in_use
    offers = list(version.curves) if version else []
    wanted = request.GET.get("offer", "")
    offer = wanted if wanted in offers else next(iter(offers), "")
    tried = campaigns.experiments(conn)
    names = {each.experiment: each.name for each in tried}
    found = version.curves[offer] if version and offer else {}
    context: dict[str, Any] = {
        "tabs": tabs("uplift"),
        "version": version,
        "waiting": [(_called(name, names), *sides) for name, *sides in uplift.offers(conn)]
        if not offers
        else [],
        "offers": [(_called(name, names), _address(name), name == offer, None) for name in offers],
        "offer": _called(offer, names),
        "campaigns": _campaigns(tried, offers) if _may_see(request) else [],
        "found": found,
        "effect": _effect(found.get("effect")),
        "learners": _learners(found),
        "words": found.get("words", ()),
        "persuadable": drawing.persuadable(offer) if _scored(in_use, offer) else "",
    }
    label = str(uplift.LABELS.get(found.get("best", ""), ""))
    return charts.drawn(
        request, "insight/uplift/show.html", context,
        drawing.qini(found, label), drawing.tenths(found), drawing.subgroups(found),
    )  # fmt: skip


def _may_see(request: Request) -> bool:
    return access.allows(request.actor, Permission.MESSAGES_VIEW)


def _address(name: str) -> str:
    return f"{reverse('insight_uplift')}?{urlencode({'offer': name})}"


def _called(name: str, campaigns: Mapping[str, str]) -> str:
    """An experiment in words: a campaign by its name, with the variant where there are several."""
    if not name.startswith(uplift.CAMPAIGN):
        return name
    slug, _colon, variant = name.removeprefix(uplift.CAMPAIGN).partition(":")
    known = campaigns.get(uplift.CAMPAIGN + slug, slug)
    if variant:
        return _("Campaign %(name)s: %(variant)s") % {"name": known, "variant": variant}
    return _("Campaign %s") % known


def _campaigns(tried: Sequence[campaigns.Tried], learned: Sequence[str]) -> list[dict[str, Any]]:
    """Campaigns that are not read yet, or must not be, each with the reason."""
    found = []
    for each in tried:
        names = (each.experiment, f"{each.experiment}:")
        if any(name == names[0] or name.startswith(names[1]) for name in learned):
            continue
        word = each.refused
        if not word and each.ends is not None:
            word = _(
                "its time for the goal is over on %s, and a day more for what arrives late"
            ) % (date_format(each.ends, "DATE_FORMAT"))
        found.append({"name": each.name, "url": reverse("campaign", args=[each.id]), "word": word,
                      "refused": bool(each.refused)})  # fmt: skip
    return found


def _scored(version: VersionInfo | None, offer: str) -> bool:
    return version is not None and f"uplift:{offer}" in version.score_names


def _effect(found: Any) -> dict[str, Any] | None:
    """The effect on everybody, in people."""
    if not found:
        return None
    return {
        "people": words.figure(round(found["people"])),
        "between": f"{words.figure(round(found['people_low']))} –"
        f" {words.figure(round(found['people_high']))}",
        "treated": found["treated"],
        "held": found["held"],
        "with": words.percent(found["rate_treated"]),
        "without": words.percent(found["rate_held"]),
    }


def _learners(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": uplift.LABELS.get(name, name),
            "best": name == found["best"],
            "area": words.figure(round(each["qini_area"], 1)),
            "spread": words.figure(round(each["qini_area_sd"], 1)),
            "splits": ", ".join(words.figure(round(area, 1)) for area in each["qini_areas"]),
            "top": _("%+.1f points") % (100 * top)
            if (top := each["effect_in_top_30"]) is not None
            else "–",
        }
        for name, each in sorted(
            found.get("learners", {}).items(), key=lambda pair: -pair[1]["qini_area"]
        )
    ]
