"""Another policy on recent decisions: what would have come first, without writing anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from touchloop.core.errors import Invalid
from touchloop.engage.decisions import api
from touchloop.engage.decisions.tests.conftest import World
from touchloop.flow.tests.conftest import NOON


@pytest.fixture
def decided(world: World) -> World:
    """Cheap and likely, or dear and unlikely: by what both are worth, the dear one is first."""
    world.offer("Dear", value=100.0, starting_propensity=0.05)
    world.offer("Cheap", value=4.0, starting_propensity=0.5, topic="bread")
    for number in range(1, 6):
        world.customer(number)
        at = NOON - timedelta(hours=number)
        world.ask(number, limit=1, now=at, context={"intent": "lunch"})
    return world


def test_without_value_the_likely_one_comes_first(decided: World) -> None:
    before = decided.conn.execute("SELECT count(*) FROM decision_policies").fetchone()
    trial = api.try_policy(decided.conn, {"value": False})
    assert (trial.n, trial.changed) == (5, 5)
    assert [(one.name, one.before, one.after) for one in trial.offers] == [
        ("Cheap", 0, 5), ("Dear", 5, 0),
    ]  # fmt: skip
    assert list(trial.worth) == pytest.approx([5.0, 2.0])
    assert trial.examples[0].before == ("Dear",) and trial.examples[0].after == ("Cheap",)
    after = decided.conn.execute("SELECT count(*) FROM decision_policies").fetchone()
    assert after == before


def test_a_weight_of_the_moment_and_a_lever_of_a_topic(decided: World) -> None:
    weight = {"when": {"intent": "lunch"}, "percent": 900, "topic": "bread"}
    assert api.try_policy(decided.conn, {"weights": [weight]}).changed == 5
    other = weight | {"when": {"intent": "supper"}}
    assert api.try_policy(decided.conn, {"weights": [other]}).changed == 0
    assert api.try_policy(decided.conn, {"topics": {"bread": 900}}).changed == 5
    assert api.try_policy(decided.conn, {}, limit=2).n == 2


def test_what_cannot_be_is_named(decided: World) -> None:
    for wrong in ({"holdout": 0.9}, {"topics": {"bread": -100}}, {"surprise": 1}):
        with pytest.raises(Invalid):
            api.try_policy(decided.conn, wrong)


def test_versions_stand_with_who_made_them(decided: World) -> None:
    api.change_policy(decided.conn, {"lever": False}, actor=7, now=NOON)
    newest, first = api.policies(decided.conn)
    assert (newest.settings.lever, newest.actor_id) == (False, 7)
    assert first.settings.lever and first.actor_id is None
