"""Outcomes count once, goals are reached on both sides, and the figures are those of the books."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from touchloop.core.errors import Invalid, NotFound
from touchloop.core.proportions import share
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.holding import customer_hash, offer_hash, place
from touchloop.engage.decisions.tests.conftest import World, later
from touchloop.engage.decisions.uplift import newcombe
from touchloop.flow.tests.conftest import NOON
from touchloop.interactions import api as interactions


@pytest.mark.django_db(transaction=True)
def test_an_outcome_counts_once_and_only_for_its_own_decision(world: World) -> None:
    world.customer(7)
    world.customer(8)
    world.offer("Bread")
    world.offer("Other", treatments=[{"channel": "web"}])
    mine = world.ask(7)
    taken = world.said(7, "Offer Accepted", offer="bread", decision=mine)
    assert world.hear(taken) == 1
    assert world.hear(taken) == 0
    assert world.hear(world.said(7, "Offer Accepted", offer="bread", decision=mine)) == 0
    assert world.hear(world.said(7, "Offer Shown", offer="bread", decision=mine)) == 1
    # Somebody else's word for it, an offer that was not in it, and no offer at all:
    assert world.hear(world.said(8, "Offer Accepted", offer="bread", decision=mine)) == 1
    assert world.hear(world.said(7, "Offer Accepted", offer="other", decision=mine)) == 1
    assert world.hear(world.said(7, "Offer Accepted", offer="nothing", decision=mine)) == 0
    rows = world.conn.execute(
        "SELECT subject_id, outcome, decision_id IS NOT NULL FROM offer_outcomes ORDER BY id"
    ).fetchall()
    assert rows == [(7, 2, True), (7, 1, True), (8, 2, False), (7, 2, False)]


@pytest.mark.django_db(transaction=True)
def test_what_is_told_goes_through_the_inbox_once(
    world: World, source: interactions.Source
) -> None:
    world.customer(7)
    world.offer("Bread")
    decision = world.ask(7)
    assert decision.id is not None
    told = {"offer": "bread", "outcome": "deferred", "at": NOON}
    assert decisions.tell_outcome(world.conn, decision.id, **told)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        decisions.tell_outcome(world.conn, decision.id, offer="x", outcome="shown", at=NOON)
    with pytest.raises(Invalid):
        decisions.tell_outcome(world.conn, decision.id, offer="bread", outcome="eaten", at=NOON)
    with pytest.raises(NotFound):
        unknown = decision.id.__class__(int=1)
        decisions.tell_outcome(world.conn, unknown, offer="bread", outcome="shown", at=NOON)
    world.conn.commit()
    from touchloop.flow import worker

    worker.drain()
    row = world.conn.execute(
        "SELECT k.name, i.subject_id, i.body::json -> 'properties' ->> 'offer' FROM interactions i"
        " JOIN kinds k ON k.id = i.kind_id"
    ).fetchone()
    assert row == ("Offer Deferred", 7, "bread")


@pytest.mark.django_db(transaction=True)
def test_decisions_are_listed_with_what_was_answered(world: World) -> None:
    world.customer(7)
    world.customer(8)
    bread, wine = world.offer("Bread", value=2), world.offer("Wine")
    first, second = world.ask(7), world.ask(8, now=later(hours=1), limit=1)
    world.hear(
        world.said(7, "Offer Shown", offer="wine", decision=first),
        world.said(7, "Offer Accepted", offer="wine", decision=first),
    )
    found = decisions.listing(world.conn)
    assert [each.id for each in found] == [second.id, first.id]
    (mine,) = decisions.listing(world.conn, customer_id=7)
    assert [(one.offer_id, one.name, one.answers) for one in mine.proposed] == [
        (bread.id, "Bread", ()), (wine.id, "Wine", ("shown", "accepted"))
    ]  # fmt: skip
    assert [each.id for each in decisions.listing(world.conn, offer_id=wine.id)] == [first.id]
    assert decisions.listing(world.conn, before=first.at) == []
    assert decisions.reports(world.conn, [wine.id])[wine.id].taken == 1
    assert decisions.models(world.conn) == []


@pytest.mark.django_db(transaction=True)
def test_people_gained_over_the_holdout(world: World) -> None:
    world.offer("Bread", holdout=0.5, goal="Order Completed", goal_days=7, impressions=None)
    for id in range(1, 61):
        world.customer(id)
    sides = {id: bool(world.ask(id, limit=1).offers) for id in range(1, 61)}
    shown = [id for id in sides if sides[id]]
    held = [id for id in sides if not sides[id]]
    assert 15 < len(held) < 45
    assert {id: bool(world.ask(id, limit=1, now=later(days=1)).offers) for id in sides} == sides
    bought = [*shown[:20], *held[:5]]
    world.hear(*[world.said(id, "Order Completed", at=later(days=2)) for id in bought])
    world.hear(*[world.said(id, "Order Completed", at=later(days=9)) for id in held])
    found = decisions.report(world.conn, world.offer_ids()["bread"])
    assert (found.exposed, found.exposed_reached) == (len(shown), 20)
    assert (found.held, found.held_reached) == (len(held), 5)
    assert found.gained is not None and found.difference is not None
    gained = 20 - 5 * len(shown) / len(held)
    assert found.gained.value == pytest.approx(gained)
    assert found.gained.low < gained < found.gained.high
    assert f"of {len(shown)} exposed against {len(held)} held out" in found.sentence
    assert "Nobody to compare with" in decisions.report(world.conn).sentence


@pytest.mark.django_db(transaction=True)
def test_the_holdout_of_everything_sells_nothing_and_is_measured(world: World) -> None:
    world.policy(holdout=0.3)
    world.offer("Bread")
    world.offer("Help", kind="service")
    for id in range(1, 41):
        world.customer(id)
    made = [world.ask(id, limit=1) for id in range(1, 41)]
    out = [each for each in made if each.holdout]
    assert 2 < len(out) < 25
    assert all([one.offer for one in each.offers] == ["help"] for each in out)
    assert all({"global_holdout"} == {one.stage for one in each.held} for each in out)
    found = decisions.report(world.conn)
    assert (found.held, found.exposed) == (len(out), 40 - len(out))


def test_the_share_of_a_holdout_is_what_was_asked_for() -> None:
    salt = b"k" * 32
    places = np.array(
        [place(customer_hash(salt, c), offer_hash(salt, o)) for c in range(4_000) for o in (1, 2)]
    ).reshape(-1, 2)
    for column in places.T:
        assert stats.kstest(column, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(places.T)[0, 1]) < 0.05
    assert place(customer_hash(salt, 5), offer_hash(salt, 1)) == places[5, 0]
    other = place(customer_hash(b"o" * 32, 5), offer_hash(b"o" * 32, 1))
    assert other != places[5, 0]


def test_newcombes_interval_is_the_published_one() -> None:
    """Newcombe 1998, table II, method 10: rows a to h."""
    published = [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ]
    for x1, n1, x0, n0, low, high in published:
        found = newcombe(x1, n1, x0, n0)
        assert found.low == pytest.approx(low, abs=5e-5)
        assert found.high == pytest.approx(high, abs=5e-5)
    alone = share(81, 263)
    low, high = alone.low, alone.high
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(("n1", "n0", "p1", "p0"), [(900, 100, 0.06, 0.04), (60, 30, 0.3, 0.3)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(
    n1: int, n0: int, p1: float, p0: float
) -> None:
    """Exactly, summed over all outcomes instead of drawn: 95 % within a point or two."""
    one = stats.binom.pmf(np.arange(n1 + 1), n1, p1)
    other = stats.binom.pmf(np.arange(n0 + 1), n0, p0)
    covered = 0.0
    for x1 in np.flatnonzero(one > 1e-7):
        for x0 in np.flatnonzero(other > 1e-7):
            found = newcombe(int(x1), n1, int(x0), n0)
            if found.low <= p1 - p0 <= found.high:
                covered += one[x1] * other[x0]
    assert 0.935 < covered < 0.975


def test_random_numbers_are_seeded() -> None:
    """A guard: the draw of a decision lies in its number, so two runs of a replay cannot differ."""
    from touchloop.engage.decisions.deciding import _draw

    chance = random.Random(1)
    import uuid

    numbers = [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(2_000)]
    draws = [_draw(number) for number in numbers]
    assert draws == [_draw(number) for number in numbers]
    assert stats.kstest(draws, "uniform").pvalue > 0.001
    assert timedelta(0) <= timedelta(seconds=min(draws)) < timedelta(seconds=1)
