"""Webhook endpoints by hand: added, their key shown once, tried, switched, rotated, removed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from touchloop.channels.api import webhook
from touchloop.channels.webhook import guard, posting
from touchloop.console.messages.tests.conftest import SignIn
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"name": "Push", "slug": "push", "url": "https://push.shop.example/hook"}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name has a public address; nothing is asked for it."""
    monkeypatch.setattr(guard, "_ask", lambda host, port: [(2, "93.184.215.14")])


def there() -> list[webhook.Endpoint]:
    with db.connect() as conn:
        return webhook.endpoints(conn)


def test_a_key_is_shown_once(admin: Client) -> None:
    assert "No webhook yet" in admin.get("/messages/webhooks/").content.decode()
    answer = admin.post("/messages/webhooks/add/", GIVEN)
    keys = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())
    assert len(set(keys)) == 1 and answer["Cache-Control"] == "no-store"
    page = admin.get("/messages/webhooks/").content.decode()
    assert "push.shop.example" in page and "whsec_" not in page
    rotated = admin.post("/messages/webhooks/push/key/").content.decode()
    assert "whsec_" in rotated and keys[0] not in rotated and "two keys" in rotated
    assert there()[0].rotating
    admin.post("/messages/webhooks/push/key/", {"drop": "1"})
    assert not there()[0].rotating
    kept = AuditEntry.objects.filter(object_kind="webhook").values_list("after", "before")
    assert len(kept) == 3 and "whsec_" not in str(list(kept))


def test_it_is_switched_and_removed(admin: Client) -> None:
    admin.post("/messages/webhooks/add/", GIVEN)
    admin.post("/messages/webhooks/push/change/", {"enabled": "no"})
    assert not there()[0].enabled and there()[0].url == GIVEN["url"]
    admin.post("/messages/webhooks/push/change/", {"enabled": "yes", "name": "Pushes"})
    assert there()[0].enabled and there()[0].name == "Pushes"
    admin.post("/messages/webhooks/push/remove/")
    assert there() == []
    assert admin.post("/messages/webhooks/push/remove/").status_code == 404


def test_a_trial_says_what_became_of_it(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    admin.post("/messages/webhooks/add/", GIVEN)
    sent: list[dict[str, Any]] = []

    def post(url: str, body: str, **more: Any) -> posting.Posted:
        sent.append({"url": url, "body": body, **more})
        return posting.Posted("handed" if len(sent) == 1 else "refused", "410")

    monkeypatch.setattr(posting, "post", post)
    first = admin.post("/messages/webhooks/push/trial/", follow=True).content.decode()
    assert "took the trial" in first and '"trial"' in sent[0]["body"]
    again = admin.post("/messages/webhooks/push/trial/", follow=True).content.decode()
    assert "did not take the trial" in again and "410" in again


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"slug": "Not a slug"},
        {"url": "ftp://push.shop.example"},
        {"url": "https://a:b@push.shop.example/"},
        {"url": "https://push.shop.example:8443/"},
    ],
)
def test_what_cannot_be_is_refused(admin: Client, wrong: dict[str, str]) -> None:
    assert admin.post("/messages/webhooks/add/", GIVEN | wrong).status_code == 400
    assert there() == []


def test_only_who_manages_sources_changes_them(sign_in: SignIn) -> None:
    marketer = sign_in("marketer")
    assert "Add a webhook" not in marketer.get("/messages/webhooks/").content.decode()
    assert marketer.post("/messages/webhooks/add/", GIVEN).status_code == 403
    assert sign_in("store_manager").get("/messages/webhooks/").status_code == 403
