"""The programs' door: decisions, prompts, and what became of them, opened by secret keys.

An application of its own beside the console and beside the tracking door: public write keys open
nothing here, and pages that people look at do not wait for tills
(docs/decisions/0014-the-door-for-decisions.md).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from touchloop.api.answering import LARGEST_BODY, PATHS, work_of
from touchloop.api.answers import Answer, Refused, headers, refuse
from touchloop.api.desk import Desk
from touchloop.api.keyring import Keyring
from touchloop.core import clock

log = logging.getLogger("touchloop.api")


class Door:
    """`answer` is the RSGI application."""

    def __init__(self, *, database_url: str) -> None:
        self.desk = Desk(database_url, settle=self._settle)
        self.keyring = Keyring(database_url)

    async def open(self) -> None:
        """Returns also when the database is away: the door then answers 503 until it is there."""
        self._loop = asyncio.get_running_loop()
        self.desk.start()
        await self.keyring.start()

    async def close(self) -> None:
        """Answer what was taken in."""
        await asyncio.to_thread(self.desk.close)
        await self.keyring.close()

    async def answer(self, scope: Any, protocol: Any) -> None:
        try:
            answer = await self._answer(scope, protocol)
        except Refused as refused:
            answer = refused.answer
        except Exception:
            log.exception("a request failed: %s %s", scope.method, scope.path)
            answer = refuse(500, "failed", "the door failed; ask again").answer
        protocol.response_bytes(answer.status, headers(answer), answer.body)

    async def _answer(self, scope: Any, protocol: Any) -> Answer:
        path = scope.path
        wanted = PATHS.get(path)
        if wanted is None:
            if path in ("/", "/health"):
                return Answer(200, b'{"touchloop":"decisions"}')
            raise refuse(404, "no_such_address", f"there is POST {', '.join(PATHS)}")
        if scope.method != "POST":
            raise refuse(405, "post_only", "send a POST with a JSON body")
        fields = scope.headers
        await self.keyring.admit(fields.get("authorization"), wanted)
        body = await _body(fields, protocol)
        work = work_of(path, body, clock.now())
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self.desk.offer(work, waiter)
        return await waiter

    def _settle(self, answered: list[tuple[asyncio.Future[Answer], Answer]]) -> None:
        """In a thread of the desk: hand all answers to the loop at once."""
        self._loop.call_soon_threadsafe(_wake, answered)


def _wake(answered: list[tuple[asyncio.Future[Answer], Answer]]) -> None:
    for waiter, answer in answered:
        if not waiter.done():  # the client may have gone
            waiter.set_result(answer)


async def _body(fields: Any, protocol: Any) -> bytes:
    told = fields.get("content-length")
    if told is not None:
        if int(told) > LARGEST_BODY:
            raise _too_large()
        whole: bytes = await protocol()
        return whole
    parts, size = [], 0
    async for part in protocol:
        size += len(part)
        if size > LARGEST_BODY:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> Refused:
    return refuse(413, "too_large", f"a body has at most {LARGEST_BODY} bytes")
