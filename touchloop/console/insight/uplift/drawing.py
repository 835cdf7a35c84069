"""The charts of uplift: the Qini curve, the effect by tenth and by subgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.ui.charts import Chart

Found = Mapping[str, Any]


def persuadable(offer: str) -> str:
    """The customers whom the offer changes for the better."""
    asked = urlencode({"score": f"uplift:{offer}", "score_from": "0.000001"})
    return f"{reverse('customers')}?{asked}"


def qini(found: Found, best: str) -> Chart | None:
    """People gained by treating the best share, with the band of the splits, against a lot."""
    curve = found.get("curve")
    if not curve:
        return None
    shares, gains = curve["share"], curve["gain"]
    standing, lot = found["learners"][found["best"]], found["learners"]["random"]
    place = min(range(len(shares)), key=lambda at: abs(shares[at] - 0.3))
    title = _("Treating the best %(share).0f %% gains %(best).0f people, a lot %(lot).0f") % {
        "share": 100 * shares[place], "best": gains[place], "lot": curve["random"][place]
    }  # fmt: skip
    if not found.get("better_than_chance"):
        title = _("Ranking people gains no more than a lot does")
    rows = [
        (share, gain, low, high, line)
        for share, gain, low, high, line in zip(
            shares, gains, curve["low"], curve["high"], curve["random"], strict=True
        )
    ]
    tested = found["tested"]
    return Chart(
        id="qini",
        title=title,
        n=tested["treated"] + tested["held"],
        note=_(
            "people gained in one test, %(best)s, band of %(n)d splits; area above a lot"
            " %(area).1f ± %(sd).1f people, of a lot itself %(lot).1f"
        )
        % {
            "best": best, "n": len(standing["qini_areas"]), "area": standing["qini_area"],
            "sd": standing["qini_area_sd"], "lot": lot["qini_area"],
        },
        inferred=True,
        size="tall",
        option={
            "legend": {},
            "xAxis": {"type": "value", "min": 0, "max": 1, "name": _("Share treated"),
                      "axisLabel": {"formatter": "percent"}},
            "yAxis": {"type": "value", "name": _("People gained")},
            "series": [
                {"name": _("Splits"), "type": "band", "tone": "record",
                 "data": [[share, low, high] for share, _g, low, high, _l in rows]},
                {"name": _("By the model"), "type": "line", "tone": "record", "symbol": "none",
                 "data": [[share, gain] for share, gain, *_rest in rows]},
                {"name": _("By lot"), "type": "line", "tone": "muted", "symbol": "none",
                 "lineStyle": {"type": "dashed"},
                 "data": [[share, line] for share, *_rest, line in rows]},
            ],
        },
        columns=((_("Share treated"), "percent"), _("People gained"), _("Low"), _("High"),
                 _("By lot")),
        rows=[(share, *(round(each, 1) for each in rest)) for share, *rest in rows],
    )  # fmt: skip


def tenths(found: Found) -> Chart | None:
    """The effect in each tenth of people, those ranked highest first."""
    given = found.get("tenths")
    if not given:
        return None
    sure = sum(each["low"] > 0 for each in given)
    harmed = sum(each["high"] < 0 for each in given)
    title = _("It surely helps %(sure)d of %(all)d tenths") % {
        "sure": sure, "all": len(given)
    }  # fmt: skip
    if harmed:
        title = _("It surely helps %(sure)d and harms %(harmed)d of %(all)d tenths") % {
            "sure": sure, "harmed": harmed, "all": len(given)
        }  # fmt: skip
    return _effects("tenths", title, given, _("Tenth"), _("people not seen in learning"))


def subgroups(found: Found) -> Chart | None:
    """The effect in groups that anybody can name."""
    given = found.get("subgroups")
    if not given:
        return None
    best = max(given, key=lambda each: each["value"])
    title = _("The effect is largest where %(group)s: %(points)+.1f points") % {
        "group": best["label"], "points": 100 * best["value"]
    }  # fmt: skip
    note = _("%(n)d groups: one in twenty intervals misses by chance alone") % {"n": len(given)}
    return _effects("subgroups", title, given, _("Group"), note)


def _effects(id: str, title: str, given: Sequence[Found], head: str, note: str) -> Chart:
    names = [each["label"] for each in given]
    return Chart(
        id=id,
        title=title,
        n=sum(each["treated"] + each["held"] for each in given) if id == "tenths" else None,
        note=_("difference of the two sides, 95 %% interval (Newcombe); %s") % note,
        size="tall" if len(given) > 8 else "",
        option={
            "xAxis": {"type": "value", "axisLabel": {"formatter": "points"}},
            "yAxis": {"type": "category", "inverse": True, "data": names},
            "series": [
                {"name": _("Effect"), "type": "bar", "tone": "record", "valueFormatter": "points",
                 "data": [each["value"] for each in given]},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "valueFormatter": "points",
                 "data": [[at, each["low"], each["high"]] for at, each in enumerate(given)]},
            ],
        },
        columns=((head, "text"), _("Treated"), _("Held out"), (_("Reached, treated"), "percent"),
                 (_("Reached, held out"), "percent"), (_("Effect"), "points"), (_("Low"), "points"),
                 (_("High"), "points"), _("People gained")),
        rows=[
            (each["label"], each["treated"], each["held"], each["rate_treated"],
             each["rate_held"], each["value"], each["low"], each["high"],
             round(each["people"], 1))
            for each in given
        ],
    )  # fmt: skip
