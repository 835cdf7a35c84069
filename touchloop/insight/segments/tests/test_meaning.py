"""The compiler means what the grammar says, for everybody and for some, at every instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.compile import compile_rules
from touchloop.insight.segments.live import evaluate
from touchloop.insight.segments.parsing import parse, to_json
from touchloop.insight.segments.tests import oracle, worlds
from touchloop.insight.segments.tests.oracle import Person

calm = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
TICK = timedelta(microseconds=1)


def expected(rules: g.RuleSet, people: list[Person], now: datetime) -> dict[int, set[int]]:
    known = dict(rules.rules)
    return {
        key: {person.id for person in people if oracle.holds(rule, person, now, known)}
        for key, rule in rules.rules
    }


def live(rules: g.RuleSet, people: list[Person], now: datetime) -> dict[int, set[int]]:
    return outcome(rules, people, now)[0]


def outcome(
    rules: g.RuleSet, people: list[Person], now: datetime
) -> tuple[dict[int, set[int]], dict[int, datetime]]:
    wanted = [person.id for person in people]
    result = evaluate(rules, worlds.relations(people), wanted, now.replace(tzinfo=UTC))
    members = {key: set(found.tolist()) for key, found in result.members.items()}
    return members, {key: at.replace(tzinfo=None) for key, at in result.due.items()}


@calm
@given(worlds.rule_sets(), worlds.crowds())
def test_everybody_is_decided_as_the_grammar_says(rules: g.RuleSet, people: list[Person]) -> None:
    now = worlds.NOON
    sql = compile_rules(rules).sql(now.replace(tzinfo=UTC))
    with worlds.database(threads=2).cursor() as connection:
        for name, table in worlds.relations(people).items():
            connection.register(name, table)
        result = connection.execute(sql)
        names = [column[0] for column in result.description or []]
        rows = result.fetchall()
    found = {key: {row[0] for row in rows if row[names.index(f"s{key}")]} for key, _ in rules.rules}
    assert len(rows) == len(people)
    assert found == expected(rules, people, now)


@calm
@given(worlds.rule_sets(), worlds.crowds())
def test_the_touched_are_decided_as_everybody(rules: g.RuleSet, people: list[Person]) -> None:
    assert live(rules, people, worlds.NOON) == expected(rules, people, worlds.NOON)


@settings(calm, max_examples=120)
@given(worlds.timely_sets, worlds.crowds(24))
def test_windows_and_orders_are_exact(rules: g.RuleSet, people: list[Person]) -> None:
    assert live(rules, people, worlds.NOON) == expected(rules, people, worlds.NOON)


@settings(calm, max_examples=25)
@given(worlds.rule_sets(2), worlds.crowds(6))
def test_live_equals_full_evaluation_at_every_step(rules: g.RuleSet, people: list[Person]) -> None:
    told = [(person, list(person.history)) for person in people]
    instants = sorted({happening.at for _, history in told for happening in history})
    for now in instants[:: max(1, len(instants) // 8)]:
        for person, history in told:
            person.history = [happening for happening in history if happening.at <= now]
        assert live(rules, people, now) == expected(rules, people, now)


@settings(calm, max_examples=70)
@given(worlds.timely_sets, worlds.crowds(8), st.sampled_from((0, 0, 8)))
def test_nothing_changes_before_it_is_due(
    rules: g.RuleSet, people: list[Person], early: int
) -> None:
    """From instant to instant as the timer would go: equal at each, just before, and between."""
    now = worlds.NOON - timedelta(days=early)
    for _turn in range(6):
        members, due = outcome(rules, people, now)
        assert members == expected(rules, people, now)
        for person in people:
            until = due.get(person.id, now + timedelta(days=400))
            assert until > now
            mine = {key: person.id in found for key, found in members.items()}
            for instant in _between(person, now, until):
                then = expected(rules, [person], instant)
                assert mine == {key: person.id in found for key, found in then.items()}, instant
        if not due:
            return
        now = min(due.values())


def _between(person: Person, now: datetime, until: datetime) -> list[datetime]:
    """Just before the end, the middle, and whole hours at which windows could end."""
    found = [until - TICK, now + (until - now) / 2]
    for happening in person.history:
        for days in range(1, 16):
            edge = happening.at + timedelta(days=days)
            found += [edge - TICK, edge, edge + TICK]
    return [instant for instant in found if now <= instant < until]


@calm
@given(worlds.rules)
def test_a_rule_survives_being_written_down(rule: g.Rule) -> None:
    assert parse(to_json(rule)) == rule
