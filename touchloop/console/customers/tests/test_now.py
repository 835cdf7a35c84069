"""What now: the next best action and what is held back, open cases, and consent kept by staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from touchloop.channels.api import email
from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import clock, db
from touchloop.core.accounts.models import AuditEntry
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.flow import api as flow
from touchloop.records.cases import api as cases

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


@pytest.fixture
def ana(send: Send, customer_of: CustomerOf) -> int:
    decisions.forget()
    send(told("ana", name="Ana Silva", email="ana@example.com"), order("ana", 20))
    with db.connect() as conn:
        for name, more in (
            ("Bread for two", {}),
            ("Wine", {"suitability": {"traits": [{"name": "city", "value": "Rome"}]}}),
        ):
            offers.create(
                name,
                definition={
                    "value": 3.0,
                    "explore": 0.0,
                    "treatments": [{"channel": "store", "texts": {"heading": f"{name}!"}}],
                    **more,
                },
                actor=None, now=clock.now(), state="live", conn=conn,
            )  # fmt: skip
        email.save_topic(conn, slug="offers", name="Offers", sentence="", place=1)
    return customer_of("ana")


def part(client: Client, id: int, at: str = "") -> str:
    answer = client.get(f"/customers/{id}/next/", {"at": at} if at else {})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_would_be_proposed_and_what_is_held_back(admin: Client, ana: int) -> None:
    assert f'hx-get="/customers/{ana}/next/"' in admin.get(f"/customers/{ana}/").content.decode()
    here = part(admin, ana)
    assert "Bread for two" in here and "Bread for two!" in here
    assert "Wine" in here and "Not suitable" in here
    assert part(admin, ana, "nowhere") == here
    assert admin.get("/customers/999999/next/").status_code == 404
    with db.connect(autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM decisions").fetchone() == (0,)


def test_an_open_case_stands_there_and_mutes_selling(admin: Client, ana: int) -> None:
    with db.connect() as conn:
        cases.open_case(
            conn, subject_id=ana, kind="complaint", title="Sour milk", cause="c", at=clock.now()
        )
    page = admin.get(f"/customers/{ana}/").content.decode()
    assert "Open case" in page and "Sour milk" in page
    assert "Selling is muted" in part(admin, ana)


def states(ana: int) -> list[tuple[Any, ...]]:
    with db.connect(autocommit=True) as conn:
        return conn.execute(
            "SELECT purpose, '', state, evidence ->> 'way' FROM use_grants"
            " WHERE subject_id = %(id)s"
            " UNION ALL SELECT channel, topic, state, evidence ->> 'way' FROM contact_grants"
            " WHERE subject_id = %(id)s ORDER BY 1, 3",
            {"id": ana},
        ).fetchall()


def test_what_the_customer_says_is_kept_with_its_evidence_and_can_be_taken_back(
    sign_in: SignIn, ana: int
) -> None:
    agent = sign_in("service")
    said = {"purpose": "marketing", "said": "yes", "way": "phone", "note": "call 4711"}
    answer = agent.post(f"/customers/{ana}/consent/", said, follow=True)
    assert "says yes to" in answer.content.decode()
    assert states(ana) == [("marketing", "", "granted", "phone")]
    flow.drain()
    page = agent.get(f"/customers/{ana}/").content.decode()
    assert "yes, the customer agreed" in page and "The customer said yes to marketing" in page
    with db.connect(autocommit=True) as conn:
        row = conn.execute("SELECT allowed & 16 FROM customers WHERE id = %s", (ana,)).fetchone()
        assert row == (16,)
    assert AuditEntry.objects.filter(act="customer.consent").count() == 1
    undo = f"/customers/{ana}/consent/undo/?purpose=marketing&state=pending&kept=granted"
    assert "holds again" in agent.post(undo, follow=True).content.decode()
    assert "meanwhile" in agent.post(undo, follow=True).content.decode()
    assert [row[2] for row in states(ana)] == ["granted", "pending"]


def test_no_to_a_topic_on_a_channel_holds_at_once(sign_in: SignIn, ana: int) -> None:
    agent = sign_in("service")
    page = agent.get(f"/customers/{ana}/").content.decode()
    assert "about offers" in page
    no = {"channel": "email", "topic": "offers", "said": "no", "way": "in_person", "note": ""}
    agent.post(f"/customers/{ana}/consent/", no)
    assert states(ana) == [("email", "offers", "denied", "in_person")]
    again = agent.post(f"/customers/{ana}/consent/", no, follow=True).content.decode()
    assert "held already" in again and len(states(ana)) == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"purpose": "world domination"}, 404),
        ({"channel": "telepathy"}, 404),
        ({"purpose": "marketing", "channel": "email"}, 404),
        ({"purpose": "marketing", "said": "maybe"}, 302),
        ({"purpose": "marketing", "way": "dream"}, 302),
        ({"purpose": "marketing", "note": "x" * 501}, 302),
    ],
)
def test_nonsense_changes_nothing(
    sign_in: SignIn, ana: int, wrong: dict[str, str], status: int
) -> None:
    given = {"said": "yes", "way": "phone", "note": "", **wrong}
    assert sign_in("service").post(f"/customers/{ana}/consent/", given).status_code == status
    assert states(ana) == []


def test_only_who_may_record_consent_does(sign_in: SignIn, ana: int) -> None:
    given = {"purpose": "marketing", "said": "yes", "way": "phone", "note": ""}
    for role in ("marketer", "analyst", "store_manager"):
        assert sign_in(role).post(f"/customers/{ana}/consent/", given).status_code == 403
    assert "consent-use-1" not in sign_in("marketer").get(f"/customers/{ana}/").content.decode()
    assert states(ana) == []
