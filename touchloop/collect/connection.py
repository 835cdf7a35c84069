"""HTTP/1.1 on one connection: whole requests out of its bytes, answers in their order.

llhttp parses them in the loop's own thread. A server with threads of its own hands every message
over to the interpreter and back, which costs more than all that the door does with it
(docs/decisions/0041-the-doors-speak-http-in-their-own-loop.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from msgspec import Struct

log = logging.getLogger("touchloop.collect")

Headers = tuple[tuple[str, str], ...]

LARGEST_HEAD = 64 * 1024
# A client that is still sending does not see the answer: a body that is too large is read to its
# end first, unless it is absurd.
DRAINED = 8 * 1024 * 1024
PATIENCE = 30  # seconds that a client has for a head, or for the next part of a body
WAITING = 16  # requests sent without waiting for answers, after which no more are read


class Request(Struct, gc=False, eq=False):
    """One request, whole."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]  # names in lower case; of several with one name the values joined
    body: bytes
    too_large: bool  # the body is more than what the port takes, and was thrown away
    _connection: Connection

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def client(self) -> str:
        """The address at the other end of the connection."""
        return self._connection.peer

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer it, once. Does nothing when the client has gone."""
        self._connection.respond(self, status, headers, body)


def respond_all(requests: Iterable[Request], status: int, headers: Headers, body: bytes) -> None:
    """Give all of them the same answer, which is written out once. It has a body."""
    plain = b""
    for request in requests:
        connection = request._connection
        try:
            if connection._last or connection._next or request.method == "HEAD":
                connection.respond(request, status, headers, body)
            elif connection._asked is request:
                port = connection._port
                if not plain:
                    plain = b"%b%b\r\n%b" % (_head(status, headers, len(body)), port.date, body)
                connection._asked, connection._at = None, port.seconds
                connection._transport.write(plain)
        except Exception:
            log.exception("an answer failed")


class Port:
    """What the connections of a port share. `take` gets each request and sees to its answer."""

    def __init__(self, take: Callable[[Request], None], *, largest: int) -> None:
        self.take = take
        self.largest = largest  # bytes of a body
        self.connections: set[Connection] = set()
        self.seconds = 0  # since it was opened
        self.date = _date()

    async def keep(self) -> None:
        """Tell the date, and let go of clients that say nothing for long."""
        while True:
            await asyncio.sleep(1)
            self.seconds += 1
            self.date = _date()
            for connection in [each for each in self.connections if each.silent(PATIENCE)]:
                connection.end()

    async def end(self) -> None:
        """Let the requests under way be answered, and take no more."""
        for connection in list(self.connections):
            connection.end()
        while self.connections:
            await asyncio.sleep(0.01)


class Connection(asyncio.Protocol):
    """The callbacks of the loop and, named `on_…`, of the parser."""

    __slots__ = (
        "_asked", "_at", "_full", "_head", "_headers", "_in_head", "_last", "_next", "_parser",
        "_parts", "_port", "_size", "_transport", "_url", "_wishes", "peer",
    )  # fmt: skip

    def __init__(self, port: Port) -> None:
        self.peer = ""
        self._port = port
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._headers: dict[str, str]
        self._parts: list[bytes]
        self._asked: Request | None = None  # is being answered
        self._next: deque[Request] = deque()  # came before the answer to that one
        self._last = False  # nothing is read any more
        self._full = False  # the client does not read its answers
        self._in_head = False
        self._wishes = False  # to speak another protocol
        self._head = 0  # bytes of a head that came in pieces and is not yet whole
        self._at = port.seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._port.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._port.connections.discard(self)
        self._last, self._asked = True, None
        self._next.clear()

    def eof_received(self) -> bool:
        """A client may say that it has nothing more to ask, and wait for its answer."""
        self._last = True
        return self._asked is not None

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        in_head = self._in_head
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except HttpParserError:
            self._refuse(400)
        if in_head and self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse(431)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._url = b""
        self._headers = {}
        self._parts = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text, headers = _name(name), value.decode("latin-1"), self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        self._in_head, self._head, self._at = False, 0, self._port.seconds
        headers = self._headers
        self._wishes = "upgrade" in headers and self._parser.should_upgrade()
        if int(headers.get("content-length", 0)) > DRAINED:
            self._too_large()
        elif headers.get("expect", "").lower() == "100-continue" and not self._wishes:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._at = self._port.seconds
        self._size += len(part)
        if self._size <= self._port.largest:
            self._parts.append(part)
        elif self._size > DRAINED:
            self._too_large()

    def on_message_complete(self) -> None:
        if self._last or self._wishes:
            return
        if not self._parser.should_keep_alive():
            self._last = True
        self._came(too_large=self._size > self._port.largest)

    def pause_writing(self) -> None:
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._read_on()

    def respond(self, request: Request, status: int, headers: Headers, body: bytes) -> None:
        if self._asked is not request:
            return
        self._asked, self._at = None, self._port.seconds
        closing = self._last and not self._next
        end = b"connection: close\r\n\r\n" if closing else b"\r\n"
        head = _head(status, headers, None if status == 204 else len(body))
        sent = b"" if request.method == "HEAD" else body
        self._transport.write(b"%b%b%b%b" % (head, self._port.date, end, sent))
        if closing:
            self._transport.close()
        elif self._next:  # not from here: answers to many would be calls within calls
            asyncio.get_running_loop().call_soon(self._go_on)

    def end(self) -> None:
        """Read no more, answer what is under way, and close."""
        self._last = True
        if self._asked is None:
            self._transport.close()

    def silent(self, seconds: int) -> bool:
        """Whether the client has said nothing for so long, with no answer owed to it."""
        return self._asked is None and self._port.seconds - self._at > seconds

    def _stay(self, rest: bytes) -> None:
        """The parser takes what follows for another protocol, as Java's client asks for HTTP/2 with
        its first message. It is told the head once more, without the wish.
        """
        if self._wishes:
            kept = {**self._headers}
            del kept["upgrade"], kept["connection"]
            lines = [f"{self._parser.get_method().decode()} {self._url.decode('latin-1')} HTTP/1.1"]
            lines += [f"{name}: {text}" for name, text in kept.items()]
            rest = "\r\n".join([*lines, "\r\n"]).encode("latin-1") + rest
            self._parser = HttpRequestParser(self)
        if rest:
            self.data_received(rest)

    def _too_large(self) -> None:
        """It is answered at once, and what else comes is not looked at."""
        self._last = True
        self._came(too_large=True)

    def _came(self, *, too_large: bool) -> None:
        method, url = self._parser.get_method().decode(), self._url
        if not url.startswith(b"/"):
            url = _without_host(url)
        path, _, query = url.decode("latin-1").partition("?")
        if "%" in path:
            path = unquote(path)
        parts = self._parts
        body = b"" if too_large else parts[0] if len(parts) == 1 else b"".join(parts)
        request = Request(method, path, query, self._headers, body, too_large, self)
        if self._asked is None:
            self._asked = request
            self._port.take(request)
            return
        self._next.append(request)
        if len(self._next) == WAITING:
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._next and self._asked is None:
            self._asked = self._next.popleft()
            if not self._next:
                self._read_on()
            self._port.take(self._asked)

    def _read_on(self) -> None:
        if not self._full and len(self._next) < WAITING and not self._transport.is_closing():
            self._transport.resume_reading()

    def _refuse(self, status: int) -> None:
        """What is no HTTP is answered once, and the connection closed."""
        if self._last:
            return
        self._last = True
        if self._asked is None:
            end = b"connection: close\r\n\r\n"
            self._transport.write(_head(status, (), 0) + self._port.date + end)
            self._transport.close()


@lru_cache(1_024)
def _head(status: int, headers: Headers, length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None:
        lines.append(f"content-length: {length}")
    return "".join(line + "\r\n" for line in lines).encode("latin-1")


@lru_cache(1_024)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _date() -> bytes:
    return f"date: {formatdate(usegmt=True)}\r\n".encode()


def _without_host(url: bytes) -> bytes:
    """Proxies are asked with a whole address."""
    try:
        parts = parse_url(url)
    except HttpParserError:
        return url
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
