"""The frame in a real browser: keyboard, palette, drawer, toasts, themes, narrow windows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from touchloop.console.tests.browser.conftest import TOO_WIDE, Open, Shot, looks, settled
from touchloop.core import clock
from touchloop.interactions import api as interactions
from touchloop.interactions.models import Kind, Source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("/ui/", "/sources/", "/events/", "/held/", "/settings/", "/settings/people/",
         "/settings/people/add/", "/settings/audit/", "/settings/appearance/",
         "/settings/security/", "/sources/add/", "/nowhere/")  # fmt: skip


@pytest.fixture
def events() -> list[Kind]:
    now = clock.now()
    return [
        Kind.objects.create(
            type="track", name=f"Event {i:02}", volume=100 - i, first_seen_at=now, last_seen_at=now
        )
        for i in range(60)
    ]


def test_sign_in_by_hand(browser: object, live_server: object, open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/settings/appearance/")
    page.context.clear_cookies()
    page.goto("/events/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/events/"))
    shot(page, "sign-in")
    page.get_by_label("E-mail").fill("admin@example.com")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Events")).to_be_visible()


def test_the_palette_goes_to_a_room(open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/settings/appearance/")
    page.keyboard.press("Control+k")
    expect(page.locator(".palette-item").first).to_be_visible()
    page.keyboard.type("dead")
    expect(page.locator(".palette-item")).to_have_count(1)
    shot(page, "palette")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/held/"))


def test_keys_go_to_rooms_and_show_the_sheet(open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/settings/appearance/")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    shot(page, "shortcuts")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile(r"/events/"))


def test_a_list_by_keyboard_and_a_drawer_with_an_address(
    open_as: Open, events: list[Kind], shot: Shot
) -> None:
    page = open_as("admin", "/events/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Event 01")
    expect(drawer).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/events/{events[1].pk}/"))
    shot(page, "drawer")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/events/$"))
    page.go_forward()
    expect(drawer).to_be_visible()
    page.go_back()
    expect(drawer).to_be_hidden()
    page.goto(f"/events/{events[1].pk}/")
    expect(drawer).to_be_visible()
    page.get_by_role("link", name="Close").click()
    expect(drawer).to_be_hidden()


def test_a_list_loads_as_one_scrolls(open_as: Open, events: list[Kind]) -> None:
    page = open_as("admin", "/events/")
    rows = page.locator("tbody tr[data-href]")
    expect(rows).to_have_count(50)
    page.locator(".table-more").scroll_into_view_if_needed()
    expect(rows).to_have_count(60)
    expect(page.locator(".table-more")).to_have_count(0)


def test_a_source_waits_and_sees_its_first_event(open_as: Open, shot: Shot) -> None:
    source = interactions.create("Shop", kind="web")
    page = open_as("admin", f"/sources/{source.id}/")
    expect(page.get_by_text("Waiting for the first event")).to_be_visible()
    page.get_by_role("tab", name="Till").click()
    expect(page.locator("#till_curl")).to_be_visible()
    expect(page.locator("#web_npm")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#web_npm")).to_be_visible()
    shot(page, "source")
    Source.objects.filter(pk=source.id).update(last_seen_at=clock.now())
    expect(page.get_by_text("Last event")).to_be_visible()


def test_switching_a_source_off_is_taken_back_from_the_toast(open_as: Open, shot: Shot) -> None:
    source = interactions.create("Shop", kind="web")
    page = open_as("admin", f"/sources/{source.id}/settings/")
    page.get_by_role("button", name="Switch the source off").click()
    toast = page.get_by_role("status").filter(has_text="Shop is switched off.")
    expect(toast).to_be_visible()
    shot(page, "toast")
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Shop is switched on.")).to_be_visible()
    page.get_by_role("button", name="Show the secret").click()
    expect(page.locator("#signing-secret")).to_have_text(source.signing_secret)


def test_the_rail_folds_and_stays_folded(open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/events/")
    page.get_by_role("button", name="Fold the rail").click()
    page.goto("/held/")
    assert page.locator(".rail").bounding_box()["width"] < 60  # type: ignore[index]
    shot(page, "folded")


def test_on_a_phone_the_rail_is_a_drawer(open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/events/", width=390)
    expect(page.get_by_role("link", name="Sources")).to_be_hidden()
    page.get_by_role("button", name="Rooms").click()
    expect(page.get_by_role("link", name="Sources")).to_be_visible()
    shot(page, "phone-rail")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Sources")).to_be_hidden()


def test_the_theme_switch(open_as: Open) -> None:
    page = open_as("admin", "/events/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Me", exact=True).click()
    page.get_by_role("button", name="Dark").click()
    settled(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_charts_come_only_where_they_are_used(open_as: Open) -> None:
    page = open_as("admin", "/events/")
    scripts = (
        "performance.getEntriesByType('resource').map((r) => r.name).filter((n) => /js/.test(n))"
    )
    assert len(page.evaluate(scripts)) == 1
    page.goto("/ui/")
    expect(page.locator(".chart-plot svg").first).to_be_visible()


def test_no_page_scrolls_sideways_in_either_direction(open_as: Open, shot: Shot) -> None:
    page = open_as("admin", "/settings/appearance/")
    for path in PAGES:
        name = path.strip("/").replace("/", "-")
        for look in looks(page, path, 360, 390, 1440):
            shot(page, f"{name}-{look}")
            assert page.evaluate(TOO_WIDE) <= 0, (path, look)
        page.evaluate("document.documentElement.dir = 'rtl'")
        shot(page, f"rtl-{name}")
        assert page.evaluate(TOO_WIDE) <= 0, path
        assert page.locator(".rail").bounding_box()["x"] > 1000, path  # type: ignore[index]


def test_at_twice_the_size_of_type_nothing_is_cut(open_as: Open) -> None:
    page = open_as("admin", "/settings/people/add/", width=720)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(TOO_WIDE) <= 0
