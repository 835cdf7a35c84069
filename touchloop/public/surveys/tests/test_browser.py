"""The page in a real browser without a script: by keyboard, on a phone, light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from touchloop.console.tests.browser.conftest import browser
from touchloop.core.db import Connection
from touchloop.experience.surveys import api
from touchloop.experience.surveys.tests.conftest import (
    NOON,
    Make,
    People,
    conn,
    held_clock,
    make,
    people,
    post,
    waiting_tokens,
)

__all__ = ["browser", "conn", "held_clock", "make", "people", "post"]

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_by_keyboard_without_a_script(
    browser: Browser, live_server: LiveServer, conn: Connection, people: People, make: Make,
    scheme: str,
) -> None:  # fmt: skip
    (ana,) = people.add()
    api.invite(conn, [ana], survey=make(), touchpoint=("store", "330"), cause="c", now=NOON)
    conn.commit()
    context = browser.new_context(
        java_script_enabled=False,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": 320, "height": 640},
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/c/s/{waiting_tokens(conn)[ana]}")
    widest = max(
        (box["x"] + box["width"])
        for each in page.locator("main *").all()
        if (box := each.bounding_box())
    )
    assert widest <= 320  # nothing to be scrolled sideways
    for each in page.locator(".point").all():
        box = each.bounding_box()
        assert box and box["width"] >= 24 and box["height"] >= 44
    page.get_by_label("Why?").fill("The bread")
    page.get_by_role("button", name="Send answer").click()
    assert page.get_by_role("alert").inner_text() == "Choose one of the numbers."
    page.get_by_role("radio", name="0", exact=True).focus()
    for _step in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Thank you").wait_for()
    context.close()
    conn.rollback()
    assert [(each.score, each.text) for each in api.answers(conn)] == [(3, "The bread")]
