"""Paths through the door: counted, drawn, leading to the customers who went them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from touchloop.console.conftest import Send, order
from touchloop.core import clock, db
from touchloop.flow import api as flow
from touchloop.insight.models import api as models
from touchloop.insight.paths.kind import KIND

pytestmark = pytest.mark.django_db(transaction=True)


def did(user: str, event: str, days: float) -> dict[str, Any]:
    moment = clock.now() - timedelta(days=days)
    return {"type": "track", "event": event, "userId": user, "timestamp": moment.isoformat()}


@pytest.fixture
def walked(send: Send) -> None:
    """Eight look and buy; six read, look, and give up."""
    send(
        *(did(f"a{n}", "Product Viewed", 60) for n in range(8)),
        *(order(f"a{n}", days=59) for n in range(8)),
        *(did(f"b{n}", "Message Opened", 62) for n in range(6)),
        *(did(f"b{n}", "Product Viewed", 61) for n in range(6)),
    )
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        conn.commit()
        flow.export_all(conn)


def test_paths_are_counted_drawn_and_lead_to_customers(admin: Client, walked: None) -> None:
    assert "No paths yet" in admin.get("/insight/paths/").content.decode()
    admin.post("/insight/paths/learn/")
    assert "being counted" in admin.get("/insight/paths/").content.decode()
    with db.connect() as conn:
        run = models.attempt(conn, KIND)
    assert run and run.outcome == "done", run
    page = admin.get("/insight/paths/").content.decode()
    assert "57.1 % of 14 paths reach" in page and "Product Viewed carries most" in page
    found = re.search(r'id="graph_option"[^>]*>(.*?)</script>', page, re.S)
    assert found
    (series,) = json.loads(found[1])["series"]
    links = {(each["source"], each["target"]): each["url"] for each in series["links"]}
    assert ("start", "Product Viewed") in links and ("Product Viewed", "given up") in links
    gone = admin.get(links["Product Viewed", "given up"]).content.decode()
    assert _named("b1", gone) and not _named("a1", gone)
    bought = admin.get(links["Product Viewed", "goal"]).content.decode()
    assert _named("a1", bought) and not _named("b1", bought)
    assert "b1" in admin.get(links["start", "Message Opened"]).content.decode()
    lines = admin.get("/insight/paths/?csv=credit").content.decode().splitlines()
    assert lines[0].startswith("Step,Paths,Effect") and lines[1].startswith("Product Viewed,14,1.0")


def test_who_may_not_look_is_turned_away(sign_in: Callable[[str], Client], walked: None) -> None:
    assert sign_in("service").get("/insight/paths/").status_code == 403
    assert sign_in("marketer").post("/insight/paths/learn/").status_code == 403
    assert sign_in("marketer").get("/insight/paths/customers/?first=start").status_code == 200


def _named(user: str, page: str) -> bool:
    """The user's name as a word: a token of the page may hold its letters."""
    return re.search(rf"\b{user}\b", page) is not None
