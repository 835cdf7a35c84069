"""The page of value: from orders to the grid, the tenths and the customers behind them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from touchloop.console.conftest import Send, order, told
from touchloop.core import db
from touchloop.flow import api as flow
from touchloop.insight.models import api as models
from touchloop.insight.scores import api as scores

HOSTILE = "<b>Ana</b>"
BUYERS = 24


@pytest.fixture
def learned(send: Send) -> None:
    """Half a year: some buy every week, some stopped, some came once."""
    messages = [told("u0", name=HOSTILE)]
    for user in range(BUYERS):
        every, until = (12, 0) if user % 3 == 0 else (6, 110) if user % 3 == 1 else (400, 0)
        days = range(180 - user, until, -every)
        messages += [order(f"u{user}", 20.0 + user + day % 7, days=day) for day in days]
    send(*messages)
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        flow.export_all(conn)
        for kind in scores.KINDS:
            if kind.name in ("lifetime_value", "rfm"):
                run = models.attempt(conn, kind)
                assert run is not None and run.outcome == "done", run


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_without_orders_the_page_says_what_it_needs(send: Send, admin: Client) -> None:
    said = text(admin, "/insight/value/")
    assert "No value is known yet" in said


def test_value_leads_to_its_customers_and_learns_nothing(learned: None, admin: Client) -> None:
    said = text(admin, "/insight/value/")
    for words in ("Value of the next 12 months", "The best tenth of", "Customers by value"):
        assert words in said
    assert "&lt;b&gt;Ana" in said and HOSTILE not in said
    grid = admin.get("/insight/value/?csv=rfm").content.decode().splitlines()
    assert grid[0].split(",") == ["Recency", "Frequency", "Customers", "Spend"]
    assert sum(int(row.split(",")[2]) for row in grid[1:]) == BUYERS
    assert "/customers/?score=rfm&" in said.replace("\\u0026", "&")
    cell = next(row.split(",") for row in grid[1:] if int(row.split(",")[2]))
    low = 100 * int(cell[0]) + 10 * int(cell[1]) + 1
    listed = text(admin, f"/customers/?score=rfm&score_from={low}&score_to={low + 4}")
    assert "Score rfm" in listed
    assert len(set(re.findall(r'href="/customers/(\d+)/"', listed))) == int(cell[2])
    most = text(admin, "/insight/value/?sort=-p_alive")
    assert most != text(admin, "/insight/value/?sort=p_alive")
    for chart in ("weeks", "frequency", "tenths", "newcomer"):
        assert admin.get(f"/insight/value/?csv={chart}").status_code == 200
    with db.connect() as conn:
        assert len(models.versions(conn, "lifetime_value")) == 1


def test_contracts_stand_on_the_page_and_lead_to_their_customers(send: Send, admin: Client) -> None:
    messages = []
    for user in range(120):
        stayed = user % 7  # months, then it ended; of one in three it did not
        ago, runs = 300 - user, user % 3 == 0
        messages.append(contract(f"u{user}", "Subscription Started", ago))
        if not runs:
            messages.append(contract(f"u{user}", "Subscription Cancelled", ago - 30 * stayed - 20))
    send(*messages)
    assert "No contract is known" in text(admin, "/insight/value/")
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        flow.export_all(conn)
        (kind,) = (each for each in scores.KINDS if each.name == "contracts")
        run = models.attempt(conn, kind)
        assert run is not None and run.outcome == "done", run
    said = text(admin, "/insight/value/")
    assert "No contract is known" not in said and "Contracts of a month: after" in said
    rows = admin.get("/insight/value/?csv=contracts_stay").content.decode().splitlines()
    assert sum(int(row.split(",")[1]) for row in rows[1:]) == 40
    assert "/customers/?score=contract_stays_12m" in said.replace("\\u0026", "&")
    assert "Payments of a newcomer" in said
    assert "contract" in text(admin, "/insight/models/contracts/")


def contract(user: str, name: str, days: float) -> dict[str, Any]:
    """Something told of a contract, so many days ago."""
    return order(user, 9.0, days=days) | {
        "event": name, "messageId": f"{user}-{name}", "properties": {"term": "month", "value": 9.0},
    }  # fmt: skip
