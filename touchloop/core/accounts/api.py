"""What other rooms may ask of staff accounts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from touchloop.core import audit
from touchloop.core.accounts.models import Role, Staff
from touchloop.core.errors import Invalid

MAY_CHANGE = ("name", "role", "locations", "is_active", "theme", "language")
PREFERENCES = frozenset({"theme", "language"})


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    email: str
    name: str
    role: str
    locations: tuple[str, ...]
    is_active: bool
    theme: str
    language: str


def create_user(
    email: str,
    role: str,
    password: str | None = None,
    *,
    name: str = "",
    locations: Sequence[str] = (),
    actor: Person | None = None,
) -> tuple[Person, str]:
    """Make a member of staff; without a password a strong one is made. Returns both."""
    address = _clean_email(email)
    if role not in Role.values:
        raise Invalid("role", _("Choose one of: %s.") % ", ".join(Role.values))
    if Staff.objects.filter(email=address).exists():
        raise Invalid("email", _("There is already somebody with this e-mail address."))
    password = password or secrets.token_urlsafe(12)
    with transaction.atomic():
        staff = Staff(email=address, role=role, name=name.strip(), locations=list(locations))
        staff.set_password(password)
        staff.save()
        audit.record(
            "person.added",
            by=actor,
            kind="person",
            id=staff.pk,
            name=address,
            after={"role": role, "locations": list(locations)},
        )
    return person_of(staff), password


def change_person(id: int, *, actor: Person | None, **changes: object) -> Person:
    """Change what is given; a new role or a switch-off ends every open sign-in of the person."""
    unknown = set(changes) - set(MAY_CHANGE)
    if unknown:
        raise Invalid(sorted(unknown)[0], _("This cannot be changed."))
    if "role" in changes and changes["role"] not in Role.values:
        raise Invalid("role", _("Choose one of: %s.") % ", ".join(Role.values))
    with transaction.atomic():
        staff = Staff.objects.select_for_update().get(pk=id)
        before = {key: getattr(staff, key) for key in changes}
        changed = {key: value for key, value in changes.items() if before[key] != value}
        if not changed:
            return person_of(staff)
        _keep_one_admin(staff, changed)
        for key, value in changed.items():
            setattr(staff, key, value)
        staff.save(update_fields=list(changed))
        if not PREFERENCES.issuperset(changed):
            audit.record(
                "person.changed",
                by=actor,
                kind="person",
                id=id,
                name=staff.email,
                before={key: before[key] for key in changed},
                after=dict(changed),
            )
    return person_of(staff)


def reset_password(id: int, *, actor: Person | None) -> str:
    """Give the person a new password; every open sign-in of theirs ends with the old one."""
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        staff = Staff.objects.select_for_update().get(pk=id)
        staff.set_password(password)
        staff.save(update_fields=["password"])
        audit.record("person.password_reset", by=actor, kind="person", id=id, name=staff.email)
    return password


def people() -> list[Person]:
    return [person_of(staff) for staff in Staff.objects.order_by("-is_active", "name", "email")]


def person(id: int) -> Person | None:
    staff = Staff.objects.filter(pk=id).first()
    return person_of(staff) if staff else None


def names(ids: Sequence[int]) -> Mapping[int, str]:
    """How to call these people on a page."""
    return {staff.pk: str(staff) for staff in Staff.objects.filter(pk__in=set(ids))}


def anybody() -> bool:
    return Staff.objects.exists()


def person_of(staff: Staff) -> Person:
    return Person(
        id=staff.pk,
        email=staff.email,
        name=staff.name,
        role=staff.role,
        locations=tuple(staff.locations),
        is_active=staff.is_active,
        theme=staff.theme,
        language=staff.language,
    )


def _clean_email(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise Invalid("email", _("Enter an e-mail address like ana@example.com.")) from error
    return address


def _keep_one_admin(staff: Staff, changed: Mapping[str, object]) -> None:
    leaves = changed.get("role", Role.ADMIN) != Role.ADMIN or changed.get("is_active") is False
    if staff.role != Role.ADMIN or not leaves:
        return
    others = Staff.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=staff.pk)
    if not others.exists():
        raise Invalid("role", _("This is the last admin. Make somebody else an admin first."))
