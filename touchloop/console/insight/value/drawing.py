"""The charts of value: the RFM grid, tenths, calibration over weeks and by frequency, newcomers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.ui.charts import Chart, Lead

Rows = Sequence[Mapping[str, Any]]


def behind(score: str, low: float | None, high: float | None) -> str:
    """The list of the customers whose score lies between these limits."""
    asked = {"score": score}
    if low is not None:
        asked["score_from"] = f"{low:.4f}".rstrip("0").rstrip(".")
    if high is not None:
        asked["score_to"] = f"{high:.4f}".rstrip("0").rstrip(".")
    return f"{reverse('customers')}?{urlencode(asked)}"


def grid(cells: Rows) -> Chart | None:
    """Recency by frequency in fifths; each cell leads to its customers."""
    whole, spend = sum(cell["n"] for cell in cells), sum(cell["spend"] for cell in cells)
    if not whole:
        return None
    fifths = [str(place) for place in range(1, 6)]
    data, rows, most = [], [], max(cell["n"] for cell in cells)
    for cell in cells:
        r, f, n = int(cell["r"]), int(cell["f"]), int(cell["n"])
        url = behind("rfm", 100 * r + 10 * f + 1, 100 * r + 10 * f + 5)
        tip = [
            _("Recency %(r)d of 5, frequency %(f)d of 5") % {"r": r, "f": f},
            _("%(n)s customers, %(share).0f %% of what was spent")
            % {"n": f"{n:,}", "share": 100 * cell["spend"] / spend if spend else 0},
        ]
        if n:
            data.append({"value": [f - 1, r - 1, n], "url": url, "tip": tip})
        rows.append((r, f, Lead(n, url if n else ""), cell["spend"]))
    best = [cell for cell in cells if cell["r"] >= 4 and cell["f"] >= 4]
    people, money = sum(cell["n"] for cell in best), sum(cell["spend"] for cell in best)
    return Chart(
        id="rfm",
        title=_("%(people).0f %% of customers, recent and frequent, spent %(money).0f %%")
        % {"people": 100 * people / whole, "money": 100 * money / spend if spend else 0},
        n=whole,
        note=_("fifths of the customers of the last 365 days; equals stand together"),
        size="tall",
        option={
            "grid": {"top": 4},
            "xAxis": {"type": "category", "data": fifths, "name": _("Frequency")},
            "yAxis": {"type": "category", "data": fifths, "name": _("Recency"), "nameGap": 24},
            "visualMap": {
                "show": False, "min": 0, "max": most,
                "inRange": {"color": ["record-wash", "record"]},
            },
            "series": [{"type": "heatmap", "label": {"show": True}, "data": data}],
        },
        columns=(_("Recency"), _("Frequency"), _("Customers"), (_("Spend"), "money")),
        rows=rows,
    )  # fmt: skip


def tenths(found: Rows, *, horizon: str) -> Chart | None:
    """Mean value by tenth of customers with its interval; each bar leads to its customers."""
    if not found:
        return None
    bars, intervals, rows = [], [], []
    for place, each in enumerate(found):
        # The best tenth has no upper limit, the last none below: rounding must lose nobody.
        url = behind(
            "clv_12m",
            each["from"] if place < len(found) - 1 else None,
            each["to"] if place else None,
        )
        bars.append({"value": each["mean"], "url": url})
        intervals.append([place, each["low"], each["high"]])
        rows.append(
            (each["tenth"], Lead(each["n"], url), each["mean"], each["low"], each["high"],
             each["share"])
        )  # fmt: skip
    return Chart(
        id="tenths",
        title=_("The best tenth of customers brings %.0f %% of the value to come")
        % (100 * found[0]["share"]),
        n=sum(each["n"] for each in found),
        note=_("expected value of %s, 95 %% interval of the mean") % horizon,
        inferred=True,
        option={
            "xAxis": {"type": "category", "data": [str(each["tenth"]) for each in found]},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "short"}},
            "series": [
                {"name": _("Value"), "type": "bar", "tone": "record", "valueFormatter": "money",
                 "data": bars},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "valueFormatter": "money", "data": intervals},
            ],
        },
        columns=(_("Tenth"), _("Customers"), (_("Mean value"), "money"), (_("Low"), "money"),
                 (_("High"), "money"), (_("Share"), "percent")),
        rows=rows,
    )  # fmt: skip


def by_week(found: Rows, calibration: float, holdout: Mapping[str, Any]) -> Chart | None:
    """Repeat orders since the beginning, real and expected; what was held out stands apart."""
    if not found:
        return None
    weeks = [int(each["week"]) for each in found]
    cut = min(max(round(calibration), 1), len(weeks))
    off = holdout["expected"] / holdout["actual"] - 1 if holdout.get("actual") else None
    naive = holdout.get("naive_own_rate", {}).get("expected")
    title = _("Of the time held out nothing is known yet")
    if off is not None:
        title = _("Held-out orders were expected to within %.1f %%") % abs(100 * off)
    return Chart(
        id="weeks",
        title=title,
        n=int(holdout.get("customers", 0)) or None,
        note=_("learned until week %(cut)d; expected %(e)s, came %(a)s, by own rate %(n)s")
        % {"cut": cut, "e": f"{holdout.get('expected', 0):,.0f}",
           "a": f"{holdout.get('actual', 0):,.0f}",
           "n": f"{naive:,.0f}" if naive is not None else "–"},
        inferred=True,
        option={
            "legend": {},
            "xAxis": {"type": "category", "data": weeks, "name": _("Week")},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "short"}},
            "series": [
                {"name": _("Came"), "type": "line", "tone": "ink", "symbol": "none",
                 "data": [each["actual"] for each in found]},
                {"name": _("Expected"), "type": "line", "tone": "record", "symbol": "none",
                 "lineStyle": {"type": "dashed"}, "data": [each["expected"] for each in found],
                 "markLine": {"symbol": "none", "silent": True,
                              "label": {"formatter": _("held out from here")},
                              "data": [{"xAxis": cut - 1}]}},
                {"name": _("Own rate"), "type": "line", "tone": "muted", "symbol": "none",
                 "lineStyle": {"type": "dotted"}, "data": [each.get("naive") for each in found]},
            ],
        },
        columns=(_("Week"), _("Came"), _("Expected"), _("Own rate")),
        rows=[
            (int(each["week"]), each["actual"], round(each["expected"], 1),
             None if each.get("naive") is None else round(each["naive"], 1))
            for each in found
        ],
    )  # fmt: skip


def by_frequency(found: Rows, days: float) -> Chart | None:
    """Mean orders in the held-out time by orders before it, real with interval, and expected."""
    if not found:
        return None
    names = [_label(each, found) for each in found]
    inside = sum(each["low"] <= each["expected"] <= each["high"] for each in found)
    return Chart(
        id="frequency",
        title=_("In %(inside)d of %(all)d groups the expected lies within the interval of the real")
        % {"inside": inside, "all": len(found)},
        n=int(sum(each["n"] for each in found)),
        note=_("orders within %d held-out days, by repeat orders before them") % round(days),
        option={
            "legend": {},
            "xAxis": {"type": "category", "data": names, "name": _("Repeat orders before")},
            "yAxis": {"type": "value"},
            "series": [
                {"name": _("Came"), "type": "bar", "tone": "record",
                 "data": [each["actual"] for each in found]},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "data": [[p, each["low"], each["high"]] for p, each in enumerate(found)]},
                {"name": _("Expected"), "type": "line", "tone": "engage",
                 "data": [each["expected"] for each in found]},
                {"name": _("Own rate"), "type": "line", "tone": "muted",
                 "lineStyle": {"type": "dotted"}, "data": [each["naive"] for each in found]},
            ],
        },
        columns=(_("Repeat orders"), _("Customers"), _("Came"), _("Low"), _("High"),
                 _("Expected"), _("Own rate")),
        rows=[
            (name, int(each["n"]), *(round(each[key], 3) for key in
             ("actual", "low", "high", "expected", "naive")))
            for name, each in zip(names, found, strict=True)
        ],
    )  # fmt: skip


def newcomer(found: Rows) -> Chart | None:
    """What a new customer will have ordered again, month by month."""
    if len(found) < 13:
        return None
    return Chart(
        id="newcomer",
        title=_("A new customer orders %.1f times again within a year")
        % found[12]["orders"],
        note=_("after the first order, expected"),
        inferred=True,
        option={
            "xAxis": {"type": "category", "data": [int(each["month"]) for each in found],
                      "name": _("Month")},
            "yAxis": {"type": "value"},
            "series": [{"name": _("Orders"), "type": "line", "tone": "record", "symbol": "none",
                        "data": [each["orders"] for each in found]}],
        },
        columns=(_("Month"), _("Orders")),
        rows=[(int(each["month"]), round(each["orders"], 3)) for each in found],
    )  # fmt: skip


def _label(each: Mapping[str, Any], found: Rows) -> str:
    number = int(each["frequency"])
    return f"{number}+" if each is found[-1] and number >= 7 else str(number)
