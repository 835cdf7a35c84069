"""Signed user ids: a proof by the company's own server that a visitor is who the page says.

A source may demand it. Then every message that names a user carries, in `context.signature` or the
header `X-Signature`, the text `<expiry>.<hex>`: expiry in seconds since 1970 UTC, and
HMAC-SHA256(secret, userId + "." + expiry) in lower-case hexadecimal. The company's server makes it
with the source's signing secret and hands it to the page; `sign` is that computation.
"""

from __future__ import annotations

import hmac

HEX_LENGTH = 64


def sign(secret: str, user_id: str, *, expires: int) -> str:
    """The signature of a user id that holds until `expires` (seconds since 1970)."""
    return f"{expires}.{_digest(secret, user_id, expires)}"


def verify(secret: str, user_id: str, signature: str | None, *, now: float) -> bool:
    """Whether the signature is this user's and has not expired. An absent one never is."""
    if not secret or not signature:
        return False
    expiry, dot, digest = signature.partition(".")
    if not dot or len(digest) != HEX_LENGTH or not (expiry.isascii() and expiry.isdigit()):
        return False
    if len(expiry) > 12 or int(expiry) <= now or not digest.isascii():
        return False
    return hmac.compare_digest(_digest(secret, user_id, int(expiry)), digest)


def _digest(secret: str, user_id: str, expires: int) -> str:
    text = f"{user_id}.{expires}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), text, "sha256").hexdigest()
