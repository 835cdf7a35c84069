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
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
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


class Open(Protocol):
    def __call__(
        self, role: str, path: str = "/", *, width: int = 1440, dark: bool = False
    ) -> Page: ...


def settled(page: Page) -> None:
    """Wait until all that the page asks for by itself has come, and its charts are drawn."""
    page.wait_for_load_state("load")
    page.wait_for_function(_SETTLED)


def looks(page: Page) -> Iterator[str]:
    """The page as it stands, in light and in dark."""
    for light in ("light", "dark"):
        page.emulate_media(color_scheme=light)
        yield light


_SETTLED = """
() => document.readyState === "complete"
  && !document.querySelector(".htmx-request")
  && [...document.querySelectorAll(".chart-plot")].every(
    (plot) => !plot.checkVisibility() || plot.querySelector("svg, canvas"))
"""


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


@pytest.fixture
def open_as(
    browser: Browser, live_server: LiveServer, sign_in: Callable[[str], Client]
) -> Iterator[Open]:
    contexts, complaints = [], []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            complaints.append(message.text)

    def opened(role: str, path: str = "/", *, width: int = 1440, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900 if width > 500 else 844},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            base_url=live_server.url,
            locale="en-GB",
        )
        contexts.append(context)
        session = sign_in(role).cookies["touchloop"].value
        context.add_cookies([{"name": "touchloop", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        settled(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Keep a picture, when somebody asked for pictures."""

    def kept(page: Page, name: str) -> None:
        folder = os.environ.get("TOUCHLOOP_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"))

    return kept
