"""Who may come in: keys read from the database now and then, and on a miss."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import Final

import psycopg

from touchloop.api import keys
from touchloop.api.answers import Refused, refuse
from touchloop.api.keys import Key
from touchloop.collect.throttle import Throttle
from touchloop.core import clock
from touchloop.core.db import Connection

log = logging.getLogger("touchloop.api")

AGE: Final = 2.0  # seconds after which a revoked key is known to be one
SHORTEST: Final = 0.2  # strangers who try keys make us read no oftener


class Keyring:
    """The keys by the header that carries them."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._by_hash: dict[bytes, Key] = {}
        self._by_header: dict[str, Key] = {}
        self._throttles: dict[int, Throttle] = {}
        self._used: dict[int, datetime] = {}
        self._known = False
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._conn: Connection | None = None

    async def start(self) -> None:
        await self._renew()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        await self._renew()
        if self._conn is not None:
            self._conn.close()

    async def admit(self, header: str | None, scope: str) -> Key:
        """The key of the header. Raises Refused: 401 unknown, 403 not for this, 429 too fast."""
        key = self._by_header.get(header or "") or await self._find(header)
        now = clock.now()
        admitted(key, scope, now=now)
        within_rate(self._throttles[key.id], key)
        self._used[key.id] = now
        return key

    async def _find(self, header: str | None) -> Key:
        hash = hash_in(header)
        if hash not in self._by_hash:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._renew())
            await asyncio.shield(self._reading)
        key = self._by_hash.get(hash)
        if key is None:
            if not self._known:
                raise refuse(503, "database_unavailable", "the database is away", retry_after=1)
            raise unknown()
        self._by_header[header or ""] = key
        return key

    async def _renew(self) -> None:
        pause = self._read_at + SHORTEST - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        used, self._used = self._used, {}
        try:
            found = await asyncio.to_thread(self._read, used)
        except (psycopg.Error, OSError) as error:
            log.warning("the keys could not be read: %s", str(error).strip())
            self._known, self._conn = False, None
            return
        self._known, self._read_at = True, time.monotonic()
        for key in found.values():
            if key.id not in self._throttles:
                self._throttles[key.id] = Throttle(key.rate)
        self._by_hash, self._by_header = found, {}

    def _read(self, used: dict[int, datetime]) -> dict[bytes, Key]:
        if self._conn is None or self._conn.closed:
            self._conn = psycopg.connect(
                self._url, application_name="touchloop api", connect_timeout=5
            )
        with self._conn.transaction():
            if used:
                keys.note_use(self._conn, used)
            return keys.by_hash(self._conn)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(AGE)
            await self._renew()


def hash_in(header: str | None) -> bytes:
    """What is kept of the secret in an Authorization header. Raises Refused (401) for none."""
    kind, _, secret = (header or "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip().startswith(keys.PREFIX):
        raise refuse(401, "no_key", "send the secret key: Authorization: Bearer tls_…")
    return keys.hashed(secret.strip())


def admitted(key: Key, scope: str, *, now: datetime) -> None:
    """Raises Refused: 401 for a key that has ended, 403 for one that is not for this."""
    if not key.alive(now):
        raise refuse(401, "key_ended", "this secret key has ended")
    if scope not in key.scopes:
        raise refuse(403, "not_in_scope", f"this secret key is not for {scope}")


def within_rate(throttle: Throttle, key: Key) -> None:
    """Raises Refused (429) for a key that asks too fast."""
    pause = throttle.wait(key.id, 1)
    if pause:
        raise refuse(429, "rate_limited", "this key asks too fast", retry_after=pause)


def read_one(conn: Connection, hash: bytes, *, now: datetime) -> Key:
    """The key of a hash, its use noted once a minute. Raises Refused (401) for an unknown one."""
    key = keys.of_hash(conn, hash)
    if key is None:
        raise unknown()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        keys.note_use(conn, {key.id: now})
    return key


def unknown() -> Refused:
    """The same for what never was and what was revoked."""
    return refuse(401, "unknown_key", "there is no such secret key")
