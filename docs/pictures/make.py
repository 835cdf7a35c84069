"""Make the pictures of the README from the demo's data.

Run it with the demo's data folder: TOUCHLOOP_HOME=… python docs/pictures/make.py
It serves the demo (with PORT=… it looks at the one served there), signs in as the demo does, and
looks at its pages; `make.py value affinity` makes only those two. The models must be learned.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PORT = int(os.environ.get("PORT", "18760"))
SERVED = "PORT" in os.environ  # by somebody else
FOLDER = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

# Name: the page, the link of a list that is followed, and what stands at the top of the picture.
PICTURES = {
    "loop": ("/", "", ""),
    "segments": ("/segments/", "", ""),
    "live": ("/live/", "", ""),
    "customer": ("/customers/", "main a[href^='/customers/']:has-text('Household')", ""),
    "decision": ("/decisions/", "main table a.lead", ""),
    "scorecards": ("/scorecards/", "", ""),
    "value": ("/insight/value/", "", "main figure"),
    "affinity": ("/insight/affinity/", "", "form.affinity-bar"),
}
UNDER_THE_HEAD = "part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 72)"


def main() -> None:
    """Look at the demo, served for it or already there."""
    home = Path(os.environ.get("TOUCHLOOP_HOME", Path.home() / ".touchloop"))
    with nullcontext() if SERVED else _served(home):
        _wait()
        while not (home / "demo_sign_in.json").exists():
            time.sleep(0.5)
        sign_in = json.loads((home / "demo_sign_in.json").read_text())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=ARGUMENTS
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            _sign_in(page, sign_in["email"], sign_in["password"])
            _look(page)
            browser.close()


@contextmanager
def _served(home: Path) -> Iterator[None]:
    served = subprocess.Popen(
        [sys.executable, "-m", "touchloop", "demo", "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TOUCHLOOP_HOME": str(home)},
    )
    try:
        yield
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(timeout=60)


def _look(page: Page) -> None:
    for name, (path, first, top) in PICTURES.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        page.goto(_url(path))
        page.wait_for_load_state("networkidle")
        if first:  # of a list: what it leads to
            link = page.locator(first).first
            page.goto(_url(link.get_attribute("href") or path))
            page.wait_for_load_state("networkidle")
        if top:
            page.locator(top).first.evaluate(UNDER_THE_HEAD)
        page.mouse.move(0, 0)
        page.screenshot(path=FOLDER / f"{name}.png")


def _sign_in(page: Page, email: str, password: str) -> None:
    page.goto(_url("/"))
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def _wait() -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(_url("/"), timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the demo did not come up")


def _url(path: str) -> str:
    return f"http://localhost:{PORT}{path}"


if __name__ == "__main__":
    main()
