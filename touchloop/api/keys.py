"""Secret keys for programs: made once, shown once, kept as a hash, scoped, with an end.

A key has 256 random bits, so a plain SHA-256 is as good as a slow hash, and can be looked up.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

PREFIX: Final = "tls_"  # by which scanners for leaked secrets know it
SCOPES: Final = ("decide", "outcomes")
MOST_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret."""

    id: int
    name: str
    start: str
    scopes: tuple[str, ...]
    rate: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def alive(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create(
    conn: Connection,
    name: str,
    *,
    now: datetime,
    scopes: Sequence[str] = SCOPES,
    expires_at: datetime | None = None,
    rate: int = 5_000,
    actor: int | None = None,
) -> tuple[Key, str]:
    """A new key and its secret, which nobody can read again. Does not commit."""
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid("name", _("a name of at most 200 characters is needed"))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise Invalid("scopes", _("some of %s are expected") % ", ".join(SCOPES))
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at", _("it would have ended already"))
    if rate < 1:
        raise Invalid("rate", _("at least one request a second"))
    secret = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        "INSERT INTO api_keys (name, start, hash, scopes, rate, created_at, created_by, expires_at)"
        f" VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_FIELDS}".encode(),
        (name.strip(), secret[:10], hashed(secret), list(scopes), rate, now, actor, expires_at),
    ).fetchone()
    assert row is not None
    return _key(row), secret


def listing(conn: Connection) -> list[Key]:
    """All keys, the newest first."""
    rows = conn.execute(f"SELECT {_FIELDS} FROM api_keys ORDER BY id DESC".encode()).fetchall()
    return [_key(row) for row in rows]


def revoke(conn: Connection, key_id: int, *, now: datetime) -> Key:
    """End a key; the doors know within two seconds. Does not commit."""
    row = conn.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s)"
        f" WHERE id = %s RETURNING {_FIELDS}".encode(),
        (now, key_id),
    ).fetchone()
    if row is None:
        raise NotFound(_("There is no key of this number."))
    return _key(row)


def by_hash(conn: Connection) -> dict[bytes, Key]:
    """The keys that are not revoked, for a door."""
    rows = conn.execute(
        f"SELECT {_FIELDS}, hash FROM api_keys WHERE revoked_at IS NULL".encode()
    ).fetchall()
    return {bytes(row[-1]): _key(row[:-1]) for row in rows}


def of_hash(conn: Connection, hash: bytes) -> Key | None:
    """The key of a hash; None for one that never was, or was revoked."""
    row = conn.execute(
        f"SELECT {_FIELDS} FROM api_keys WHERE hash = %s AND revoked_at IS NULL".encode(), (hash,)
    ).fetchone()
    return _key(row) if row else None


def note_use(conn: Connection, used: dict[int, datetime]) -> None:
    """Write down when keys were last used. Does not commit."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE api_keys SET last_used_at = greatest(last_used_at, %s) WHERE id = %s",
            [(at, id) for id, at in sorted(used.items())],
        )


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


_FIELDS = "id, name, start, scopes, rate, created_at, expires_at, revoked_at, last_used_at"


def _key(row: tuple[Any, ...]) -> Key:
    id, name, start, scopes, *rest = row
    return Key(id, name, start, tuple(scopes), *rest)
