"""A load generator: many connections, each posting again as soon as it is answered.

It ships with the product so that a bench needs nothing else, and runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from dataclasses import dataclass
from typing import cast

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered with 200 within the seconds, and what was not."""

    accepted: int
    failed: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds


def post(request: bytes, *, port: int, connections: int, seconds: float) -> Load:
    """Send one prepared request over and over from another process; returns what was answered."""
    answers, ours = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_run, args=(ours, request, port, connections, seconds))
    process.start()
    ours.close()
    try:
        accepted, failed, took = answers.recv()
    finally:
        process.join()
    return Load(accepted, failed, took)


def request(path: str, body: bytes, *, authorization: str) -> bytes:
    """The bytes of a POST on a connection that stays open."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


class _Sender(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self.request = request
        self.accepted = 0
        self.failed = 0
        self.running = True
        self.transport: asyncio.Transport
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """An answer is small enough to come in one piece."""
        if data.startswith(b"HTTP/1.1 200"):
            self.accepted += 1
        else:
            self.failed += 1
        if self.running:
            self.transport.write(self.request)
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def _send(
    request: bytes, port: int, connections: int, seconds: float
) -> tuple[int, int, float]:
    loop = asyncio.get_running_loop()
    senders: list[_Sender] = []
    start = time.perf_counter()
    for _ in range(connections):
        _, sender = await loop.create_connection(lambda: _Sender(request), "127.0.0.1", port)
        senders.append(sender)
    await asyncio.sleep(seconds)
    for sender in senders:
        sender.running = False
    await asyncio.wait([sender.ended for sender in senders], timeout=30)
    took = time.perf_counter() - start
    return sum(s.accepted for s in senders), sum(s.failed for s in senders), took


def _run(answers, request: bytes, port: int, connections: int, seconds: float) -> None:  # type: ignore[no-untyped-def]
    import uvloop

    answers.send(uvloop.run(_send(request, port, connections, seconds)))
