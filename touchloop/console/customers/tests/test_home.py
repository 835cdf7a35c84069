"""The home on a customer's page: who, why, since when; and that it is none after all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, told
from touchloop.core import clock, db
from touchloop.core.accounts.models import AuditEntry
from touchloop.insight.matching import api as matching

SignIn = Callable[[str], Client]


@pytest.fixture
def family(send: Send, customer_of: CustomerOf) -> tuple[int, int]:
    """Two customers with one telephone, as a run finds them, and one who lives alone."""
    send(
        told("ana", first_name="Ana", last_name="Silva", phone="+49 171 1234567"),
        told("rui", first_name="Rui", last_name="Silva", phone="0171 1234567"),
        told("eva", first_name="Eva", last_name="Koch", phone="0172 7654321"),
    )
    run()
    return customer_of("ana"), customer_of("rui")


def run() -> None:
    with db.connect(autocommit=True) as conn:
        matching.ask(conn, by=None, now=clock.now())
        found = matching.run(conn, clock.now(), lambda words, done: None)
    assert found.state == "done", found.error


def page(client: Client, id: int) -> str:
    return client.get(f"/customers/{id}/").content.decode()


def test_the_others_why_since_when_and_that_it_is_none(
    admin: Client, family: tuple[int, int], customer_of: CustomerOf
) -> None:
    ana, rui = family
    said = page(admin, ana)
    assert "They have the same telephone" in said
    assert f'href="/customers/{rui}/"' in said
    assert "who-home" not in page(admin, customer_of("eva"))
    with db.connect() as conn:
        home = matching.home_of(conn, ana)
    assert home is not None
    answer = admin.post(f"/customers/{ana}/home/part/", follow=True)
    assert f"/customers/{ana}/home/rejoin/" in answer.content.decode()
    assert "who-home" not in page(admin, ana)
    assert "who-home" not in page(admin, rui)
    run()  # what was said holds
    assert "who-home" not in page(admin, ana)
    admin.post(f"/customers/{ana}/home/rejoin/")
    assert "who-home" in page(admin, rui)
    run()
    with db.connect() as conn:
        assert matching.home_of(conn, ana) == home  # also since when
    assert AuditEntry.objects.filter(act__startswith="home.").count() == 2
    admin.post(f"/customers/{customer_of('eva')}/home/part/")
    admin.post(f"/customers/{ana}/home/rejoin/")
    assert AuditEntry.objects.filter(act__startswith="home.").count() == 2


def test_a_role_sees_no_more_than_it_needs(family: tuple[int, int], sign_in: SignIn) -> None:
    ana, _ = family
    marketer = sign_in("marketer")
    said = page(marketer, ana)
    assert "who-home" in said
    assert "home/part" not in said
    assert marketer.post(f"/customers/{ana}/home/part/").status_code == 403
    assert "who-home" not in page(sign_in("analyst"), ana)
