"""May this customer be reached on this channel, with this, now? All that can stand against it.

In this order: is there an address, is it suppressed, does consent allow it, what does the contact
policy say. Pure: the situation comes in, the verdict goes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from touchloop.channels.policy import Policy, judge
from touchloop.channels.seam import Channel
from touchloop.channels.situation import Situation
from touchloop.consent import api as consent

PURPOSE: Final = {"marketing": "marketing", "service": "service", "survey": "measure"}
# What a message speaks of is at the least what was bought here: consent's own yardstick too.
CATEGORIES: Final = ("bought",)

MEASURE: Final = "measure"  # what a channel may ask besides the purpose of a message

_SHOWN: Final = "personalise"
_WORDS: Final = {"allow": "", "deny": "refused", "ask": "not_asked"}

Word = Literal["send", "defer", "drop", "suppress"]


def purposes(kinds: Iterable[str], *, came: bool) -> set[str]:
    """The purposes that are asked for messages of these kinds; `came` where channels are pulled."""
    return {PURPOSE[kind] for kind in kinds} | ({_SHOWN} if came else set())


class Permission(Struct, frozen=True, gc=False):
    """The verdict on one contact: a word, the reason, from when on, and the address to use."""

    word: Word
    reason: str
    at: datetime
    address: str


def permission(
    situation: Situation,
    channel: Channel,
    *,
    kind: str,
    topic: str,
    policy: Policy,
    now: datetime,
    expires_at: datetime | None = None,
    address: str = "",
) -> Permission:
    """Decide one contact; `address` is the one chosen before, kept while it is still there."""
    found, against = _address(situation, channel, address)
    if against:
        word: Word = "drop" if against == "no_address" else "suppress"
        return Permission(word, against, now, found)
    refused = _refused(situation.consent, channel, kind, topic)
    if refused:
        return Permission("drop", refused, now, found)
    verdict = judge(
        policy,
        situation.pressure,
        kind=kind,
        now=now,
        expires_at=expires_at,
        came=channel.pulled,
    )
    return Permission(verdict.word, verdict.reason, verdict.at, found)


def _address(situation: Situation, channel: Channel, chosen: str) -> tuple[str, str]:
    """An address that may be used, or the reason why there is none."""
    held = situation.suppressed
    if channel.address_namespace is None:
        return chosen, held.reason(channel.name, chosen)
    there = situation.addresses.get(channel.address_namespace, [])
    if not there:
        return "", "no_address"
    if not held.reasons:
        return (chosen if chosen in there else there[0]), ""
    order = sorted(there, key=lambda address: address != chosen)
    free = next((one for one in order if not held.reason(channel.name, one)), None)
    return (free, "") if free is not None else (order[0], held.reason(channel.name, order[0]))


def _refused(said: consent.PersonConsent, channel: Channel, kind: str, topic: str) -> str:
    """The word for what consent says against it; "" when it allows it.

    A pulled channel shows what the company proposes where the customer has come by himself, as an
    own page would: it needs no opt-in to be contacted. Whoever refused marketing or objected to
    it, or does not want this channel, is not shown it there either.
    """
    purpose = PURPOSE[kind]
    if not channel.pulled:
        decision = consent.decide(
            said, purpose=purpose, categories=CATEGORIES, channel=channel.name, topic=topic
        )
        return _word(decision)
    shown = _SHOWN if purpose == "marketing" else purpose
    use = consent.decide(said, purpose=shown, categories=CATEGORIES)
    if not use.allowed:
        return _word(use)
    refusal = consent.decide(
        said, purpose=purpose, categories=CATEGORIES, channel=channel.name, topic=topic
    )
    return "refused" if refusal.verdict == "deny" else ""


def _word(decision: consent.Decision) -> str:
    return _WORDS[decision.verdict]
