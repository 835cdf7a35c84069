"""Two steps and no password: an authenticator app, recovery codes, a passkey, in a real browser."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long enough password"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def code(secret: str) -> str:
    """What the app on the phone shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), "sha1").digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def sign_in_by_password(page: Page) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill("service@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def test_an_app_then_a_passkey(
    browser: Browser, live_server: LiveServer, sign_in: Callable[[str], object]
) -> None:
    sign_in("service")
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    sign_in_by_password(page)
    expect(page.locator(".rail")).to_be_visible()

    page.goto("/settings/security/totp/activate/")
    page.locator("input[name=password]").fill(PASSWORD)  # who changes this proves it again
    page.keyboard.press("Enter")
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("input[name=code]").fill(code(secret))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("recovery-codes"))
    page.goto("/settings/security/webauthn/add/")
    page.locator("input[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    expect(page.get_by_role("link", name="Manage passkeys")).to_be_visible()

    context.clear_cookies()
    sign_in_by_password(page)
    expect(page).to_have_url(re.compile("/authenticate/"))
    page.goto("/settings/security/")
    expect(page).to_have_url(re.compile("/authenticate/"))  # half signed in is not signed in
    expect(page.locator(".rail")).to_have_count(0)

    context.clear_cookies()
    page.goto("/sign-in/")
    page.locator("#passkey_login").click()
    expect(page.locator(".rail")).to_be_visible()
    context.close()
