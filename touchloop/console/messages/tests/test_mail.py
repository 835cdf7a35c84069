"""Templates written, previewed and framed; the demo's inbox; the contact policy."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.console.messages.tests.conftest import BODY, Market, SignIn, text
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


def draft(**more: str) -> dict[str, str]:
    return {
        "name": "Hello <b>", "slug": "hello", "kind": "marketing", "topic": "offers",
        "subject": "Hello {{ customer.first_name }}", "markup": "mjml", "language": "en",
        "body": BODY, "text": "", "data": "{}",
    } | more  # fmt: skip


def test_a_template_is_written_and_kept_as_versions(admin: Client, market: Market) -> None:
    made = admin.post("/messages/templates/new/", draft())
    assert made.status_code == 302, made.content.decode()[-2000:]
    assert made["Location"] == "/messages/templates/of/hello/"
    again = admin.post("/messages/templates/new/", draft())
    assert again.status_code == 400
    assert "already" in again.content.decode()
    admin.post("/messages/templates/of/hello/edit/", draft(subject="Second"))
    page = text(admin, "/messages/templates/of/hello/")
    assert "Version 2" in page
    assert "Hello &lt;b&gt;" in page
    assert text(admin, "/messages/templates/of/hello/?version=1").count("Version 1") >= 1
    assert admin.get("/messages/templates/of/hello/?version=9").status_code == 404
    assert AuditEntry.objects.filter(act="template.saved", object_id="hello").count() == 2
    with db.connect() as conn:
        assert [each.version for each in email.history(conn, "hello")] == [2, 1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"body": "<mjml><mj-body><script>x</script></mj-body></mjml>", "markup": "html"},
         "A mail holds no &lt;script&gt;"),
        ({"body": "{% for"}, "body"),
        ({"subject": ""}, "Give the message a subject"),
        ({"slug": "Not A Slug"}, "Use small letters"),
        ({"topic": ""}, "Choose a topic"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_sent_is_not_kept(
    admin: Client, market: Market, wrong: dict[str, str], said: str
) -> None:
    answer = admin.post("/messages/templates/new/", draft(**wrong))
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_a_preview_is_framed_without_rights(admin: Client, market: Market) -> None:
    hostile = draft(body='<p onclick="x()">Hi</p>', markup="html")
    refused = admin.post("/messages/templates/preview/", hostile)
    assert "A mail holds no scripts" in refused.content.decode()
    seen = admin.post("/messages/templates/preview/", draft(customer=str(market.ana)))
    assert "sandbox" in seen["Content-Security-Policy"]
    assert "default-src 'none'" in seen["Content-Security-Policy"]
    assert seen["X-Frame-Options"] == "SAMEORIGIN"
    page = seen.content.decode()
    assert "Have a look" in page
    assert not re.search(
        "/c/[up]/[0-9a-f]", page
    )  # nobody is unsubscribed by trying a link of a preview
    plain = admin.post("/messages/templates/preview/", draft(part="text")).content.decode()
    assert "Subject: Hello" in plain
    assert (
        "not JSON" in admin.post("/messages/templates/preview/", draft(data="{")).content.decode()
    )


def test_the_page_may_hold_the_frame_and_nothing_else(admin: Client, market: Market) -> None:
    page = admin.get("/messages/templates/of/win-back/")
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "script-src 'self' 'nonce-" in page["Content-Security-Policy"]
    assert 'sandbox=""' in page.content.decode()
    framed = admin.get(f"/messages/templates/of/win-back/frame/?customer={market.ana}")
    assert "frame-ancestors 'self'" in framed["Content-Security-Policy"]
    assert "<script>alert" not in framed.content.decode()
    assert admin.get("/messages/templates/of/none/frame/").status_code == 404


def test_the_inbox_of_the_demo_shows_what_was_received(admin: Client, market: Market) -> None:
    page = text(admin, "/messages/inbox/")
    assert "Something new at the deli" in page
    with db.connect() as conn:
        first = email.inbox(conn, limit=1)[0]
    one = admin.get(f"/messages/inbox/{first.id}/")
    assert "Links in this message" in one.content.decode()
    assert "frame-src 'self'" in one["Content-Security-Policy"]
    framed = admin.get(f"/messages/inbox/{first.id}/frame/")
    assert "sandbox" in framed["Content-Security-Policy"]
    assert "Have a look" in framed.content.decode()
    assert (
        "Have a look" in admin.get(f"/messages/inbox/{first.id}/frame/?part=text").content.decode()
    )
    assert admin.get("/messages/inbox/999999/").status_code == 404


POLICY = {
    "cap_kind": ["marketing", ""], "cap_hours": ["24", ""], "cap_most": ["2", ""],
    "gap_hours": "6", "quiet_from": "20", "quiet_until": "9", "mute_days": "7",
    "zones": "Europe/Berlin", "keep_marketing": "100", "keep_survey": "100",
    "keep_service": "72", "keep_prompt": "720",
}  # fmt: skip


def test_the_contact_policy_is_changed_by_an_admin_with_a_trace(
    admin: Client, sign_in: SignIn, market: Market
) -> None:
    assert "An admin can change it." in text(sign_in("marketer"), "/messages/policy/")
    answer = admin.post("/messages/policy/change/", POLICY)
    assert answer.status_code == 302
    page = text(admin, "/messages/policy/")
    assert "At most 2 marketing messages in any 24 hours." in page
    assert "Quiet between 20:00 and 9:00" in page
    assert "Who changed it" in page
    with db.connect() as conn:
        assert channels.stored_policy(conn).gap_hours == 6
    entry = AuditEntry.objects.get(act="contact_policy.changed")
    assert entry.after is not None
    assert entry.after["quiet_from"] == 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gap_hours": "often"}, "Write a number."),
        ({"quiet_from": "25"}, "an hour is between 0 and 23"),
        ({"zones": "Mars/Base"}, "there is no time zone Mars/Base"),
        ({"cap_hours": ["x", ""]}, "Write whole numbers."),
    ],
)
def test_a_policy_that_cannot_hold_is_refused(
    admin: Client, market: Market, wrong: dict[str, object], said: str
) -> None:
    answer = admin.post("/messages/policy/change/", POLICY | wrong)
    assert answer.status_code == 400
    assert said in answer.content.decode()
