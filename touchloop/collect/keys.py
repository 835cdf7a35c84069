"""Which source a write key belongs to: read from the database now and then, and on a miss."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Mapping

import psycopg

from touchloop.interactions import api as interactions
from touchloop.interactions.api import Source

log = logging.getLogger("touchloop.collect")

OWN = "touchloop"  # the source of what Touchloop itself says: nobody sends for it
SHORTEST_REFRESH = 0.2  # seconds; strangers who try keys make us read no oftener


class Keys:
    """The sources by write key. A new source is known at once, a removed one within the age."""

    def __init__(self, url: str, *, age: float) -> None:
        self._url = url
        self._age = age
        self._sources: dict[str, Source] = {}
        self.by_header: dict[str | None, Source] = {}  # Authorization headers seen to be valid
        self._read_at = float("-inf")
        self._known = False
        self._refreshing: asyncio.Task[None] | None = None
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        """Whether the sources could be read when it was last tried."""
        return self._known

    async def start(self) -> None:
        await self.refresh()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._refreshing is not None:
            await self._refreshing
        if self._connection is not None:
            self._connection.close()

    def of_header(self, header: str) -> Source | None:
        """Of an Authorization header; decoded once for each that is valid."""
        source = self.by_header.get(header)
        if source is None:
            source = self.get(basic_key(header))
            if source is not None:
                self.by_header[header] = source
        return source

    def get(self, key: str | None) -> Source | None:
        """Of a key; also of `key:secret`, as some clients demand it to be written."""
        if not key:
            return None
        return self._sources.get(key) or self._sources.get(key.partition(":")[0])

    async def find(self, key: str | None) -> Source | None:
        """Of a key, also of one that is younger than what was read."""
        source = self.get(key)
        if source is None and key:
            await self.refresh()
            source = self.get(key)
        return source

    async def refresh(self) -> None:
        """Read the sources anew; callers at the same time share one reading."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        pause = self._read_at + SHORTEST_REFRESH - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        try:
            found = await asyncio.to_thread(self._read)
        except (psycopg.Error, OSError) as error:
            log.warning("the sources could not be read: %s", str(error).strip())
            self._known = False
            return
        self._known = True
        self._read_at = time.monotonic()
        self._sources = {
            source.write_key: source
            for source in found.values()
            if source.enabled and source.slug != OWN
        }
        self.by_header = {}

    def _read(self) -> Mapping[int, Source]:
        """A connection that stood long may be broken without a sign: once more with a new one."""
        if self._connection is not None and not self._connection.closed:
            try:
                return interactions.load(self._connection)
            except psycopg.OperationalError:
                self._connection.close()
        self._connection = psycopg.connect(
            self._url, autocommit=True, application_name="touchloop collect", connect_timeout=5
        )
        return interactions.load(self._connection)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._age)
            await self.refresh()


def basic_key(header: str) -> str | None:
    """The user name of Basic authentication; None for another scheme or a broken one."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    name, _, secret = text.partition(":")
    return f"{name}:{secret}" if secret else name
