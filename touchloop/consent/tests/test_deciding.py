"""decide() by truth table, and what must hold of any history of choices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.consent import folding, statements
from touchloop.consent.deciding import (
    NOBODY_SAID_ANYTHING,
    Choice,
    PersonConsent,
    decide,
    mask,
)
from touchloop.consent.matrix import MATRIX, Rule
from touchloop.consent.purposes import CATEGORIES, PURPOSES, bits, names

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = UUID(int=1)


def person(**uses: str) -> PersonConsent:
    return PersonConsent(
        use={(purpose, ""): Choice(state, 7, AT) for purpose, state in uses.items()}
    )


@pytest.mark.parametrize(("category", "purpose"), [*product(CATEGORIES, PURPOSES)])
def test_the_default_policy_is_what_the_matrix_says(category: str, purpose: str) -> None:
    rule = MATRIX[category][purpose]
    decision = decide(NOBODY_SAID_ANYTHING, purpose=purpose, categories=[category])
    expected = {Rule.YES: "allow", Rule.ASK: "ask", Rule.SUM: "deny", Rule.NEVER: "deny"}[rule]
    assert decision.verdict == expected
    granted = decide(person(**{purpose: "granted"}), purpose=purpose, categories=[category])
    assert granted.allowed is (rule in (Rule.YES, Rule.ASK))
    objected = decide(person(**{purpose: "objected"}), purpose=purpose, categories=[category])
    assert objected.verdict == "deny"
    assert decision.reasons and granted.reasons and objected.reasons


def test_sums_over_many_people_are_not_about_one() -> None:
    assert decide(
        NOBODY_SAID_ANYTHING, purpose="improve", categories=["behaviour"], about_one=False
    ).allowed


@pytest.mark.parametrize(
    ("use", "contact", "verdict"),
    [
        ("granted", "granted", "allow"),
        ("granted", "denied", "deny"),
        ("granted", "pending", "ask"),
        ("granted", None, "ask"),
        ("denied", "granted", "deny"),
        ("denied", "denied", "deny"),
        (None, "granted", "ask"),
        (None, None, "ask"),
        (None, "denied", "deny"),
        ("objected", "granted", "deny"),
    ],
)
def test_a_message_goes_out_only_if_use_and_contact_both_allow(
    use: str | None, contact: str | None, verdict: str
) -> None:
    who = PersonConsent(
        use={("marketing", ""): Choice(use, 1, AT)} if use else {},
        contact={("email", ""): Choice(contact, 2, AT)} if contact else {},
    )
    found = decide(who, purpose="marketing", categories=["bought"], channel="email", topic="offers")
    assert found.verdict == verdict


def test_a_topic_counts_before_its_channel_and_service_needs_no_opt_in() -> None:
    who = PersonConsent(
        contact={
            ("email", ""): Choice("granted", 1, AT),
            ("email", "offers"): Choice("denied", 2, AT),
        }
    )
    ask = {"purpose": "service", "categories": ["bought"], "channel": "email"}
    assert decide(who, **ask, topic="offers").verdict == "deny"  # type: ignore[arg-type]
    assert decide(who, **ask, topic="orders").verdict == "allow"  # type: ignore[arg-type]
    assert decide(NOBODY_SAID_ANYTHING, **ask).verdict == "allow"  # type: ignore[arg-type]


def test_a_value_made_of_several_falls_under_the_strictest() -> None:
    who = person(profile="granted")
    assert decide(who, purpose="profile", categories=["bought"]).allowed
    assert not decide(who, purpose="profile", categories=["bought", "tickets"]).allowed


def test_children_are_not_profiled_and_unknown_words_are_denied() -> None:
    child = PersonConsent(use={("profile", ""): Choice("granted", 1, AT)}, child=True)
    assert decide(child, purpose="profile", categories=["bought"]).verdict == "deny"
    assert decide(person(), purpose="spying", categories=["bought"]).verdict == "deny"
    assert decide(person(), purpose="service", categories=["gossip"]).verdict == "deny"
    assert decide(person(), purpose="service", categories=[]).verdict == "deny"


ROWS = st.lists(
    st.builds(
        folding.Row,
        id=st.integers(1, 10**6),
        subject_id=st.integers(1, 4),
        key=st.tuples(st.sampled_from(PURPOSES), st.just("")),
        state=st.sampled_from(["granted", "denied", "objected"]),
        at=st.integers(0, 50).map(lambda n: AT + timedelta(hours=n)),
        basis=st.sampled_from(["consent", "gpc"]),
    ),
    max_size=12,
    unique_by=lambda row: row.id,
)


@given(ROWS, st.randoms())
def test_the_order_in_which_choices_are_read_does_not_matter(
    rows: list[folding.Row], r: object
) -> None:
    shuffled = list(rows)
    r.shuffle(shuffled)  # type: ignore[attr-defined]
    assert folding.fold(rows) == folding.fold(shuffled)


@given(ROWS)
def test_merging_never_widens(rows: list[folding.Row]) -> None:
    def allowed(some: list[folding.Row]) -> int:
        return mask(PersonConsent(use=folding.fold(some)), category="bought")

    together = allowed(rows)
    for subject in {row.subject_id for row in rows}:
        mine = [row for row in rows if row.subject_id == subject]
        others = [row for row in rows if row.subject_id != subject]
        refused = {
            row.key[0]
            for row in mine
            if folding.fold(mine)[row.key].state in ("denied", "objected")
        }
        assert not together & bits(refused)
        assert together & ~(allowed(mine) | allowed(others)) == 0


@given(ROWS)
def test_the_bitmask_agrees_with_decide(rows: list[folding.Row]) -> None:
    who = PersonConsent(use=folding.fold(rows))
    for category in CATEGORIES:
        found = names(mask(who, category=category))
        for purpose in PURPOSES:
            decision = decide(
                who, purpose=purpose, categories=[category], about_one=purpose != "improve"
            )
            assert (purpose in found) is decision.allowed


def said(trusted: bool = False, **message: object) -> dict[str, str]:
    uses, _ = statements.said_in(
        message, subject_id=1, source_id=1, trusted=trusted, at=AT, key=KEY
    )
    return {grant.purpose: grant.state for grant in uses}


def test_a_public_key_may_only_narrow() -> None:
    preferences = {"Advertising": True, "Analytics": False, "Unknown": True}
    assert said(preferences=preferences) == {"measure": "denied", "improve": "denied"}
    assert said(trusted=True, preferences=preferences) == {
        "marketing": "granted",
        "share": "granted",
        "measure": "denied",
        "improve": "denied",
    }


def test_privacy_control_objects_unless_the_person_explicitly_agreed() -> None:
    assert said(gpc=True) == {"share": "objected", "profile": "objected"}
    rows = [
        folding.Row(1, 1, ("share", ""), "granted", AT, "consent"),
        folding.Row(2, 1, ("share", ""), "objected", AT + timedelta(days=1), "gpc"),
    ]
    assert folding.fold(rows)["share", ""].state == "granted"


def test_consent_events_of_a_till_name_purposes_channels_and_topics() -> None:
    uses, contacts = statements.said_in(
        {
            "event": "Consent Given",
            "properties": {
                "purposes": ["profile", "nonsense"],
                "categories": ["bought"],
                "basis": "card terms",
                "channels": ["email"],
                "topics": ["offers", "news"],
            },
        },
        subject_id=3,
        source_id=1,
        trusted=True,
        at=AT,
        key=KEY,
    )
    assert [(g.purpose, g.category, g.state, g.basis) for g in uses] == [
        ("profile", "bought", "granted", "card terms")
    ]
    assert [(g.channel, g.topic, g.state) for g in contacts] == [
        ("email", "offers", "granted"),
        ("email", "news", "granted"),
    ]


def test_an_objection_to_marketing_ends_profiling_and_ads_too() -> None:
    who = PersonConsent(
        use={
            ("marketing", ""): Choice("objected", 1, AT),
            ("profile", ""): Choice("granted", 2, AT),
            ("share", ""): Choice("granted", 3, AT),
        }
    )
    for purpose in ("marketing", "profile", "share"):
        found = decide(who, purpose=purpose, categories=["bought"])
        assert (found.verdict, found.grants) == ("deny", (1,))
    assert decide(who, purpose="service", categories=["bought"]).allowed


def test_do_not_profile_me_covers_what_was_inferred() -> None:
    who = PersonConsent(
        use={
            ("profile", ""): Choice("objected", 1, AT),
            ("personalise", ""): Choice("granted", 2, AT),
        }
    )
    assert not decide(who, purpose="personalise", categories=["inferred"]).allowed
    assert decide(who, purpose="personalise", categories=["told_us"]).allowed


@pytest.mark.parametrize(("channel", "topic", "allowed"), [(2, 1, False), (1, 2, True)])
def test_leaving_a_channel_ends_the_topics_chosen_before(
    channel: int, topic: int, allowed: bool
) -> None:
    who = PersonConsent(
        use={("marketing", ""): Choice("granted", 1, AT)},
        contact={
            ("email", ""): Choice("denied", 2, AT + timedelta(days=channel)),
            ("email", "offers"): Choice("granted", 3, AT + timedelta(days=topic)),
        },
    )
    found = decide(who, purpose="marketing", categories=["bought"], channel="email", topic="offers")
    assert found.allowed is allowed


def test_a_message_goes_out_only_if_both_ledgers_allow_in_every_combination() -> None:
    """Use: of all, of the category; contact: the channel, the topic; each unsaid, yes or no."""
    states = (None, "granted", "denied")
    tried = 0
    for use, narrow, channel, topic in product(states, states, states, states):
        who = PersonConsent(
            use={
                ("marketing", category): Choice(state, 1, AT)
                for category, state in (("", use), ("bought", narrow))
                if state
            },
            contact={
                ("email", name): Choice(state, 2, AT)
                for name, state in (("", channel), ("offers", topic))
                if state
            },
        )
        found = decide(
            who, purpose="marketing", categories=["bought"], channel="email", topic="offers"
        )
        use_allows = "denied" not in (use, narrow) and "granted" in (use, narrow)
        contact_allows = channel != "denied" and (topic or channel) == "granted"
        assert found.allowed is (use_allows and contact_allows)
        tried += 1
    assert tried == 81


@given(ROWS, st.integers(0, 50))
def test_a_confirmation_after_the_merge_holds_and_nothing_else_widens(
    rows: list[folding.Row], hour: int
) -> None:
    since = AT + timedelta(hours=hour)
    strict, confirmed = folding.fold(rows), folding.fold(rows, together_since=since)
    for key, choice in confirmed.items():
        if choice.state == "granted" and strict[key].state != "granted":
            assert any(
                row.key == key
                and row.state == "granted"
                and row.basis == "consent"
                and row.at > since
                for row in rows
            )


def test_a_refusal_after_the_confirmation_holds() -> None:
    rows = [
        folding.Row(1, 1, ("profile", ""), "denied", AT, "consent"),
        folding.Row(2, 2, ("profile", ""), "granted", AT + timedelta(days=2), "consent"),
    ]
    since = AT + timedelta(days=1)
    assert folding.fold(rows)["profile", ""].state == "denied"
    assert folding.fold(rows, together_since=since)["profile", ""].state == "granted"
    rows.append(folding.Row(3, 1, ("profile", ""), "denied", AT + timedelta(days=3), "preferences"))
    assert folding.fold(rows, together_since=since)["profile", ""].state == "denied"


def test_an_untrusted_agreement_does_not_hide_privacy_control() -> None:
    both = {"share": "objected", "profile": "objected"}
    assert said(gpc=True, preferences={"sale": True}) == both
    assert said(True, gpc=True, preferences={"sale": True}) == {
        "share": "granted",
        "profile": "objected",
    }


def test_where_names_of_other_systems_disagree_the_refusal_holds() -> None:
    for preferences in (
        {"marketing": True, "advertising": False},
        {"advertising": False, "marketing": True},
    ):
        assert said(True, preferences=preferences) == {"marketing": "denied", "share": "denied"}


def test_anybody_may_say_that_this_is_a_child_and_only_the_trusted_that_it_is_none() -> None:
    assert said(event="Consent Given", properties={"child": True}) == {"child": "granted"}
    assert said(event="Consent Given", properties={"child": False}) == {}
    assert said(True, event="Consent Given", properties={"child": False}) == {"child": "denied"}
