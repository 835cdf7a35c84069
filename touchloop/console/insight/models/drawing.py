"""The charts of a model card: calibration, what moved, the figures from version to version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from touchloop.console.insight.models import words
from touchloop.console.ui.charts import Chart
from touchloop.console.ui.words import percent
from touchloop.insight.models import api as models
from touchloop.insight.models.api import VersionInfo

BARS = 20  # inputs and scores that moved most
PARTS = 6  # of a model, each with its own calibration

Point = tuple[float, float, float | None, float | None, int | None]


def calibrations(version: VersionInfo) -> list[Chart]:
    """What was said beside what was seen, for each part of the model that has such points."""
    curves = version.curves
    parts = {"": curves.get("calibration")}
    for name, each in curves.items():
        if isinstance(each, Mapping) and "calibration" in each:
            parts[name] = each["calibration"]
        elif name.startswith("calibration") and name != "calibration":
            parts[name.removeprefix("calibration").strip("_: ")] = each
    charts: list[Chart] = []
    for name, each in parts.items():
        found = points(each)
        if found and len(charts) < PARTS:
            charts.append(_calibration(name, found, f"calibration{len(charts) or ''}", version))
    return charts


def _calibration(part: str, found: Sequence[Point], id: str, version: VersionInfo) -> Chart:
    top = max(max(said, seen, high or seen) for said, seen, _low, high, _n in found)
    low = min(0.0, *(min(said, seen) for said, seen, *_rest in found))
    form = "percent" if top <= 1 and low >= 0 else "short"
    intervals = [[said, least, most] for said, _s, least, most, _n in found if least is not None]
    series: list[dict[str, Any]] = [
        {
            "type": "line", "name": _("as said"), "data": [[low, low], [top, top]],
            "symbol": "none", "tone": "muted", "lineStyle": {"type": "dashed"}, "silent": True,
        },
        {
            "type": "line", "name": _("as seen"), "tone": "record",
            "data": [
                {
                    "value": [said, seen],
                    "tip": [
                        _("said %(x)s, seen %(y)s") % {"x": _said(said), "y": _said(seen)},
                        *([f"n = {n:,}"] if n is not None else []),
                    ],
                }
                for said, seen, _low, _high, n in found
            ],
        },
    ]  # fmt: skip
    if intervals:
        series.append({"type": "interval", "name": _("95 % interval"), "data": intervals})
    axis = {"type": "value", "min": low, "axisLabel": {"formatter": form}}
    finding = _finding(found)
    return Chart(
        id=id,
        title=f"{part}: {finding}" if part else finding,
        n=sum(n or 0 for *_rest, n in found) or None,
        note=_("what was said beside what was seen in held-out time"),
        simulated=version.simulated,
        option={
            "xAxis": {**axis, "name": _("said")},
            "yAxis": {**axis, "name": _("seen")},
            "series": series,
        },
        columns=[_("Said"), _("Seen"), _("From"), _("To"), "n"],
        rows=[list(point) for point in found],
    )


def _said(value: float) -> str:
    return percent(value) if 0 <= value <= 1 else words.value(value)


def moved(version: VersionInfo) -> Chart | None:
    """The stability index of inputs and scores; None while nothing can be compared."""
    found = sorted(words.moved(version.drift).items(), key=lambda pair: -pair[1])[:BARS]
    if not found:
        return None
    word = words.drift(version)
    inputs = version.drift.get("inputs", {})
    line = {
        "silent": True, "symbol": "none",
        "data": [{"xAxis": models.MOVED}, {"xAxis": models.MOVED_MUCH}],
    }  # fmt: skip
    return Chart(
        id="drift",
        title=_("Nothing moved since it learned")
        if word.value < models.MOVED
        else _("%(name)s %(word)s since it learned") % {"name": word.name, "word": word.word},
        note=_("stability index; from .1 something moved, from .25 much did"),
        option={
            "xAxis": {"type": "value", "min": 0},
            "yAxis": {"type": "category", "inverse": True, "data": [name for name, _v in found]},
            "series": [
                {
                    "type": "bar", "name": _("Stability index"), "tone": "record",
                    "data": [value for _name, value in found],
                    "markLine": line,
                }
            ],
        },
        columns=[(_("What"), "text"), (_("Is"), "text"), _("Stability index")],
        rows=[
            [name, _("input") if name in inputs else _("score"), value] for name, value in found
        ],
        size="small" if len(found) <= 4 else "",
    )  # fmt: skip


def history(versions: Sequence[VersionInfo]) -> Chart | None:
    """The key figure of each version, with its interval, beside the baseline."""
    told = [
        (version, version.key)
        for version in reversed(versions[:30])
        if version.key and math.isfinite(version.key.value)
    ]
    if len(told) < 2:
        return None
    names = [f"{version.number}" for version, _key in told]
    key = told[-1][1]
    baselines = [metric.baseline for _version, metric in told]
    series: list[dict[str, Any]] = [
        {
            "type": "line", "name": key.name, "tone": "record",
            "data": [metric.value for _version, metric in told],
        }
    ]  # fmt: skip
    spread = [
        [n, metric.low, metric.high]
        for n, (_version, metric) in enumerate(told)
        if metric.low is not None and metric.high is not None
    ]
    if spread:
        series.append({"type": "interval", "name": _("95 % interval"), "data": spread})
    if any(value is not None for value in baselines):
        series.append(
            {"type": "line", "name": key.baseline_name or _("baseline"), "data": baselines}
        )
    first, last = told[0][1], told[-1][1]
    return Chart(
        id="history",
        title=_("%(name)s went from %(first)s to %(last)s in %(n)d versions")
        % {
            "name": key.name, "first": words.value(first.value), "last": words.value(last.value),
            "n": len(told),
        },
        option={
            "xAxis": {"type": "category", "data": names, "name": _("version")},
            "yAxis": {"type": "value", "scale": True, "axisLabel": {"formatter": "plain"}},
            "series": series,
        },
        columns=[
            (_("Version"), "text"), _("Value"), _("From"), _("To"), _("Baseline"),
        ],
        rows=[
            [name, metric.value, metric.low, metric.high, metric.baseline]
            for name, (_version, metric) in zip(names, told, strict=True)
        ],
        size="small",
    )  # fmt: skip


def points(found: Any) -> list[Point]:
    """Calibration points as a training may give them: mappings or sequences."""
    if isinstance(found, Mapping):  # columns
        columns = [found.get(name) for name in ("said", "seen", "low", "high", "n")]
        length = len(columns[0] or ())
        found = [[c[n] if c else None for c in columns] for n in range(length)]
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    made = []
    for each in found:
        row = _row(each)
        if row[0] is not None and row[1] is not None:
            n = int(row[4]) if row[4] is not None else None
            made.append((row[0], row[1], row[2], row[3], n))
    return sorted(made, key=lambda point: point[0])


def _row(each: Any) -> list[float | None]:
    if isinstance(each, Mapping):
        each = [
            each.get("said", each.get("predicted")), each.get("seen", each.get("observed")),
            each.get("low"), each.get("high"), each.get("n"),
        ]  # fmt: skip
    if not isinstance(each, Sequence) or isinstance(each, str):
        return [None] * 5
    numbers = [float(x) if isinstance(x, int | float) else None for x in each]
    return (numbers + [None] * 5)[:5]


def _finding(found: Sequence[Point]) -> str:
    """How far what was said lies from what was seen, weighed by how many it was said of."""
    weights = [n or 1 for *_rest, n in found]
    total = sum(weights)
    said = sum(w * p[0] for w, p in zip(weights, found, strict=True)) / total
    seen = sum(w * p[1] for w, p in zip(weights, found, strict=True)) / total
    return _("It said %(said)s on average, and %(seen)s came") % {
        "said": _said(said), "seen": _said(seen),
    }  # fmt: skip
