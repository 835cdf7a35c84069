"""The charts of risk: how probabilities lie, whether they came true, what beats what, the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.console.ui.charts import Chart, Lead
from touchloop.insight.scores.api import Bin

EDGES = tuple(round(0.05 * place, 2) for place in range(21))
HIGH = 0.25
_BEFORE = 0.000001  # a list includes its upper limit; a bin does not

Rows = Sequence[Mapping[str, Any]]


def behind(score: str, low: float | None = None, high: float | None = None) -> str:
    """The list of the customers whose score lies between these limits."""
    asked = {"score": score}
    if low is not None:
        asked["score_from"] = f"{low:.6f}".rstrip("0").rstrip(".") or "0"
    if high is not None:
        asked["score_to"] = f"{high:.6f}".rstrip("0").rstrip(".") or "0"
    return f"{reverse('customers')}?{urlencode(asked)}"


def distribution(bins: Sequence[Bin]) -> Chart | None:
    """How many customers have which probability of leaving."""
    whole = sum(one.n for one in bins)
    if not whole:
        return None
    shown = list(bins[: max(place for place, one in enumerate(bins) if one.n) + 1])
    many = sum(one.n for one in bins if one.low >= HIGH)
    names = [f"{one.low:.0%} – {one.high:.0%}" for one in shown]
    urls = [_behind_bin(one) for one in shown]
    return Chart(
        id="distribution",
        title=ngettext(
            "%(n)s customer leaves with a probability of 25 %% or more",
            "%(n)s customers leave with a probability of 25 %% or more",
            many,
        )
        % {"n": f"{many:,}"},
        n=whole,
        note=_("customers by the probability that they leave; a bar opens its customers"),
        option={
            "xAxis": {"type": "category", "data": names, "name": _("probability of leaving")},
            "yAxis": {"type": "value", "name": _("customers")},
            "series": [
                {
                    "type": "bar", "name": _("customers"),
                    "data": [
                        {
                            "value": one.n, "url": url if one.n else "",
                            "tone": "danger" if one.low >= HIGH else "record",
                            "tip": [name, _("%s customers") % f"{one.n:,}"],
                        }
                        for one, name, url in zip(shown, names, urls, strict=True)
                    ],
                }
            ],
        },
        columns=[_("Probability"), _("Customers"), _("Expected to leave")],
        rows=[
            (name, Lead(one.n, url if one.n else ""), round(one.total, 1))
            for one, name, url in zip(shown, names, urls, strict=True)
        ],
    )  # fmt: skip


def calibration(points: Rows, *, score: str, id: str = "calibration") -> Chart | None:
    """What was said beside what was seen in held-out time."""
    if not points:
        return None
    n = sum(point["n"] for point in points)
    off = sum(abs(point["said"] - point["seen"]) * point["n"] for point in points) / n
    top = max(max(point["said"], point["high"]) for point in points)
    return Chart(
        id=id,
        title=_("What was said came true, give or take %.1f points") % (100 * off),
        n=n,
        note=_("tenths of those judged in held-out time; with 95 % intervals"),
        option={
            "xAxis": {
                "type": "value", "name": _("said"), "min": 0, "axisLabel": {"formatter": "percent"},
            },
            "yAxis": {
                "type": "value", "name": _("seen"), "min": 0, "axisLabel": {"formatter": "percent"},
            },
            "series": [
                {
                    "type": "line", "name": _("as said"), "data": [[0, 0], [top, top]],
                    "symbol": "none", "tone": "muted", "lineStyle": {"type": "dashed"},
                    "silent": True,
                },
                {
                    "type": "line", "name": _("as seen"), "tone": "record",
                    "data": [
                        {
                            "value": [point["said"], point["seen"]],
                            "url": behind(score, point["from"], point["to"]),
                            "tip": [
                                _("said %(x)s, seen %(y)s, n = %(n)s")
                                % {
                                    "x": f"{point['said']:.1%}", "y": f"{point['seen']:.1%}",
                                    "n": f"{point['n']:,}",
                                }
                            ],
                        }
                        for point in points
                    ],
                },
                {
                    "type": "interval", "name": _("95 % interval"),
                    "data": [[point["said"], point["low"], point["high"]] for point in points],
                },
            ],
        },
        columns=[
            (_("Said"), "percent"), (_("Seen"), "percent"), (_("From"), "percent"),
            (_("To"), "percent"), "n",
        ],
        rows=[
            (
                Lead(point["said"], behind(score, point["from"], point["to"])), point["seen"],
                point["low"], point["high"], point["n"],
            )
            for point in points
        ],
    )  # fmt: skip


def contest(part: Mapping[str, Any], *, id: str = "contest") -> Chart | None:
    """Both models beside the dumb baselines, on the same held-out rows."""
    found = part.get("models", {})
    if not found:
        return None
    single, used = part["baseline"]["best_single_feature"], part["chosen"]
    lines: list[tuple[str, float, float | None, float | None]] = [
        (_NAMES.get(name, name), one["auc"], one["auc_low"], one["auc_high"])
        for name, one in found.items()
    ]
    lines += [(_("%s alone") % single["name"], single["auc"], None, None)]
    lines += [(_("the same for everybody"), 0.5, None, None)]
    lines.sort(key=lambda line: line[1])
    best = found[used]
    better = single["low"] > 0
    title = (
        _("The model in use beats the best simple rule: AUC %(a).3f against %(b).3f")
        if better
        else _(
            "The model in use is not surely better than a simple rule: AUC %(a).3f against %(b).3f"
        )
    ) % {"a": best["auc"], "b": single["auc"]}
    return Chart(
        id=id,
        title=title,
        n=part.get("held_out"),
        note=_("AUC: the chance that who leaves is ranked above who stays; .5 is a coin"),
        size="small",
        option={
            "xAxis": {"type": "value", "min": 0.5, "max": 1, "name": _("AUC")},
            "yAxis": {"type": "category", "data": [line[0] for line in lines]},
            "series": [
                {"type": "bar", "name": _("AUC"), "data": [line[1] for line in lines]},
                {
                    "type": "interval", "name": _("95 % interval"),
                    "data": [
                        [place, low, high]
                        for place, (_name, _value, low, high) in enumerate(lines)
                        if low is not None
                    ],
                },
            ],
        },
        columns=[_("By"), _("AUC"), _("From"), _("To")],
        rows=[
            (name, round(value, 4), low and round(low, 4), high and round(high, 4))
            for name, value, low, high in lines[::-1]
        ],
    )  # fmt: skip


def gaps(services: Rows, counts: Mapping[str, int]) -> Chart | None:
    """For each service how many use far less of it than people like them."""
    lines = [(each, counts.get(each["service"], 0)) for each in services]
    lines = sorted((line for line in lines if line[1]), key=lambda line: -line[1])
    if not lines:
        return None
    top, n = lines[0]
    urls = [behind(f"usage_gap:{each['service']}") for each, _n in lines]
    return Chart(
        id="gaps",
        title=_("%(n)s customers use far less %(service)s than people like them")
        % {"n": f"{n:,}", "service": top["service"]},
        n=sum(counts.values()),
        note=_("below half of what 75 % of their peers use; beside it, who left afterwards"),
        option={
            "xAxis": {"type": "value", "name": _("customers")},
            "yAxis": {
                "type": "category", "inverse": True, "data": [e["service"] for e, _n in lines],
            },
            "series": [
                {
                    "type": "bar", "name": _("customers"), "tone": "engage",
                    "data": [
                        {"value": n, "url": url}
                        for (_each, n), url in zip(lines, urls, strict=True)
                    ],
                }
            ],
        },
        columns=[
            (_("Service"), "text"), _("Customers with a gap"), _("Lower quartile of peers"),
            (_("Left, below"), "percent"), _("n below"), (_("Left, above"), "percent"),
            _("n above"), (_("Difference from"), "points"), (_("Difference to"), "points"),
        ],
        rows=[
            (
                Lead(each["service"], url), n, each["quartile"],
                each["below"]["value"] if each["below"]["n"] else None, each["below"]["n"],
                each["above"]["value"] if each["above"]["n"] else None, each["above"]["n"],
                *(each["difference"][1:] if each["below"]["n"] and each["above"]["n"]
                  else (None, None)),
            )
            for (each, n), url in zip(lines, urls, strict=True)
        ],
    )  # fmt: skip


def _behind_bin(one: Bin) -> str:
    return behind("churn", one.low, one.high - (_BEFORE if one.high < EDGES[-1] else 0))


_NAMES = {"logit": "logit", "lightgbm": "LightGBM"}
