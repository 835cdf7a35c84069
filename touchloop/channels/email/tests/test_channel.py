"""From a wish to the mail in a real server, and what it may not hold."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from touchloop.channels import api
from touchloop.channels.email import preview, tokens
from touchloop.channels.email.tests.conftest import NOON, Server, Shop
from touchloop.core.errors import Invalid, NotFound

KEY = rsa.generate_private_key(65537, 2048)


def parts(raw: bytes) -> tuple[EmailMessage, str, str]:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (part.get_content() for part in mail.iter_parts())
    return mail, text, html


def test_a_message_arrives_whole_and_signed(
    shop: Shop, mail: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for name, value in (("DOMAIN", "shop.example"), ("SELECTOR", "s1"), ("KEY", pem)):
        monkeypatch.setenv(f"TOUCHLOOP_DKIM_{name}", value)
    shop.write()
    id = shop.customer()
    delivery = shop.send(id)
    assert shop.state(delivery)[0] == "handed"
    ((sender, recipients, raw),) = mail.taken
    sent, text, html = parts(raw)
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: record)
    assert recipients == ["p0@example.com"]
    assert re.fullmatch(r"bounces\+[0-9a-f]{46}@shop.example", sender)
    assert sent["from"].addresses[0].display_name == "Müller & Söhne"
    assert sent["subject"] == "Something from the deli" and sent["bcc"] is None
    assert sent["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    leave = str(sent["list-unsubscribe"])
    assert re.fullmatch(r"<https://crm\.shop\.example/c/u/[0-9a-f]{58}>", leave)
    stored = api.delivery_of_message(shop.conn, str(sent["message-id"]))
    assert stored is not None and stored.id == delivery
    for part in (text, html):
        assert "Hello Ana Bcc: x" in " ".join(part.split()) and "Why this?" in part
        assert "1 High Street, Springfield" in part and "/c/p/" in part and "/c/u/" in part


def test_who_was_not_asked_is_not_measured(shop: Shop, mail: Server) -> None:
    shop.write()
    shop.send(shop.customer())
    _sent, text, html = parts(mail.taken[0][2])
    assert "/c/l/" not in html + text and "/c/o/" not in html + text
    assert "<img" not in html and "What we used" not in html + text
    assert 'href="https://shop.example/deli?a=1&amp;b=2"' in html
    assert "https://shop.example/deli?a=1&b=2" in text


def test_who_agreed_gets_signed_links_that_lead_where_the_template_led(
    shop: Shop, mail: Server
) -> None:
    shop.write()
    delivery = shop.send(shop.customer(measured=True))
    _sent, text, html = parts(mail.taken[0][2])
    found = re.findall(r'href="https://crm\.shop\.example/c/l/([0-9a-f]+)"', html)
    assert len(found) == 2 and "shop.example/o" not in html and "/c/o/" in html
    numbers = [tokens.read(tokens.CLICK, token, numbers=2) for token in found]
    rows = dict(shop.conn.execute("SELECT id, address FROM message_links").fetchall())
    assert {rows[n[1]] for n in numbers if n} == {
        "https://shop.example/deli?a=1&b=2", "https://shop.example/o",
    }  # fmt: skip
    assert {n[0] for n in numbers if n} == {delivery}


def test_two_with_the_same_words_get_their_own_tokens(shop: Shop, mail: Server) -> None:
    shop.write()
    ids = [shop.customer(start=n, measured=True) for n in range(3)]
    wanted = [
        api.Wanted(id, "marketing", "offers", "deli", f"c{id}", ("email",), {"offer": {}})
        for id in ids
    ]
    api.request(shop.conn, wanted, now=NOON)
    shop.conn.commit()
    assert api.hand_off(shop.conn, NOON, 10) == 3
    bodies = [raw for _from, _to, raw in mail.taken]
    found = [re.findall(rb"/c/[luop]/=?\r?\n?([0-9a-f]{34,})", raw) for raw in bodies]
    assert len({len(one) for one in found}) == 1 and len(found[0]) > 5
    assert not set(found[0]) & set(found[1]) and not set(found[1]) & set(found[2])


def test_a_service_message_has_no_list_but_the_way_to_ones_choices(
    shop: Shop, mail: Server
) -> None:
    shop.write(slug="receipt", kind="service", topic="")
    shop.send(shop.customer(agreed=False), template="receipt", kind="service", topic="")
    sent, text, _html = parts(mail.taken[0][2])
    assert sent["list-unsubscribe"] is None and "Unsubscribe" not in text and "/c/p/" in text


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TOUCHLOOP_SMTP_URL", ""), ("TOUCHLOOP_MAIL_FROM", ""),
        ("TOUCHLOOP_DKIM_SELECTOR", "alone"), ("TOUCHLOOP_SMTP_URL", "http://x"),
    ],
)  # fmt: skip
def test_a_missing_setting_is_a_word_and_nothing_is_lost(
    shop: Shop, mail: Server, monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    monkeypatch.setenv(setting, value)
    shop.write()
    state, reason, detail = shop.state(shop.send(shop.customer()))
    assert (state, reason) in (("queued", "not_set_up"), ("deferred", "not_set_up"))
    assert "TOUCHLOOP_" in detail and mail.taken == []


def test_a_server_that_is_away_is_a_word_too(
    shop: Shop, mail: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLOOP_SMTP_URL", "smtp://127.0.0.1:1")
    shop.write()
    state, reason, detail = shop.state(shop.send(shop.customer()))
    assert state in ("queued", "deferred") and reason == "no_server" and "mail server" in detail


def test_a_dead_address_bounces_and_is_suppressed(shop: Shop, mail: Server) -> None:
    mail.to_recipient = lambda address: "550 5.1.1 no such user"
    shop.write()
    id = shop.customer()
    state, _reason, detail = shop.state(shop.send(id))
    assert state == "bounced" and "no such user" in detail
    mail.to_recipient = lambda address: "250 ok"
    again = api.Wanted(id, "marketing", "offers", "deli", "again", ("email",), {})
    (asked,) = api.request(shop.conn, [again], now=NOON)
    assert asked.state == "suppressed"


def test_a_template_that_cannot_be_rendered_drops_its_own_messages_only(
    shop: Shop, mail: Server
) -> None:
    shop.write()
    shop.write(slug="broken", subject="{{ 'x' | times: big | append: big }}",
               body="<p>{% for i in (1..n) %}x{% endfor %}</p>", markup="html")  # fmt: skip
    bad = shop.send(shop.customer(), template="broken", data={"n": 900_000}, cause="bad")
    good = shop.send(shop.customer(start=1), cause="good")
    assert shop.state(bad)[:2] == ("dropped", "template")
    assert shop.state(good)[0] == "handed"


def test_versions_are_kept_and_a_delivery_keeps_its_own(shop: Shop, mail: Server) -> None:
    shop.write(subject="first")
    id = shop.customer()
    wanted = api.Wanted(id, "marketing", "offers", "deli", "c", ("email",), {})
    api.request(shop.conn, [wanted], now=NOON)
    shop.write(subject="second")
    api.hand_off(shop.conn, NOON, 10)
    assert parts(mail.taken[0][2])[0]["subject"] == "first"
    assert [one.subject for one in api.email.history(shop.conn, "deli")] == ["second", "first"]
    assert api.email.get(shop.conn, "deli").version == 2
    assert [one.slug for one in api.email.listing(shop.conn)] == ["deli"]
    with pytest.raises(NotFound):
        api.email.get(shop.conn, "nothing")


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "a b"), ("name", " "), ("kind", "spam"), ("topic", ""), ("subject", ""),
     ("subject", "{{"), ("markup", "word"), ("text", "{% if %}")],
)  # fmt: skip
def test_a_template_that_makes_no_sense_names_its_field(shop: Shop, field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        shop.write(**{field: value})
    assert refused.value.field == field


def test_a_preview_says_what_the_customer_would_read_and_links_to_nobody(shop: Shop) -> None:
    shop.write()
    id = shop.customer(measured=True)
    said = preview.preview(
        shop.conn, preview.version(shop.conn, "deli"), customer_id=id,
        data={"offer": {"name": "deli", "url": "https://shop.example/o"}}, now=NOON,
    )  # fmt: skip
    assert "Ana" in said.html and "https://shop.example/o" in said.html
    assert "/c/l/" not in said.html and not re.search("[0-9a-f]{40}", said.html + said.text)
    other = shop.customer(start=5, agreed=False)
    assert (
        "Ana"
        not in preview.preview(
            shop.conn, preview.version(shop.conn, "deli"), customer_id=other, data={}, now=NOON
        ).html
    )
