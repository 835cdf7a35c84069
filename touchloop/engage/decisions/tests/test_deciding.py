"""Decisions: each stage of the funnel, the arbitration, and that they replay."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from touchloop.consent import api as consent
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.tests.conftest import World, later
from touchloop.engage.offers import api as offers
from touchloop.flow.tests.conftest import NOON

pytestmark = pytest.mark.django_db(transaction=True)


def names(decision: decisions.Decision) -> list[str]:
    return [each.offer for each in decision.offers]


def held(decision: decisions.Decision) -> dict[str, str]:
    return {each.offer: each.stage for each in decision.held}


def test_priority_is_propensity_times_weight_times_value_times_lever(world: World) -> None:
    world.customer(7)
    world.policy(
        weights=[
            {"when": {"intent": "cancel"}, "topic": "retention", "percent": 40},
            {"when": {"intent": "cancel"}, "topic": "retention", "percent": 15},
        ],
        topics={"retention": 10},
    )
    world.offer("Stay", topic="retention", value=10, lever=15, starting_propensity=0.1)
    world.offer("Cheap", value=13, starting_propensity=0.1)
    calm = world.ask(7)
    assert names(calm) == ["cheap", "stay"]
    cancels = world.ask(7, context={"intent": "cancel"})
    assert names(cancels) == ["stay", "cheap"]
    stay = cancels.offers[0]
    assert stay.propensity == pytest.approx(0.1)
    assert (stay.weight, stay.value, stay.lever) == (1.55, 10.0, 1.25)
    assert stay.priority == pytest.approx(0.1 * 1.55 * 10 * 1.25)
    assert "what was said just now counts 1.55 times" in stay.reasons
    world.policy(context=False)
    assert names(world.ask(7, context={"intent": "cancel"})) == ["cheap", "stay"]
    world.policy(value=False, lever=False, propensity=False)
    plain = world.ask(7, context={"intent": "cancel"})
    assert [each.priority for each in plain.offers] == [1.0, 1.0]
    assert names(plain) == ["stay", "cheap"]  # a tie: the older number first


def test_what_is_held_back_says_at_which_stage_and_why(world: World) -> None:
    families, lapsed = world.segment("Families"), world.segment("Lapsed")
    world.customer(7, segments=(families,), city="Berlin")
    world.offer("Soon", starts_at=later(days=1).isoformat())
    world.offer("Gone", ends_at=NOON.isoformat())
    world.offer("Lapsed", eligibility={"required": [lapsed]})
    world.offer("Childless", applicability={"forbidden": [families]})
    world.offer("Hamburg", suitability={"traits": [{"name": "city", "value": "Hamburg"}]})
    world.offer("Online", treatments=[{"channel": "web"}])
    world.offer(
        "Hotline", suitability={"context": [{"name": "intent", "op": "in", "value": ["buy"]}]}
    )
    world.offer("Draft", state="draft")
    for n in range(4):
        world.offer(f"Fits {n}", value=10 - n, eligibility={"required": [families]})
    decision = world.ask(7)
    assert names(decision) == ["fits-0", "fits-1", "fits-2"]
    assert held(decision) == {
        "online": "no_treatment", "soon": "not_now", "gone": "not_now", "lapsed": "not_eligible",
        "childless": "not_applicable", "hamburg": "not_suitable", "hotline": "not_suitable",
        "fits-3": "outranked",
    }  # fmt: skip
    why = {each.offer: each.reason for each in decision.held}
    assert why["lapsed"] == "it asks that the customer is in “Lapsed”"
    assert why["hamburg"] == "it asks that the trait city is Hamburg"
    assert "the customer is in “Families”" in decision.offers[0].reasons
    assert decisions.replay(world.conn, decision.id or pytest.fail()) == decision


def test_a_treatment_of_the_placement_comes_before_that_of_the_channel(world: World) -> None:
    world.customer(7)
    world.offer(
        "Bread",
        treatments=[
            {"channel": "web", "texts": {"title": "any"}},
            {"channel": "web", "placement": "top", "texts": {"title": "top"}},
        ],
    )
    shown = [
        world.ask(7, channel="web", placement=place).offers[0].treatment.texts["title"]
        for place in ("top", "side", "")
    ]
    assert shown == ["top", "any", "any"]


def test_mandatory_comes_first_and_ignores_limits_but_not_policies(world: World) -> None:
    world.customer(7)
    world.policy(holdout=0.5)
    world.offer("Sale", value=1_000, impressions={"most": 1, "days": 7})
    recall = world.offer(
        "Recall", kind="mandatory", value=0, impressions={"most": 1, "days": 7},
        eligibility={"traits": [{"name": "city", "op": "missing"}]},
    )  # fmt: skip
    world.hear(*[world.said(7, "Offer Shown", offer="recall", at=later(hours=-n)) for n in (1, 2)])
    world.hear(world.said(7, "Offer Rejected", offer="recall", at=later(hours=-1)))
    decision = world.ask(7)
    assert names(decision)[0] == "recall"
    assert decision.offers[0].offer_id == recall.id
    world.customer(8, city="Berlin")
    assert held(world.ask(8))["recall"] == "not_eligible"


def test_answers_are_remembered_and_fade(world: World) -> None:
    world.customer(7)
    for name in ("Taken", "Refused", "Later", "Often"):
        world.offer(name, impressions={"most": 2, "days": 7}, memory={"later_days": 4})
    world.hear(
        world.said(7, "Offer Accepted", offer="taken"),
        world.said(7, "Offer Rejected", offer="refused"),
        world.said(7, "Offer Deferred", offer="later"),
        world.said(7, "Offer Shown", offer="often"),
        world.said(7, "Offer Shown", offer="often"),
    )
    soon = world.ask(7, now=later(hours=1))
    assert held(soon) == {
        "taken": "taken", "refused": "refused", "later": "later", "often": "shown_enough"
    }  # fmt: skip
    week = world.ask(7, now=later(days=8), limit=4)
    assert held(week) == {"taken": "taken", "refused": "refused"}
    faded = {each.offer: each for each in week.offers}
    assert faded["later"].priority == pytest.approx(0.75 * faded["often"].priority)
    assert "“maybe later” still lowers it to 0.75" in faded["later"].reasons
    assert held(world.ask(7, now=later(days=31), limit=4)) == {"taken": "taken"}
    assert held(world.ask(7, now=later(days=366), limit=4)) == {}
    assert decisions.replay(world.conn, week.id or pytest.fail()) == week


def test_who_objects_to_marketing_is_sold_nothing_at_the_till(world: World) -> None:
    world.customer(7)
    world.customer(8)
    world.offer("Sale")
    world.offer("Recall", kind="mandatory")
    world.offer("Receipt", kind="service")
    said = consent.UseGrant(7, "marketing", "objected", 1, NOON)
    consent.record_use(world.conn, [said])
    decision = world.ask(7, now=later(hours=1))
    assert names(decision) == ["receipt"]
    assert held(decision) == {"sale": "consent", "recall": "consent"}
    assert decision.held[0].reason == "the person objected to marketing"
    assert len(world.ask(8).offers) == 3


def test_away_from_the_till_marketing_needs_an_opt_in_for_channel_and_topic(world: World) -> None:
    world.customer(7)
    world.offer("Wine", topic="wine", treatments=[{"channel": "email"}])
    world.offer("Bread", topic="bread", treatments=[{"channel": "email"}])
    assert set(held(world.ask(7, channel="email")).values()) == {"consent"}
    consent.record_use(world.conn, [consent.UseGrant(7, "marketing", "granted", 1, NOON)])
    consent.record_contact(
        world.conn, [consent.ContactGrant(7, "email", "wine", "granted", 1, NOON)]
    )
    decision = world.ask(7, channel="email", now=later(hours=1))
    assert (names(decision), held(decision)) == (["wine"], {"bread": "consent"})


def test_who_refuses_personal_offers_gets_only_those_that_ask_nothing(world: World) -> None:
    families = world.segment("Families")
    world.customer(7, segments=(families,))
    world.offer("Families", eligibility={"required": [families]})
    world.offer("Not families", eligibility={"forbidden": [families]})
    world.offer("Everybody")
    consent.record_use(world.conn, [consent.UseGrant(7, "personalise", "denied", 1, NOON)])
    decision = world.ask(7, now=later(hours=1))
    assert names(decision) == ["everybody"]
    assert held(decision) == {"families": "not_personal", "not-families": "not_personal"}


def test_selling_stops_while_a_case_is_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from touchloop.records.cases import api as cases

    world.customer(7)
    world.offer("Sale")
    world.offer("Help", kind="service")
    monkeypatch.setattr(cases, "selling_muted", lambda conn, ids: {7: "complaint_open"})
    decision = world.ask(7)
    assert (names(decision), held(decision)) == (["help"], {"sale": "muted"})
    assert decision.held[0].reason == "a complaint of the customer is open"
    assert decisions.replay(world.conn, decision.id or pytest.fail()) == decision


def test_a_change_of_an_offer_counts_at_once_and_old_decisions_replay(world: World) -> None:
    world.customer(7)
    offer = world.offer("Bread", value=2)
    before = world.ask(7)
    offers.change(
        offer.id, actor=1, now=NOON, name="Rolls", definition={"value": 5}, conn=world.conn
    )
    world.policy(lever=False)
    after = world.ask(7)
    assert (before.offers[0].value, after.offers[0].value) == (2.0, 5.0)
    decisions.forget()
    assert decisions.replay(world.conn, before.id or pytest.fail()) == before
    assert decisions.replay(world.conn, after.id or pytest.fail()) == after


def test_a_simulation_uses_the_same_rules_and_leaves_no_trace(world: World) -> None:
    lapsed = world.segment("Lapsed")
    world.customer(7, city="Berlin")
    world.offer("Win back", eligibility={"required": [lapsed]})
    world.offer("Hamburg", suitability={"traits": [{"name": "city", "value": "hamburg"}]})
    world.offer("Tomorrow", starts_at=later(days=1).isoformat())
    ask = decisions.Request(customer_id=7, channel="store", now=NOON, limit=5)
    found = decisions.simulate(world.conn, ask)
    assert names(found.decision) == [] and found.decision.id is None
    found = decisions.simulate(world.conn, ask, traits={"city": "Hamburg"}, segments={lapsed: True})
    assert names(found.decision) == ["win-back", "hamburg"]
    tomorrow = decisions.Request(customer_id=7, channel="store", now=later(days=1), limit=5)
    assert names(decisions.simulate(world.conn, tomorrow).decision) == ["tomorrow"]
    row = world.conn.execute("SELECT count(*) FROM decisions").fetchone()
    assert row == (0,)


def test_the_customer_is_found_by_any_identifier(world: World) -> None:
    world.customer(7)
    world.offer("Bread")
    ask = decisions.Request(identifier=("user_id", " u7 "), channel="store", now=NOON)
    assert decisions.decide(world.conn, ask).customer_id == 7
    for wrong in (
        decisions.Request(identifier=("user_id", "u9"), channel="store", now=NOON),
        decisions.Request(identifier=("user_id", "guest"), channel="store", now=NOON),
        decisions.Request(customer_id=9, channel="store", now=NOON),
    ):
        with pytest.raises(NotFound):
            decisions.decide(world.conn, wrong)
    with pytest.raises(Invalid):
        decisions.decide(world.conn, decisions.Request(channel="store", now=NOON))
    with pytest.raises(Invalid):
        decisions.decide(
            world.conn, decisions.Request(customer_id=7, channel="store", now=NOON, limit=0)
        )


@pytest.mark.parametrize("seed", range(12))
def test_every_decision_replays_to_the_same_answer(world: World, seed: int) -> None:
    """Property: random offers, policies, customers, answers; decided, changed, replayed."""
    chance = random.Random(seed)
    known = [world.segment(f"S{n}") for n in range(4)]
    for id in range(1, 13):
        mine = tuple(x for x in known if chance.random() < 0.5)
        world.customer(
            id, segments=mine, city=chance.choice(["Berlin", "Rome"]), age=chance.random()
        )
    for n in range(15):
        world.offer(f"O{n}", **_random_offer(chance, known))
    world.policy(holdout=chance.choice([0, 0.3]), facts=["city"], propensity=chance.random() < 0.8)
    made = []
    for step in range(30):
        at = later(hours=step * chance.random() * 20)
        customer = chance.randint(1, 12)
        decision = world.ask(
            customer, now=at, limit=chance.randint(1, 4), channel=chance.choice(["store", "email"]),
            context={"intent": chance.choice(["buy", "ask"])},
        )  # fmt: skip
        made.append(decision)
        for each in decision.offers:
            event = chance.choice(list(decisions.EVENTS))
            world.hear(world.said(customer, event, offer=each.offer, decision=decision, at=at))
    changed = offers.listing(conn=world.conn)[0]
    offers.change(changed.id, actor=1, now=NOON, definition={"value": 99}, conn=world.conn)
    decisions.forget()
    for decision in made:
        assert decision.id is not None
        assert decisions.replay(world.conn, decision.id) == decision
    stored = world.conn.execute(
        "SELECT id, chosen, probabilities FROM decisions ORDER BY id"
    ).fetchall()
    by_id = {row[0]: row[1:] for row in stored}
    for decision in made:
        assert by_id[decision.id] == (
            [each.offer_id for each in decision.offers],
            [each.probability for each in decision.offers],
        )


def _random_offer(chance: random.Random, known: list[int]) -> dict[str, Any]:
    def rule() -> dict[str, Any]:
        some = chance.sample(known, 2)
        return chance.choice(
            [
                {},
                {"required": some[:1]},
                {"forbidden": some[:1]},
                {"required": some[:1], "forbidden": some[1:]},
                {"traits": [{"name": "city", "value": "Rome"}]},
                {"traits": [{"name": "age", "op": "lt", "value": 0.7}]},
                {"context": [{"name": "intent", "value": "buy"}]},
            ]
        )

    starts = NOON + timedelta(hours=chance.uniform(-100, 100))
    return {
        "kind": chance.choice(["default", "default", "default", "service"]),
        "topic": chance.choice(["", "wine"]),
        "value": chance.choice([1, 1, 5, chance.random()]),
        "lever": chance.choice([0, 20]),
        "starts_at": chance.choice([None, starts.isoformat()]),
        "eligibility": rule(),
        "suitability": rule(),
        "explore": chance.choice([0, 0.1, 0.5]),
        "holdout": chance.choice([0, 0.3]),
        "treatments": [{"channel": "store"}, {"channel": "email"}],
    }


def test_an_offer_may_start_from_a_score_of_the_customer(world: World) -> None:
    agreed = [consent.UseGrant(id, "profile", "granted", 1, NOON) for id in (7, 8)]
    for id, value in ((7, 0.4), (8, 0.01)):
        world.customer(id)
        world.conn.execute(
            "INSERT INTO scores (customer_id, name, value, inputs, computed_at)"
            " VALUES (%s, 'new_category:DELI', %s, '{}', %s)",
            (id, value, NOON),
        )
    consent.record_use(world.conn, agreed)
    world.customer(9)
    world.offer("Deli", starting_propensity=0.1, starting_score="new_category:DELI")
    world.offer("Cheese", starting_propensity=0.2)
    assert names(world.ask(7)) == ["deli", "cheese"]  # .4 against .2
    assert names(world.ask(8)) == ["cheese", "deli"]
    nothing_known = world.ask(9)
    assert names(nothing_known) == ["cheese", "deli"]
    assert nothing_known.offers[1].propensity == pytest.approx(0.1)
    made = world.ask(7)
    assert made.offers[0].propensity == pytest.approx(0.4)
    assert made.id is not None
    world.conn.execute("UPDATE scores SET value = 0.9")
    assert decisions.replay(world.conn, made.id) == made


def test_a_score_is_not_used_of_who_must_not_be_profiled(world: World) -> None:
    world.customer(7)
    world.conn.execute(
        "INSERT INTO scores (customer_id, name, value, inputs, computed_at)"
        " VALUES (7, 'new_category:DELI', .9, '{}', %s)",
        (NOON,),
    )
    consent.record_use(world.conn, [consent.UseGrant(7, "profile", "granted", 1, NOON)])
    world.offer("Deli", starting_propensity=0.1, starting_score="new_category:DELI")
    assert world.ask(7).offers[0].propensity == pytest.approx(0.9)
    consent.record_use(world.conn, [consent.UseGrant(7, "profile", "denied", 1, later(minutes=30))])
    assert world.ask(7, now=later(hours=1)).offers[0].propensity == pytest.approx(0.1)


def test_autovacuum_samples_decisions_lightly(world: World) -> None:
    """Also a column that comes later: the largest target of all decides how many rows are read."""
    rows = world.conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'decisions'::regclass AND attnum > 0"
        " AND NOT attisdropped AND coalesce(attstattarget, 100) NOT BETWEEN 0 AND 10"
    ).fetchall()
    assert rows == []
