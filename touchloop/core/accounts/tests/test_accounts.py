from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from touchloop.core import audit
from touchloop.core.accounts import api as accounts
from touchloop.core.accounts.models import AuditEntry, Staff
from touchloop.core.errors import Invalid

pytestmark = pytest.mark.django_db


def admin() -> accounts.Person:
    return accounts.create_user("root@example.com", "admin", "a long enough password")[0]


def test_a_person_is_added_with_a_password_of_their_own() -> None:
    person, password = accounts.create_user(" Ana@Example.com ", "service", name="Ana")
    staff = Staff.objects.get(pk=person.id)
    assert person.email == "ana@example.com"
    assert len(password) >= 16
    assert staff.check_password(password)


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("nonsense", "admin", "email"), ("a@example.com", "king", "role")],
)
def test_nonsense_is_refused(email: str, role: str, field: str) -> None:
    with pytest.raises(Invalid) as problem:
        accounts.create_user(email, role)
    assert problem.value.field == field
    assert not Staff.objects.exists()


def test_the_same_address_twice_is_refused_whatever_its_case() -> None:
    accounts.create_user("ana@example.com", "service")
    with pytest.raises(Invalid):
        accounts.create_user("ANA@example.com", "admin")
    assert Staff.objects.count() == 1


@pytest.mark.parametrize("change", [{"role": "analyst"}, {"is_active": False}])
def test_the_last_admin_stays(change: dict[str, object]) -> None:
    root = admin()
    with pytest.raises(Invalid):
        accounts.change_person(root.id, actor=root, **change)
    accounts.create_user("second@example.com", "admin")
    accounts.change_person(root.id, actor=root, **change)


def test_a_new_role_ends_open_sign_ins() -> None:
    root = admin()
    person, _ = accounts.create_user("ana@example.com", "service")
    before = Staff.objects.get(pk=person.id).get_session_auth_hash()
    accounts.change_person(person.id, actor=root, role="analyst")
    assert Staff.objects.get(pk=person.id).get_session_auth_hash() != before


def test_acts_on_people_are_kept_and_preferences_are_not() -> None:
    root = admin()
    accounts.change_person(root.id, actor=root, name="Root")
    accounts.change_person(root.id, actor=root, theme="dark")
    acts = [(entry.act, entry.before, entry.after) for entry in audit.entries()]
    assert acts[0] == ("person.changed", {"name": ""}, {"name": "Root"})
    assert [act for act, *_ in acts] == ["person.changed", "person.added"]


def trail(n: int) -> None:
    for i in range(n):
        audit.record("test.done", by=None, kind="test", id=i, after={"n": i, "text": "ä\n<b>"})


def test_an_untouched_chain_holds() -> None:
    trail(5)
    check = audit.verify()
    assert (check.entries, check.broken_at) == (5, None)


def test_the_database_refuses_to_change_the_trail() -> None:
    trail(1)
    for act in (
        lambda: AuditEntry.objects.update(actor="somebody else"),
        lambda: AuditEntry.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    assert audit.verify().broken_at is None


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET act = 'test.other' WHERE id = %(second)s",
        "UPDATE audit SET after = '{\"n\": 9}' WHERE id = %(second)s",
        "UPDATE audit SET at = at + interval '1 second' WHERE id = %(second)s",
        "DELETE FROM audit WHERE id = %(second)s",
        "UPDATE audit SET id = id + 1000 WHERE id = %(second)s",
    ],
)
def test_even_the_owner_of_the_database_is_noticed(attack: str) -> None:
    trail(4)
    second = AuditEntry.objects.order_by("id")[1].pk
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
        cursor.execute(attack, {"second": second})
        cursor.execute("ALTER TABLE audit ENABLE TRIGGER audit_append_only")
    assert audit.verify().broken_at is not None
