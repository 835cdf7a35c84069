"""A load generator for answers: as fast as they come, or at a steady rate with each one's wait.

In a process of its own. At a steady rate requests are sent when their time has come, whether the
ones before are answered or not, and waits count from that time: a slow answer cannot hide others
(coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from touchloop.bench.posting import SPAWN


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered with 200 within the seconds, and what was not."""

    answered: int
    failed: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


def flood(
    port: int, secret: str, bodies: Sequence[bytes], *, connections: int, seconds: float
) -> Load:
    """Each connection asks again as soon as it is answered."""
    requests = [_wire(secret, body) for body in bodies]
    return Load(*_elsewhere(_flood, requests, port, connections, seconds))


def steady(
    port: int, secret: str, bodies: Sequence[bytes], *, rate: int, seconds: float
) -> list[float]:
    """The waits in seconds of requests sent at a steady rate over many connections."""
    requests = [_wire(secret, body) for body in bodies]
    waits: list[float] = _elsewhere(_steady, requests, port, rate, seconds)
    return waits


def _wire(secret: str, body: bytes) -> bytes:
    return (
        f"POST /v1/decide HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


class _Asker(asyncio.Protocol):
    """One connection: answers are matched with requests in their order."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.due: deque[float] = deque()
        self.waits: list[float] = []
        self.failed = 0
        self.buffer = b""
        self.next: Any = None  # a function that gives what is asked at once after an answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes, due: float) -> None:
        self.due.append(due)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while self.due:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            at = head.index(b"content-length:") + 15
            length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.waits.append(time.perf_counter() - self.due.popleft())
            self.failed += not head.startswith(b"http/1.1 200")
            if self.next is not None:
                self.ask(self.next(), time.perf_counter())


async def _connected(port: int, count: int) -> list[_Asker]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(_Asker, "127.0.0.1", port))[1] for _ in range(count)]


async def _flood(
    requests: list[bytes], port: int, connections: int, seconds: float
) -> tuple[int, int, float]:
    askers = await _connected(port, connections)
    turn = 0

    def following() -> bytes:
        nonlocal turn
        turn += 1
        return requests[turn % len(requests)]

    start = time.perf_counter()
    for asker in askers:
        asker.next = following
        asker.ask(following(), start)
    await asyncio.sleep(seconds)
    for asker in askers:
        asker.next = None
    took = time.perf_counter() - start
    answered = sum(len(asker.waits) for asker in askers)
    failed = sum(asker.failed for asker in askers)
    while any(asker.due for asker in askers):
        await asyncio.sleep(0.01)
    return answered - failed, failed, took


async def _steady(requests: list[bytes], port: int, rate: int, seconds: float) -> list[float]:
    askers = await _connected(port, 32)
    start = time.perf_counter() + 0.1
    count = int(rate * seconds)
    for n in range(count):
        due = start + n / rate
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        asker = min(askers[n % 32 :] + askers[: n % 32], key=lambda each: len(each.due))
        asker.ask(requests[n % len(requests)], due)
    give_up = time.perf_counter() + 30
    while any(asker.due for asker in askers) and time.perf_counter() < give_up:
        await asyncio.sleep(0.01)
    if any(asker.failed or asker.due for asker in askers):
        raise RuntimeError("some requests were refused or not answered")
    return [wait for asker in askers for wait in asker.waits]


def _elsewhere(work: Any, *given: Any) -> Any:
    answers, ours = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_run, args=(ours, work, given))
    process.start()
    ours.close()
    try:
        return answers.recv()
    finally:
        process.join()


def _run(answers: Any, work: Any, given: Any) -> None:
    import uvloop

    answers.send(uvloop.run(work(*given)))
