"""Loop: today beside the usual, the needs, the changes, and one customer followed round."""

from __future__ import annotations

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.console.messages.tests.conftest import Market, SignIn, mail_server, market
from touchloop.core import clock, db
from touchloop.experience.surveys import api as surveys
from touchloop.flow import api as flow
from touchloop.records.cases import api as cases

__all__ = ["mail_server", "market"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_figures_of_today_stand_beside_the_usual(admin: Client, send: Send) -> None:
    send(*(order(f"u{day}", 10, days=day) for day in range(1, 6)), order("ana", 10, days=0.00001),
         order("ana", 12, days=0.00001))  # fmt: skip
    with db.connect() as conn:
        flow.export_all(conn)
    circle = admin.get("/loop/circle/").content.decode()
    assert "interactions today" in circle
    assert "usually" in circle
    assert "customer bought" in circle
    assert "Build the first segment" in circle
    for words in ("messages brought today", "0 decisions today", "answers today", "open cases"):
        assert words in circle
    assert "coming" not in circle
    assert "too few answers" in circle
    again = admin.get("/").content.decode()
    assert "station-capture" in again


def test_a_customer_is_followed_round(admin: Client, send: Send, customer_of: CustomerOf) -> None:
    send(told("ana", name="Ana <b>"), order("ana", 10, days=-0.0001))
    id = customer_of("ana")
    followed = admin.get(f"/loop/circle/?follow={id}").content.decode()
    assert "Ana &lt;b&gt;" in followed
    assert "Bought 2 products" in followed
    assert "In no segment" in followed
    assert f"follow={id}" in admin.get("/loop/find/?q=ana").content.decode()
    assert admin.get("/loop/circle/?follow=99999999").status_code == 200


def test_a_household_is_followed_from_what_it_did_to_what_holds_now(
    admin: Client, sign_in: SignIn, market: Market
) -> None:
    with db.connect() as conn:
        cases.open_case(
            conn, subject_id=market.ana, kind="complaint", title="Cold <b>cheese</b>",
            cause="test:1", at=clock.now(),
        )  # fmt: skip
        _survey(conn)
        conn.execute(_ANSWER, {"subject": market.ana, "now": clock.now()})
        conn.execute(
            "INSERT INTO segment_members VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (market.ana, market.segment, clock.now()),
        )
        conn.commit()
    page = admin.get(f"/loop/circle/?follow={market.ana}").content.decode()
    assert "The latest way round of" in page
    steps = page[page.index("way-steps") :]
    for words in (
        "What happened",
        "Which segment",
        "What was decided",
        "What was brought",
        "What was felt",
        "What was done",
        "Nothing is sold: a complaint is open",
    ):
        assert words in steps, words  # fmt: skip
    assert "NPS 3" in steps
    assert "simulated" in steps
    assert "Cold &lt;b&gt;cheese" in steps
    assert "/messages/outbox/" in steps
    shy = sign_in("store_manager").get(f"/loop/circle/?follow={market.ana}").content.decode()
    assert "way-steps" not in shy  # it was never at a store of theirs


def test_today_stands_at_the_stations_of_the_way_back(admin: Client, market: Market) -> None:
    with db.connect() as conn:
        _survey(conn)
        for n in range(6):
            conn.execute(_ANSWER, {"subject": market.ana + n, "now": clock.now()})
        conn.execute("UPDATE campaigns SET state = 'paused', trouble = 'it broke'")
        conn.commit()
    page = admin.get("/loop/circle/").content.decode()
    assert 'href="/messages/outbox/"' in page
    assert "NPS −100 ± " in page
    assert "n = 6 in four weeks" in page
    assert "some simulated" in page
    assert "1 campaign stopped at a fault" in page
    assert "brought a message" in page
    assert 'href="/messages/outbox/?state=handed"' in page


def _survey(conn: db.Connection) -> None:
    words = surveys.Words("How likely?", "not at all", "extremely", "Why?")
    design = surveys.Design(slug="visit", kind="nps", name="Visit", words=words)
    surveys.create(conn, design, by=None, now=clock.now())


_ANSWER = """
INSERT INTO answers (invitation_id, subject_id, survey_id, version, kind, score, ratings, text,
  channel, location, stage, mode, source, flags, answered_at)
SELECT 1000 + %(subject)s, %(subject)s, s.id, 1, 'nps', 3, '{}', '', 'store', '330', '', 'message',
  'simulation', '{}', %(now)s
FROM surveys s
"""
