"""The charts of matching: what each outcome weighs, and how right the scores are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from touchloop.console.ui.charts import Chart
from touchloop.insight.matching.api import Point, Policy, VersionInfo


def weights(version: VersionInfo | None) -> Chart | None:
    """Each outcome of each comparison with its bits: for (right) or against (left)."""
    if version is None or not version.parameters["weights"]:
        return None
    rows: list[tuple[str, str, float, float, float, str]] = [
        (name, words, bits, m, u, _("usual weight") if guessed else _("learned"))
        for name, levels in version.parameters["weights"].items()
        for words, m, u, bits, guessed in levels
    ]
    for_ = max(rows, key=lambda row: row[2])
    against = min(rows, key=lambda row: row[2])
    return Chart(
        id="weights",
        title=_("%(for)s says most for one person, %(against)s most against")
        % {"for": _named(for_), "against": _named(against)},
        note=_("bits that an outcome adds: 10 bits are a factor of 1,024; learned without labels"),
        n=version.records,
        inferred=True,
        size="large",
        option={
            "grid": {"containLabel": True},
            "xAxis": {"type": "value", "name": _("bits")},
            "yAxis": {"type": "category", "inverse": True, "data": [_named(row) for row in rows]},
            "series": [
                {
                    "type": "bar",
                    "data": [
                        {
                            "value": round(row[2], 2),
                            "tone": "record" if row[2] >= 0 else "danger",
                            "tip": [_named(row), f"{row[2]:+.1f}", row[5]],
                        }
                        for row in rows
                    ],
                }
            ],
        },
        columns=[(_("Compared"), "text"), (_("Outcome"), "text"), (_("Bits"), "signed"),
                 (_("Among the same person"), "percent"), (_("Among different people"), "percent"),
                 (_("From"), "text")],
        rows=rows,
    )  # fmt: skip


def right(points: Sequence[Point], policy: Policy, bar: float | None) -> Chart | None:
    """Precision above each score with its interval, and the share of labelled matches found."""
    shown = [point for point in points if point.precision.n]
    if not shown:
        return None
    asked = f"{policy.precision:.1%}"
    title = _("No score has shown the precision of %(asked)s yet") % {"asked": asked}
    if bar is not None:
        title = _("From %(bar).0f bits on, at least %(asked)s are right") % {
            "bar": bar, "asked": asked,
        }  # fmt: skip
    rows = [
        (point.bits, point.precision.value, point.precision.low, point.precision.high,
         point.precision.n, point.recall.value)
        for point in shown
    ]  # fmt: skip
    return Chart(
        id="right",
        title=title,
        note=_("pairs that people labelled, 95 % intervals; doubtful pairs are over-represented"),
        n=max(point.precision.n for point in shown),
        option={
            "legend": {},
            "xAxis": {"type": "value", "name": _("score in bits"), "min": rows[0][0]},
            "yAxis": {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "percent"}},
            "series": _series(rows, policy),
        },
        columns=[(_("Bits"), "signed"), (_("Precision"), "percent"), (_("From"), "percent"),
                 (_("To"), "percent"), (_("Labels"), "figure"), (_("Matches found"), "percent")],
        rows=rows,
    )  # fmt: skip


def _series(rows: Sequence[tuple[float, ...]], policy: Policy) -> list[dict[str, Any]]:
    ends = [rows[0][0], rows[-1][0]]
    return [
        {"name": _("95 % interval"), "type": "band", "tone": "record",
         "data": [[row[0], row[2], row[3]] for row in rows]},
        {"name": _("Right above this score"), "type": "line", "tone": "record", "symbol": "none",
         "data": [[row[0], row[1]] for row in rows]},
        {"name": _("Matches found"), "type": "line", "tone": "experience", "symbol": "none",
         "data": [[row[0], row[5]] for row in rows]},
        {"name": _("Asked for"), "type": "line", "tone": "muted", "symbol": "none",
         "data": [[end, policy.precision] for end in ends]},
    ]  # fmt: skip


def _named(row: tuple[Any, ...]) -> str:
    return f"{str(row[0]).replace('_', ' ')}: {row[1]}"
