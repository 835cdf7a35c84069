"""A load generator: many connections, each posting again as soon as it is answered.

`wrk` where it is installed, since it leaves more of the machine to what is measured; else one of
our own, in a process of its own, so that a bench needs nothing else.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Post:
    """One request, sent over and over."""

    path: str
    body: bytes
    authorization: str

    @property
    def wire(self) -> bytes:
        """Its bytes on a connection that stays open."""
        return (
            f"POST {self.path} HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: {self.authorization}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(self.body)}\r\n\r\n"
        ).encode() + self.body


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered with 200 within the seconds, what was not, and what may be under way."""

    accepted: int
    failed: int
    seconds: float
    unanswered: int
    generator: str

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds


def send(post: Post, *, port: int, connections: int, seconds: float) -> Load:
    """Send the request over many connections; returns what was answered."""
    if shutil.which("wrk"):
        return _send_by_wrk(post, port, connections, seconds)
    answers, ours = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_run, args=(ours, post.wire, port, connections, seconds))
    process.start()
    ours.close()
    try:
        accepted, failed, took = answers.recv()
    finally:
        process.join()
    return Load(accepted, failed, took, 0, "own")


def _send_by_wrk(post: Post, port: int, connections: int, seconds: float) -> Load:
    """It counts whole answers only, and goes while up to one request a connection is under way."""
    quoted = "".join(f"\\{byte:03d}" for byte in post.body)
    script = (
        f'wrk.method = "POST"\nwrk.body = "{quoted}"\n'
        f'wrk.headers["Authorization"] = "{post.authorization}"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "post.lua"
        file.write_text(script)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        address = f"http://127.0.0.1:{port}{post.path}"
        done = subprocess.run(
            [*command, "-s", str(file), address], capture_output=True, text=True, check=True
        )
    total = re.search(r"(\d+) requests in ([\d.]+)(s|m)", done.stdout)
    if total is None:
        raise RuntimeError(f"wrk said: {done.stdout[:500]} {done.stderr[:500]}")
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    failed = int(wrong[1]) if wrong else 0
    took = float(total[2]) * (60 if total[3] == "m" else 1)
    return Load(int(total[1]) - failed, failed, took, connections, "wrk")


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


async def _send_all(
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

    answers.send(uvloop.run(_send_all(request, port, connections, seconds)))
