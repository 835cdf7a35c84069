"""What a message says about consent.

A public write key may only narrow. It stands in the page for everybody to read, so whoever has it
could otherwise agree in another person's name; refusing in another's name costs that person an
offer, agreeing costs their privacy. Of an untrusted source refusals, objections and "this is a
child" count; agreements do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from touchloop.consent.deciding import CHILD, DENIED, GPC_PURPOSES, GRANTED, OBJECTED, PENDING
from touchloop.consent.folding import GPC, PREFERENCES, strictness
from touchloop.consent.purposes import CATEGORIES, FOREIGN, PURPOSES

GIVEN: Final = "Consent Given"
WITHDRAWN: Final = "Consent Withdrawn"


@dataclass(frozen=True, slots=True)
class UseGrant:
    """One thing a person said about the use of data."""

    subject_id: int
    purpose: str
    state: str
    source_id: int
    at: datetime
    category: str = ""
    basis: str = "consent"
    notice_version: str = ""
    language: str = ""
    jurisdiction: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    message_key: UUID | None = None


@dataclass(frozen=True, slots=True)
class ContactGrant:
    """One thing a person said about being contacted."""

    subject_id: int
    channel: str
    topic: str
    state: str
    source_id: int
    at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    message_key: UUID | None = None


def said_in(
    message: Mapping[str, Any],
    *,
    subject_id: int,
    source_id: int,
    trusted: bool,
    at: datetime,
    key: UUID,
) -> tuple[list[UseGrant], list[ContactGrant]]:
    """The grants and refusals in a message.

    `message` has `event`, `properties`, `preferences` (context.consent.categoryPreferences) and
    `gpc`. The events "Consent Given" and "Consent Withdrawn" name `purposes`, optionally for some
    `categories` only, and `channels`, optionally for some `topics`; `objection` makes a withdrawal
    an objection, `pending` a grant that waits for its confirmation (double opt-in), `child` says
    whether this is one.
    """
    properties = message.get("properties") or {}
    uses = _preferences(message.get("preferences") or {})
    contacts: dict[tuple[str, str], str] = {}
    if message.get("event") in (GIVEN, WITHDRAWN):
        basis = _text(properties, "basis", 200) or "consent"
        explicit, contacts = _event(properties, given=message["event"] == GIVEN)
        uses |= {key: (state, basis) for key, state in explicit.items()}
    if not trusted:
        uses = {key: word for key, word in uses.items() if _narrows(key[0], word[0])}
        contacts = {key: state for key, state in contacts.items() if state == DENIED}
    if message.get("gpc"):
        for purpose in GPC_PURPOSES:
            uses.setdefault((purpose, ""), (OBJECTED, GPC))
    return (
        [
            UseGrant(
                subject_id=subject_id,
                purpose=purpose,
                state=state,
                source_id=source_id,
                at=at,
                category=category,
                basis=basis,
                notice_version=_text(properties, "notice_version", 100),
                language=_text(properties, "language", 20),
                jurisdiction=_text(properties, "jurisdiction", 20),
                message_key=key,
            )
            for (purpose, category), (state, basis) in uses.items()
        ],
        [
            ContactGrant(subject_id, channel, topic, state, source_id, at, {}, key)
            for (channel, topic), state in contacts.items()
        ],
    )


def _preferences(preferences: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """Names of other systems mean purposes; where two disagree, the refusal holds."""
    states: dict[tuple[str, str], tuple[str, str]] = {}
    for name, agreed in preferences.items():
        state = GRANTED if agreed is True else DENIED
        for purpose in FOREIGN.get(str(name).strip().lower(), ()):
            kept = states.get((purpose, ""))
            if kept is None or strictness(state) > strictness(kept[0]):
                states[purpose, ""] = (state, PREFERENCES)
    return states


def _event(
    properties: Mapping[str, Any], *, given: bool
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    uses: dict[tuple[str, str], str] = {}
    contacts: dict[tuple[str, str], str] = {}
    refused = OBJECTED if properties.get("objection") is True else DENIED
    for purpose in _words(properties.get("purposes"), PURPOSES):
        for category in _words(properties.get("categories"), CATEGORIES) or [""]:
            uses[purpose, category] = GRANTED if given else refused
    granted = PENDING if properties.get("pending") is True else GRANTED
    for channel in _texts(properties.get("channels")):
        for topic in _texts(properties.get("topics")) or [""]:
            contacts[channel, topic] = granted if given else DENIED
    if isinstance(properties.get("child"), bool):
        uses[CHILD, ""] = GRANTED if properties["child"] else DENIED
    return uses, contacts


def _narrows(purpose: str, state: str) -> bool:
    """To be a child is the one thing whose confirmation narrows."""
    return (state == GRANTED) == (purpose == CHILD)


def _words(value: Any, known: tuple[str, ...]) -> list[str]:
    return [word for word in _texts(value) if word in known]


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [text[:100] for text in given if isinstance(text, str) and text]


def _text(properties: Mapping[str, Any], name: str, most: int) -> str:
    value = properties.get(name)
    return str(value)[:most] if isinstance(value, str | int | float) else ""
