"""Charts in a real browser: drawn in the tokens of the page, leading on, odd names as text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from touchloop.console.tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHARTS = ("lines", "bars", "shares", "curve", "grid", "network")


def test_every_shape_is_drawn_in_both_themes(
    open_as: Open, shot: Callable[[Page, str], None]
) -> None:
    page = open_as("admin", "/ui/")
    for name in CHARTS:
        expect(page.locator(f"#sample_{name} .chart-plot svg")).to_be_visible()
    ink = page.locator("#sample_lines svg text").first
    light = ink.get_attribute("fill")
    page.locator("#sample_lines").scroll_into_view_if_needed()
    shot(page, "charts-1")
    page.locator("#sample_network").scroll_into_view_if_needed()
    shot(page, "charts-2")
    page.emulate_media(color_scheme="dark")
    expect(ink).not_to_have_attribute("fill", light or "")
    shot(page, "charts-dark")


def test_a_mark_says_its_words_and_leads_on(open_as: Open) -> None:
    page = open_as("admin", "/ui/", width=390)
    cell = page.locator("#sample_grid .chart-plot")
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#sample_grid .chart-said")).to_contain_text("customers")
    page.evaluate("window.before = 1")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("window.before === undefined")
    expect(page).to_have_url(re.compile("/ui/$"))


def test_the_table_behind_leads_on_by_key(open_as: Open) -> None:
    page = open_as("admin", "/ui/")
    page.locator("#sample_grid summary").click()
    lead = page.locator("#sample_grid td a").first
    lead.focus()
    page.evaluate("window.before = 1")
    page.keyboard.press("Enter")
    page.wait_for_function("window.before === undefined")
