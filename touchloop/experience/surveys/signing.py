"""Short texts that only this installation can have made: a body and 128 bits of HMAC over it.

The purpose is part of the key, so what is signed for one thing is worth nothing for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from touchloop.core import settings
from touchloop.core.errors import NotFound

_MAC_BYTES = 16


def signed(body: str, purpose: str) -> str:
    """The body with its signature, for an address or a form."""
    raw = body.encode()
    return _text(_mac(raw, purpose) + raw)


def read(token: str, purpose: str) -> str:
    """The body of a token. Raises NotFound unless it was signed here, for this purpose."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raw = b""
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not body or not hmac.compare_digest(mac, _mac(body, purpose)) or _text(raw) != token:
        raise NotFound("There is no such page.")
    return body.decode()


def _mac(body: bytes, purpose: str) -> bytes:
    key = hashlib.sha256(f"survey:{purpose}:{settings.secret_key()}".encode()).digest()
    return hmac.new(key, body, hashlib.sha256).digest()[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
