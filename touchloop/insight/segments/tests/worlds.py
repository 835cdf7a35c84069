"""Random rules over random histories, small enough to collide: few names, few instants."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.live import SCHEMAS
from touchloop.insight.segments.tests.oracle import BITS, Happening, Person, Product

NOON = datetime(2026, 3, 4, 12, 0)
NAMES = ("Order Completed", "Page Viewed", "It's")
CHANNELS = ("web", "store")
TEXTS = ("a", "ab", "b'c", "")
OPS = ("eq", "ne", "gt", "gte", "lt", "lte")
HOURS = st.integers(0, 40 * 24)

# Edges of windows are whole units before NOON, so these instants often lie exactly on one.
instants = st.builds(
    lambda hours, micros: NOON - timedelta(hours=hours, microseconds=micros),
    st.one_of(HOURS, st.integers(0, 40).map(lambda days: days * 24)),
    st.sampled_from((0, 0, 1, -1, 12_345)),
)
json_values = st.sampled_from((None, True, False, 3, 2.5, "3", "a", "ab", "2026-01-01", [1], {}))
numbers = st.sampled_from((0.0, 1.0, 2.0, 2.5, 3.0, -1.0))
maybe_text = st.one_of(st.none(), st.sampled_from(TEXTS))

products = st.builds(
    Product, product_id=maybe_text, department=maybe_text, category=maybe_text,
    product=maybe_text, brand=maybe_text,
    quantity=st.one_of(st.none(), st.integers(0, 3).map(float)),
    amount=st.one_of(st.none(), st.integers(-50, 500).map(lambda cents: cents / 100)),
)  # fmt: skip
happenings = st.builds(
    Happening, interaction_id=st.just(0), name=st.sampled_from(NAMES), at=instants,
    type=st.sampled_from(("track", "page")), channel=st.one_of(st.none(), st.sampled_from(CHANNELS)),
    location=maybe_text, value=st.one_of(st.none(), st.integers(-30, 300).map(lambda c: c / 100)),
    properties=st.one_of(
        st.none(),
        st.fixed_dictionaries({}, optional={
            "p": json_values, "q": st.fixed_dictionaries({"r s": json_values}),
        }),
    ),
    products=st.lists(products, max_size=2),
)  # fmt: skip
persons = st.builds(
    Person, id=st.just(0), history=st.lists(happenings, max_size=7),
    traits=st.dictionaries(st.sampled_from(("city", "a.b")), json_values),
    stage=st.one_of(st.none(), st.sampled_from(("new", "loyal"))), allowed=st.integers(0, 255),
    segments=st.sets(st.sampled_from((101, 102))),
    scores=st.dictionaries(st.sampled_from(("clv", "churn")), numbers),
)  # fmt: skip


@st.composite
def crowds(draw: st.DrawFn, most: int = 4) -> list[Person]:
    """Some people, each with own interactions."""
    people = draw(st.lists(persons, min_size=1, max_size=most))
    number = 0
    for i, person in enumerate(people):
        person.id = 10 + i
        for happening in person.history:
            number += 1
            happening.interaction_id = number
    return people


lasts = st.one_of(
    st.builds(g.Last, st.integers(1, 20), st.just("days")),
    st.builds(g.Last, st.integers(1, 50), st.just("hours")),
    st.builds(g.Last, st.integers(1, 3), st.just("weeks")),
)
edges = st.integers(0, 40).map(lambda days: NOON - timedelta(days=days))
betweens = st.one_of(
    st.builds(lambda a, b: g.Between(min(a, b), max(a, b) + timedelta(hours=1)), edges, edges),
    st.builds(lambda a: g.Between(a, None), edges),
    st.builds(lambda a: g.Between(None, a), edges),
)
windows = st.one_of(st.none(), lasts, lasts, betweens)


@st.composite
def values(draw: st.DrawFn) -> g.Value:
    kind: Any = draw(st.sampled_from(("text", "number", "date", "bool")))
    ops = {"bool": ("eq", "ne"), "text": (*OPS, "in", "contains", "starts")}.get(kind, (*OPS, "in"))
    op = draw(st.sampled_from((*ops, "exists", "missing")))
    if op in ("exists", "missing"):
        return g.Value(kind, op)
    one: Any = {
        "text": st.sampled_from((*TEXTS, "3", "true", "[1]")), "number": numbers,
        "date": st.sampled_from((datetime(2026, 1, 1), datetime(2025, 1, 1))),
        "bool": st.booleans(),
    }[kind]  # fmt: skip
    many = draw(st.lists(one, min_size=1, max_size=3)) if op == "in" else [draw(one)]
    return g.Value(kind, op, tuple(many))


paths = st.sampled_from(("p", "q.r s", "q"))
lines = st.one_of(
    st.builds(
        g.Line, st.sampled_from(g.LINE_FIELDS), st.just("in"),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2).map(tuple),
    ),
    st.builds(
        g.Line, st.sampled_from(g.LINE_FIELDS), st.just("contains"), st.sampled_from((("a",), ("b",)))
    ),
)  # fmt: skip
empty: Any = st.just(())
events = st.builds(
    g.Events,
    names=st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple),
    type=st.sampled_from(("", "", "page")),
    channels=st.one_of(empty, empty, st.sampled_from((("web",), CHANNELS))),
    locations=st.one_of(empty, empty, st.sampled_from((("a",), ("ab", "b'c")))),
    where=st.one_of(empty, empty, st.builds(g.Property, paths, values()).map(lambda x: (x,))),
    lines=st.one_of(empty, empty, st.lists(lines, min_size=1, max_size=2).map(tuple)),
)  # fmt: skip


@st.composite
def interactions(draw: st.DrawFn) -> g.Interactions:
    asked = draw(events)
    measure = draw(st.sampled_from(g.MEASURES))
    window = draw(windows)
    if measure == "absence":
        return g.Interactions(asked, measure, op="eq", value=0.0, window=window)
    if measure in ("first", "last"):
        op, value = draw(st.sampled_from(OPS[2:])), float(draw(st.integers(0, 30)))
        unit = draw(st.sampled_from(("days", "hours")))
        return g.Interactions(asked, measure, op=op, value=value, unit=unit, window=window)
    of = path = ""
    if measure == "sum":
        of = draw(st.sampled_from(("amount", "quantity") if asked.lines else g.SUM_OF))
    if measure == "distinct":
        of = draw(st.sampled_from(g.DISTINCT_OF))
    if of == "property":
        path = draw(paths)
    op = draw(st.sampled_from(OPS))
    return g.Interactions(asked, measure, of, path, op, draw(numbers), "days", window)


leaves = st.one_of(
    interactions(),
    interactions(),
    interactions(),
    st.builds(g.Sequence, events, events, lasts, st.booleans(), windows),
    st.builds(g.Overdue, events, st.sampled_from((1.0, 1.5, 3.0)), st.integers(2, 4), windows),
    st.builds(g.Trait, st.sampled_from(("city", "a.b")), values()),
    st.builds(g.Score, st.sampled_from(("clv", "churn")), st.sampled_from(OPS), numbers),
    st.builds(g.InSegment, st.sampled_from((101, 102)), st.booleans()),
    st.builds(g.Consent, st.sampled_from(tuple(BITS)), st.booleans()),
    st.builds(g.Stage, st.sampled_from((("new",), ("new", "loyal")))),
)
rules = st.recursive(
    leaves,
    lambda part: st.one_of(
        st.builds(g.All, st.lists(part, max_size=3).map(tuple)),
        st.builds(g.Any, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(g.Not, part),
    ),
    max_leaves=5,
)


@st.composite
def rule_sets(draw: st.DrawFn, most: int = 4) -> g.RuleSet:
    """Several rules; later ones may ask about earlier ones."""
    found: list[tuple[int, g.Rule]] = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        rule = draw(rules)
        if number > 1 and draw(st.booleans()):
            other = g.InSegment(draw(st.integers(1, number - 1)), draw(st.booleans()))
            rule = draw(st.sampled_from((g.All((rule, other)), g.Any((other, rule)))))
        found.append((number, rule))
    return g.RuleSet(tuple(reversed(found)))


def relations(people: list[Person]) -> dict[str, pa.Table]:
    """The people as the relations that the compiler reads."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    for person in people:
        own = {"customer_id": person.id}
        rows["customers"].append(
            own | {"traits": json.dumps(person.traits), "stage": person.stage,
                   "allowed": person.allowed}
        )  # fmt: skip
        rows["members"] += [own | {"segment_id": x} for x in person.segments]
        rows["scores"] += [own | {"name": k, "value": v} for k, v in person.scores.items()]
        for h in person.history:
            shared = own | {"interaction_id": h.interaction_id, "name": h.name, "occurred_at": h.at}
            properties = None if h.properties is None else json.dumps(h.properties)
            rows["interactions"].append(
                shared | {"type": h.type, "channel": h.channel, "location": h.location,
                          "value": h.value, "properties": properties}
            )  # fmt: skip
            rows["lines"] += [shared | vars(product) for product in h.products]
    return {name: pa.Table.from_pylist(rows[name], schema=SCHEMAS[name]) for name in SCHEMAS}
