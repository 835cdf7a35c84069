"""Sign-in under attack: counted for all processes; asked again before a secret is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client, RequestFactory

from touchloop.console.signin.adapter import Adapter
from touchloop.core import clock
from touchloop.core.accounts.models import Counted, Staff
from touchloop.interactions import api as interactions

RIGHT = "a long enough password"


def attempt(password: str) -> Client:
    client = Client()
    client.post("/sign-in/", {"login": "admin@example.com", "password": password})
    return client


def signed_in(client: Client) -> bool:
    return client.get("/settings/appearance/").status_code == 200


def test_failed_sign_ins_are_counted_in_one_place_for_all_processes(admin: Client) -> None:
    for _ in range(5):
        attempt("wrong")
    assert not signed_in(attempt(RIGHT))
    key = Counted.objects.get(cache_key__contains="login_failed:5/").cache_key
    another = caches.create_connection("default")  # as another process has it
    assert len(another.get(key.split(":", 2)[2])) == 5
    Counted.objects.all().delete()
    assert signed_in(attempt(RIGHT))


def test_behind_a_proxy_the_caller_is_counted_and_nobody_can_say_to_be_another(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def address(**meta: str) -> str:
        request = RequestFactory().post("/sign-in/")
        request.META.update(meta)
        return Adapter().get_client_ip(request)

    through = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}
    assert address(**through) == "10.0.0.1"
    monkeypatch.setenv("TOUCHLOOP_TRUSTED_PROXIES", "10.0.0.0/8")
    assert address(**through) == "203.0.113.9"
    assert address(**through | {"REMOTE_ADDR": "198.51.100.7"}) == "198.51.100.7"


def later(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    then = clock.now() + timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "now", lambda: then)


def test_a_secret_is_shown_only_shortly_after_a_sign_in(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = interactions.create("Shop", kind="web")
    address, page = f"/sources/{shop.id}/secret/", f"http://testserver/sources/{shop.id}/settings/"
    assert shop.signing_secret.encode() in admin.post(address).content
    later(monkeypatch, 11)
    answer = admin.post(address, headers={"Referer": page})
    assert answer.status_code == 302 and shop.signing_secret.encode() not in answer.content
    assert answer["Location"] == f"/sign-in/confirm/?next=%2Fsources%2F{shop.id}%2Fsettings%2F"
    htmx = {"HX-Request": "true", "HX-Current-URL": page}
    assert admin.post(address, headers=htmx)["HX-Redirect"] == answer["Location"]
    stranger = admin.post(address, headers={"Referer": "https://evil.example/x"})
    assert stranger["Location"] == "/sign-in/confirm/?next=%2F"
    monkeypatch.undo()
    assert b"Password" in admin.get(answer["Location"]).content
    confirmed = admin.post(answer["Location"], {"password": RIGHT})
    assert confirmed["Location"] == f"/sources/{shop.id}/settings/"
    assert shop.signing_secret.encode() in admin.post(address).content


def test_nobody_is_let_in_by_a_sign_in_of_long_ago(
    admin: Client, sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in("analyst")
    analyst = Staff.objects.get(role="analyst")
    later(monkeypatch, 11)
    form = {"email": "new@example.com", "role": "admin", "name": "New"}
    for address, given in (
        ("/settings/people/add/", form),
        (f"/settings/people/{analyst.pk}/", {"role": "admin", "name": "A", "active": "yes"}),
        (f"/settings/people/{analyst.pk}/password/", {}),
        ("/messages/webhooks/add/", {"slug": "x", "name": "X", "url": "https://x.example/"}),
    ):
        answer = admin.post(address, given)
        assert answer.status_code == 302 and "/sign-in/confirm/" in answer["Location"], address
    assert Staff.objects.count() == 2
    assert Staff.objects.get(pk=analyst.pk).role == "analyst"
