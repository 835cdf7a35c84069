"""Learning from outcomes, and judging policies by what was logged, against a known truth."""

from __future__ import annotations

import random
import secrets
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from touchloop.core import ids
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.evaluation import Logged, best_single, compared, estimate
from touchloop.engage.decisions.learning import LEARNED, NEVER_SHOWN
from touchloop.engage.decisions.propensity import blend, pack, unpack
from touchloop.engage.decisions.tests.conftest import World, later
from touchloop.engage.offers import api as offers
from touchloop.flow.tests.conftest import NOON
from touchloop.interactions.api import Happened

TRUTH = {("store", "bread"): 0.5, ("web", "bread"): 0.05, ("store", "wine"): 0.05,
         ("web", "wine"): 0.5, ("store", "tea"): 0.3, ("web", "tea"): 0.3}  # fmt: skip
BOTH = [{"channel": "store"}, {"channel": "web"}]


@pytest.fixture(autouse=True)
def same_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn at random is drawn alike each time: the numbers of decisions, and the salt."""
    drawn = random.Random(7)
    monkeypatch.setattr(ids, "uuid7", lambda: UUID(int=drawn.getrandbits(128)))
    monkeypatch.setattr(secrets, "token_bytes", bytes)


def live(world: World, chance: random.Random, n: int, *, now: object = NOON) -> list[str]:
    """Customers come, are shown the first offer, and take it with the true probability."""
    shown = []
    news: list[Happened] = []
    for _ in range(n):
        customer, channel = chance.randint(1, 40), chance.choice(["store", "web"])
        decision = world.ask(customer, channel=channel, limit=1, now=now)
        offer = decision.offers[0].offer
        shown.append(f"{channel}:{offer}")
        news.append(world.said(customer, "Offer Shown", offer=offer, decision=decision))
        if chance.random() < TRUTH[channel, offer]:
            news.append(world.said(customer, "Offer Accepted", offer=offer, decision=decision))
    world.hear(*news)
    return shown


@pytest.mark.django_db(transaction=True)
def test_outcomes_change_what_is_offered_next(world: World) -> None:
    chance = random.Random(4)
    for id in range(1, 41):
        world.customer(id)
    for name in ("Bread", "Wine", "Tea"):
        world.offer(
            name, explore=0.5, treatments=BOTH, impressions=None,
            memory={"taken_days": 0, "refused_days": 0},
        )  # fmt: skip
    live(world, chance, 900)
    assert decisions.learn(world.conn, later(hours=23)) == 0  # what was taken waits as well
    settled = later(days=4)
    while decisions.learn(world.conn, settled, limit=400):
        pass
    row = world.conn.execute(
        "SELECT count(*) FROM decisions WHERE learning <> %s", (LEARNED,)
    ).fetchone()
    assert row == (0,)
    assert decisions.learn(world.conn, settled) == 0  # each teaches once
    for offer in offers.listing(conn=world.conn):
        offers.change(offer.id, actor=1, now=NOON, definition={"explore": 0.0}, conn=world.conn)
    best = {
        channel: decisions.simulate(
            world.conn,
            decisions.Request(customer_id=1, channel=channel, now=settled),
        ).decision.offers[0]
        for channel in ("store", "web")
    }
    assert {channel: each.offer for channel, each in best.items()} == {
        "store": "bread", "web": "wine"
    }  # fmt: skip
    for each in best.values():
        assert 0.35 < each.propensity < 0.65
    found = decisions.evaluate(world.conn, since=NOON - timedelta(days=1), until=settled)
    assert found.decisions == 900 and found.learned is not None and found.single is not None
    assert found.learned.interval[0] < 0.5 < found.learned.interval[1]
    assert found.learned.dr > found.single.dr + 0.1 > found.logged - 0.1
    assert abs(found.learned.ips - found.learned.snips) < 0.1
    assert 100 < found.learned.effective < 900


@pytest.mark.django_db(transaction=True)
def test_what_nobody_saw_teaches_nothing(world: World) -> None:
    world.customer(7)
    world.offer("Bread")
    world.ask(7)
    assert decisions.learn(world.conn, later(hours=23)) == 0
    assert decisions.learn(world.conn, later(days=4)) == 1
    rows = world.conn.execute("SELECT learning FROM decisions").fetchall()
    assert rows == [(NEVER_SHOWN,)]
    assert world.conn.execute("SELECT count(*) FROM decision_models").fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_exploration_has_the_share_and_the_probability_it_says(world: World) -> None:
    world.customer(7)
    world.offer("Best", value=9, explore=0.1)
    world.offer("Often", explore=0.5)
    world.offer("Never", explore=0.0)
    made = [world.ask(7, limit=1) for _ in range(1_500)]
    firsts = [each.offers[0] for each in made]
    chances = {"best": 0.1 / 3 + 0.8, "often": 0.5 / 3}
    for name, chance in chances.items():
        mine = [each for each in firsts if each.offer == name]
        assert {round(each.probability, 9) for each in mine} == {round(chance, 9)}
        error = (chance * (1 - chance) / len(firsts)) ** 0.5
        assert abs(len(mine) / len(firsts) - chance) < 4 * error
    assert not any(each.offer == "never" for each in firsts)
    assert all(each.explored for each in made if each.offers[0].offer == "often")


@pytest.mark.django_db(transaction=True)
def test_only_who_allows_profiling_is_looked_at(world: World) -> None:
    from touchloop.consent import api as consent
    from touchloop.engage.decisions.propensity import bucket_of

    world.policy(facts=["region"])
    world.customer(7, stage="loyal", region="no|rth")
    world.offer("Bread")
    ask = decisions.Request(customer_id=7, channel="store", now=later(hours=1))
    before = decisions.simulate(world.conn, ask).facts
    assert bucket_of(before, ["region"]) == "store"
    consent.record_use(world.conn, [consent.UseGrant(7, "profile", "granted", 1, NOON)])
    after = decisions.simulate(world.conn, ask).facts
    assert bucket_of(after, ["region"]) == "store|loyal|no/rth"


@pytest.mark.django_db(transaction=True)
def test_starting_evidence_smooths_a_new_offer(world: World) -> None:
    offer = world.offer("Bread", starting_propensity=0.1, starting_evidence=30)
    assert blend(offer, 0, 0, 0.9) == pytest.approx(0.1)
    assert blend(offer, 10, 4, None) == pytest.approx((3 + 4) / 40)
    assert blend(offer, 90, 9, 0.5) == pytest.approx(0.25 * (12 / 120) + 0.75 * 0.5)
    assert blend(offer, 10**6, 0, -3.0) == pytest.approx(0.0005)


def test_scores_are_kept_as_they_were() -> None:
    scores = {"store": {1: 0.5, 9: 0.25}, "web|new": {}}
    assert unpack(pack(scores)) == scores


def _log(chance: random.Random, n: int) -> tuple[list[Logged], float]:
    """A log with a known truth: what the second of three offers would have got."""
    rates = {1: 0.1, 2: 0.35, 3: 0.2}
    log = []
    for _ in range(n):
        shown = chance.choices([1, 2, 3], [0.7, 0.2, 0.1])[0]
        logged = {1: 0.7, 2: 0.2, 3: 0.1}[shown]
        reward = float(chance.random() < rates[shown])
        guess = {1: 0.15, 2: 0.25, 3: 0.25}  # wrong on purpose: DR must bear it
        log.append(Logged((1, 2, 3), shown, logged, reward, guess, 2))
    return log, rates[2]


def test_off_policy_estimates_find_the_truth_and_their_intervals_cover_it() -> None:
    chance = random.Random(11)
    inside = {"ips": 0, "snips": 0, "dr": 0}
    errors: dict[str, list[float]] = {name: [] for name in inside}
    for _ in range(400):
        log, truth = _log(chance, 600)
        found = estimate("second", log, [{2: 1.0}] * len(log))
        for name in inside:
            value, error = getattr(found, name), getattr(found, f"{name}_error")
            errors[name].append(value - truth)
            inside[name] += abs(value - truth) < 1.96 * error
        assert found.effective == pytest.approx(sum(each.shown == 2 for each in log))
    for name, within in inside.items():
        assert abs(np.mean(errors[name])) < 0.01, name
        assert 0.91 < within / 400 < 0.985, name
    assert np.std(errors["snips"]) < np.std(errors["ips"])


def test_the_dumb_baseline_stands_beside_the_policy() -> None:
    log, truth = _log(random.Random(3), 4_000)
    found = compared(log)
    assert best_single(log) == found.single_offer == 2
    assert found.single is not None and abs(found.single.dr - truth) < 0.05
    assert found.logged == pytest.approx(np.mean([each.reward for each in log]))
    assert compared([]).decisions == 0
