"""Menus on a phone: an open one stays within the window."""

from __future__ import annotations

from touchloop.console.tests.browser.conftest import Open

OUT = """panel => Math.max(panel.getBoundingClientRect().right - innerWidth,
                           -panel.getBoundingClientRect().left,
                           document.documentElement.scrollWidth - innerWidth)"""


def test_an_open_menu_stays_within_the_window(open_as: Open) -> None:
    page = open_as("admin", "/customers/", width=390)
    seen = 0
    for address in ("/customers/", "/decisions/"):
        page.goto(address)
        for menu in page.locator("details.menu-start:has(> .menu-panel.form)").all():
            menu.locator("> summary").click()
            seen += 1
            assert menu.locator("> .menu-panel").evaluate(OUT) <= 0, (address, seen)
            menu.locator("> summary").click()
    assert seen >= 4
