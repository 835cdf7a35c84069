"""Consent and suppression, for every combination: a message goes out when all of them allow it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from touchloop.channels.permission import permission
from touchloop.channels.policy import Policy, Pressure
from touchloop.channels.seam import Channel
from touchloop.channels.situation import Situation
from touchloop.channels.suppressing import Suppressed
from touchloop.channels.words import reason_text, state_text
from touchloop.consent.api import Choice, PersonConsent

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
POST = Channel("post", "Post", address_namespace="email")
TILL = Channel("store", "Till", pulled=True)
HERE = {"email": ["a@example.com"]}


def _choice(state: str) -> Choice:
    return Choice(state, 1, NOON)


def _situation(
    use: str, contact: str, of_channel: str, child: bool, suppressed: bool, address: bool
) -> Situation:
    return Situation(
        PersonConsent(
            use={("marketing", ""): _choice(use)} if use else {},
            contact={
                key: _choice(state)
                for key, state in ((("post", "offers"), contact), (("post", ""), of_channel))
                if state
            },
            child=child,
        ),
        Pressure(zone="UTC"),
        Suppressed({("post", "a@example.com"): "bounced"} if suppressed else {}),
        HERE if address else {},
    )


@pytest.mark.parametrize("kind", ["marketing", "survey", "service"])
def test_the_table_of_truth(kind: str) -> None:
    states = ("granted", "denied", "")
    flags = (False, True)
    for use, contact, of_channel, child, suppressed, address in product(
        states, states, states, flags, flags, flags
    ):
        situation = _situation(use, contact, of_channel, child, suppressed, address)
        said = permission(situation, POST, kind=kind, topic="offers", policy=Policy(), now=NOON)
        may_use = kind != "marketing" or (use == "granted" and not child)
        # The last word on the whole channel ends topics chosen before it.
        refuses = of_channel == "denied" or contact == "denied"
        agreed = "granted" in (contact or of_channel)
        may_contact = not refuses and (agreed or kind == "service")
        if contact == "granted" and of_channel == "denied":
            may_contact = False
        if contact == "denied" and of_channel == "granted":
            may_contact = False
        expected = address and not suppressed and may_use and may_contact
        assert (said.word == "send") == expected, (use, contact, of_channel, child, said)
        if not expected:
            assert said.reason and reason_text(said.reason)


def test_a_suppression_of_everything_reaches_the_till() -> None:
    held = Situation(PersonConsent(), Pressure(), Suppressed({("", ""): "deceased"}))
    said = permission(held, TILL, kind="marketing", topic="", policy=Policy(), now=NOON)
    assert (said.word, said.reason) == ("suppress", "deceased")


def test_another_address_is_used_when_the_first_is_dead() -> None:
    two = Situation(
        PersonConsent(),
        Pressure(zone="UTC"),
        Suppressed({("post", "a@example.com"): "bounced"}),
        {"email": ["a@example.com", "b@example.com"]},
    )
    said = permission(
        two, POST, kind="service", topic="", policy=Policy(), now=NOON, address="a@example.com"
    )
    assert (said.word, said.address) == ("send", "b@example.com")


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("quiet_hours", "it is quiet time where the customer is"),
        ("cap_marketing_24h", "there were enough offers within 24 hours"),
        ("cap_all_168h", "there were enough messages within 7 days"),
        ("cap_survey_168h", "there were enough questions within 7 days"),
        (
            "complaint_open_until_expiry",
            "a complaint is open, for longer than the message may wait",
        ),
        ("status_503", "status 503"),
    ],
)
def test_reasons_are_said_in_words(word: str, text: str) -> None:
    assert reason_text(word) == text
    assert state_text("uncertain") == "in doubt"
