"""The pages of customers, the loop, live and segments in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from touchloop.console.conftest import CustomerOf, Send, order, told
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
from touchloop.flow import api as flow

__all__ = ["browser", "open_as", "shot", "window"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(send: Send, customer_of: CustomerOf) -> int:
    send(
        told("ana", name="Ana <i>Silva</i> Wörterbuchverlagsgesellschaft", city="Porto"),
        *(order("ana", 10 + day, days=day, store="330") for day in range(50)),
        {**told("ben", name="مرحبا بن"), "anonymousId": "tablet"},
        {"type": "track", "event": "Checkout Started", "userId": "ana", "anonymousId": "tablet"},
    )
    with db.connect() as conn:
        flow.export_all(conn)
    return customer_of("ana")


def test_search_as_one_types_and_open_by_keyboard(open_as: Open, ana: int, shot: Shot) -> None:
    page = open_as("admin", "/customers/")
    page.keyboard.press("/")
    page.keyboard.type("silv")
    expect(page.locator("#customers-found tbody tr")).to_have_count(1)
    shot(page, "customers-found")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/customers/{ana}/"))


def test_the_timeline_grows_and_an_order_opens(open_as: Open, ana: int, shot: Shot) -> None:
    page = open_as("admin", f"/customers/{ana}/")
    expect(page.locator("#timeline .timeline-item")).to_have_count(40)
    page.get_by_text("Bought 2 products").first.click()
    expect(page.get_by_text("Blue cheese", exact=True).first).to_be_visible()
    shot(page, "customer")
    page.locator(".timeline-more").scroll_into_view_if_needed()
    expect(page.locator("#timeline .timeline-item")).to_have_count(52)
    assert page.locator(".timeline-day").count() == len(
        set(page.locator(".timeline-day").evaluate_all("days => days.map((d) => d.dataset.day)"))
    )


def test_a_trait_is_changed_in_place_and_a_note_written(open_as: Open, ana: int) -> None:
    page = open_as("admin", f"/customers/{ana}/")
    page.get_by_role("button", name="Change city").click()
    page.keyboard.type("Lyon")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("city is changed")
    page.get_by_role("button", name="Add a note").click()
    page.keyboard.type("Prefers mornings")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("Note added")


def test_a_rule_is_built_from_rows_and_counted(open_as: Open, ana: int, shot: Shot) -> None:
    page = open_as("admin", "/segments/new/")
    page.get_by_text("Add a condition").last.click()
    page.locator("[data-add=bought]").click()
    page.keyboard.type("x")
    page.locator("input[data-f='lines.0.value']").fill("DELI")
    expect(page.locator("[data-said]")).to_contain_text("has bought from DELI")
    expect(page.locator(".preview-count b")).to_have_text("1")
    page.get_by_role("button", name="Add a group").click()
    group = page.locator(".group .group")
    group.get_by_text("Add a condition").click()
    group.locator("[data-add=stage]").click()
    group.locator("[data-not]").first.check()
    expect(page.locator("[data-said]")).to_contain_text("not:")
    shot(page, "segment-build")
    page.get_by_label("Name").fill("Deli lovers")
    page.locator("select[name=purpose]").select_option("service")
    page.get_by_role("button", name="Save and fill from history").click()
    expect(page.get_by_role("heading", name="Deli lovers")).to_be_visible()
    page.get_by_role("link", name="Edit rule").click()
    expect(page.locator("input[data-f='lines.0.value']")).to_have_value("DELI")
    expect(page.locator(".group .group select[data-f='in.0']")).to_have_value("prospect")


def test_what_arrives_is_shown_but_not_under_the_pointer(
    open_as: Open, ana: int, send: Send, shot: Shot
) -> None:
    page = open_as("admin", "/live/")
    rows = page.locator("#live-rows tr")
    before = rows.count()
    page.mouse.move(0, 0)
    send(order("new", 77))
    expect(page.get_by_text("$77.00")).to_be_visible()
    page.locator("#live-rows tr").nth(3).hover()
    send(order("new", 88))
    expect(page.locator("[data-live-show]")).to_be_visible()
    assert page.get_by_text("$88.00").count() == 0
    page.locator("[data-live-show]").click()
    expect(page.get_by_text("$88.00")).to_be_visible()
    assert rows.count() == before + 2
    page.locator("#live-rows a[data-drawer]").first.click()
    expect(page.get_by_text("What every step did")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/live/\d+/"))
    shot(page, "live")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)


def test_no_page_is_too_wide_in_any_light(open_as: Open, ana: int, shot: Shot) -> None:
    page = open_as("admin")
    for address in (
        "/",
        "/live/",
        "/customers/",
        "/customers/?q=ana",
        f"/customers/{ana}/",
        "/segments/",
        "/segments/new/",
        "/suggestions/",
        "/suggestions/history/",
    ):
        for look in looks(page, address, 360, 1440):
            assert page.locator("h1").count() == 1, address
            assert page.evaluate(TOO_WIDE) <= 0, (address, look)
            shot(page, f"{address.strip('/').replace('/', '-') or 'loop'}-{look}")
