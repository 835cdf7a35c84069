"""Who may do what: the one policy that pages, exports, bulk actions and programs ask.

Pure: role x permission x scope -> allow or deny, deny by default. Field rules say which details of
a customer a role sees. Every permission is named once, here; a route that names none fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Permission(StrEnum):
    LOOP_VIEW = "loop.view"
    LIVE_VIEW = "live.view"
    CUSTOMERS_VIEW = "customers.view"
    CUSTOMERS_EDIT = "customers.edit"
    CUSTOMERS_EXPORT = "customers.export"
    CONSENT_RECORD = "consent.record"
    SUGGESTIONS_VIEW = "suggestions.view"
    SUGGESTIONS_DECIDE = "suggestions.decide"
    SEGMENTS_VIEW = "segments.view"
    SEGMENTS_EDIT = "segments.edit"
    MESSAGES_VIEW = "messages.view"
    MESSAGES_EDIT = "messages.edit"
    MESSAGES_SEND = "messages.send"
    POLICY_EDIT = "policy.edit"
    OFFERS_VIEW = "offers.view"
    OFFERS_EDIT = "offers.edit"
    DECISIONS_VIEW = "decisions.view"
    EVENTS_VIEW = "events.view"
    SOURCES_VIEW = "sources.view"
    SOURCES_MANAGE = "sources.manage"
    HELD_VIEW = "held.view"
    HELD_DECIDE = "held.decide"
    SURVEYS_VIEW = "surveys.view"
    SURVEYS_EDIT = "surveys.edit"
    SCORECARDS_VIEW = "scorecards.view"
    CASES_VIEW = "cases.view"
    CASES_WORK = "cases.work"
    INSIGHT_VIEW = "insight.view"
    INSIGHT_EDIT = "insight.edit"
    SEGMENTS_EXPORT = "segments.export"
    VIEWS_SHARE = "views.share"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_VIEW = "audit.view"
    ORGANISATION_EDIT = "organisation.edit"
    OWN_SETTINGS = "own.settings"


class Field(StrEnum):
    """Details of a customer that not every role sees."""

    CONTACT = "contact"  # e-mail, phone, postal address
    IDENTIFIERS = "identifiers"  # card numbers, device ids, user ids
    CONSENT_EVIDENCE = "consent_evidence"  # the proof behind a grant: address, user agent, wording


_EVERYBODY = frozenset(
    {
        Permission.LOOP_VIEW,
        Permission.CUSTOMERS_VIEW,
        Permission.SEGMENTS_VIEW,
        Permission.OFFERS_VIEW,
        Permission.DECISIONS_VIEW,
        Permission.SURVEYS_VIEW,
        Permission.SCORECARDS_VIEW,
        Permission.CASES_VIEW,
        Permission.OWN_SETTINGS,
    }
)

ROLES: dict[str, frozenset[Permission]] = {
    "admin": frozenset(Permission),
    "marketer": _EVERYBODY
    | {
        Permission.LIVE_VIEW,
        Permission.CUSTOMERS_EXPORT,
        Permission.SEGMENTS_EDIT,
        Permission.OFFERS_EDIT,
        Permission.SURVEYS_EDIT,
        Permission.MESSAGES_VIEW,
        Permission.MESSAGES_EDIT,
        Permission.MESSAGES_SEND,
        Permission.EVENTS_VIEW,
        Permission.SOURCES_VIEW,
        Permission.SUGGESTIONS_VIEW,
        Permission.INSIGHT_VIEW,
        Permission.SEGMENTS_EXPORT,
        Permission.VIEWS_SHARE,
    },
    "service": _EVERYBODY
    | {
        Permission.LIVE_VIEW,
        Permission.CUSTOMERS_EDIT,
        Permission.CONSENT_RECORD,
        Permission.CASES_WORK,
        Permission.MESSAGES_VIEW,
        Permission.SUGGESTIONS_VIEW,
        Permission.SUGGESTIONS_DECIDE,
        Permission.VIEWS_SHARE,
    },
    "analyst": _EVERYBODY
    | {
        Permission.LIVE_VIEW,
        Permission.SEGMENTS_EDIT,
        Permission.SURVEYS_EDIT,
        Permission.MESSAGES_VIEW,
        Permission.EVENTS_VIEW,
        Permission.SOURCES_VIEW,
        Permission.HELD_VIEW,
        Permission.INSIGHT_VIEW,
        Permission.INSIGHT_EDIT,
        Permission.VIEWS_SHARE,
    },
    "store_manager": _EVERYBODY | {Permission.CASES_WORK},
}

_HIDDEN: dict[str, frozenset[Field]] = {
    "admin": frozenset(),
    "marketer": frozenset({Field.CONSENT_EVIDENCE}),
    "service": frozenset(),
    "analyst": frozenset(Field),
    "store_manager": frozenset({Field.IDENTIFIERS, Field.CONSENT_EVIDENCE}),
}


class Actor(Protocol):
    """Whoever asks: a member of staff or a program acting for one."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def locations(self) -> tuple[str, ...]: ...
    @property
    def is_active(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Which customers: everybody, or those who were at one of these locations."""

    everybody: bool
    locations: tuple[str, ...] = ()

    def covers(self, locations: frozenset[str]) -> bool:
        """May a customer who was at these locations be seen?"""
        return self.everybody or not locations.isdisjoint(self.locations)


def allows(
    actor: Actor | None, permission: Permission, *, at: frozenset[str] | None = None
) -> bool:
    """May the actor do this; with `at`, to an object that belongs to these locations?"""
    if actor is None or not actor.is_active:
        return False
    if permission not in ROLES.get(actor.role, frozenset()):
        return False
    return at is None or scope(actor).covers(at)


def scope(actor: Actor | None) -> Scope:
    """The customers that the actor may see. A store manager without a location sees nobody."""
    if actor is None or not actor.is_active or actor.role not in ROLES:
        return Scope(everybody=False)
    if actor.role == "store_manager":
        return Scope(everybody=False, locations=actor.locations)
    return Scope(everybody=True)


def shows(actor: Actor | None, field: Field) -> bool:
    """May the actor see this detail of a customer that is in their scope?"""
    if actor is None or not actor.is_active:
        return False
    return field not in _HIDDEN.get(actor.role, frozenset(Field))


def may_grant(actor: Actor | None, role: str) -> bool:
    """Nobody hands out more than they hold."""
    if not allows(actor, Permission.PEOPLE_MANAGE) or actor is None or role not in ROLES:
        return False
    return ROLES[role] <= ROLES[actor.role]
