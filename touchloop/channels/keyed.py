"""HMAC-SHA256 of many short texts under one key.

`hmac.digest` sets its key up anew for each text, which costs more than the hashing: here it is done
once, and copied.
"""

from __future__ import annotations

import hashlib
from typing import Final

_BLOCK: Final = 64  # bytes that SHA-256 takes in at once (RFC 2104: B)


class Keyed:
    """Proofs under a key of at most 64 bytes, of texts that all begin with `prefix`."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, prefix: bytes = b"") -> None:
        if len(key) > _BLOCK:
            raise ValueError("a key has at most 64 bytes")
        whole = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in whole) + prefix)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in whole))

    def digest(self, text: bytes) -> bytes:
        """32 bytes: what `hmac.digest(key, prefix + text, "sha256")` gives."""
        inner = self._inner.copy()
        inner.update(text)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()
