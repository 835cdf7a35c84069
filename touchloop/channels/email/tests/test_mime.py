"""Bytes that any mail program reads as what was meant, whatever was meant."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchloop.channels.email import mime
from touchloop.channels.email.mime import Headers

READABLE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Cn")))


def parsed(subject: str, text: str = "x", html: str = "x"):  # type: ignore[no-untyped-def]
    fields = Headers(
        (
            ("From", mime.mailbox("Shop", "hello@shop.example")),
            ("Subject", mime.words(subject)),
            ("MIME-Version", "1.0"),
            ("Content-Type", 'multipart/alternative; boundary="=_b"'),
        )
    )
    raw = fields.block() + b"\r\n" + b"".join(mime.body(text=[text], html=[html], boundary="=_b"))
    return raw, message_from_bytes(raw, policy=policy.default)


@given(READABLE)
@example("=?utf-8?q?=0D=0ABcc:_x@y?=")
@example("ü" * 300)
@example("word " * 60)
def test_a_subject_arrives_as_it_was_meant(subject: str) -> None:
    raw, mail = parsed(subject)
    assert mail["subject"] == " ".join(subject.split())[:240].strip()
    head = raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^ ]*\?=", head))


@pytest.mark.parametrize(
    "attack",
    [
        "Hi\r\nBcc: everybody@example.com", "Hi\nBcc: x@example.com", "Hi\r\n\r\n<script>",
        "Hi\rBcc: x@example.com", "Hi\x00Bcc: x", "Hi\u2028Bcc: x@example.com", "Hi\x85Bcc: x",
        "\u202egnp.exe", "Hi\u2066\u2069", "=?utf-8?q?x=0D=0ABcc:_y?=",
    ],
)  # fmt: skip
def test_no_value_ends_a_header_or_turns_it(attack: str) -> None:
    raw, mail = parsed(attack)
    assert mail["bcc"] is None
    assert [name for name, _ in mail.items()] == ["From", "Subject", "MIME-Version", "Content-Type"]
    assert not set(str(mail["subject"])) & set("\r\n\x00\u2028\x85\u202e\u2066\u2069")


@given(READABLE)
@example('Evil" <x@example.com>, "')
def test_a_name_cannot_become_a_second_address(name: str) -> None:
    raw = f"From: {mime.mailbox(name, 'hello@shop.example')}\r\n\r\n".encode()
    sender = message_from_bytes(raw, policy=policy.default)["from"]
    assert [one.addr_spec for one in sender.addresses] == ["hello@shop.example"]


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.text("a .\n=é"),
)
@example("x" * 5000, ".\n..\n. \n")
@example("From me\n\n", "a" * 899 + "\n" + "b" * 2000)
def test_a_body_arrives_as_it_was_meant(text: str, html: str) -> None:
    raw, mail = parsed("s", text, html)
    said = [part.get_payload(decode=True) for part in mail.iter_parts()]
    assert len(said) == 2
    for meant, came in zip((text, html), said, strict=True):
        assert isinstance(came, bytes)
        meant = meant.replace("\r\n", "\n").replace("\r", "\n")
        lines = came.decode().replace("\r\n", "\n")
        assert lines == (meant if meant.endswith("\n") else meant + "\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert raw.endswith(b"--\r\n") and not raw.endswith(b"\r\n\r\n")


@given(st.lists(READABLE, min_size=2, max_size=5), st.booleans())
def test_slots_can_be_filled_without_encoding_again(pieces: list[str], accents: bool) -> None:
    token = "ab" * 29
    pieces[0] += "é" if accents else ""
    made = mime.body(text=["t"], html=pieces, boundary="=_b")
    assert len(made) == len(pieces)
    head = b'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
    mail = message_from_bytes(head + token.encode().join(made), policy=policy.default)
    said = list(mail.iter_parts())[1].get_payload(decode=True)
    assert isinstance(said, bytes)
    meant = token.join(pieces).replace("\r\n", "\n").replace("\r", "\n")
    assert said.decode().replace("\r\n", "\n").removesuffix("\n") == meant.removesuffix("\n")
