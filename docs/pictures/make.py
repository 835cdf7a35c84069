"""Make the pictures of the README from the demo's data.

Run it with the demo's data folder: TOUCHLOOP_HOME=… python docs/pictures/make.py
It serves the demo on a port of its own, signs in as the demo does, and looks at four pages.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PORT = 18_760
FOLDER = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Serve, look, stop."""
    home = Path(os.environ.get("TOUCHLOOP_HOME", Path.home() / ".touchloop"))
    served = subprocess.Popen(
        [sys.executable, "-m", "touchloop", "demo", "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TOUCHLOOP_HOME": str(home)},
    )
    try:
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
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(timeout=60)


def _look(page: Page) -> None:
    _shoot(page, "/", "loop")
    _shoot(page, "/segments/", "segments")
    _shoot(page, "/live/", "live")
    page.goto(_url("/customers/"))
    page.wait_for_load_state("networkidle")
    first = page.locator("main a[href^='/customers/']").filter(has_text="Household").first
    address = first.get_attribute("href") or "/customers/"
    _shoot(page, address, "customer")


def _shoot(page: Page, path: str, name: str) -> None:
    page.goto(_url(path))
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


def _sign_in(page: Page, email: str, password: str) -> None:
    page.goto(_url("/"))
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def _wait() -> None:
    deadline = time.monotonic() + 120
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
