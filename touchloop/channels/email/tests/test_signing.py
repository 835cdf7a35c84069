"""That our own signatures are what dkimpy, which made none of them, finds good."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from touchloop.channels.email import mime, signing
from touchloop.channels.email.mime import Headers
from touchloop.channels.email.signing import Signer
from touchloop.core.errors import WrongSetting

RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
LISTED = (
    ("List-Unsubscribe", "<https://crm.shop.example/c/u/abc>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
)


class _Key:
    """PyNaCl's VerifyKey as dkimpy calls it; the curve is cryptography's."""

    def __init__(self, key: bytes, encoder: object) -> None:
        raw = base64.b64decode(key)
        self.key = ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def verify(self, message: bytes, signature: bytes) -> None:
        self.key.verify(signature, message)


@pytest.fixture(autouse=True)
def curve(monkeypatch: pytest.MonkeyPatch) -> None:
    nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=_Key),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
    )
    monkeypatch.setattr(dkim, "nacl", nacl, raising=False)


def record(key: Any) -> bytes:
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(raw)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)


def signed(key: Any, subject: str = "Hello", text: str = "words", name: str = "Shop") -> bytes:
    headers = Headers(
        (
            ("From", mime.mailbox(name, "hello@shop.example")),
            ("To", "ana@example.com"),
            ("Subject", mime.words(subject) or "-"),
            *LISTED,
            ("MIME-Version", "1.0"),
            ("Content-Type", 'multipart/alternative; boundary="=_b"'),
        )
    )
    body = b"".join(mime.body(text=[text], html=[text], boundary="=_b"))
    head = Signer("shop.example", "s1", key).header(headers, body, at=1_700_000_000)
    return head + headers.block() + b"\r\n" + body


def good(raw: bytes, key: Any) -> bool:
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: record(key)))


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa-2048", "ed25519"])
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_dkimpy_finds_every_message_good(key: Any, subject: str, text: str) -> None:
    assert good(signed(key, subject, text, "Müller & Söhne"), key)


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa-2048", "ed25519"])
def test_both_list_headers_are_covered_and_nothing_may_be_changed(key: Any) -> None:
    raw = signed(key)
    fields = raw.partition(b"\r\nFrom:")[0].replace(b"\r\n ", b" ")
    covered = fields.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(covered)
    assert good(raw, key)
    for old, new in (
        (b"/c/u/abc", b"/c/u/abd"),
        (b"One-Click", b"One-Clock"),
        (b"words", b"wordz"),
        (b"Subject: Hello", b"Subject: Hullo"),
        (b"To: ana", b"From: evil@example.com\r\nTo: ana"),
    ):
        assert old in raw and not good(raw.replace(old, new, 1), key), old


def test_a_key_comes_from_a_file_or_from_the_setting_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = ED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("TOUCHLOOP_MAIL_FROM", "hello@news.shop.example")
    monkeypatch.setenv("TOUCHLOOP_DKIM_DOMAIN", "shop.example")
    monkeypatch.setenv("TOUCHLOOP_DKIM_SELECTOR", "s1")
    monkeypatch.setenv("TOUCHLOOP_DKIM_KEY", pem)
    assert signing.signer() is not None
    path = tmp_path / "key.pem"
    path.write_text(pem)
    monkeypatch.setenv("TOUCHLOOP_DKIM_KEY", str(path))
    assert signing.signer() is not None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TOUCHLOOP_DKIM_KEY", "/nowhere/key.pem", "cannot read"),
        ("TOUCHLOOP_DKIM_KEY", "-----BEGIN NONSENSE", "PEM"),
        ("TOUCHLOOP_DKIM_KEY", "", "TOUCHLOOP_DKIM_KEY is missing"),
        ("TOUCHLOOP_DKIM_DOMAIN", "other.example", "does not cover"),
        ("TOUCHLOOP_DKIM_SELECTOR", "a b;", "name of the DNS"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = rsa.generate_private_key(65537, 1024)
    pem = small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("TOUCHLOOP_MAIL_FROM", "hello@shop.example")
    monkeypatch.setenv("TOUCHLOOP_DKIM_DOMAIN", "shop.example")
    monkeypatch.setenv("TOUCHLOOP_DKIM_SELECTOR", "s1")
    monkeypatch.setenv("TOUCHLOOP_DKIM_KEY", pem)
    with pytest.raises(WrongSetting, match="2048"):
        signing.signer()
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=says):
        signing.signer()
