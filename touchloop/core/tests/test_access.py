"""The policy as a table: deny by default, no role beyond what stands here."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from touchloop.core import access
from touchloop.core.access import ROLES, Field, Permission, Scope


@dataclass(frozen=True)
class Somebody:
    id: int = 1
    role: str = "service"
    locations: tuple[str, ...] = ()
    is_active: bool = True


@pytest.mark.parametrize("permission", list(Permission))
def test_nobody_may_nothing(permission: Permission) -> None:
    assert not access.allows(None, permission)
    assert not access.allows(Somebody(role="unknown"), permission)
    assert not access.allows(Somebody(role="admin", is_active=False), permission)


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_may_what_its_row_says(role: str, permission: Permission) -> None:
    assert access.allows(Somebody(role=role), permission) == (permission in ROLES[role])


def test_only_admins_hold_keys_people_and_the_audit() -> None:
    for permission in (
        Permission.SOURCES_MANAGE,
        Permission.PEOPLE_MANAGE,
        Permission.AUDIT_VIEW,
        Permission.ORGANISATION_EDIT,
        Permission.HELD_DECIDE,
        Permission.POLICY_EDIT,
    ):
        assert [role for role in sorted(ROLES) if permission in ROLES[role]] == ["admin"]


def test_who_sees_messages_and_who_sends_them() -> None:
    def holds(permission: Permission) -> list[str]:
        return [role for role in sorted(ROLES) if permission in ROLES[role]]

    assert holds(Permission.MESSAGES_VIEW) == ["admin", "analyst", "marketer", "service"]
    assert holds(Permission.MESSAGES_EDIT) == ["admin", "marketer"]
    assert holds(Permission.MESSAGES_SEND) == ["admin", "marketer"]


def test_only_who_sells_changes_what_is_offered() -> None:
    assert {role for role in ROLES if Permission.OFFERS_EDIT in ROLES[role]} == {
        "admin", "marketer",
    }  # fmt: skip
    for permission in (Permission.OFFERS_VIEW, Permission.DECISIONS_VIEW):
        assert all(permission in ROLES[role] for role in ROLES)


def test_a_store_manager_sees_customers_of_their_stores_only() -> None:
    manager = Somebody(role="store_manager", locations=("330", "412"))
    assert access.scope(manager) == Scope(everybody=False, locations=("330", "412"))
    assert access.allows(manager, Permission.CUSTOMERS_VIEW, at=frozenset({"412", "9"}))
    assert not access.allows(manager, Permission.CUSTOMERS_VIEW, at=frozenset({"9"}))
    assert not access.allows(manager, Permission.CUSTOMERS_VIEW, at=frozenset())


def test_a_store_manager_without_a_store_sees_nobody() -> None:
    assert not access.scope(Somebody(role="store_manager")).covers(frozenset({"330"}))


def test_others_see_everybody() -> None:
    for role in sorted(ROLES.keys() - {"store_manager"}):
        assert access.scope(Somebody(role=role)).everybody


def test_contact_details_are_hidden_from_analysts() -> None:
    for field in Field:
        assert not access.shows(Somebody(role="analyst"), field)
        assert access.shows(Somebody(role="admin"), field)
        assert not access.shows(None, field)
    assert access.shows(Somebody(role="service"), Field.CONTACT)
    assert not access.shows(Somebody(role="store_manager"), Field.IDENTIFIERS)


def test_nobody_grants_more_than_they_hold() -> None:
    admin = Somebody(role="admin")
    assert all(access.may_grant(admin, role) for role in ROLES)
    assert not access.may_grant(admin, "unknown")
    for role in sorted(ROLES.keys() - {"admin"}):
        assert not any(access.may_grant(Somebody(role=role), other) for other in ROLES)


def test_who_makes_surveys_and_who_works_on_cases() -> None:
    def holders(permission: Permission) -> set[str]:
        return {role for role in ROLES if permission in ROLES[role]}

    for looking in (Permission.SURVEYS_VIEW, Permission.SCORECARDS_VIEW, Permission.CASES_VIEW):
        assert holders(looking) == set(ROLES)
    assert holders(Permission.SURVEYS_EDIT) == {"admin", "marketer", "analyst"}
    assert holders(Permission.CASES_WORK) == {"admin", "service", "store_manager"}
