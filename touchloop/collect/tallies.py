"""Messages that were refused for good, counted for the conservation law off the hot path."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import psycopg

from touchloop.core import clock
from touchloop.interactions import api as interactions

log = logging.getLogger("touchloop.collect")

EVERY_SECONDS = 1.0


class Tallies:
    """Adds up in memory and writes once a second; a failed write is tried again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._refused: Counter[int] = Counter()
        self._task: asyncio.Task[None] | None = None

    def refuse(self, source_id: int, messages: int) -> None:
        self._refused[source_id] += messages

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._write()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._write()

    async def _write(self) -> None:
        if not self._refused:
            return
        counts, self._refused = self._refused, Counter()
        try:
            await asyncio.to_thread(self._add, counts)
        except (psycopg.Error, OSError) as error:
            self._refused.update(counts)
            log.warning("refusals could not be counted yet: %s", str(error).strip())

    def _add(self, counts: Counter[int]) -> None:
        with psycopg.connect(self._url, connect_timeout=5) as connection:
            for source_id, n in sorted(counts.items()):
                interactions.add(connection, source_id, {"sent": n, "refused": n}, now=clock.now())
