"""One small world for both engines: a shop's year in a lake of several files, with odd values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings

from touchloop.insight.segments.api import RuleSet
from touchloop.insight.segments.tests import worlds
from touchloop.insight.segments.tests.oracle import Person
from touchloop.insight.segments.tests.test_executions import ODD_VALUES
from touchloop.lake import api as lake
from touchloop.lake import tables

CUSTOMERS, SUBJECTS, EXPORTS = 240, 260, 3
START = datetime(2025, 7, 1)
ORDER = "Order Completed"
NAMES = (ORDER, ORDER, "Page Viewed", "Product Viewed", "Product Added", "Search", "It's ${odd}")
SHELVES = (
    ("GROCERY", "DIAPERS & DISPOSABLES", "Diapers 44"), ("GROCERY", "BABY FOODS", "Carrot ¼"),
    ("GROCERY", "BEERS/ALES", "Märzen \\ 0.5"), ("DELI", "CHEESE", "Gruyère 'alt'"),
    ("DELI", "SALAD", "Salad"), ("MEN", "TROUSERS", 'Trousers 32"'), ("MEN", "SHIRTS", "Shirt"),
    ("GARDEN", "SEEDS", "Seeds"), (None, None, None), ("", "", ""),
)  # fmt: skip
ODD_JSON = (
    None, "{}", '{"a": {"b": 7}}', '{"a": {"b": "x"}, "p": null}', '{"p": "é\\u00e9\\n"}',
    '{"p": 12345678.5, "q": 0.00012}', '{"order_id": "7", "a": []}', '{"it\'s": {"*": "?"}}',
)  # fmt: skip
TRAITS: tuple[dict[str, Any], ...] = (
    {}, {"city": "Graz"}, {"city": "L'Aquila", "age": 41}, {"city": "東京", "age": "30"},
    {"age": "5d"}, {"age": None, "a.b": True}, {"age": 29.5, "city": "graz\\"},
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """A lake and what stands beside it."""

    lake: tables.Lake
    bound: dict[str, pa.Table]
    people: pa.Table


def make(folder: Path) -> World:
    """The same for every call."""
    chance = Random(7)
    made = tables.Lake(str(folder / "a lake's folder"))
    rows = [_interaction(chance, i) for i in range(2400)]
    rows += [_weekly(chance, i) for i in range(2400, 2480)]
    for seq in range(1, EXPORTS + 1):
        part = [row for row in rows if row["interaction_id"] % EXPORTS == seq - 1]
        products = [line for row in part for line in _products(chance, row)]
        for name, found in (("interactions", part), ("lines", products)):
            schema = lake.SCHEMAS[name]
            tables.append(
                tables.open_table(name, lake=made), name,
                pa.Table.from_pylist(found, schema=schema), seq=seq,
            )  # fmt: skip
    people = [i for i in range(1, CUSTOMERS + 1) if i % 11]
    return World(made, _beside(chance), pa.table({"customer_id": pa.array(people, pa.int64())}))


def random_rules(count: int = 3) -> tuple[RuleSet, list[Person]]:
    """Rules of any kind over histories with odd values, the same for every call."""
    people: list[Person] = []
    rules: list[Any] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds.crowds(30, ODD_VALUES), worlds.rules)  # fmt: skip
    def gather(crowd: list[Person], rule: Any) -> None:
        people.extend(crowd)
        rules.append(rule)

    gather()
    happened = [h for person in people for h in person.history]
    for number, person in enumerate(people):
        person.id = number
    for number, happening in enumerate(happened):
        happening.interaction_id = number
    return RuleSet(tuple(enumerate(rules, start=1))), people


def _interaction(chance: Random, i: int) -> dict[str, Any]:
    name = chance.choice(NAMES)
    subject = int(chance.triangular(1, 230, 40)) if i % 12 else chance.randint(241, SUBJECTS)
    at = START + timedelta(
        days=chance.randrange(365), hours=chance.randrange(24),
        microseconds=chance.choice((0, 1, 999_999, 500_000)),
    )  # fmt: skip
    found = {
        "interaction_id": i, "subject_id": subject, "type": "track", "name": name,
        "channel": chance.choice(("web", "web", "store", None)),
        "location": chance.choice((None, "330", "checkout", "")), "occurred_at": at,
        "value": round(chance.expovariate(0.03), 2) if name == ORDER else None,
        "properties": chance.choice(ODD_JSON),
    }  # fmt: skip
    if i % 20 == 0:  # what Touchloop itself notes
        moved = {"segment_id": chance.choice((1, 2))}
        entered = chance.choice(("Segment Entered", "Segment Left"))
        found |= {"type": "system", "name": entered, "properties": json.dumps(moved)}
    elif i % 7 == 0 and name == "Page Viewed":
        found |= {"type": "page"}
    if i % 17 == 0:
        found |= {"value": chance.choice((None, 0.0, -3.5, 1e9))}
    return found


def _weekly(chance: Random, i: int) -> dict[str, Any]:
    """Eight customers come each week, never buy from DELI (`_products`), and once only look."""
    week, who = divmod(i - 2400, 8)
    at = datetime(2026, 3, 4, 9) - timedelta(days=7 * week, seconds=who - week)
    return _interaction(chance, i) | {
        "subject_id": 231 + who, "type": "track", "name": "Product Added" if week == 2 else ORDER,
        "channel": "web", "occurred_at": at, "value": 12.5,
    }  # fmt: skip


def _products(chance: Random, row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["name"] not in (ORDER, "Product Viewed", "Product Added"):
        return []
    many = chance.choice((1, 2, 3, 5)) if row["name"] == ORDER else 1
    found = []
    for department, category, product in chance.sample(SHELVES, many):
        if department == "DELI" and row["interaction_id"] >= 2400:
            continue
        quantity, price = chance.choice((1.0, 2.0, None)), chance.choice((0.1, 0.7, 19.99, None))
        amount = None if quantity is None or price is None else round(quantity * price, 2)
        found.append(
            {
                "interaction_id": row["interaction_id"], "subject_id": row["subject_id"],
                "name": row["name"], "occurred_at": row["occurred_at"],
                "product_id": product and f"p-{product}", "product": product,
                "department": department, "category": category,
                "brand": chance.choice(("own", "Ünal", None)), "quantity": quantity,
                "price": price, "amount": amount,
            }
        )  # fmt: skip
    return found


def _beside(chance: Random) -> dict[str, pa.Table]:
    ids = range(1, CUSTOMERS + 1)
    customers = [
        {
            "customer_id": i, "traits": json.dumps(chance.choice(TRAITS)) if i % 9 else None,
            "stage": chance.choice((None, "new", "loyal", "at risk")),
            "allowed": chance.randrange(1 << 9),
            "first_seen_at": START - timedelta(days=chance.randrange(300), microseconds=i),
        }
        for i in ids
    ]  # fmt: skip
    members = [{"customer_id": i, "segment_id": s} for i in ids for s in (1, 2, 7)
               if chance.random() < 0.4]  # fmt: skip
    scores = [
        {"customer_id": i, "name": name, "value": chance.choice((0.0, 0.5, 0.97, 311.0))}
        for i in ids
        for name in ("spend_percentile", "churn", "clv_12m", "p_alive", "uplift:free delivery")
        if chance.random() < 0.7
    ]
    moved = [{"subject_id": i, "customer_id": i - CUSTOMERS + 3}
             for i in range(CUSTOMERS + 1, SUBJECTS + 1)]  # fmt: skip
    schemas = {**lake.BOUND, "moved": lake.MOVED}
    rows = {"customers": customers, "members": members, "scores": scores, "moved": moved}
    return {name: pa.Table.from_pylist(rows[name], schema=schemas[name]) for name in rows}
