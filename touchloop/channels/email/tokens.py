"""Tokens in addresses that customers get: numbers, and a proof that we wrote them.

Key id (1 byte), numbers (6 bytes each), HMAC-SHA256 cut to 128 bits over the kind and the numbers;
all in hex, so that a mail server may change the case of an address without harm. A token of one
kind is none of another. The key comes from the installation's secret; tokens made with the secrets
in TOUCHLOOP_OLD_SECRET_KEYS are still read, so that a changed secret breaks no link in old mail.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from touchloop.channels.keyed import Keyed
from touchloop.core import settings

UNSUBSCRIBE, PREFERENCES, CLICK, OPENING, RETURN = "unsubscribe", "preferences", "l", "o", "return"
_WIDTH: Final = 6
_PROOF: Final = 16


@dataclass(frozen=True, slots=True)
class Seal:
    """What tokens are made with. Have one for each batch: to read the secret costs a file."""

    id: bytes
    key: bytes

    def token(self, kind: str, number: int, *numbers: int) -> str:
        """A token; numbers are in 0 to 2^48 - 1."""
        body = number.to_bytes(_WIDTH, "big")
        for more in numbers:
            body += more.to_bytes(_WIDTH, "big")
        return (self.id + body + _proof(self.key, kind, body)).hex()

    def name(self, what: str) -> str:
        """16 hex digits that nobody else can foretell."""
        return _proof(self.key, "name", what.encode("utf-8", "replace"))[:8].hex()


def seal() -> Seal:
    """The seal of this installation's secret. Raises WrongSetting."""
    return Seal(*_keys(settings.secret_key()))


def make(kind: str, number: int, *numbers: int) -> str:
    """One token; see Seal."""
    return seal().token(kind, number, *numbers)


def read(kind: str, token: str, *, numbers: int) -> tuple[int, ...] | None:
    """The numbers in a token, or None when it is not one that we wrote for this."""
    length = 1 + _WIDTH * numbers + _PROOF
    if len(token) != 2 * length or not token.isascii():
        return None
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        return None
    if len(raw) != length:
        return None
    id, body, proof = raw[:1], raw[1:-_PROOF], raw[-_PROOF:]
    for secret in (settings.secret_key(), *settings.old_secret_keys()):
        known, key = _keys(secret)
        if known == id and hmac.compare_digest(proof, _proof(key, kind, body)):
            return tuple(
                int.from_bytes(body[at : at + _WIDTH], "big") for at in range(0, len(body), _WIDTH)
            )
    return None


def _proof(key: bytes, kind: str, body: bytes) -> bytes:
    return _keyed(key, kind).digest(body)[:_PROOF]


@lru_cache(maxsize=64)
def _keyed(key: bytes, kind: str) -> Keyed:
    return Keyed(key, kind.encode() + b"\0")


@lru_cache(maxsize=16)
def _keys(secret: str) -> tuple[bytes, bytes]:
    """(key id, key) of a secret; neither tells the secret."""
    key = hmac.digest(secret.encode(), b"touchloop addresses for customers", "sha256")
    return hmac.digest(key, b"key id", "sha256")[:1], key
