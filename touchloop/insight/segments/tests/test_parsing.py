"""What is wrong with a rule is said by its place, and nothing that is typed becomes SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import live
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.parsing import parse
from touchloop.insight.segments.sentence import sentence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = {"events": ["A"], "measure": "count", "op": "gte", "value": 1}


def nested(levels: int) -> Any:
    rule: Any = {"trait": {"name": "x", "op": "exists"}}
    for _level in range(levels):
        rule = {"not": rule}
    return rule


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "rule"),
        ([], "rule"),
        ({"all": {}}, "rule.all"),
        ({"any": []}, "rule.any"),
        ({"all": [{"unknown": {}}]}, "rule.all[0]"),
        ({"not": {"trait": {"name": "x", "oops": 1}}}, "rule.not.trait.oops"),
        ({"trait": {"name": 'a"b', "value": "x"}}, "rule.trait.name"),
        ({"trait": {"name": "x", "type": "number", "op": "gt", "value": "7"}}, "rule.trait.value"),
        ({"trait": {"name": "x", "type": "bool", "op": "gt", "value": True}}, "rule.trait.op"),
        ({"trait": {"name": "x", "type": "date", "value": "soon"}}, "rule.trait.value"),
        ({"interactions": COUNT | {"value": float("nan")}}, "rule.interactions.value"),
        ({"interactions": COUNT | {"window": {"last": 0}}}, "rule.interactions.window.last"),
        ({"interactions": COUNT | {"window": {"last": 3654}}}, "rule.interactions.window.last"),
        ({"interactions": COUNT | {"window": {}}}, "rule.interactions.window"),
        ({"interactions": COUNT | {"measure": "sum"}}, "rule.interactions.of"),
        ({"interactions": COUNT | {"type": "system"}}, "rule.interactions.type"),
        (
            {"interactions": COUNT | {"where": [{"path": "a[0]", "value": "x"}]}},
            "rule.interactions.where[0].path",
        ),
        (
            {"interactions": COUNT | {"measure": "sum", "of": "value",
                                      "lines": [{"field": "brand", "value": "x"}]}},
            "rule.interactions.of",
        ),
        ({"sequence": {"first": {}, "then": {}}}, "rule.sequence.within"),
        ({"overdue": {"intervals": 0}}, "rule.overdue.intervals"),
        ({"consent": {"purpose": "spam"}}, "rule.consent.purpose"),
        (nested(8), "rule" + ".not" * 8),
        ({"all": [nested(0)] * 51}, "rule"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(rule: Any, field: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(rule)
    assert error.value.field == field


def test_the_limits_themselves_are_allowed() -> None:
    parse(nested(7))
    parse({"all": [nested(0)] * 50})
    parse({"interactions": COUNT | {"window": {"last": 3653, "unit": "days"}}})


EVIL = ("'; DROP TABLE customers; --", "\\' OR 1=1 --", "$$x$$", "%s {0}")


@pytest.mark.parametrize("evil", EVIL)
def test_what_is_typed_stays_a_value(evil: str) -> None:
    rule = parse(
        {"any": [
            {"trait": {"name": evil.replace("\\", ""), "value": evil}},
            {"interactions": {"events": [evil], "channels": [evil],
                              "where": [{"path": "p", "op": "contains", "value": evil}],
                              "lines": [{"field": "brand", "value": evil}]}},
        ]}
    )  # fmt: skip
    compiled = compile_rules(g.RuleSet(((1, rule),)))
    with duckdb.connect() as connection:
        for name, schema in live.SCHEMAS.items():
            connection.register(name, schema.empty_table())
        assert connection.execute(compiled.sql(NOW)).fetchall() == []


def test_segments_in_a_circle_are_refused() -> None:
    rules = g.RuleSet(((1, g.InSegment(2)), (2, g.Not(g.InSegment(1)))))
    with pytest.raises(Invalid, match="circle"):
        compile_rules(rules)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"all": []}, "is anybody"),
        (
            {"all": [
                {"interactions": {"events": ["Order Completed"], "measure": "distinct",
                                  "of": "week", "value": 7,
                                  "window": {"last": 8, "unit": "weeks"}}},
                {"not": {"interactions": {"events": ["Order Completed"],
                                          "lines": [{"field": "department", "value": "DELI"}]}}},
            ]},
            "shops in at least 7 of the last 8 weeks and has never bought from DELI",
        ),
        (
            {"any": [{"stage": {"in": ["loyal"]}}, {"all": [
                {"consent": {"purpose": "marketing"}},
                {"score": {"name": "clv", "op": "gt", "value": 2.5}},
            ]}]},
            "is at the stage loyal or"
            " (allows use for marketing and has a score clv of more than 2.5)",
        ),
        (
            {"sequence": {"first": {"events": ["A"]}, "then": {"events": ["B"]}, "not": True,
                          "within": {"last": 1, "unit": "days"}}},
            "after “A”, no “B” followed within 1 day",
        ),
        (
            {"interactions": {"measure": "last", "op": "gte", "value": 30, "unit": "days"}},
            "had any interaction for the last time at least 30 days ago",
        ),
    ],
)  # fmt: skip
def test_a_rule_reads_as_a_sentence(rule: Any, words: str) -> None:
    assert sentence(parse(rule)) == words
