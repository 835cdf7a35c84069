"""Statements as approved text: what a rule compiles to, for a reader, and for other engines.

To approve a change, run with GOLDEN=write and read the difference.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.examples import EXAMPLES
from touchloop.insight.segments.parsing import parse

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ORDER = {"events": ["Order Completed"]}
MONTH = {"window": {"last": 30, "unit": "days"}}

RULES: dict[str, Any] = {example.slug: example.rule for example in EXAMPLES} | {
    "traits": {
        "any": [
            {"trait": {"name": "city", "op": "in", "value": ["Graz", "L'Aquila"]}},
            {"trait": {"name": "age", "type": "number", "op": "gte", "value": 30}},
            {"consent": {"purpose": "marketing"}},
            {"stage": {"in": ["loyal"]}},
            {"segment": {"id": 7, "in": False}},
        ]
    },
    "sequences": {
        "all": [
            {"sequence": {"first": ORDER, "then": ORDER, "within": {"last": 7, "unit": "days"}}},
            {
                "sequence": {
                    "first": {"events": ["Product Added"], "channels": ["web"]},
                    "then": ORDER, "not": True, "within": {"last": 1, "unit": "hours"}, **MONTH,
                }
            },
        ]
    },
    "numbers": {
        "all": [
            {"interactions": {**ORDER, "measure": "sum", "of": "amount", "value": 10,
                              "channels": ["web"], **MONTH}},
            {"interactions": {"measure": "distinct", "of": "property", "path": "a.b", "value": 2}},
            {"interactions": {**ORDER, "measure": "last", "op": "gt", "value": 3, "unit": "weeks"}},
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("due", [False, True])
def test_a_rule_compiles_to_the_approved_statement(name: str, due: bool) -> None:
    rules = g.RuleSet(((1, parse(RULES[name])),))
    found = compile_rules(rules, due=due).sql(NOW) + "\n"
    file = GOLDEN / f"{name}{'.due' if due else ''}.sql"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.sql")), ids=lambda file: file.stem)
def test_every_statement_can_be_said_to_spark(file: Path) -> None:
    (said,) = sqlglot.transpile(file.read_text(), read="duckdb", write="spark")
    # Left as it is: EPOCH_US, which Spark calls UNIX_MICROS; its engine gives it that name.
    assert "JSON_EXTRACT_STRING" not in said
    assert "//" not in said
