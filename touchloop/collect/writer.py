"""Accepted records, gathered into blocks and committed together.

A request joins the block that is open; whichever connection is free takes that block, commits it,
and with it answers all its requests. So one commit serves as many requests as came in while the
commit before it ran, and a single one does not wait for company. After a block of many the next
one is held open for a moment: a commit costs as much work as forty requests, whatever is in it.

Guarantee: a request is told `None` only after its records are committed. Anything else is an answer
that makes the client send it again, also when the outcome is unknown: the flow drops what then
comes twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

import psycopg

from touchloop.collect.answers import Refused, later
from touchloop.collect.limits import Limits
from touchloop.collect.pipe import Pipe
from touchloop.interactions.api import Record, pack_blocks

log = logging.getLogger("touchloop.collect")

Outcome = Refused | None
W = TypeVar("W")  # what waits for the outcome of a record


class Block(Generic[W]):
    """Records that will be committed together, and who waits for that."""

    __slots__ = ("bytes", "messages", "records", "waiting")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.waiting: list[W] = []
        self.messages = 0
        self.bytes = 0


class Writer(Generic[W]):
    """The queue between the requests and the database, bounded in messages and bytes.

    `settle` is called once for each block, with all who wait and the outcome.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        pipe: Callable[[], Pipe],
        settle: Callable[[list[W], Outcome], None],
    ) -> None:
        self._limits = limits
        self._pipes = [pipe() for _ in range(limits.connections)]
        self._told = settle
        self._full: deque[Block[W]] = deque()
        self._open: Block[W] | None = None
        self._work = asyncio.Event()
        self._held_until = 0.0  # by the loop's clock
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self.messages = 0
        self.bytes = 0
        self.complaint = "not connected yet"

    @property
    def up(self) -> bool:
        """Whether any connection to the database stands."""
        return any(pipe.connected for pipe in self._pipes)

    async def start(self) -> None:
        """Connect, or keep trying in the background when the database is away."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._serve(pipe)) for pipe in self._pipes]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._until_up(), 2)

    async def close(self) -> None:
        """Commit what was accepted, then let go of the connections."""
        self._closing = True
        self._work.set()
        await asyncio.gather(*self._tasks)
        self._fail(later("closing", "the door is closing"))

    def offer(self, record: Record, waiting: W) -> None:
        """Take the record in, to be committed soon; who waits is told then, and only once.

        Raises Refused before taking anything.
        """
        size = len(record.body) + 200
        n = record.n
        limits = self._limits
        if (
            self.messages + n > limits.waiting_messages or self.bytes + size > limits.waiting_bytes
        ) and self.messages:
            raise later("busy", "too much waits already; send it again", status=429)
        block = self._open
        if block is None:
            block = self._next()
        elif block.messages + n > limits.block_messages or block.bytes + size > limits.block_bytes:
            self._full.append(block)
            self._open = None
            block = self._next()
        block.records.append(record)
        block.waiting.append(waiting)
        block.messages += n
        block.bytes += size
        self.messages += n
        self.bytes += size

    def _next(self) -> Block[W]:
        """Open a block and call the connections that are free."""
        if self._closing:
            raise later("closing", "the door is closing")
        if not self.up:
            raise later("database_unavailable", "the database is away; nothing was kept")
        block: Block[W] = Block()
        self._open = block
        self._work.set()
        return block

    async def _serve(self, pipe: Pipe) -> None:
        """Write blocks over one connection until the door closes.

        Between an empty queue and the wait nothing is awaited, so that no record can slip in
        unseen; a connection that fails leaves the queue to the others, and empties it with
        refusals when it was the last.
        """
        while not (self._closing and self._nothing_waits()):
            if not pipe.connected:
                await self._reconnect(pipe)
                continue
            held = self._held_until - self._loop.time()
            if held > 0 and not self._full:
                await asyncio.sleep(held)
                continue
            block = self._take()
            if block is None:
                self._work.clear()
                await self._work.wait()
                continue
            if len(block.records) >= self._limits.many_requests:
                self._held_until = self._loop.time() + self._limits.hold_seconds
            await self._commit(pipe, block)
        await pipe.close()

    async def _commit(self, pipe: Pipe, block: Block[W]) -> None:
        outcome: Outcome = None
        try:
            await pipe.put(pack_blocks(block.records), within=self._limits.commit_seconds)
        except psycopg.Error as error:
            outcome = self._refusal(error)
            if not isinstance(error, _STILL_CONNECTED):
                await self._drop(pipe)
        except BaseException:
            self._settle(block, later("unknown_outcome", "it is unknown whether it was kept"))
            raise
        self._settle(block, outcome)

    def _refusal(self, error: psycopg.Error) -> Refused:
        if str(error) != self.complaint:
            self.complaint = str(error)
            log.error("a block could not be written: %s", self.complaint.strip())
        if isinstance(error, psycopg.errors.DiskFull):
            return later("disk_full", "the database has no space left", retry_after=5)
        return later("database_unavailable", "the database failed; send it again")

    def _settle(self, block: Block[W], outcome: Outcome) -> None:
        self.messages -= block.messages
        self.bytes -= block.bytes
        if outcome is None:
            self.complaint = ""
        try:
            self._told(block.waiting, outcome)
        except Exception:
            log.exception("answers failed")

    async def _drop(self, pipe: Pipe) -> None:
        with suppress(psycopg.Error, OSError):
            await pipe.close()

    async def _reconnect(self, pipe: Pipe) -> None:
        pause = 0.05
        while not pipe.connected:
            try:
                await pipe.connect()
                self.complaint = ""
                return
            except (psycopg.Error, OSError) as error:
                refusal = self._refusal(psycopg.OperationalError(str(error)))
            if not self.up:
                self._fail(refusal)
            if self._closing:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    def _fail(self, outcome: Refused) -> None:
        while (block := self._take()) is not None:
            self._settle(block, outcome)

    def _take(self) -> Block[W] | None:
        if self._full:
            return self._full.popleft()
        block, self._open = self._open, None
        return block

    def _nothing_waits(self) -> bool:
        return not self._full and self._open is None

    async def _until_up(self) -> None:
        while not self.up:
            await asyncio.sleep(0.01)


# After these the connection goes on; after any other error it is made anew.
_STILL_CONNECTED = (
    psycopg.errors.DiskFull,
    psycopg.errors.OutOfMemory,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.QueryCanceled,
)
