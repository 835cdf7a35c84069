"""The charts of affinity: the network and the table of pairs, gains, rankers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.insight.affinity.placing import places
from touchloop.console.ui.charts import Chart, Lead
from touchloop.insight.affinity.api import Cut, Idea, KeptPair

Names = Mapping[str, str]
DRAWN, DRAWN_NARROW = 60, 24  # edges of the network: more are a ball of wool


def buyers(level: str, *items: str) -> str:
    """The segment of those who bought each of the items within a year, ready to be looked at."""
    bought = [
        {
            "interactions": {
                "events": ["Order Completed"],
                "lines": [{"field": level, "op": "eq", "value": item}],
                "window": {"last": 365, "unit": "days"},
            }
        }
        for item in items
    ]
    return f"{reverse('segment_new')}?{urlencode({'rule': json.dumps({'all': bought})})}"


def of_pair(level: str, a: str, b: str) -> str:
    """The page of one pair."""
    query = urlencode({"level": level, "a": a, "b": b})
    return f"{reverse('insight_affinity_pair')}?{query}"


def network(found: Sequence[KeptPair], level: str, names: Names) -> Chart | None:
    """What comes on the same trips, drawn as a graph; a line leads to the pair."""
    edges = [each for each in found if each.relation == "together"][:DRAWN]
    if not edges:
        return None
    first = edges[0].pair
    return Chart(
        id="network",
        title=_("%(a)s and %(b)s go together most surely")
        % {"a": names.get(first.a, first.a), "b": names.get(first.b, first.b)},
        note=_("only pairs past the correction for many tests; more than the trips' size explains"),
        size="large",
        option={
            "series": [_graph(edges, level, names, columns=7, wide=2.2, frame="82%", label=132)],
            "narrow": {
                "series": [
                    _graph(
                        edges[:DRAWN_NARROW], level, names,
                        columns=2, wide=0.45, frame="52%", label=112,
                    )
                ]
            },
        },
        columns=(_("First"), _("Second"), _("Baskets"), _("Lift"), _("Low"), _("High")),
        rows=[
            (names.get(each.pair.a, each.pair.a),
             Lead(names.get(each.pair.b, each.pair.b),
                  of_pair(level, each.pair.a, each.pair.b)),
             each.pair.both, round(each.pair.trip.lift, 2), round(each.pair.trip.low, 2),
             round(each.pair.trip.high, 2))
            for each in edges
        ],
    )  # fmt: skip


def _graph(
    edges: Sequence[KeptPair],
    level: str,
    names: Names,
    *,
    columns: int,
    wide: float,
    frame: str,
    label: int,
) -> dict[str, Any]:
    """Names that would lie on another's stay away until there is room (zoom) or somebody points at
    the node; who is pointed at dims all but its neighbours. A name has its column's width to the
    right; `wide` is width by height, `frame` the part of the width for the nodes: beside it the
    names of the last column, of up to `label` pixels, stand."""
    sizes: dict[str, int] = {}
    for each in edges:
        sizes[each.pair.a], sizes[each.pair.b] = each.pair.in_a, each.pair.in_b
    items = sorted(sizes)
    most = max(sizes.values())
    nodes = [
        {"name": names.get(item, item), "value": sizes[item],
         "symbolSize": 6 + (3.5 * columns) * (sizes[item] / most) ** 0.5,
         "tip": [names.get(item, item), _("%s baskets") % f"{sizes[item]:,}"]}
        for item in items
    ]  # fmt: skip
    at = {item: k for k, item in enumerate(items)}
    pairs = tuple((at[each.pair.a], at[each.pair.b]) for each in edges)
    links = [
        {
            # by place: two items may bear one name
            "source": a, "target": b,
            "url": of_pair(level, each.pair.a, each.pair.b),
            "tip": [
                f"{names.get(each.pair.a, each.pair.a)} + {names.get(each.pair.b, each.pair.b)}",
                _("lift %(lift).1f (%(low).1f – %(high).1f), %(n)s baskets")
                % {"lift": each.pair.trip.lift, "low": each.pair.trip.low,
                   "high": each.pair.trip.high, "n": f"{each.pair.both:,}"},
            ],
        }
        for each, (a, b) in zip(edges, pairs, strict=True)
    ]  # fmt: skip
    found = places(len(nodes), pairs, columns=columns)
    placed = [
        {**node, "x": round(1000 * wide * x), "y": round(1000 * y)}
        for node, (x, y) in zip(nodes, found, strict=True)
    ]
    return {
        "type": "graph", "layout": "none", "roam": True, "tone": "record",
        "left": 20, "width": frame,
        "edgeSymbol": ["none", "none"], "labelLayout": {"hideOverlap": True},
        "label": {"show": True, "position": "right", "fontSize": 11,
                  "overflow": "truncate", "width": label,
                  "textBorderColor": "surface", "textBorderWidth": 2},
        "emphasis": {"focus": "adjacency", "label": {"show": True, "fontWeight": "bold"}},
        "data": placed, "links": links,
    }  # fmt: skip


def by_place(found: Sequence[Cut], title: str) -> Chart | None:
    """One pair in each store or quarter, with its interval."""
    if not found:
        return None
    rows = sorted(found, key=lambda cut: cut.place)
    return Chart(
        id=f"by_{rows[0].cut}",
        title=title,
        n=sum(cut.n for cut in rows),
        note=_("lift with its 95 % interval; one is chance"),
        option={
            "xAxis": {"type": "category", "data": [cut.place for cut in rows]},
            "yAxis": {"type": "value"},
            "series": [
                {"name": _("Lift"), "type": "bar", "tone": "record",
                 "data": [round(cut.trip.lift, 3) for cut in rows]},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "data": [[k, cut.trip.low, cut.trip.high] for k, cut in enumerate(rows)]},
            ],
        },
        columns=(_("Place"), _("Both"), _("Baskets"), _("Lift"), _("Low"), _("High")),
        rows=[
            (cut.place, cut.both, cut.n, round(cut.trip.lift, 2), round(cut.trip.low, 2),
             round(cut.trip.high, 2))
            for cut in rows
        ],
    )  # fmt: skip


def gains(found: Sequence[Idea], names: Names) -> Chart | None:
    """The surest ideas with what they may bring."""
    best = list(found)[:12]
    if not best:
        return None
    labels = [f"{names.get(i.strong, i.strong)} + {names.get(i.slow, i.slow)}" for i in best]
    return Chart(
        id="gains",
        title=_("%(idea)s may bring %(low)s to %(high)s more a year")
        % {"idea": labels[0], "low": f"{best[0].low:,.0f}", "high": f"{best[0].high:,.0f}"},
        note=_("if those reached are like those who buy both; only a test can tell"),
        inferred=True,
        size="tall",
        option={
            "yAxis": {"type": "category", "data": labels, "inverse": True},
            "xAxis": {"type": "value", "axisLabel": {"formatter": "short"}},
            "series": [
                {"name": _("Expected"), "type": "bar", "tone": "engage",
                 "data": [
                     {"value": round(i.gain, 1), "url": of_pair(i.level, i.strong, i.slow)}
                     for i in best
                 ]},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "data": [[k, i.low, i.high] for k, i in enumerate(best)]},
            ],
        },
        columns=(_("Pair"), _("Open to"), _("Expected"), _("Low"), _("High"), (_("Each"), "money")),
        rows=[
            (Lead(label, of_pair(i.level, i.strong, i.slow)), i.open_to, round(i.gain),
             round(i.low), round(i.high), i.amount)
            for label, i in zip(labels, best, strict=True)
        ],
    )  # fmt: skip


def rankers(found: Sequence[Mapping[str, Any]], labels: Names, n: int) -> Chart | None:
    """Precision at 5 of each ranker on the hold-out, popularity first."""
    if not found:
        return None
    names = [labels.get(each["name"], each["name"]) for each in found]
    floor, best = found[0], found[-1]
    return Chart(
        id="rankers",
        title=_("Of five categories named, %(blend).0f %% are begun; by popularity %(floor).0f %%")
        % {"blend": 100 * best["precision"], "floor": 100 * floor["precision"]},
        n=n,
        note=_("precision at 5 in the time held out, 95 % interval over households"),
        option={
            "xAxis": {"type": "category", "data": names},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
            "series": [
                {"name": _("Precision at 5"), "type": "bar", "tone": "record",
                 "valueFormatter": "percent", "data": [each["precision"] for each in found]},
                {"name": _("95 % interval"), "type": "interval", "tone": "ink",
                 "valueFormatter": "percent",
                 "data": [[k, each["low"], each["high"]] for k, each in enumerate(found)]},
            ],
        },
        columns=(_("Ranker"), (_("Precision at 5"), "percent"), (_("Low"), "percent"),
                 (_("High"), "percent"), (_("Hit at 5"), "percent"), (_("Hit at 10"), "percent"),
                 (_("Beyond popularity"), "points")),
        rows=[
            (name, each["precision"], each["low"], each["high"], each["hit5"], each["hit10"],
             each["beyond"])
            for name, each in zip(names, found, strict=True)
        ],
    )  # fmt: skip


def scored(prefix: str, found: Sequence[tuple[str, int, float]], names: Names) -> Chart | None:
    """What comes next for most customers; each bar leads to them."""
    if not found:
        return None

    def url(item: str) -> str:
        return f"{reverse('customers')}?{urlencode({'score': prefix + item})}"

    labels = [names.get(item, item) for item, _n, _mean in found]
    return Chart(
        id="next",
        title=_("%s is new to most of those it could be next for") % labels[0],
        note=_("customers for whom it is among the twenty likeliest"),
        inferred=True,
        size="tall",
        option={
            "yAxis": {"type": "category", "data": labels, "inverse": True},
            "xAxis": {"type": "value"},
            "series": [
                {"name": _("Customers"), "type": "bar", "tone": "record",
                 "data": [{"value": n, "url": url(item)} for item, n, _mean in found]}
            ],
        },
        columns=(_("Category"), _("Customers"), (_("Mean probability"), "percent")),
        rows=[
            (label, Lead(n, url(item)), mean)
            for label, (item, n, mean) in zip(labels, found, strict=True)
        ],
    )  # fmt: skip
