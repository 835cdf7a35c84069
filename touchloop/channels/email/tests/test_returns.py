"""What comes back is believed when it carries our token, and only then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from touchloop.channels import api
from touchloop.channels.email import tokens
from touchloop.channels.email.returns import read_back
from touchloop.channels.email.tests.conftest import NOON, Server, Shop
from touchloop.channels.tests.conftest import told

LATER = NOON + timedelta(minutes=5)


def bounce(
    status: str, *, to: str = "hello@shop.example", quoted: str = "", action: str = "failed",
    said: str = "smtp; 550 user unknown",
) -> bytes:  # fmt: skip
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;"
        ' boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; p0@example.com\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {said}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Subject: Hello\r\n{quoted}\r\n--b--\r\n"
    ).encode()


def complaint(quoted: str, kind: str = "abuse") -> bytes:
    return (
        "From: fbl@isp.example\r\nTo: fbl@shop.example\r\nSubject: FW\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n--b\r\n'
        "Content-Type: text/plain\r\n\r\nabuse\r\n--b\r\nContent-Type: message/feedback-report"
        f"\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: X/1\r\nVersion: 1\r\n\r\n--b\r\n"
        f"Content-Type: message/rfc822\r\n\r\nSubject: Hello\r\n{quoted}\r\n\r\nbody\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def sent(shop: Shop, mail: Server) -> tuple[int, int]:
    """(subject, delivery) of a message that was handed over."""
    shop.write()
    id = shop.customer()
    return id, shop.send(id)


def verp(delivery: int) -> str:
    return f"Bounces+{tokens.make(tokens.RETURN, delivery).upper()}@shop.example"


def quoted(delivery: int) -> str:
    return f"X-Touchloop-Delivery: {tokens.make(tokens.RETURN, delivery)}\r\n"


def wants_again(shop: Shop, id: int) -> str:
    wanted = api.Wanted(id, "marketing", "offers", "deli", "again", ("email",), {})
    (asked,) = api.request(shop.conn, [wanted], now=NOON + timedelta(days=30))
    return asked.state


@pytest.mark.parametrize(
    ("status", "word", "state"),
    [
        ("5.1.1", "suppressed", "bounced"), ("5.0.0", "suppressed", "bounced"),
        ("5.1.10", "suppressed", "bounced"), ("5.2.1", "suppressed", "bounced"),
        ("5.2.2", "bounced", "bounced"), ("5.7.1", "bounced", "bounced"),
        ("5.4.7", "bounced", "bounced"), ("4.4.7", "bounced", "bounced"),
    ],
)  # fmt: skip
def test_a_hard_bounce_suppresses_and_a_soft_one_does_not(
    shop: Shop, sent: tuple[int, int], status: str, word: str, state: str
) -> None:
    id, delivery = sent
    said = read_back(shop.conn, bounce(status, to=verp(delivery)), LATER)
    shop.conn.commit()
    assert (said.kind, said.word, said.delivery_id) == ("bounce", word, delivery)
    assert shop.state(delivery)[0] == state
    assert (wants_again(shop, id) == "suppressed") == (word == "suppressed")
    assert "Message Bounced" in [news["event"] for news in told(shop.conn)]


def test_a_delay_changes_nothing_and_a_delivery_confirms(shop: Shop, sent: tuple[int, int]) -> None:
    _id, delivery = sent
    late = bounce("4.4.1", to=verp(delivery), action="delayed")
    assert read_back(shop.conn, late, LATER).word == "delayed"
    assert shop.state(delivery)[0] == "handed"
    good = bounce("2.0.0", to=verp(delivery), action="delivered")
    assert read_back(shop.conn, good, LATER).word == "confirmed"
    assert shop.state(delivery)[0] == "confirmed"


def test_a_complaint_suppresses_at_once(shop: Shop, sent: tuple[int, int]) -> None:
    id, delivery = sent
    raw = complaint(quoted(delivery))
    said = read_back(shop.conn, raw, LATER)
    assert (said.kind, said.word) == ("complaint", "suppressed")
    assert shop.state(delivery)[0] == "complained" and wants_again(shop, id) == "suppressed"
    before = len(told(shop.conn))
    assert read_back(shop.conn, raw, LATER) == said
    assert len(told(shop.conn)) == before
    assert shop.conn.execute("SELECT count(*) FROM mail_returns").fetchone() == (1,)


def test_a_bounce_is_found_by_the_headers_it_quotes(shop: Shop, sent: tuple[int, int]) -> None:
    _id, delivery = sent
    assert read_back(shop.conn, bounce("5.1.1", quoted=quoted(delivery)), LATER).delivery_id


@pytest.mark.parametrize("kind", ["forged", "none", "other kind", "not spam", "words", "junk"])
def test_what_is_forged_or_says_nothing_is_kept_with_a_word_and_changes_nothing(
    shop: Shop, sent: tuple[int, int], kind: str
) -> None:
    id, delivery = sent
    good = tokens.make(tokens.RETURN, delivery)
    forged = f"X-Touchloop-Delivery: {good[:-1]}{int(good[-1], 16) ^ 1:x}\r\n"
    raw = {
        "forged": bounce("5.1.1", quoted=forged),
        "none": bounce("5.1.1"),
        "other kind": complaint(
            f"X-Touchloop-Delivery: {tokens.make(tokens.OPENING, delivery)}\r\n"
        ),
        "not spam": complaint(quoted(delivery), "not-spam"),
        "words": b"Subject: I am away\r\nTo: " + verp(delivery).encode() + b"\r\n\r\nuntil Monday",
        "junk": b"\x00\xff" * 5000 + b"\r\n\r\n--b",
    }[kind]  # fmt: skip
    said = read_back(shop.conn, raw, LATER)
    shop.conn.commit()
    assert said.word == "ignored" and said.reason
    assert shop.state(delivery)[0] == "handed" and wants_again(shop, id) != "suppressed"
    assert shop.conn.execute("SELECT word FROM mail_returns").fetchone() == ("ignored",)
