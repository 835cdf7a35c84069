"""Why a customer is in a segment, or not: each condition, what was seen, and the verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.core.db import Connection
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import history, keeping
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.live import SCHEMAS, evaluate
from touchloop.insight.segments.live_rules import gated
from touchloop.insight.segments.needs import needs
from touchloop.insight.segments.parsing import parse
from touchloop.insight.segments.sentence import sentence


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition of the rule: what it asks, what was seen, whether it holds."""

    says: str
    seen: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Why:
    """Whether the customer belongs in the segment now, and for which reasons."""

    inside: bool
    reasons: tuple[Reason, ...]


def why(conn: Connection, customer_id: int, segment_id: int, now: datetime) -> Why:
    """The conditions of a segment, in order, as they stand for one customer now."""
    segment = keeping.get(segment_id, conn=conn)
    rule = gated(parse(segment.rule), segment.purpose)
    leaves = list(dict.fromkeys(g.conditions(rule)))
    # Numbers of their own: segments that the rule asks about are read as they stand.
    numbered = g.RuleSet(tuple((i - len(leaves) - 1, x) for i, x in enumerate((*leaves, rule))))
    relations = history.of_customers(conn, needs(numbered), [customer_id], now)
    members = evaluate(numbered, relations, [customer_id], now).members
    verdicts = [len(members[key]) > 0 for key in numbered.ids]
    seen = _seen(g.RuleSet(((0, rule),)), relations, now)
    names = {s.id: s.name for s in keeping.listing(conn=conn)} if g.needs_segments(rule) else {}
    reasons = [
        Reason(sentence(leaf, segments=names), _words(leaf, seen.get(leaf), relations), held)
        for leaf, held in zip(leaves, verdicts, strict=False)
    ]
    return Why(verdicts[-1], tuple(reasons))


def _seen(rules: g.RuleSet, relations: dict[str, Any], now: datetime) -> dict[g.Condition, float]:
    """The numbers behind the verdicts, out of the very statement that decides."""
    compiled = compile_rules(rules)
    if not any(isinstance(leaf, g.Interactions) for leaf, _n in compiled.numbers):
        return {}
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for name, schema in SCHEMAS.items():
            connection.register(name, relations.get(name, schema.empty_table()))
        select = "SELECT condition, seen FROM judged"
        found = dict(
            connection.execute(compiled.sql(now, until="judged", select=select)).fetchall()
        )
    return {leaf: found[number] for leaf, number in compiled.numbers if number in found}


def _words(leaf: g.Condition, seen: float | None, relations: dict[str, Any]) -> str:
    match leaf:
        case g.Interactions(measure="first" | "last"):
            return _("never") if seen is None else _("%s ago") % _age(seen)
        case g.Interactions():
            return f"{seen or 0:.10g}"
        case g.Trait(name):
            return _trait(name, relations)
        case g.Score(name):
            rows = relations["scores"].to_pylist()
            return next((f"{row['value']:.4g}" for row in rows if row["name"] == name), _("none"))
        case g.Stage():
            rows = relations["customers"].to_pylist()
            return str(rows[0]["stage"]) if rows else _("not known")
        case _:
            return ""


def _trait(name: str, relations: dict[str, Any]) -> str:
    rows = relations["customers"].column("traits").to_pylist()
    value = (json.loads(rows[0]) if rows and rows[0] else {}).get(name)
    return _("not known") if value is None else str(value)


def _age(micros: float) -> str:
    age = timedelta(microseconds=micros)
    if age.days:
        return ngettext("%d day", "%d days", age.days) % age.days
    hours = age.seconds // 3_600
    return ngettext("%d hour", "%d hours", hours) % hours
