"""The page of choices in a real browser without JavaScript, by keyboard and on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from touchloop.channels.api import email
from touchloop.channels.email.tests.conftest import Server, Shop
from touchloop.console.tests.browser.conftest import browser
from touchloop.public.preferences.tests.test_preferences import choices, leave, state

__all__ = ["browser"]
pytestmark = pytest.mark.browser


class Look(Protocol):
    def __call__(self, path: str, *, width: int, dark: bool = False, name: str = "") -> Page: ...


@pytest.fixture
def look(browser: Browser, live_server: LiveServer) -> Iterator[Look]:
    opened = []

    def at(path: str, *, width: int, dark: bool = False, name: str = "") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=False,
            base_url=live_server.url,
            locale="en-GB",
        )
        opened.append(context)
        page = context.new_page()
        page.goto(path)
        if name and (folder := os.environ.get("TOUCHLOOP_SHOTS")):
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        return page

    yield at
    for context in opened:
        context.close()


def test_choices_without_javascript_on_a_phone(shop: Shop, mail: Server, look: Look) -> None:
    shop.write()
    email.save_topic(shop.conn, slug="offers", name="Offers", sentence="What fits you.", place=1)
    id = shop.customer(agreed=False)
    shop.conn.commit()
    page = look(choices(id), width=360, dark=True, name="preferences-phone-dark")
    assert page.locator("input:checked").count() == 1  # "no limit of my own": nothing is agreed
    everything = page.locator(".both button")
    sizes = [everything.nth(n).bounding_box() for n in (0, 1)]
    assert sizes[0] and sizes[1] and sizes[0]["width"] == sizes[1]["width"]
    assert sizes[0]["height"] == sizes[1]["height"]
    targets = page.locator(".answers span, .options span, button")
    boxes = [targets.nth(n).bounding_box() for n in range(targets.count())]
    assert all(box and box["height"] >= 44 and box["x"] + box["width"] <= 360 for box in boxes)
    page.get_by_role("radio", name="Offers, By e-mail: Yes").check(force=True)
    page.get_by_role("button", name="Keep my choices").click()
    assert "Your choices are kept" in page.locator("[role=status]").inner_text()
    assert page.get_by_role("radio", name="Offers, By e-mail: Yes").is_checked()
    assert state(shop, id) == "allow"


def test_choices_by_keyboard_and_enter_agrees_to_nothing_else(
    shop: Shop, mail: Server, look: Look
) -> None:
    shop.write()
    id = shop.customer(agreed=False)
    page = look(choices(id), width=1000, name="preferences-light")
    for _ in range(3):
        page.keyboard.press("Tab")  # yes to everything, no to everything, the first question
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/p/*kept=1*")
    assert page.get_by_role("radio", name="Offers, By e-mail: No").is_checked()
    assert page.locator("input:checked").count() == 2  # and "no limit of my own"


def test_unsubscribing_takes_one_press(shop: Shop, mail: Server, look: Look) -> None:
    shop.write()
    id = shop.customer()
    shop.send(id)
    page = look(leave(mail), width=360, name="unsubscribe-phone")
    assert state(shop, id) == "allow"
    page.get_by_role("button", name="Unsubscribe").click()
    assert "unsubscribed" in page.locator("h1").inner_text()
    assert state(shop, id) == "deny"
    page.get_by_role("link", name="All my choices").click()
    assert page.get_by_role("radio", name="Offers, By e-mail: No").is_checked()
