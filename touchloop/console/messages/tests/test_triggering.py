"""Triggers made and changed by hand: the form, the sentence, the JSON, versions, and undoing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given as drawn
from hypothesis import strategies as st

from touchloop.console.messages import shaping
from touchloop.console.messages.tests.conftest import Market, SignIn, market
from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.engage.triggers import api as triggers

__all__ = ["market"]
pytestmark = pytest.mark.django_db(transaction=True)


def form(of: int, /, **changes: Any) -> dict[str, Any]:
    """What a browser sends; what is None is not sent."""
    said = shaping.BLANK | {"name": "Bring them back", "segment": str(of)} | changes
    sent = {name: "on" if value is True else value for name, value in said.items()}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def every() -> dict[str, triggers.Trigger]:
    with db.connect() as conn:
        return {one.name: one for one in triggers.listing(conn)}


def test_a_trigger_is_made_as_a_draft_and_changed_as_a_version(
    admin: Client, market: Market
) -> None:
    page = admin.get("/messages/triggers/new/").content.decode()
    assert "New trigger" in page and "Order Completed" in page
    sent = form(market.segment)
    look = admin.post("/messages/triggers/new/", sent | {"look": "1"}).content.decode()
    assert "This is what it says" in look and "wait 1 hour" in look
    assert "Bring them back" not in every()
    admin.post("/messages/triggers/new/", sent)
    made = every()["Bring them back"]
    assert made.state == "draft" and made.parsed.holdout == 0.1
    shown = admin.get(f"/messages/triggers/{made.id}/edit/").content.decode()
    assert 'value="Bring them back"' in shown and 'name="definition"' not in shown
    changed = form(market.segment, wait="2", unit="days", holdout="0")
    said = admin.post(f"/messages/triggers/{made.id}/edit/", changed, follow=True)
    assert "kept as version 2" in said.content.decode()
    assert every()["Bring them back"].definition["steps"][0] == {
        "do": "wait", "n": 2, "unit": "days",
    }  # fmt: skip
    admin.post(f"/messages/triggers/{made.id}/restore/1/")
    again = every()["Bring them back"]
    assert again.version == 3 and again.definition == made.definition


def test_what_the_form_cannot_show_is_edited_as_json(admin: Client, market: Market) -> None:
    rich = {
        "when": [{"entered": market.segment}, {"event": "Cart Left"}],
        "steps": [{"do": "wait", "n": 1}, {"do": "ask", "survey": "visit"}],
    }
    sent = {"name": "Rich", "definition": json.dumps(rich)}
    admin.post("/messages/triggers/new/", sent)
    made = every()["Rich"]
    page = admin.get(f"/messages/triggers/{made.id}/edit/").content.decode()
    assert 'name="definition"' in page and "Cart Left" in page
    wrong = admin.post(f"/messages/triggers/{made.id}/edit/", sent | {"definition": "{"})
    assert wrong.status_code == 400 and "no JSON" in wrong.content.decode()
    assert every()["Rich"].version == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"segment": ""},
        {"start": "event", "event": ""},
        {"wait": "soon"},
        {"wait": "1.5"},
        {"holdout": "100"},
        {"act": "send", "template": ""},
        {"act": "case", "title": ""},
        {"act": "ask", "survey": ""},
        {"act": "fly"},
        {"channels": []},
        {"segment": "999999"},
        {"unit": "aeons"},
    ],
)
def test_nonsense_is_refused_and_stays_in_the_form(
    admin: Client, market: Market, wrong: dict[str, Any]
) -> None:
    before = set(every())
    answer = admin.post("/messages/triggers/new/", form(market.segment, **wrong))
    assert answer.status_code == 400
    assert set(every()) == before


def test_who_may_not_edit_does_not(sign_in: SignIn, market: Market) -> None:
    client = sign_in("analyst")
    assert client.get("/messages/triggers/new/").status_code == 403
    assert client.post("/messages/triggers/new/", form(market.segment)).status_code == 403
    assert "New trigger" not in client.get("/messages/triggers/").content.decode()


SHAPES = st.fixed_dictionaries(
    {
        "start": st.sampled_from(["entered", "left", "event"]),
        "segment": st.integers(1, 99).map(str),
        "event": st.sampled_from(["Order Completed", "Cart Left"]),
        "wait": st.sampled_from(["", "1", "30"]),
        "unit": st.sampled_from(["minutes", "hours", "days", "weeks"]),
        "still": st.booleans(),
        "ends": st.booleans(),
        "act": st.sampled_from(["offer", "send", "case", "ask"]),
        "kind": st.sampled_from(["marketing", "service"]),
        "channels": st.lists(st.sampled_from(["email", "store", "webhook"]), min_size=1,
                             unique=True),
        "topic": st.sampled_from(["offers", "news"]),
        "template": st.just("deli"),
        "title": st.just("Call them"),
        "survey": st.just("visit"),
        "hours": st.sampled_from(["1", "48"]),
        "end_event": st.sampled_from(["", "Order Completed"]),
        "again": st.sampled_from(["", "0", "7"]),
        "holdout": st.sampled_from(["0", "12.5"]),
        "goal": st.sampled_from(["", "Order Completed"]),
    }
)  # fmt: skip


@drawn(SHAPES)
def test_a_form_comes_back_as_it_was(shape: dict[str, Any]) -> None:
    """Whatever the form can say, it shows again, and says the same."""
    said = shaping.definition(shaping.BLANK | shape)
    try:
        parsed = triggers.parse(said)
    except Invalid:
        return
    shown = shaping.shape("x", triggers.to_json(parsed))
    assert shown is not None
    assert triggers.parse(shaping.definition(shown)) == parsed
