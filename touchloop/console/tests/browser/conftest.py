"""A real browser: Debian's Chromium, a live server, somebody signed in.

`open_as(role, width=…, dark=…)` gives a page; what the page says in its console as an error, or a
breach of the content security policy, fails the test. With TOUCHLOOP_SHOTS=folder, `shot(page,
name)` keeps a picture there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Playwright's own event loop would make Django refuse to use the database in this thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Five seconds are enough for a page, and not for a machine that is full of other tests.
expect.set_options(timeout=30_000)


Shot = Callable[[Page, str], None]
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Open(Protocol):
    def __call__(
        self, role: str, path: str = "/", *, width: int = 1440, dark: bool = False
    ) -> Page: ...


def settled(page: Page) -> None:
    """Wait until all that the page asks for by itself has come, and its charts are drawn."""
    page.wait_for_load_state("load")
    page.wait_for_function(_SETTLED)


def looks(page: Page, path: str, *widths: int) -> Iterator[str]:
    """Load the path in the narrowest window; then as it stands in each width, light and dark."""
    resize(page, widths[0])
    page.goto(path)
    settled(page)
    for width in widths:
        resize(page, width)
        page.evaluate(_DRAWN)
        for light in ("light", "dark"):
            page.emulate_media(color_scheme=light)
            yield f"{width}-{light}"


def resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900 if width > 500 else 844})


_SETTLED = """
() => document.readyState === "complete"
  && !document.querySelector(".htmx-request")
  && [...document.querySelectorAll(".chart-plot")].every(
    (plot) => !plot.checkVisibility() || plot.querySelector("svg, canvas"))
"""
# A chart hears of its new width before the next frame, and is drawn in it.
_DRAWN = """
() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
"""


# A refusal that a test asked for; and what htmx says of a request that ends because its page is
# left (an answer that does not come is `htmx:sendError` or `htmx:timeout`, and a fault).
_NOT_FAULTS = ("status of 4", "htmx:afterRequest", "htmx:sendAbort")


# Per module, not per session: while Playwright runs, its event loop runs in this thread, and
# neither a second one nor asyncio.run() would start.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), chromium_sandbox=False
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def window(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A new window costs more than most tests: its process, and the files that every page needs."""
    context = browser.new_context(reduced_motion="reduce", base_url=live_server.url, locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.fixture
def open_as(
    window: Page, live_server: LiveServer, sign_in: Callable[[str], Client]
) -> Iterator[Open]:
    """The module's window as if it were new: nobody signed in, nothing kept, no history used."""
    complaints = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in _NOT_FAULTS):
            complaints.append(message.text)

    def fail(error: Error) -> None:
        complaints.append(str(error))

    def opened(role: str, path: str = "/", *, width: int = 1440, dark: bool = False) -> Page:
        resize(window, width)
        window.emulate_media(color_scheme="dark" if dark else "light")
        session = sign_in(role).cookies["touchloop"].value
        window.context.add_cookies(
            [{"name": "touchloop", "value": session, "url": live_server.url}]
        )
        window.goto(path)
        settled(window)
        return window

    window.on("console", note)
    window.on("pageerror", fail)
    yield opened
    window.mouse.move(-1, -1)
    window.evaluate("localStorage.clear(); sessionStorage.clear()")
    window.goto("about:blank")
    window.context.clear_cookies()
    window.remove_listener("console", note)
    window.remove_listener("pageerror", fail)
    assert complaints == []


@pytest.fixture
def shot() -> Shot:
    """Keep a picture, when somebody asked for pictures."""

    def kept(page: Page, name: str) -> None:
        folder = os.environ.get("TOUCHLOOP_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"))

    return kept
