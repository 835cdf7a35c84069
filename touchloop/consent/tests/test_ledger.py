"""The ledgers in the database: appended only, read for many, merging never widens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
import time_machine

from touchloop.consent import api
from touchloop.consent.api import ContactGrant, UseGrant
from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.identity.api import Claim, merge, operations, resolve, undo

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def conn() -> Iterator[Connection]:
    with time_machine.travel(NOW, tick=False), db.connect() as conn:
        yield conn


def customer(conn: Connection, name: str) -> int:
    claim = Claim((("user_id", name),), False, None, 1, uuid4(), NOW)
    return resolve(conn, [claim]).subjects[0]


def use(subject: int, state: str, *, hours: float = 0, basis: str = "consent") -> UseGrant:
    return UseGrant(subject, "profile", state, 1, NOW + timedelta(hours=hours), "", basis)


def allowed(conn: Connection, subject: int) -> bool:
    return "profile" in api.names(api.allowed_mask(conn, [subject])[subject])


def test_a_withdrawal_holds_at_once(conn: Connection) -> None:
    ada = customer(conn, "ada")
    assert not allowed(conn, ada)
    api.record_use(conn, [use(ada, "granted", hours=-2)])
    assert allowed(conn, ada)
    api.record_use(conn, [use(ada, "denied")])
    assert not allowed(conn, ada)


def test_a_grant_dated_ahead_cannot_outlast_a_withdrawal(conn: Connection) -> None:
    ada = customer(conn, "ada")
    api.record_use(conn, [use(ada, "granted", hours=99_999)])
    assert allowed(conn, ada)
    api.record_use(conn, [use(ada, "denied")])
    assert not allowed(conn, ada)


def test_merging_never_widens_until_the_person_confirms(conn: Connection) -> None:
    ada, bob = customer(conn, "ada"), customer(conn, "bob")
    api.record_use(conn, [use(ada, "granted", hours=-2), use(bob, "denied", hours=-3)])
    conn.commit()
    operation = merge(conn, ada, bob, actor_id=1, reason="one person")
    both = min(ada, bob)
    assert not allowed(conn, both)
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        api.record_use(conn, [use(ada, "granted", hours=1)])
        assert allowed(conn, both)
        conn.commit()
        undo(conn, operation.operation_id, actor_id=1)
        assert allowed(conn, ada) and not allowed(conn, bob)
        assert len(operations(conn)) == 2


def test_signals_are_written_when_they_change_and_words_always(conn: Connection) -> None:
    ada = customer(conn, "ada")
    for _ in range(3):
        api.record_use(conn, [use(ada, "objected", basis="gpc")] * 2)
        api.record_use(conn, [use(ada, "denied")])
    api.record_use(conn, [use(ada, "granted", basis="preferences")])
    rows = conn.execute("SELECT basis, count(*) FROM use_grants GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [("consent", 3), ("gpc", 1), ("preferences", 1)]


def test_reads_many_customers_at_once(conn: Connection) -> None:
    people = [customer(conn, f"person {n}") for n in range(20)]
    api.record_use(conn, [use(id, "granted") for id in people[::2]])
    api.record_contact(conn, [ContactGrant(id, "email", "", "granted", 1, NOW) for id in people])
    masks = api.allowed_mask(conn, people)
    assert [bool(masks[id] & api.BIT["profile"]) for id in people] == [True, False] * 10
    found = api.read(conn, people)
    assert all(found[id].contact["email", ""].state == "granted" for id in people)
    assert api.allowed_mask(conn, []) == {}


def test_one_child_makes_the_customer_a_child(conn: Connection) -> None:
    ada = customer(conn, "ada")
    uses, _ = api.said_in(
        {"event": "Consent Given", "properties": {"child": True}},
        subject_id=ada, source_id=1, trusted=False, at=NOW, key=uuid4(),
    )  # fmt: skip
    api.record_use(conn, [*uses, use(ada, "granted")])
    assert not allowed(conn, ada)
    assert api.read(conn, [ada])[ada].child


@pytest.mark.parametrize("table", ["use_grants", "contact_grants"])
def test_the_ledgers_refuse_to_be_changed(conn: Connection, table: str) -> None:
    ada = customer(conn, "ada")
    api.record_use(conn, [use(ada, "granted")])
    api.record_contact(conn, [ContactGrant(ada, "sms", "news", "denied", 1, NOW)])
    conn.commit()
    for act in (f"UPDATE {table} SET state = 'granted'", f"DELETE FROM {table}"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute(act)
        conn.rollback()
    conn.execute("SET LOCAL touchloop.erasing = 'on'")
    assert conn.execute(f"DELETE FROM {table}").rowcount == 1
    conn.rollback()


def test_what_was_not_read_cannot_be_asked_and_objections_reach_it(conn: Connection) -> None:
    ada, ben = customer(conn, "ada"), customer(conn, "ben")
    others = [
        UseGrant(ada, "personalise", "denied", 1, NOW, "bought", "consent"),
        UseGrant(ada, "marketing", "objected", 1, NOW, "", "consent"),
        UseGrant(ada, "measure", "denied", 1, NOW, "bought", "consent"),
    ]
    api.record_use(conn, others)
    found = api.read_for(conn, [ada, ben], ["measure", "profile"])
    whole = api.read(conn, [ada])[ada]
    assert sorted(found[ada].use) == [("marketing", ""), ("measure", "bought")]
    for purpose in ("measure", "profile"):
        asked = [
            api.decide(one, purpose=purpose, categories=("bought",)) for one in (found[ada], whole)
        ]
        assert asked[0] == asked[1] and asked[0].verdict == "deny"
    for person in found.values():  # also of who said nothing
        with pytest.raises(LookupError):
            api.decide(person, purpose="personalise", categories=("bought",))
