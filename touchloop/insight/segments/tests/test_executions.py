"""The two executions of a set of rules agree: the statement over everybody, and the arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.arrays import casting
from touchloop.insight.segments.arrays.counting import rounded
from touchloop.insight.segments.arrays.questions import Documents
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.limits import limit_of
from touchloop.insight.segments.live import SCHEMAS, LiveResult, evaluate
from touchloop.insight.segments.selecting import as_instant, as_number
from touchloop.insight.segments.tests import oracle, worlds
from touchloop.insight.segments.tests.oracle import Happening, Person
from touchloop.lake.api import json_text

calm = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))

ODD_TEXTS = (
    " 5 ", "1e5", "1_000", "inf", "-inf", "nan", "0x1F", "5.", ".5", "+5", "1,5", "", "true",
    "1e400", "\t5\n", "٥", "-0", "007", "1__0", "5d", "9" * 40, "0." + "1" * 30, "-1e301", "é",
    "2024-1-5", "2024-01-05", "2024-01-05T10:00:00", "2024-01-05 10:00:00Z", "b'c", "20240105",
    "2026-01-01T00:30:00+01:00", "2025-12-31 23:30:00-0030", "2024-01-05T10", "2024-01-05T10:00",
    "infinity", "epoch", "2024-02-30", "2024-01-05T24:00:00", "2024-01-05T10:00:00.123456789",
    "0000-01-01", "2024/01/05", "99999-01-01", "44-03-15 (BC)", "2024-01-05-05", "12:30:00+02",
    "2024-01-05T10:00:00 Europe/Berlin",
)  # fmt: skip
ODD_VALUES = (
    *worlds.JSON_VALUES, *ODD_TEXTS, 10**30, -(2**63), 2**64, 1e16, 1e22, 1e-7, 0.0001, -0.0,
    1.5e300, 1e308, 123456789.123456789, [1, 2.5, {"a": None}], {"r s": "é\n/"}, {"r s": {"p": 1}},
    2.00005,
)  # fmt: skip
OFFSET = r"( ?[+-][01][0-9](:?[0-9]{2})?|Z)?"
TIME = r"[T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,8})?)?"


def by_statement(
    rules: g.RuleSet, relations: Mapping[str, pa.Table], now: datetime
) -> tuple[dict[int, list[int]], dict[int, int]]:
    sql = compile_rules(rules, due=True).sql(now)
    with worlds.database(threads=1).cursor() as connection:
        for name, table in relations.items():
            connection.register(name, table)
        rows = connection.execute(f"SELECT * FROM ({sql}) AS found").fetchall()
    members = {
        key: sorted(row[0] for row in rows if row[place])
        for place, key in enumerate(rules.ids, start=1)
    }
    return members, {row[0]: row[-1] for row in rows if row[-1] is not None}


def by_arrays(result: LiveResult) -> tuple[dict[int, list[int]], dict[int, int]]:
    due = {key: round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
           for key, at in result.due.items()}  # fmt: skip
    return {key: found.tolist() for key, found in result.members.items()}, due


def shuffled(table: pa.Table, chance: Random) -> pa.Table:
    """The same rows in another order, in pieces, some columns of words as dictionaries."""
    order = list(range(table.num_rows))
    chance.shuffle(order)
    for place, column in enumerate(table.schema):
        words = pa.types.is_string(column.type) and column.name not in ("properties", "traits")
        if words and chance.random() < 0.7:
            encoded = pc.dictionary_encode(table.column(place).combine_chunks())
            table = table.set_column(place, column.name, encoded)
    table = table.take(pa.array(order, pa.int64()))
    half = table.num_rows // 2
    return pa.concat_tables([table.slice(0, half), table.slice(half)])


@settings(calm, max_examples=250)
@given(
    worlds.rule_sets(), worlds.crowds(12, ODD_VALUES), st.integers(0, 2**32),
    st.sampled_from((0, 0, 0, 3, 9)),
)  # fmt: skip
def test_arrays_and_statement_agree(
    rules: g.RuleSet, people: list[Person], seed: int, early: int
) -> None:
    """Members and the next instants, with odd values, and with interactions in the future."""
    chance, now = Random(seed), (worlds.NOON - timedelta(days=early)).replace(tzinfo=UTC)
    for person in people:
        person.scores = {name: chance.choice((0.0, 1.0, 2.5, np.nan)) for name in person.scores}
        for happening in person.history:
            happening.value = chance.choice((happening.value, happening.value, 1e15, np.nan))
    relations = worlds.relations(people)
    mixed = {name: shuffled(table, chance) for name, table in relations.items()}
    wanted = [person.id for person in people] * 2
    chance.shuffle(wanted)
    assert by_arrays(evaluate(rules, mixed, wanted, now)) == by_statement(rules, relations, now)


@calm
@given(worlds.timely_sets, worlds.crowds(16), st.sampled_from((0, 0, 5)))
def test_instants_of_change_agree(rules: g.RuleSet, people: list[Person], early: int) -> None:
    """One condition each, so that no other one's instant hides a difference."""
    relations, now = worlds.relations(people), worlds.NOON - timedelta(days=early)
    found = evaluate(rules, relations, [x.id for x in people], now.replace(tzinfo=UTC))
    assert by_arrays(found) == by_statement(rules, relations, now.replace(tzinfo=UTC))


numerals = st.text("0123456789.eE+-_ xinfa\t", max_size=8)
dates = st.from_regex(
    rf"[12][0-9]{{3}}[-/][01]?[0-9][-/][0-3]?[0-9]({TIME}{OFFSET})?", fullmatch=True
)


@calm
@given(st.lists(st.one_of(st.sampled_from(ODD_TEXTS), numerals, dates, st.floats().map(str))))
def test_texts_are_cast_as_the_statement_does(texts: list[str]) -> None:
    texts = list(dict.fromkeys(texts))
    instant = as_instant("x")
    said = duckdb.execute(
        f"SELECT {as_number('x')}, EPOCH_US(CASE WHEN ISFINITE({instant}) THEN {instant} END)"
        " FROM (SELECT UNNEST(?::VARCHAR[]) AS x)",
        [texts],
    ).fetchall()
    numbers, instants = casting.numbers(texts), casting.instants(texts)
    for text, (number, at) in zip(texts, said, strict=True):
        same = np.float64(np.nan if number is None else number)
        assert np.array_equal(same, numbers[text], equal_nan=True), text
        if at is not None or "inf" not in text.lower():
            assert instants[text] == (casting.NO_INSTANT if at is None else at), text


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.sampled_from(ODD_VALUES),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(("p", "q", "é")), inner)
    ),
)  # fmt: skip


@calm
@given(st.lists(st.one_of(st.none(), values.map(json.dumps)), min_size=1),
       st.sampled_from((("p",), ("p", "q"), ("é",))))  # fmt: skip
def test_json_is_read_as_the_statement_does(found: list[str | None], keys: tuple[str, ...]) -> None:
    same_texts(found, keys)


@pytest.mark.parametrize("document", [
    '{"p":1,"p":2}', '{"p": {"q": 1, "q": 2}, "x": "p"}', "null", "[1]", '"p"', '{"p":1e400}',
    '{"p":-0}', '{"p":1.10}', '{"p":[1, 2.50 ,"\\u00e9\\/"]}', '{"p":"a\\u0000b"}', '{"q":{"p":3}}',
    '{"p":123456789012345678901234567890}', '{"p":{"*":1,"q":null}}', '{"p":"\\ud83d\\ude00"}',
])  # fmt: skip
@pytest.mark.parametrize("keys", [("p",), ("p", "q")])
def test_odd_documents_are_read_as_the_statement_does(document: str, keys: tuple[str, ...]) -> None:
    same_texts([document, '{"p":"plain"}', None], keys)


def same_texts(documents: list[str | None], keys: tuple[str, ...]) -> None:
    words = Documents(pa.array(documents, pa.string())).under(keys, np.arange(len(documents)))
    texts = [*words.known, None]
    said = duckdb.execute(
        f"SELECT {json_text('x', keys)} FROM (SELECT UNNEST(?::VARCHAR[]) AS x)", [documents]
    ).fetchall()
    assert [texts[code] for code in words.codes] == [text for (text,) in said]


@calm
@given(st.lists(st.one_of(st.floats(), st.integers(-(10**8), 10**8).map(lambda x: x / 20_000))))
def test_sums_are_rounded_as_the_statement_does(sums: list[float]) -> None:
    said = duckdb.execute("SELECT ROUND(x, 4) FROM (SELECT UNNEST(?::DOUBLE[]) AS x)", [sums])
    assert np.array_equal(
        rounded(np.array(sums, np.float64), 1e4), [x for (x,) in said.fetchall()], equal_nan=True
    )


def test_a_trait_of_an_asterisk_is_a_name_like_any_other() -> None:
    rule = g.Trait("*", g.Value("text", "eq", ("b",)))
    people = [Person(1, traits={"*": "b", "x": "c"}), Person(2, traits={"x": "b"})]
    assert agreed(rule, people) == [1]


def test_days_before_1970_are_days_of_their_own() -> None:
    eve = datetime(1969, 12, 31, 23)
    for of, kinds in (("day", 3), ("week", 2)):
        rule = g.Interactions(g.Events(), "distinct", of, op="eq", value=kinds)
        happened = [
            eve - timedelta(days=2),
            eve,
            eve + timedelta(hours=2),
            eve + timedelta(hours=3),
        ]
        people = [Person(1, [Happening(i, "View", at) for i, at in enumerate(happened)])]
        if of == "week":
            people[0].history[0].at = datetime(1969, 12, 28)
        assert agreed(rule, people) == [1]


def test_a_date_with_an_offset_is_an_instant() -> None:
    asked = g.Property("on", g.Value("date", "lt", (datetime(2024, 1, 5, 9),)))
    people = [
        Person(i, [Happening(i, "View", worlds.NOON, properties={"on": text})])
        for i, text in enumerate(("2024-01-05T10:00:00+02:00", "2024-01-05T10:00:00Z"))
    ]
    assert agreed(g.Interactions(g.Events(where=(asked,)), "count"), people) == [0]


def agreed(rule: g.Rule, people: list[Person]) -> list[int]:
    rules, now = g.RuleSet(((1, rule),)), worlds.NOON.replace(tzinfo=UTC)
    relations = worlds.relations(people)
    found = by_arrays(evaluate(rules, relations, [x.id for x in people], now))
    assert found == by_statement(rules, relations, now)
    said = [x.id for x in people if oracle.holds(rule, x, worlds.NOON, {})]
    assert found[0][1] == said
    return said


def test_relations_may_be_left_out_and_customers_unknown() -> None:
    rules = g.RuleSet(((1, g.Not(g.Consent("service"))), (2, g.Interactions(g.Events(), "count"))))
    now = worlds.NOON.replace(tzinfo=UTC)
    happened = SCHEMAS["interactions"].empty_table()
    found = evaluate(rules, {"interactions": happened}, [9, 7], now)
    assert by_arrays(found) == ({1: [7, 9], 2: []}, {})


def test_a_limit_says_the_verdict_on_nothing() -> None:
    some = g.Interactions(g.Events(), "count")
    assert not limit_of(some).otherwise
    assert limit_of(g.Interactions(g.Events(), "absence", op="eq", value=0.0)).otherwise
