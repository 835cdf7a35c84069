"""Identifiers that we make: time-ordered UUIDs and keys for messages."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from functools import lru_cache
from uuid import UUID


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7)."""
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (millis << 80) | tail
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def message_key(source_id: int, message_id: str) -> bytes:
    """The key under which a message counts once: its source and its own id, hashed to 128 bits."""
    hash = _begun(source_id).copy()
    hash.update(message_id.encode("utf-8", "surrogatepass"))
    return hash.digest()


def write_key() -> str:
    """A new public write key of a source: 32 characters, URL-safe, with a prefix for scanners."""
    return "tlw_" + secrets.token_urlsafe(21)


@lru_cache(maxsize=1_000)
def _begun(source_id: int) -> hashlib.blake2b:
    return hashlib.blake2b(f"{source_id}\0".encode(), digest_size=16)
