"""Suggestions: two known customers on one device are a question, and the answer can be undone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, told
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry
from touchloop.flow import api as flow
from touchloop.identity import api as identity

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


@pytest.fixture
def question(send: Send) -> int:
    send(
        {**told("ana", name="Ana"), "anonymousId": "tablet-1"},
        {**told("ben", name="Ben"), "anonymousId": "tablet-1"},
    )
    with db.connect(autocommit=True) as conn:
        return identity.suggestions(conn)[0].id


def test_two_customers_stand_side_by_side_with_the_evidence(admin: Client, question: int) -> None:
    shown = admin.get("/suggestions/").content.decode()
    for words in ("Ana", "Ben", "tablet-1", "differs", "Merge into one", "Keep apart"):
        assert words in shown, words


def test_a_merge_is_accepted_and_taken_back(
    admin: Client, question: int, customer_of: CustomerOf
) -> None:
    admin.post(f"/suggestions/{question}/answer/", {"answer": "merge"})
    flow.drain()
    assert customer_of("ana") == customer_of("ben")
    assert "Nothing to decide" in admin.get("/suggestions/").content.decode()
    past = admin.get("/suggestions/history/").content.decode()
    assert "Staff merged" in past
    with db.connect(autocommit=True) as conn:
        operation = identity.operations(conn)[0].id
    admin.post(f"/suggestions/undo/{operation}/")
    flow.drain()
    assert customer_of("ana") != customer_of("ben")
    assert AuditEntry.objects.filter(act="customer.merge_undone").count() == 1


def test_what_is_kept_apart_is_not_asked_again(
    admin: Client, question: int, customer_of: CustomerOf
) -> None:
    admin.post(f"/suggestions/{question}/answer/", {"answer": "apart"})
    again = admin.post(f"/suggestions/{question}/answer/", {"answer": "merge"}, follow=True)
    assert "not open any more" in again.content.decode()
    assert customer_of("ana") != customer_of("ben")


def test_who_sees_suggestions_need_not_decide(sign_in: SignIn, question: int) -> None:
    marketer = sign_in("marketer")
    assert "does not decide" in marketer.get("/suggestions/").content.decode()
    refused = marketer.post(f"/suggestions/{question}/answer/", {"answer": "merge"})
    assert refused.status_code == 403
    with db.connect(autocommit=True) as conn:
        assert len(identity.suggestions(conn)) == 1
