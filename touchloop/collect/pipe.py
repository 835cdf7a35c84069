"""One connection that only appends blocks, driven by the event loop without any layer between.

The adapter's own `execute` costs about a tenth of a millisecond of this process for each block;
at a thousand blocks a second that is what the requests need. So a block goes out as one prepared
statement by libpq's asynchronous calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import pq

from touchloop.interactions.api import PUT_BLOCKS, Packed, as_array

_NAME = b"put_blocks"
_BINARY_THEN_TEXT = (1, 0, 0)


class Pipe:
    """Appends blocks, some at a time. Errors of the database come out of `put` as psycopg.Error."""

    def __init__(self, url: str, *, synchronous_commit: bool) -> None:
        self._url = url
        commit = "on" if synchronous_commit else "off"
        self._options = f"-c synchronous_commit={commit} -c timezone=UTC"
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None
        self._ready: asyncio.Future[None] | None = None

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def connect(self) -> None:
        """Raises psycopg.OperationalError when the server is away."""
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="touchloop collect",
            options=self._options,
            connect_timeout=5,
        )
        link = connection.pgconn
        try:
            link.nonblocking = 1
            link.send_prepare(_NAME, PUT_BLOCKS.encode())
            await self._answer(link)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def put(self, blocks: Sequence[Packed], *, within: float) -> None:
        """Returns after the commit. After an error it is unknown whether they were kept."""
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        link = self._connection.pgconn
        values = [
            as_array([block.payload for block in blocks]),
            b"{%b}" % b",".join(b"%d" % block.messages for block in blocks),
            b"{%b}" % b",".join(b"%d" % block.lane for block in blocks),
        ]
        timer = asyncio.get_running_loop().call_later(within, self._expire)
        try:
            link.send_query_prepared(_NAME, values, param_formats=_BINARY_THEN_TEXT)
            await self._answer(link)
        finally:
            timer.cancel()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _answer(self, link: pq.abc.PGconn) -> None:
        """Send what is left to send, then read until the statement's result is complete."""
        loop, descriptor = asyncio.get_running_loop(), link.socket
        while link.flush():
            await self._wait(loop.add_writer, loop.remove_writer, descriptor)
        complaint = None
        loop.add_reader(descriptor, self._wake)
        try:
            while True:
                while link.is_busy():
                    self._ready = loop.create_future()
                    await self._ready
                    link.consume_input()
                result = link.get_result()
                if result is None:
                    break
                if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                    complaint = psycopg.errors.error_from_result(result)
        finally:
            loop.remove_reader(descriptor)
        if complaint is not None:
            raise complaint

    async def _wait(self, add, remove, descriptor: int) -> None:  # type: ignore[no-untyped-def]
        self._ready = asyncio.get_running_loop().create_future()
        add(descriptor, self._wake)
        try:
            await self._ready
        finally:
            remove(descriptor)

    def _wake(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _expire(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(psycopg.OperationalError("the database does not answer"))
