"""Fifty live segments for the benches: every kind of condition, as marketers mix them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

CATEGORIES = ("milk", "bread", "deli", "wine", "fish", "fruit", "diapers", "pets", "garden", "toys")
ORDER, VIEW = "Order Completed", "Product Viewed"


def fifty() -> list[tuple[str, Json]]:
    """Name and rule of each segment."""
    named = [*_products(), *_counts(), *_sequences(), *_people()]
    assert len(named) == 50, len(named)
    return named


def _products() -> list[tuple[str, Json]]:
    never = [
        (f"never bought {c}, shops often", {"all": [_orders(3, 90), {"not": _bought(c)}]})
        for c in CATEGORIES
    ]
    return [(f"bought {c} in 60 days", _bought(c, 60)) for c in CATEGORIES] + never


def _counts() -> list[tuple[str, Json]]:
    orders = ((1, 7), (2, 14), (3, 30), (3, 90), (5, 90), (10, 365))
    spent = ((50, 30), (100, 30), (100, 90), (250, 90), (500, 365), (1000, 365))
    return [
        *[(f"{n} orders in {days} days", _orders(n, days)) for n, days in orders],
        *[(f"spent {amount} in {days} days", _spent(amount, days)) for amount, days in spent],
        *[(f"no order for {days} days", _absent(days)) for days in (14, 30, 60, 90)],
    ]


def _sequences() -> list[tuple[str, Json]]:
    without = [
        (f"viewed, then did not order within {hours} hours", _sequence(hours, negated=True))
        for hours in (1, 24, 72)
    ]
    return without + [
        (f"viewed, then ordered within {hours} hours", _sequence(hours, negated=False))
        for hours in (1, 24)
    ]


def _people() -> list[tuple[str, Json]]:
    cities = ("Rotterdam", "Utrecht", "Porto", "Lyon")
    young = {"trait": {"name": "age", "type": "number", "op": "lt", "value": 30}}
    return [
        *[
            (f"lives in {city}", {"trait": {"name": "city", "op": "eq", "value": city}})
            for city in cities
        ],
        ("young and active", {"all": [young, _orders(2, 60)]}),
        ("views on many days", _distinct(VIEW, "day", 3, {"last": 14, "unit": "days"})),
        ("shops at several places", _distinct(ORDER, "location", 2, None)),
        ("overdue", {"overdue": {"events": [ORDER], "intervals": 3}}),
        ("new this week", {"interactions": {"measure": "first", "op": "lt", "value": 7}}),
    ]


def _absent(days: int) -> Json:
    window = {"last": days, "unit": "days"}
    return {"interactions": {"events": [ORDER], "measure": "absence", "window": window}}


def _distinct(event: str, of: str, value: int, window: Json | None) -> Json:
    asked = {"events": [event], "measure": "distinct", "of": of, "op": "gte", "value": value}
    return {"interactions": {**asked, **({"window": window} if window else {})}}


def _orders(n: int, days: int) -> Json:
    return {
        "interactions": {
            "events": [ORDER],
            "measure": "count",
            "op": "gte",
            "value": n,
            "window": {"last": days, "unit": "days"},
        }
    }


def _spent(amount: int, days: int) -> Json:
    return {
        "interactions": {
            "events": [ORDER],
            "measure": "sum",
            "of": "value",
            "op": "gt",
            "value": amount,
            "window": {"last": days, "unit": "days"},
        }
    }


def _bought(category: str, days: int | None = None) -> Json:
    window = {"window": {"last": days, "unit": "days"}} if days else {}
    return {
        "interactions": {
            "events": [ORDER],
            "measure": "count",
            "op": "gte",
            "value": 1,
            "lines": [{"field": "category", "op": "eq", "value": category}],
            **window,
        }
    }


def _sequence(hours: int, *, negated: bool) -> Json:
    return {
        "sequence": {
            "first": {"events": [VIEW]},
            "then": {"events": [ORDER]},
            "within": {"last": hours, "unit": "hours"},
            "not": negated,
            "window": {"last": 30, "unit": "days"},
        }
    }
