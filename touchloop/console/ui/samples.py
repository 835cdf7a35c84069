"""The charts of the living page: one of each shape, in its states. The figures are made up."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp

from touchloop.console.ui.charts import Chart, Lead

RECEIVED = (12, 14, 11, 18, 21, 19, 24, 22, 27, 31, 28, 35, 33, 38)
SHARES = (("Cheese", 0.31, 0.26, 0.36), ("Bread", 0.22, 0.18, 0.27), ("Wine", 0.12, 0.08, 0.17))


def charts() -> list[Chart]:
    """Lines, bars, shares with intervals, a curve with its band, a heat map, a network."""
    return [_lines(), _bars(), _shares(), _curve(), _grid(), _network()]


def _lines() -> Chart:
    days = [f"{day}.11." for day in range(1, len(RECEIVED) + 1)]
    answered = [round(value * 0.7, 1) for value in RECEIVED]
    return Chart(
        id="sample_lines",
        title="Answers follow messages with a day's delay",
        n=sum(RECEIVED),
        note="14 days",
        option={
            "xAxis": {"type": "category", "data": days},
            "yAxis": {"type": "value"},
            "series": [
                {"name": "Received", "type": "line", "tone": "record", "data": RECEIVED},
                {"name": "Answered", "type": "line", "tone": "experience", "data": answered},
            ],
        },
        columns=("Day", "Received", "Answered"),
        rows=list(zip(days, RECEIVED, answered, strict=True)),
        csv_href="/ui/",
    )


def _bars() -> Chart:
    stores = ("North", "East", "South", "West")
    came, went = (40, 31, 22, 18), (12, 9, 21, 4)
    return Chart(
        id="sample_bars",
        title="South loses nearly as many as it wins",
        n=sum(came) + sum(went),
        simulated=True,
        option={
            "xAxis": {"type": "category", "data": stores},
            "yAxis": {"type": "value"},
            "series": [
                {
                    "name": name,
                    "type": "bar",
                    "tone": tone,
                    "data": [{"value": value, "url": "/ui/"} for value in values],
                }
                for name, tone, values in (
                    ("Entered", "experience", came),
                    ("Left", "engage", went),
                )
            ],
        },
        columns=("Region", "Entered", "Left"),
        rows=[
            (store, Lead(one, "/ui/"), Lead(two, "/ui/"))
            for store, one, two in zip(stores, came, went, strict=True)
        ],
    )


def _shares() -> Chart:
    return Chart(
        id="sample_shares",
        title="Three in ten buyers of fish take cheese",
        n=312,
        note="95 % intervals",
        option={
            "xAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
            "yAxis": {
                "type": "category",
                "inverse": True,
                "data": [name for name, *_rest in SHARES],
            },
            "series": [
                {
                    "name": "Share",
                    "type": "bar",
                    "tone": "record",
                    "valueFormatter": "percent",
                    "data": [value for _name, value, _low, _high in SHARES],
                },
                {
                    "name": "Interval",
                    "type": "interval",
                    "tone": "ink",
                    "valueFormatter": "percent",
                    "data": [
                        [place, low, high] for place, (_n, _v, low, high) in enumerate(SHARES)
                    ],
                },
            ],
        },
        columns=("Department", ("Share", "percent"), ("Low", "percent"), ("High", "percent")),
        rows=SHARES,
    )


def _curve() -> Chart:
    months = [date(2026, 1, 1) + timedelta(days=31 * place) for place in range(12)]
    value = [round(240 * (1 - exp(-place / 6)), 1) for place in range(12)]
    low, high = [each * 0.85 for each in value], [each * 1.2 for each in value]
    return Chart(
        id="sample_curve",
        title="Half of a year's value comes in four months",
        n=2241,
        inferred=True,
        option={
            "xAxis": {"type": "category", "data": [f"{month:%b}" for month in months]},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "money"}},
            "series": [
                {
                    "name": "95 % interval",
                    "type": "band",
                    "tone": "record",
                    "data": [
                        [place, *limits] for place, limits in enumerate(zip(low, high, strict=True))
                    ],
                },
                {
                    "name": "Value",
                    "type": "line",
                    "tone": "record",
                    "data": value,
                },
            ],
        },
        columns=("Month", ("Value", "money"), ("Low", "money"), ("High", "money")),
        rows=list(zip(months, value, low, high, strict=True)),
    )


def _grid() -> Chart:
    cells = [(x, y, (x + 1) * (y + 1) * 7 % 41 + 4) for x in range(5) for y in range(5)]
    names = [str(place) for place in range(1, 6)]
    return Chart(
        id="sample_grid",
        title="Most who came lately also come often",
        n=sum(value for _x, _y, value in cells),
        option={
            "grid": {"top": 4},
            "xAxis": {"type": "category", "data": names, "name": "Recency"},
            "yAxis": {"type": "category", "data": names, "name": "Frequency", "nameGap": 24},
            "visualMap": {
                "show": False,
                "min": 0,
                "max": 45,
                "inRange": {"color": ["record-wash", "record"]},
            },
            "series": [
                {
                    "type": "heatmap",
                    "label": {"show": True},
                    "data": [
                        {"value": [x, y, value], "url": "/ui/",
                         "tip": [f"Recency {names[x]}, frequency {names[y]}",
                                 f"{value} customers"]}
                        for x, y, value in cells
                    ],
                }
            ],
        },
        columns=("Recency", "Frequency", "Customers"),
        rows=[(names[x], names[y], Lead(value, "/ui/")) for x, y, value in cells],
    )  # fmt: skip


def _network() -> Chart:
    nodes = ("Cat food", "Litter", "Toys", "Diapers")
    links = ((0, 1, 17.6), (0, 2, 6.2), (1, 2, 3.1), (2, 3, 1.4))
    return Chart(
        id="sample_network",
        title="Cat food and litter go together most",
        n=2469,
        option={
            "series": [
                {
                    "type": "graph",
                    "layout": "circular",
                    "data": [
                        {"name": name, "symbolSize": 34 - 5 * place, "url": "/ui/"}
                        for place, name in enumerate(nodes)
                    ],
                    "edgeSymbol": ["none", "none"],
                    "links": [
                        {
                            "source": nodes[one],
                            "target": nodes[two],
                            "lineStyle": {"width": lift / 3},
                            "tip": [f"{nodes[one]} + {nodes[two]}", f"lift {lift}"],
                        }
                        for one, two, lift in links
                    ],
                }
            ],
        },
        columns=(("One", "text"), ("Other", "text"), "Lift"),
        rows=[(nodes[one], nodes[two], lift) for one, two, lift in links],
    )
