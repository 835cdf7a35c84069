"""A mail server that takes everything and keeps nothing but its counts: the other side of a bench.

It speaks what a sender needs of SMTP, with PIPELINING, in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SPAWN = multiprocessing.get_context("spawn")
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sink:
    """Where it listens, and what it has taken: messages, different recipients, signed ones."""

    port: int
    counts: Any  # three shared numbers

    @property
    def messages(self) -> int:
        return int(self.counts[0])

    @property
    def recipients(self) -> int:
        return int(self.counts[1])

    @property
    def signed(self) -> int:
        return int(self.counts[2])

    def forget(self) -> None:
        """Count from nought; recipients seen before count as new again."""
        self.counts[3] += 1
        for number in range(3):
            self.counts[number] = 0


@contextmanager
def listening() -> Iterator[Sink]:
    """A sink on a free port, until the block ends."""
    counts = SPAWN.RawArray("q", 4)
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(theirs, counts), daemon=True)
    process.start()
    try:
        if not ours.poll(START_SECONDS):
            raise TimeoutError("the sink did not start")
        yield Sink(ours.recv(), counts)
    finally:
        process.terminate()
        process.join(timeout=10)


def _serve(pipe: Any, counts: Any) -> None:
    asyncio.run(_listen(pipe, counts))


async def _listen(pipe: Any, counts: Any) -> None:
    seen: set[bytes] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(counts, seen), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Session(asyncio.Protocol):
    """One connection. `inside`: what comes is a message, up to the line with a dot."""

    def __init__(self, counts: Any, seen: set[bytes]) -> None:
        self.counts = counts
        self.seen = seen
        self.heard = bytearray()
        self.inside = False
        self.recipient = b""
        self.round = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.heard += data
        answers: list[bytes] = []
        while self._message(answers) if self.inside else self._command(answers):
            pass
        if answers:
            self.transport.write(b"".join(answers))

    def _message(self, answers: list[bytes]) -> bool:
        end = self.heard.find(b"\r\n.\r\n")
        if end < 0:
            return False
        signed = self.heard.startswith(b"DKIM-Signature:")
        del self.heard[: end + 5]
        self.inside = False
        self._count(signed)
        answers.append(b"250 2.0.0 taken\r\n")
        return True

    def _command(self, answers: list[bytes]) -> bool:
        end = self.heard.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self.heard[:end])
        del self.heard[: end + 2]
        word = line[:4].upper()
        if word == b"EHLO":
            answers.append(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 33554432\r\n")
        elif word == b"DATA":
            self.inside = True
            answers.append(b"354 go on\r\n")
        elif word == b"QUIT":
            answers.append(b"221 2.0.0 bye\r\n")
        else:
            if word == b"RCPT":
                self.recipient = line
            answers.append(b"250 2.1.0 ok\r\n")
        return True

    def _count(self, signed: bool) -> None:
        if self.round != self.counts[3]:
            self.round = self.counts[3]
        self.counts[0] += 1
        self.counts[2] += signed
        key = b"%d %b" % (self.round, self.recipient)
        if key not in self.seen:
            self.seen.add(key)
            self.counts[1] += 1
