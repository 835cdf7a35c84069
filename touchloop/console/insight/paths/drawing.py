"""What the charts of the paths draw: the graph of steps, and credit by four rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.ui import words
from touchloop.console.ui.charts import Chart, Lead

ENDS = ("start", "goal", "given up")
NODES, EDGES = 14, 36
RULES = (("credit", "record", "circle"), ("first", "engage", "triangle"),
         ("last", "experience", "diamond"), ("linear", "muted", "rect"))  # fmt: skip


def graph(goal: str, told: Mapping[str, Any]) -> Chart | None:
    """Who follows whom: steps from left to right as they come, wider where more go."""
    if not told["edges"]:
        return None
    kept = _steps(told)
    edges = [each for each in told["edges"] if {each["from"], each["to"]} <= kept | set(ENDS)]
    edges = edges[:EDGES]
    most = max(each["n"] for each in edges)
    places = _places(kept, told)
    sizes = _sizes(edges)
    return Chart(
        id="graph",
        title=_finding(goal, told),
        n=told["paths"],
        note=_("paths; a step leads to the customers who took it"),
        size="large",
        option={
            "tooltip": {"trigger": "item"},
            "grid": {"left": 44, "right": 64, "top": 36, "bottom": 44, "outerBoundsMode": "none"},
            "narrow": {"grid": {"left": 24, "right": 40}},
            "xAxis": {"type": "value", "min": 0, "max": 100, "show": False},
            "yAxis": {"type": "value", "min": 0, "max": 100, "show": False, "inverse": True},
            "series": [
                {
                    "type": "graph", "coordinateSystem": "cartesian2d", "layout": "none",
                    "label": {"show": True, "position": "bottom", "distance": 4,
                              "width": 120, "overflow": "break"},
                    "data": [
                        {
                            "name": name, "value": [x, y],
                            "symbolSize": 12 + 30 * (sizes[name] / max(sizes.values())) ** 0.5,
                            "tone": _tone(name), "symbol": _symbol(name),
                            "label": {"formatter": called(name, goal)},
                            "tip": [called(name, goal), _("%s paths") % words.figure(sizes[name])],
                            **({} if name in ENDS else {"url": url(goal, first=name)}),
                        }
                        for name, (x, y) in places.items() if sizes[name]
                    ],
                    "links": [
                        {
                            "source": each["from"], "target": each["to"],
                            "lineStyle": {"width": 1 + 9 * each["n"] / most,
                                          "opacity": 0.35 + 0.45 * each["n"] / most},
                            "tip": [_between(each, goal), _counted(each)],
                            "url": url(goal, first=each["from"], then=each["to"]),
                        }
                        for each in edges
                    ],
                }
            ],
        },
        columns=((_("From"), "text"), (_("To"), "text"), _("Times"), (_("After, usually"), "text")),
        rows=[
            (called(each["from"], goal), called(each["to"], goal),
             Lead(each["n"], url(goal, first=each["from"], then=each["to"])),
             _time(each))
            for each in told["edges"]
        ],
    )  # fmt: skip


def credit(goal: str, told: Mapping[str, Any]) -> Chart | None:
    """Each step's goals by removal effect, beside first, last and equal parts."""
    found = told["credits"][:12]
    if not found:
        return None
    names = {
        "credit": _("Removal effect"), "first": _("First step"), "last": _("Last step"),
        "linear": _("Equal parts"),
    }  # fmt: skip
    steps = [each["step"] for each in found]
    top = found[0]
    return Chart(
        id="credit",
        title=_("%(step)s carries most: without it, %(effect)s fewer would get there")
        % {"step": top["step"], "effect": words.percent(top["effect"])},
        n=told["reached"],
        note=_("goals credited to each step; a description, not a cause: only a hold-out tells"),
        size="tall" if len(found) > 5 else "",
        inferred=True,
        option={
            "grid": {"top": 40},
            "tooltip": {"trigger": "item"},
            "narrow": {"grid": {"top": 40}, "yAxis": {"axisLabel": {"width": 110}}},
            "xAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": "short"}},
            "yAxis": {"type": "category", "inverse": True, "data": steps,
                      "splitLine": {"show": True},
                      "axisLabel": {"width": 200, "overflow": "truncate"}},
            "series": [
                {
                    "name": names[key], "type": "scatter", "tone": tone, "symbol": symbol,
                    "symbolSize": 12 if key == "credit" else 9,
                    "data": [
                        {"value": [round(each[key], 1), at],
                         "url": url(goal, first=each["step"]),
                         "tip": [each["step"], f"{names[key]}: {words.figure(each[key])}"]}
                        for at, each in enumerate(found)
                    ],
                }
                for key, tone, symbol in RULES
            ],
        },
        columns=((_("Step"), "text"), _("Paths"), (_("Effect"), "percent"),
                 *(names[key] for key, _tone_, _symbol_ in RULES)),
        rows=[
            (Lead(each["step"], url(goal, first=each["step"])), each["paths"], each["effect"],
             *(round(each[key], 1) for key, _tone_, _symbol_ in RULES))
            for each in told["credits"]
        ],
    )  # fmt: skip


def duration(seconds: float | None) -> str:
    """A span in the unit that people would use."""
    if seconds is None:
        return words.DASH
    for limit, unit, text in (
        (90, 1, _("%s s")),
        (5400, 60, _("%s min")),
        (172800, 3600, _("%s h")),
    ):
        if seconds < limit:
            return text % words.figure(round(seconds / unit))
    return _("%s days") % words.figure(round(seconds / 86400, 1))


def _finding(goal: str, told: Mapping[str, Any]) -> str:
    part = told["reached"] / told["paths"] if told["paths"] else 0.0
    return _("%(share)s of %(n)s paths reach “%(goal)s”") % {
        "share": words.percent(part), "n": words.figure(told["paths"]), "goal": goal,
    }  # fmt: skip


def _steps(told: Mapping[str, Any]) -> set[str]:
    """The steps most paths go over."""
    seen: dict[str, int] = defaultdict(int)
    for each in told["edges"]:
        if each["to"] not in ENDS:
            seen[each["to"]] += each["n"]
    return set(sorted(seen, key=lambda name: (-seen[name], name))[:NODES])


def _places(kept: set[str], told: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """From left to right by how late a step comes in a path; those of one column spread out."""
    total: dict[str, float] = defaultdict(float)
    taken: dict[str, int] = defaultdict(int)
    for way in told["ways"]:
        n = way["reached"] + way["given_up"]
        for at, step in enumerate(way["steps"], start=1):
            total[step] += n * at / (len(way["steps"]) + 1)
            taken[step] += n
    lateness = {step: total[step] / taken[step] if taken[step] else 0.5 for step in kept}
    ranked = sorted(kept, key=lambda step: (lateness[step], step))
    columns = max(1, round(len(ranked) ** 0.5))
    places = {"start": (0.0, 50.0), "goal": (100.0, 30.0), "given up": (100.0, 75.0)}
    size = -(-len(ranked) // columns)
    for at, step in enumerate(ranked):
        column, row = divmod(at, size)
        inside = min(size, len(ranked) - column * size)
        x = 100.0 * (column + 1) / (columns + 1)
        places[step] = (x, 100.0 * (row + 0.5) / inside + (6.0 if column % 2 else 0.0))
    return places


def _sizes(edges: list[dict[str, Any]]) -> dict[str, int]:
    into: dict[str, int] = defaultdict(int)
    for each in edges:
        into[each["to"]] += each["n"]
        if each["from"] == "start":
            into["start"] += each["n"]
    for each in edges:
        into.setdefault(each["from"], each["n"])
    return into


def _tone(name: str) -> str:
    return {"start": "muted", "goal": "experience", "given up": "danger"}.get(name, "record")


def _symbol(name: str) -> str:
    return {"start": "circle", "goal": "diamond", "given up": "rect"}.get(name, "circle")


def called(name: str, goal: str) -> str:
    return {"start": _("start"), "goal": goal, "given up": _("given up")}.get(name, name)


def _between(each: Mapping[str, Any], goal: str) -> str:
    return f"{called(each['from'], goal)} → {called(each['to'], goal)}"


def _counted(each: Mapping[str, Any]) -> str:
    times = _("%s times") % words.figure(each["n"])
    return times if each["to"] == "given up" else f"{times}, {_time(each)}"


def _time(each: Mapping[str, Any]) -> str:
    if each["from"] == "start" or each["to"] == "given up":
        return words.DASH
    return duration(each["seconds"])


def url(goal: str, *, first: str, then: str = "") -> str:
    query = {"goal": goal, "first": first, "then": then}
    return f"{reverse('insight_paths_customers')}?{urlencode(query)}"
