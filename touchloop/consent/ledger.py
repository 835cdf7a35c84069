"""Two append-only ledgers, and how their rows become a person's choices.

A choice belongs to an identifier. A customer with several identifiers has the strictest of what they
say: merging never widens. A person who confirms a choice later is recorded for each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from touchloop.consent.deciding import (
    DENIED,
    GPC_PURPOSES,
    GRANTED,
    NOBODY_SAID_ANYTHING,
    OBJECTED,
    PENDING,
    Choice,
    PersonConsent,
    mask,
)
from touchloop.consent.purposes import CATEGORIES, FOREIGN, PURPOSES
from touchloop.core.db import Connection

GIVEN, WITHDRAWN = "Consent Given", "Consent Withdrawn"
# What a customer's allowed purposes are folded for: what was bought here, the widest of ours.
FOLDED_CATEGORY = "bought"
_STRICTNESS = (GRANTED, PENDING, DENIED, OBJECTED)


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


@dataclass(frozen=True, slots=True)
class Row:
    """A row of either ledger: `key` is (purpose, category) or (channel, topic)."""

    id: int
    subject_id: int
    key: tuple[str, str]
    state: str
    at: datetime
    basis: str = ""


def record_use(conn: Connection, grants: Sequence[UseGrant]) -> None:
    """Append to the ledger of use."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO use_grants (subject_id, purpose, category, state, basis, notice_version,"
            " language, jurisdiction, evidence, source_id, at, message_key)"
            " VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
            [
                (g.subject_id, g.purpose, g.category, g.state, g.basis, g.notice_version,
                 g.language, g.jurisdiction, Jsonb(dict(g.evidence)), g.source_id, g.at,
                 g.message_key)
                for g in grants
            ],
        )


def record_contact(conn: Connection, grants: Sequence[ContactGrant]) -> None:
    """Append to the ledger of contact."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO contact_grants (subject_id, channel, topic, state, evidence, source_id,"
            " at, message_key) VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
            [
                (g.subject_id, g.channel, g.topic, g.state, Jsonb(dict(g.evidence)), g.source_id,
                 g.at, g.message_key)
                for g in grants
            ],
        )


def read(conn: Connection, customer_ids: Sequence[int]) -> dict[int, PersonConsent]:
    """The choices of customers, over all their identifiers; those who said nothing are left out."""
    uses: dict[int, list[Row]] = defaultdict(list)
    contacts: dict[int, list[Row]] = defaultdict(list)
    for customer, *row in conn.execute(_USES, {"ids": list(customer_ids)}).fetchall():
        id, subject, purpose, category, state, at, basis = row
        uses[customer].append(Row(id, subject, (purpose, category), state, at, basis))
    for customer, *row in conn.execute(_CONTACTS, {"ids": list(customer_ids)}).fetchall():
        id, subject, channel, topic, state, at = row
        contacts[customer].append(Row(id, subject, (channel, topic), state, at))
    return {
        customer: PersonConsent(
            use=fold(uses[customer]),
            contact=fold(contacts[customer]),
        )
        for customer in uses.keys() | contacts.keys()
    }


def fold(rows: Iterable[Row]) -> dict[tuple[str, str], Choice]:
    """What holds for each key: the last word of each identifier, and of those the strictest.

    The result does not depend on the order of the rows.
    """
    last: dict[tuple[tuple[str, str], int], Row] = {}
    for row in rows:
        kept = last.get((row.key, row.subject_id))
        if kept is None or _rank(row) > _rank(kept):
            last[row.key, row.subject_id] = row
    folded: dict[tuple[str, str], Choice] = {}
    for (key, _), row in sorted(last.items(), key=lambda item: item[1].id):
        choice = Choice(row.state, row.id, row.at, row.basis)
        if key not in folded or _strictness(choice.state) > _strictness(folded[key].state):
            folded[key] = choice
    return folded


def allowed_mask(conn: Connection, customer_ids: Sequence[int]) -> dict[int, int]:
    """For each customer the purposes for which what it did here may be used, as bits."""
    people = read(conn, customer_ids) if customer_ids else {}
    return {
        id: mask(people[id], category=FOLDED_CATEGORY) if id in people else _DEFAULT_MASK
        for id in customer_ids
    }


def said_in(
    message: Mapping[str, Any], *, subject_id: int, source_id: int, trusted: bool, at: datetime,
    key: UUID,
) -> tuple[list[UseGrant], list[ContactGrant]]:
    """What a message says about consent.

    `message` has `event`, `properties`, `preferences` (context.consent.categoryPreferences) and
    `gpc`. A public write key may only narrow: anybody who has it could otherwise grant in another
    person's name. So of an untrusted source refusals count, agreements do not.
    """
    uses: list[UseGrant] = []
    contacts: list[ContactGrant] = []
    states: dict[tuple[str, str], str] = {}
    properties = message.get("properties") or {}
    for name, agreed in (message.get("preferences") or {}).items():
        for purpose in FOREIGN.get(str(name).strip().lower(), ()):
            states[purpose, ""] = GRANTED if agreed is True else DENIED
    if message.get("event") in (GIVEN, WITHDRAWN):
        state = GRANTED if message["event"] == GIVEN else DENIED
        categories = _words(properties.get("categories"), CATEGORIES) or [""]
        for purpose in _words(properties.get("purposes"), PURPOSES):
            states.update({(purpose, category): state for category in categories})
        for channel in _texts(properties.get("channels")):
            for topic in _texts(properties.get("topics")) or [""]:
                contacts.append(
                    ContactGrant(subject_id, channel, topic, state, source_id, at, {}, key)
                )
    if message.get("gpc"):
        for purpose in GPC_PURPOSES:
            if states.get((purpose, "")) != GRANTED:
                states[purpose, ""] = OBJECTED
    for (purpose, category), state in states.items():
        basis = "gpc" if message.get("gpc") and state == OBJECTED else str(
            properties.get("basis") or "consent"
        )[:200]
        uses.append(
            UseGrant(
                subject_id, purpose, state, source_id, at, category, basis,
                str(properties.get("notice_version") or "")[:100],
                str(properties.get("language") or "")[:20],
                str(properties.get("jurisdiction") or "")[:20], {}, key,
            )
        )
    if trusted:
        return uses, contacts
    return (
        [one for one in uses if one.state != GRANTED],
        [one for one in contacts if one.state != GRANTED],
    )


def _rank(row: Row) -> tuple[int, datetime, int, int]:
    """The last word wins; explicit words rank above what a browser signals."""
    return (0 if row.basis == "gpc" else 1, row.at, _strictness(row.state), row.id)


def _strictness(state: str) -> int:
    return _STRICTNESS.index(state) if state in _STRICTNESS else len(_STRICTNESS)


def _words(value: Any, known: tuple[str, ...]) -> list[str]:
    return [word for word in _texts(value) if word in known]


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [text[:100] for text in given if isinstance(text, str) and text]


_DEFAULT_MASK = mask(NOBODY_SAID_ANYTHING, category=FOLDED_CATEGORY)

_USES = """
SELECT i.customer_id, g.id, g.subject_id, g.purpose, g.category, g.state, g.at, g.basis
FROM identifiers i JOIN use_grants g ON g.subject_id = i.id WHERE i.customer_id = ANY(%(ids)s)
"""

_CONTACTS = """
SELECT i.customer_id, g.id, g.subject_id, g.channel, g.topic, g.state, g.at
FROM identifiers i JOIN contact_grants g ON g.subject_id = i.id WHERE i.customer_id = ANY(%(ids)s)
"""
