"""Live: what arrived since, and what every step did to it."""

from __future__ import annotations

import pytest
from django.test import Client

from touchloop.console.conftest import Send, order, told
from touchloop.console.live.views import STEPS
from touchloop.core import db
from touchloop.flow.api import ON_INTERACTIONS

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_step_of_the_flow_has_its_words() -> None:
    assert list(STEPS) == [step.name for step in ON_INTERACTIONS]


def test_only_what_is_newer_is_sent(admin: Client, send: Send) -> None:
    send(order("ana", 11))
    first = admin.get("/live/").content.decode()
    newest = first.split('data-newest="')[1].split('"')[0]
    assert "$11.00" in first
    assert "<tr" not in admin.get(f"/live/newer/?after={newest}").content.decode()
    send(order("ben", 22))
    newer = admin.get(f"/live/newer/?after={newest}").content.decode()
    assert "$22.00" in newer
    assert "$11.00" not in newer
    assert admin.get("/live/newer/?after=x").status_code == 200


def test_an_interaction_opens_to_its_steps_and_its_message(admin: Client, send: Send) -> None:
    send(order("ana", 11), told("ana", name="Ana"))
    with db.connect(autocommit=True) as conn:
        row = conn.execute(
            "SELECT x.id FROM interactions x JOIN interaction_lines l ON l.interaction_id = x.id"
        ).fetchone()
    assert row is not None
    drawer = admin.get(f"/live/{row[0]}/", headers={"X-Drawer": "1"}).content.decode()
    assert "<html" not in drawer
    for words in ("Given to a customer by its identifiers", "messages 2", "Blue cheese",
                  "Order Completed", "Ana"):  # fmt: skip
        assert words in drawer, words
    alone = admin.get(f"/live/{row[0]}/").content.decode()
    assert "<html" in alone
    assert "What every step did" in alone
    assert admin.get("/live/1/").status_code == 404
