"""The contracts on the page of value: how long they stay, and whose are at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from touchloop.console.insight.value.drawing import behind
from touchloop.console.ui import words
from touchloop.console.ui.charts import Chart, Lead
from touchloop.core.db import Connection
from touchloop.insight.models.api import VersionInfo
from touchloop.insight.scores import api as scores

STAYS = "contract_stays_12m"
MOST = 3  # periods that are drawn, those with the most contracts
SEEN = 30  # contracts asked, from which a share is put into a title


def charts(conn: Connection, version: VersionInfo | None) -> list[Chart | None]:
    """A curve for each period, and the customers by their chance to stay."""
    if version is None:
        return []
    groups = version.curves.get("groups", ())[:MOST]
    drawn = [_curve(group, f"contracts_{place}") for place, group in enumerate(groups, start=1)]
    edges = [place / 10 for place in range(11)]
    return [*drawn, _chances(scores.histogram(conn, STAYS, edges=edges))]


def lines(version: VersionInfo | None) -> list[dict[str, Any]]:
    """What was fitted for each period."""
    if version is None:
        return []
    return [
        {
            "period": group["period"], "model": group["label"],
            "numbers": [f"{name} {value:.4g}" for name, value in group["parameters"].items()],
            "fit": f"{group['log_likelihood']:,.1f}", "n": group["n"], "left": group.get("left"),
            "payments": words.figure(round(group["newcomer_payments"], 2))
            if group.get("newcomer_payments") else "",
            "boundary": group["boundary"],
        }
        for group in version.curves.get("groups", ())
    ]  # fmt: skip


def held(version: VersionInfo | None) -> dict[str, Any] | None:
    """What came of the renewals that were held out."""
    found = version.curves.get("held") if version else None
    if not found:
        return None
    return {
        "n": found["n"],
        "stayed": words.percent(found["stayed"] / found["n"]),
        "expected": words.percent(found["expected"] / found["n"]),
    }


def _curve(group: Mapping[str, Any], id: str) -> Chart | None:
    found: Sequence[Mapping[str, Any]] = group.get("renewals", ())
    if not found:
        return None
    seen = [each for each in found if each["stayed"] is not None]
    sure = [each for each in seen if each["asked"] >= SEEN] or seen[:1]
    title = _("How long contracts of a %s stay") % group["period"]
    if sure:
        title = _("Contracts of a %(period)s: after %(t)d renewals %(share).0f %% stay") % {
            "period": group["period"], "t": sure[-1]["renewal"], "share": 100 * sure[-1]["stayed"],
        }  # fmt: skip
    band = [
        [each["renewal"], each["low"], each["high"]] for each in seen if each["low"] is not None
    ]
    return Chart(
        id=id,
        title=title,
        n=group["n"],
        note=_("seen (Kaplan and Meier, 95 %% band) and expected by %s") % group["label"],
        inferred=True,
        option={
            "legend": {},
            "xAxis": {"type": "value", "name": _("Renewal"), "minInterval": 1, "min": 0},
            "yAxis": {"type": "value", "min": 0, "max": 1,
                      "axisLabel": {"formatter": "percent"}},
            "series": [
                {"name": _("95 % interval"), "type": "band", "tone": "ink", "data": band},
                {"name": _("Seen"), "type": "line", "tone": "ink", "symbol": "none",
                 "data": [[0, 1.0], *([each["renewal"], each["stayed"]] for each in seen)]},
                {"name": _("Expected"), "type": "line", "tone": "record", "symbol": "none",
                 "lineStyle": {"type": "dashed"},
                 "data": [[0, 1.0], *([each["renewal"], each["expected"]] for each in found)]},
            ],
        },
        columns=(_("Renewal"), _("Asked"), (_("Stay, seen"), "percent"), (_("Low"), "percent"),
                 (_("High"), "percent"), (_("Expected"), "percent")),
        rows=[
            (each["renewal"], each["asked"], each["stayed"], each["low"], each["high"],
             each["expected"])
            for each in found
        ],
    )  # fmt: skip


def _chances(bins: Sequence[scores.Bin]) -> Chart | None:
    whole = sum(each.n for each in bins)
    if not whole:
        return None
    risky = sum(each.n for each in bins if each.high <= 0.5)
    urls = [behind(STAYS, each.low or None, each.high if each.high < 1 else None) for each in bins]
    labels = [f"{each.low:.0%} – {each.high:.0%}" for each in bins]
    return Chart(
        id="contracts_stay",
        title=_("%(n)s of %(all)s contract customers are more likely to leave than to stay")
        % {"n": words.figure(risky), "all": words.figure(whole)},
        n=whole,
        note=_("chance that the contract stands in 12 months; of several, the one at most risk"),
        inferred=True,
        option={
            "xAxis": {"type": "category", "data": labels},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "short"}},
            "series": [
                {"name": _("Customers"), "type": "bar", "tone": "record",
                 "data": [{"value": each.n, "url": url}
                          for each, url in zip(bins, urls, strict=True)]},
            ],
        },
        columns=(_("Chance to stay"), _("Customers")),
        rows=[(label, Lead(each.n, url if each.n else ""))
              for label, each, url in zip(labels, bins, urls, strict=True)],
    )  # fmt: skip
