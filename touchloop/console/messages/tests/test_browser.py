"""The messages in a real browser: planned, started, looked at, held; a mail in its frame."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.console.messages.tests.conftest import Market
from touchloop.console.tests.browser.conftest import (
    TOO_WIDE,
    Open,
    Shot,
    browser,
    looks,
    open_as,
    shot,
    window,
)
from touchloop.core import db

__all__ = ["browser", "open_as", "shot", "window"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_campaign_is_planned_started_and_paused(
    open_as: Open, market: Market, shot: Shot
) -> None:
    page = open_as("marketer", "/messages/")
    expect(page.locator("#campaign-rows")).to_contain_text("to")
    page.keyboard.press("n")
    page.wait_for_url("**/campaigns/new/")
    page.get_by_label("Name", exact=True).fill("Browser campaign")
    page.get_by_label("Segment", exact=True).select_option(str(market.segment))
    page.locator("#template-1").select_option("win-back")
    page.locator("#template-2").select_option("win-back-b")
    expect(page.locator("#trial")).to_contain_text("could be reached")
    expect(page.locator("#trial")).to_contain_text("Has not agreed to this yet")
    shot(page, "messages-plan")
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#campaign-start")).to_be_visible()
    shot(page, "messages-start")
    page.get_by_role("button", name="Start campaign").click()
    expect(page.locator("#campaign-live")).to_contain_text("Members dealt with")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Pause campaign").click()
    expect(page.locator(".toast")).to_contain_text("is paused")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".page-head .badge")).to_contain_text("running")


def test_what_was_held_back_leads_to_the_customer(
    open_as: Open, market: Market, shot: Shot
) -> None:
    page = open_as("admin", f"/messages/campaigns/{market.campaign}/")
    page.get_by_role("link", name=re.compile("Has not agreed")).click()
    expect(page.locator("tbody tr")).not_to_have_count(0)
    page.get_by_role("link", name="Why, and what became of it").first.click()
    expect(page.locator(".drawer")).to_contain_text("What held it back")
    shot(page, "messages-delivery")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)
    page.goto("/messages/triggers/")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".toast")).to_contain_text("is paused")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()


def test_a_mail_is_looked_at_while_it_is_written(open_as: Open, market: Market, shot: Shot) -> None:
    page = open_as("marketer", "/messages/templates/of/win-back/edit/")
    mail = page.frame_locator("iframe[name=mail]")
    expect(mail.get_by_text("Have a look")).to_be_visible()
    page.get_by_label("Body").fill("<p>Good morning, {{ customer.first_name }}</p>")
    page.get_by_label("Written in").select_option("html")
    expect(mail.get_by_text("Good morning")).to_be_visible()
    page.get_by_label("A customer").fill("Ben Okafor")
    page.locator("#readers input").first.check()
    page.locator(".frame-views label", has_text="Plain text").click()
    expect(mail.locator("pre")).to_contain_text("Good morning")
    page.locator(".frame-views label", has_text="Phone").click()
    expect(mail.get_by_text("Good morning")).to_be_visible()
    assert page.locator("iframe[name=mail]").evaluate("frame => frame.offsetWidth") == 375
    shot(page, "messages-compose")


def test_no_page_is_too_wide_in_any_light(open_as: Open, market: Market, shot: Shot) -> None:
    with db.connect() as conn:
        held = channels.held_back(conn, channels.Which(), limit=1)[0]
        received = email.inbox(conn, limit=1)[0]
    page = open_as("admin", "/messages/")
    for address in (
        "/messages/",
        f"/messages/campaigns/{market.campaign}/",
        f"/messages/campaigns/{market.campaign}/people/?what=held",
        "/messages/campaigns/new/",
        "/messages/triggers/",
        f"/messages/triggers/{market.trigger}/",
        "/messages/templates/",
        "/messages/templates/of/win-back/",
        "/messages/templates/of/win-back/edit/",
        "/messages/outbox/",
        f"/messages/outbox/{held.id}/",
        "/messages/inbox/",
        f"/messages/inbox/{received.id}/",
        "/messages/policy/",
        "/",
        f"/?follow={market.ana}",
    ):
        name = re.sub(r"[^a-z]+", "-", re.sub(r"\d+", "one", address)).strip("-") or "loop"
        for look in looks(page, address, 390, 1440):
            assert page.locator("h1").count() == 1, address
            assert page.evaluate(TOO_WIDE) <= 0, (address, look)
            shot(page, f"{name}-{look}")


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False)])
def test_a_household_is_followed_round(
    open_as: Open, market: Market, width: int, dark: bool, shot: Shot
) -> None:
    page = open_as("admin", "/", width=width, dark=dark)
    page.get_by_label("Follow a customer round the loop").fill("Grace")
    page.locator("#loop-found a").first.click()
    expect(page.locator("#way")).to_contain_text("Grace Liu")
    page.locator(".changes").scroll_into_view_if_needed()
    shot(page, f"way-{width}")
    page.locator(".way-steps a", has_text="Message by").click()
    expect(page.locator(".drawer")).to_contain_text("Grace Liu")
