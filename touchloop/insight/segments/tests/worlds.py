"""Random rules over random histories, small enough to collide: few names, few instants."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.live import SCHEMAS
from touchloop.insight.segments.tests.oracle import BITS, Happening, Person, Product

NOON = datetime(2026, 3, 4, 12, 0)
NAMES = ("Order Completed", "Page Viewed", "It's", "Segment Left")
CHANNELS = ("web", "store")
TEXTS = ("a", "ab", "b'c", "")
OPS = ("eq", "ne", "gt", "gte", "lt", "lte")

JSON_VALUES: tuple[Any, ...] = (
    None, True, False, 3, 2.5, "3", "a", "ab", "2026-01-01", "2026-01-01T01:00:00+02:00", [1], {},
)  # fmt: skip
numbers = st.sampled_from((0.0, 1.0, 2.0, 2.5, 3.0, -1.0))


@st.composite
def crowds(draw: st.DrawFn, size: int = 16, values: tuple[Any, ...] = JSON_VALUES) -> list[Person]:
    """Some people, each with own interactions, many of them on the edges of windows."""
    chance = Random(draw(st.integers(0, 2**32)))
    people = [_person(chance, 10 + i, values) for i in range(size)]
    for number, happening in enumerate(h for person in people for h in person.history):
        happening.interaction_id = number
    return people


def _person(chance: Random, id: int, values: tuple[Any, ...]) -> Person:
    return Person(
        id=id,
        history=[_happening(chance, values) for _ in range(chance.choice((0, 1, 2, 4, 6, 9)))],
        traits={name: chance.choice(values) for name in ("city", "a.b") if chance.random() < 0.7},
        stage=chance.choice((None, "new", "loyal")),
        allowed=chance.randrange(256),
        segments={x for x in (101, 102) if chance.random() < 0.5},
        scores={
            x: chance.choice((0.0, 1.0, 2.5)) for x in ("clv", "churn") if chance.random() < 0.7
        },
    )


def _happening(chance: Random, values: tuple[Any, ...]) -> Happening:
    own = chance.random() < 0.1  # what Touchloop itself notes
    ago = timedelta(
        days=chance.randrange(16), hours=chance.choice((0, 0, 0, 1, 5)),
        microseconds=chance.choice((0, 0, 0, 1, -1)),
    )  # fmt: skip
    properties: dict[str, Any] = {"p": chance.choice(values)}
    if chance.random() < 0.5:
        properties["q"] = {"r s": chance.choice(values)}
    return Happening(
        interaction_id=0,
        name="Segment Left" if own else chance.choice((*NAMES, *NAMES[:2], NAMES[0])),
        at=NOON - ago,
        type="system" if own else chance.choice(("track", "track", "page")),
        channel=chance.choice((None, *CHANNELS)),
        location=chance.choice((None, *TEXTS)),
        value=chance.choice((None, 0.1, 0.2, 0.7, 1.0, -0.5)),
        properties=chance.choice((None, properties, properties)),
        products=[_product(chance) for _ in range(0 if own else chance.choice((0, 1, 1, 3)))],
    )


def _product(chance: Random) -> Product:
    words = (None, *TEXTS, "a")
    return Product(
        product_id=chance.choice(words), product=chance.choice(words), brand=chance.choice(words),
        department=chance.choice(words), category=chance.choice(words),
        quantity=chance.choice((None, 1.0, 2.0)), amount=chance.choice((None, 0.3, 0.7, 1.3, 2.0)),
    )  # fmt: skip


lasts = st.one_of(
    st.builds(g.Last, st.integers(1, 14), st.just("days")),
    st.builds(g.Last, st.sampled_from((1, 5, 24, 25, 48)), st.just("hours")),
    st.builds(g.Last, st.integers(1, 2), st.just("weeks")),
)
edges = st.integers(0, 15).map(lambda days: NOON - timedelta(days=days))
betweens = st.one_of(
    st.builds(lambda a, b: g.Between(min(a, b), max(a, b) + timedelta(hours=1)), edges, edges),
    st.builds(lambda a: g.Between(a, None), edges),
    st.builds(lambda a: g.Between(None, a), edges),
)
windows = st.one_of(lasts, lasts, st.none(), betweens)


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
        g.Line, st.sampled_from(g.LINE_FIELDS), st.just("contains"),
        st.sampled_from((("a",), ("b",))),
    ),
)  # fmt: skip
empty: Any = st.just(())
picky = st.builds(
    g.Events,
    names=st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple),
    type=st.sampled_from(("", "", "page")),
    channels=st.one_of(empty, empty, st.sampled_from((("web",), CHANNELS))),
    locations=st.one_of(empty, empty, st.sampled_from((("a",), ("ab", "b'c")))),
    where=st.one_of(empty, empty, st.builds(g.Property, paths, values()).map(lambda x: (x,))),
    lines=st.one_of(empty, empty, st.lists(lines, min_size=1, max_size=2).map(tuple)),
)  # fmt: skip

plain = st.builds(
    g.Events, names=st.sampled_from(((), NAMES[:1], NAMES[:1], NAMES[1:2], NAMES[:2], NAMES[3:]))
)
events = st.one_of(plain, plain, plain, picky)


@st.composite
def interactions(draw: st.DrawFn) -> g.Interactions:
    asked = draw(events)
    measure = draw(st.sampled_from((*g.MEASURES, "count", "count", "absence")))
    window = draw(windows)
    if measure == "absence":
        return g.Interactions(asked, measure, op="eq", value=0.0, window=window)
    if measure in ("first", "last"):
        op, value = draw(st.sampled_from(OPS[2:])), float(draw(st.integers(0, 16)))
        unit: Any = draw(st.sampled_from(("days", "hours")))
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


timely = st.one_of(
    interactions(),
    st.builds(g.Sequence, plain, plain, lasts, st.booleans(), windows),
    st.builds(g.Overdue, plain, st.sampled_from((1.0, 1.5, 3.0)), st.integers(2, 3), windows),
)
leaves = st.one_of(
    interactions(),
    interactions(),
    interactions(),
    st.builds(g.Sequence, events, events, lasts, st.booleans(), windows),
    st.builds(g.Sequence, plain, plain, lasts, st.booleans(), windows),
    st.builds(g.Overdue, events, st.sampled_from((1.0, 1.5, 3.0)), st.integers(2, 3), windows),
    st.builds(g.Trait, st.sampled_from(("city", "a.b")), values()),
    st.builds(g.Score, st.sampled_from(("clv", "churn")), st.sampled_from(OPS), numbers),
    st.builds(g.InSegment, st.sampled_from((101, 102)), st.booleans()),
    st.builds(g.Consent, st.sampled_from(tuple(BITS)), st.booleans()),
    st.builds(g.Stage, st.sampled_from((("new",), ("new", "loyal")))),
)
rules = st.recursive(
    st.one_of(leaves, timely, timely),
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


# One condition each, so that no other one's due instant hides a missing one.
timely_sets = timely.map(lambda rule: g.RuleSet(((1, rule),)))


@cache
def database(*, threads: int) -> duckdb.DuckDBPyConnection:
    """To make one costs more than a question to it: ask by a cursor, with relations of its own."""
    return duckdb.connect(config={"threads": threads})


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
