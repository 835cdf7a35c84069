"""Loop: today beside the usual, the needs, the changes, and one customer followed round."""

from __future__ import annotations

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import db
from touchloop.flow import api as flow

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
    assert circle.count("coming") >= 2
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
