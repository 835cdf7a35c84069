"""What we may do with a customer's data, in plain words. consent.decide() is what answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.consent import api as consent
from touchloop.console.customers import wording
from touchloop.console.ui import words
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.profiles.api import Customer

ABOUT = ("bought",)  # what a customer did here: the widest of our own categories
CHANNELS = ("email", "phone", "sms", "push", "mail")


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose (or channel), what was decided, and why."""

    words: str
    verdict: str
    answer: str
    title: str
    reasons: Sequence[str]
    inputs: Sequence[tuple[str, str, str]]
    state: str  # the customer's last word: granted, denied, … or ""
    about: Sequence[tuple[str, str]]  # the fields by which a form names it


def context(conn: Connection, customer: Customer) -> dict[str, Any]:
    """Every purpose; every channel that somebody said something about, or that reaches them."""
    said = consent.read(conn, [customer.id]).get(customer.id, consent.NOBODY_SAID_ANYTHING)
    contacts = {*said.contact, *_reachable(conn, customer.id)}
    return {
        "uses": [_use(said, purpose) for purpose in consent.PURPOSES],
        "contacts": [_contact(said, channel, topic) for channel, topic in sorted(contacts)],
    }


def called(purpose: str, channel: str, topic: str) -> str:
    """A purpose, or a channel with its topic, in words."""
    if purpose:
        return str(_PURPOSES[purpose])
    name = wording.channel(channel)
    return _("%(channel)s about %(topic)s") % {"channel": name, "topic": topic} if topic else name


def _reachable(conn: Connection, customer_id: int) -> list[tuple[str, str]]:
    """The channels that have an address of the customer, with each topic."""
    rows = email.choices(conn, customer_id, now=clock.now()).rows
    pushed = {name for name, one in channels.channels().items() if not one.pulled}
    return [
        (cell.channel, row.slug) for row in rows for cell in row.cells if cell.channel in pushed
    ]


def _use(said: consent.PersonConsent, purpose: str) -> Use:
    decision = consent.decide(
        said, purpose=purpose, categories=ABOUT, about_one=purpose != "improve"
    )
    choice = said.use.get((purpose, "")) or said.use.get((purpose, ABOUT[0]))
    return Use(
        words=called(purpose, "", ""),
        verdict=decision.verdict,
        answer=_answer(decision.verdict, choice is not None),
        title=str(_TITLES[decision.verdict]),
        reasons=[reason[:1].upper() + reason[1:] + "." for reason in decision.reasons],
        inputs=_inputs(choice),
        state=choice.state if choice else "",
        about=[("purpose", purpose)],
    )


def _contact(said: consent.PersonConsent, channel: str, topic: str) -> Use:
    decision = consent.decide(
        said, purpose="marketing", categories=ABOUT, channel=channel, topic=topic
    )
    choice = said.contact.get((channel, topic))
    return Use(
        words=called("", channel, topic),
        verdict=decision.verdict,
        answer=_answer(decision.verdict, choice is not None),
        title=str(_TITLES[decision.verdict]),
        reasons=[reason[:1].upper() + reason[1:] + "." for reason in decision.reasons],
        inputs=_inputs(choice),
        state=choice.state if choice else "",
        about=[("channel", channel), ("topic", topic)],
    )


def _answer(verdict: str, was_said: bool) -> str:
    if verdict == "allow":
        return _("yes, the customer agreed") if was_said else _("yes")
    if verdict == "ask":
        return _("only after asking")
    return _("no, the customer refused") if was_said else _("no")


def _inputs(choice: consent.Choice | None) -> list[tuple[str, str, str]]:
    if choice is None:
        return []
    state = str(_STATES.get(choice.state, choice.state))
    return [(_("The customer said"), state, words.ago(choice.at))]


_PURPOSES = {
    "service": gettext_lazy("Serve and support"),
    "measure": gettext_lazy("Measure the experience"),
    "improve": gettext_lazy("Improve products, in sums"),
    "personalise": gettext_lazy("Personalise our pages"),
    "marketing": gettext_lazy("Send marketing"),
    "profile": gettext_lazy("Make a marketing profile"),
    "share": gettext_lazy("Share with others"),
    "train": gettext_lazy("Train models"),
}
_TITLES = {
    "allow": gettext_lazy("We may"),
    "ask": gettext_lazy("We have to ask first"),
    "deny": gettext_lazy("We may not"),
}
_STATES = {
    "granted": gettext_lazy("yes"),
    "denied": gettext_lazy("no"),
    "objected": gettext_lazy("no, objected"),
    "pending": gettext_lazy("not confirmed yet"),
}
