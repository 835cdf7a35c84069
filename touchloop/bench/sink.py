"""A mail server that takes everything and keeps nothing but its counts: the other side of a bench.

It speaks what a sender needs of SMTP, with PIPELINING, in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import select
import socket
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
    """One thread for all lines; an event loop would cost more than what is done with a message."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    pipe.send(listener.getsockname()[1])
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    seen: set[bytes] = set()
    sessions: dict[int, _Session] = {}
    while True:
        for number, _event in poll.poll():
            session = sessions.get(number)
            if session is None:
                line, _address = listener.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sessions[line.fileno()] = _Session(line, counts, seen)
                poll.register(line, select.EPOLLIN)
            elif not session.heard_more():
                poll.unregister(number)
                del sessions[number]
                session.line.close()


class _Session:
    """One connection. `inside`: what comes is a message, up to the line with a dot."""

    def __init__(self, line: socket.socket, counts: Any, seen: set[bytes]) -> None:
        self.line = line
        self.counts = counts
        self.seen = seen
        self.heard = b""
        self.inside = False
        self.recipient = b""
        self.round = 0
        line.sendall(b"220 sink ESMTP\r\n")

    def heard_more(self) -> bool:
        """Take what there is and answer it; False when the line is closed."""
        try:
            data = self.line.recv(262_144)
            if not data:
                return False
            self.heard += data
            answers: list[bytes] = []
            while self._message(answers) if self.inside else self._command(answers):
                pass
            if answers:
                self.line.sendall(b"".join(answers))
        except OSError:
            return False
        return True

    def _message(self, answers: list[bytes]) -> bool:
        end = self.heard.find(b"\r\n.\r\n")
        if end < 0:
            return False
        signed = self.heard.startswith(b"DKIM-Signature:")
        self.heard = self.heard[end + 5 :]
        self.inside = False
        self._count(signed)
        answers.append(b"250 2.0.0 taken\r\n")
        return True

    def _command(self, answers: list[bytes]) -> bool:
        line, found, rest = self.heard.partition(b"\r\n")
        if not found:
            return False
        self.heard = rest
        word = line[:4].upper()
        if word == b"DATA":
            self.inside = True
            answers.append(b"354 go on\r\n")
        elif word == b"EHLO":
            answers.append(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 33554432\r\n")
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
