"""The demo's inbox: a small mail server of our own that keeps what it is given.

It speaks as much SMTP (RFC 5321, PIPELINING) as a sender needs, listens on this machine only, and
never passes anything on. It is there so that the demo can show what customers would have got; it is
no mail server for anybody.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.parser import BytesParser
from typing import Final, LiteralString

from touchloop.channels.email import tokens
from touchloop.core import clock, db
from touchloop.core.db import Connection

LARGEST: Final = 10 * 2**20
_LONGEST_COMMAND: Final = 2_000
_KEPT: Final = 5_000
_ENVELOPE: Final = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>(?:\s.*)?", re.I)
_DELIVERY: Final = re.compile(rb"(?im)^X-Touchloop-Delivery:[ \t]*([0-9a-f]+)\r?$")
GREETING: Final = "touchloop demo inbox: nothing leaves this machine"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it was taken in."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the demo's inbox; `subject`, `text` and `html` are decoded."""

    id: int
    delivery_id: int | None
    sender: str
    recipient: str
    subject: str
    at: datetime
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Take = Callable[[Sequence[Mail]], None]


class Receiver:
    """A server in a thread of its own: `with Receiver(take) as receiver: receiver.port`."""

    def __init__(self, take: Take, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.take, self.host, self.port = take, host, port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="demo inbox", daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._stop = asyncio.Event()
        self._loop.run_until_complete(self._until_stopped())
        self._loop.close()

    async def _until_stopped(self) -> None:
        try:
            await serve(self.take, host=self.host, port=self.port, ready=self._listening)
        except OSError as error:
            self._failed = error
            self._ready.set()

    async def _listening(self, port: int) -> None:
        self.port = port
        self._ready.set()
        await self._stop.wait()


async def serve(
    take: Take, *, host: str = "127.0.0.1", port: int = 0,
    ready: Callable[[int], Awaitable[None]] | None = None,
) -> None:  # fmt: skip
    """Listen until cancelled, or until `ready` (called with the port) returns. Raises OSError.

    `take` gets messages as they come, in a thread; each is acknowledged when it returns.
    """
    clients: set[asyncio.Task[None]] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        try:
            await _Session(reader, writer, take).talk()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            pass  # the server stops; asyncio would report a cancelled client as a fault
        finally:
            clients.discard(task)
            writer.close()

    server = await asyncio.start_server(client, host, port, limit=LARGEST + 4096)
    try:
        if ready is None:
            await server.serve_forever()
        else:
            await ready(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in clients:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*clients, return_exceptions=True)


class _Session:
    """One client. The state is the envelope so far."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take
    ) -> None:
        self.reader, self.writer, self.take = reader, writer, take
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def talk(self) -> None:
        self._say(220, GREETING)
        while True:
            await self.writer.drain()
            line = await self.reader.readuntil(b"\n")
            if len(line) > _LONGEST_COMMAND:
                self._say(500, "the line is too long")
                continue
            verb, _space, rest = line.decode("ascii", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say(221, "goodbye")
                await self.writer.drain()
                return
            await self._do(verb.upper(), rest.strip())

    async def _do(self, verb: str, rest: str) -> None:
        if verb == "EHLO":
            self._reset()
            self.writer.write(
                f"250-{GREETING}\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                f"250-ENHANCEDSTATUSCODES\r\n250 SIZE {LARGEST}\r\n".encode()
            )
        elif verb in ("HELO", "RSET", "NOOP"):
            if verb != "NOOP":
                self._reset()
            self._say(250, "2.0.0 ok")
        elif verb == "MAIL":
            self._mail(rest)
        elif verb == "RCPT":
            self._rcpt(rest)
        elif verb == "DATA":
            await self._data()
        elif verb in ("VRFY", "EXPN", "HELP"):
            self._say(252, "2.0.0 send it and see")
        else:
            self._say(500, "5.5.1 not understood")

    def _mail(self, rest: str) -> None:
        found = _ENVELOPE.fullmatch(rest)
        if self.sender is not None:
            self._say(503, "5.5.1 one message at a time")
        elif not found or not rest.upper().startswith("FROM"):
            self._say(501, "5.1.7 MAIL FROM:<address>")
        else:
            self.sender = found[1]
            self._say(250, "2.1.0 ok")

    def _rcpt(self, rest: str) -> None:
        found = _ENVELOPE.fullmatch(rest)
        if self.sender is None:
            self._say(503, "5.5.1 MAIL first")
        elif not found or not found[1] or not rest.upper().startswith("TO"):
            self._say(501, "5.1.3 RCPT TO:<address>")
        elif len(self.recipients) >= 100:
            self._say(452, "4.5.3 too many recipients")
        else:
            self.recipients.append(found[1])
            self._say(250, "2.1.5 ok")

    async def _data(self) -> None:
        if self.sender is None or not self.recipients:
            self._say(503, "5.5.1 MAIL and RCPT first")
            return
        self._say(354, "end with a line that holds a dot")
        await self.writer.drain()
        raw = await self._message()
        mail = Mail(self.sender, tuple(self.recipients), raw)
        self._reset()
        try:
            await asyncio.to_thread(self.take, [mail])
        except Exception:  # whatever the keeper meets, the sender may try again
            self._say(451, "4.3.0 it could not be kept")
            return
        self._say(250, "2.0.0 kept in the demo's inbox")

    async def _message(self) -> bytes:
        """Up to the line with a dot, dots that were doubled undone."""
        pieces = [b"\r\n"]
        while True:
            pieces.append(await self.reader.readuntil(b".\r\n"))
            if (pieces[-2][-2:] + pieces[-1])[-5:] == b"\r\n.\r\n":
                break
            if sum(map(len, pieces)) > LARGEST:
                raise OSError("more than was announced")
        return b"".join(pieces)[:-3].replace(b"\r\n..", b"\r\n.")[2:]

    def _reset(self) -> None:
        self.sender, self.recipients = None, []

    def _say(self, code: int, text: str) -> None:
        self.writer.write(f"{code} {text}\r\n".encode())


def keep(mails: Sequence[Mail]) -> None:
    """Store what came in, the newest 5,000."""
    with db.connect(application="touchloop demo inbox") as conn:
        for mail in mails:
            delivery, subject = _whose(conn, mail.raw)
            title = str(BytesParser(policy=policy.default).parsebytes(mail.raw, True)["subject"])
            conn.execute(
                _KEEP,
                [delivery, subject, mail.sender, ", ".join(mail.recipients), title[:500],
                 mail.raw, clock.now()],
            )  # fmt: skip
        conn.execute(_FORGET, (_KEPT,))


def listing(conn: Connection, *, limit: int = 50, before: int = 0) -> list[Kept]:
    """What came in last, without the bodies; `before` is the id to go on from."""
    return [Kept(*row) for row in conn.execute(_LISTING, (before, before, limit)).fetchall()]


def one(conn: Connection, id: int) -> Kept | None:
    """A message with its bodies and headers decoded; hostile like any mail: show it as such."""
    row = conn.execute(_ONE, (id,)).fetchone()
    if row is None:
        return None
    id, delivery, sender, recipient, subject, at, raw = row
    parsed = BytesParser(policy=policy.default).parsebytes(bytes(raw))
    parts = {part.get_content_type(): part for part in parsed.walk() if not part.is_multipart()}
    text, html = (
        str(parts[kind].get_content()) if kind in parts else ""
        for kind in ("text/plain", "text/html")
    )
    headers = tuple((name, str(value)) for name, value in parsed.items())
    return Kept(id, delivery, sender, recipient, subject, at, text, html, headers)


def _whose(conn: Connection, raw: bytes) -> tuple[int | None, int | None]:
    found = _DELIVERY.search(raw[:20_000])
    numbers = tokens.read(tokens.RETURN, found[1].decode(), numbers=1) if found else None
    if numbers is None:
        return None, None
    row = conn.execute("SELECT subject_id FROM deliveries WHERE id = %s", numbers).fetchone()
    return (numbers[0], row[0]) if row else (None, None)


_KEEP: Final[LiteralString] = """
INSERT INTO demo_inbox (delivery_id, subject_id, sender, recipient, subject, raw, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_FORGET: Final[LiteralString] = """
DELETE FROM demo_inbox
 WHERE id < (SELECT id FROM demo_inbox ORDER BY id DESC OFFSET %s LIMIT 1)
"""
_LISTING: Final[LiteralString] = """
SELECT id, delivery_id, sender, recipient, subject, at FROM demo_inbox
 WHERE %s = 0 OR id < %s ORDER BY id DESC LIMIT %s
"""
_ONE: Final[LiteralString] = """
SELECT id, delivery_id, sender, recipient, subject, at, raw FROM demo_inbox WHERE id = %s
"""
