"""The programs' door: decisions, prompts, and what became of them, opened by secret keys.

An application of its own beside the console and beside the tracking door: public write keys open
nothing here, and pages that people look at do not wait for tills
(docs/decisions/0014-the-door-for-decisions.md).
"""

from __future__ import annotations

import asyncio
import logging

from touchloop.api.answering import LARGEST_BODY, PATHS, work_of
from touchloop.api.answers import Answer, Refused, headers, refuse
from touchloop.api.desk import Desk
from touchloop.api.keyring import Keyring
from touchloop.collect.connection import Request
from touchloop.core import clock

log = logging.getLogger("touchloop.api")


class Door:
    """`take` is given each request, and sees to its answer."""

    def __init__(self, *, database_url: str) -> None:
        self.desk = Desk(database_url, settle=self._settle)
        self.keyring = Keyring(database_url)
        self._under_way: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Returns also when the database is away: the door then answers 503 until it is there."""
        self._loop = asyncio.get_running_loop()
        self.desk.start()
        await self.keyring.start()

    async def close(self) -> None:
        """Answer what was taken in."""
        await asyncio.to_thread(self.desk.close)
        await self.keyring.close()

    def take(self, request: Request) -> None:
        task = asyncio.create_task(self._see_to(request))
        self._under_way.add(task)  # the loop itself would forget it
        task.add_done_callback(self._under_way.discard)

    async def _see_to(self, request: Request) -> None:
        try:
            answer = await self.answer(request)
        except Refused as refused:
            answer = refused.answer
        except Exception:
            log.exception("a request failed: %s %s", request.method, request.path)
            answer = refuse(500, "failed", "the door failed; ask again").answer
        request.respond(answer.status, headers(answer), answer.body)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request, after what it says is kept. Raises Refused."""
        path = request.path
        wanted = PATHS.get(path)
        if wanted is None:
            if path in ("/", "/health"):
                return Answer(200, b'{"touchloop":"decisions"}')
            raise refuse(404, "no_such_address", f"there is POST {', '.join(PATHS)}")
        if request.method != "POST":
            raise refuse(405, "post_only", "send a POST with a JSON body")
        await self.keyring.admit(request.headers.get("authorization"), wanted)
        if request.too_large:
            raise refuse(413, "too_large", f"a body has at most {LARGEST_BODY} bytes")
        work = work_of(path, request.body, clock.now())
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
