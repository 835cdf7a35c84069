"""The page of uplift: one offer after the other, as it was learned last."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console import database
from touchloop.console.insight.tabs import tabs
from touchloop.console.insight.uplift import drawing
from touchloop.console.pages import Request, page
from touchloop.console.ui import charts, words
from touchloop.core.access import Permission
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.uplift import api as uplift


@page(Permission.INSIGHT_VIEW)
def show(request: Request) -> HttpResponse:
    """The offer that the address names, else the first; nothing is learned here."""
    conn = database.here()
    in_use, newest = models.latest(conn).get("uplift", (None, None))
    version = newest or in_use
    offers = list(version.curves) if version else []
    wanted = request.GET.get("offer", "")
    offer = wanted if wanted in offers else next(iter(offers), "")
    found = version.curves[offer] if version and offer else {}
    context: dict[str, Any] = {
        "tabs": tabs("uplift"),
        "version": version,
        "waiting": uplift.offers(conn) if not offers else [],
        "offers": [
            (name, f"{reverse('insight_uplift')}?{urlencode({'offer': name})}", name == offer, None)
            for name in offers
        ],
        "offer": offer,
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
            "top": _("%+.1f points") % (100 * each["effect_in_top_30"]),
        }
        for name, each in sorted(
            found.get("learners", {}).items(), key=lambda pair: -pair[1]["qini_area"]
        )
    ]
