"""HTTP as clients and strangers speak it: in pieces, many at once, too large, or not at all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from touchloop.collect.connection import (
    DRAINED,
    LARGEST_HEAD,
    PATIENCE,
    Connection,
    Port,
    Request,
    respond_all,
)
from touchloop.collect.tests.conftest import Served, basic, messages
from touchloop.interactions.api import Source

PLAIN = (("content-type", "text/plain"),)


class Wire(asyncio.Transport):
    """The other end of a connection: what it was sent, and whether it is read."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 4000)})
        self.sent = b""
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Line:
    """A connection with both of its ends in the hands of a test."""

    def __init__(self, *, largest: int = 1_000, answer: bool = True) -> None:
        self.asked: list[Request] = []
        self.port = Port(self._take, largest=largest)
        self.connection = Connection(self.port)
        self.wire = Wire()
        self.connection.connection_made(self.wire)
        self._answer = answer

    def _take(self, request: Request) -> None:
        self.asked.append(request)
        if self._answer:
            request.respond(200, PLAIN, request.body)

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.data_received(part)

    @property
    def statuses(self) -> list[int]:
        answers = self.wire.sent.split(b"HTTP/1.1 ")[1:]
        return [int(answer[:3]) for answer in answers]


def post(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    told = b"Content-Length: %d" % (len(body) if length is None else length)
    head = b"\r\n".join([b"POST /v1/t?a=b%20c HTTP/1.1", b"Host: x", told, *headers])
    return head + b"\r\n\r\n" + body


def test_a_request_is_whole_however_it_comes_in_pieces() -> None:
    text = post(b'{"a":1}', b"X-One: 1", b"x-one: 2", b"User-Agent: caf\xe9")
    for size in (1, 7, len(text)):
        line = Line()
        line.say(*(text[n : n + size] for n in range(0, len(text), size)))
        (request,) = line.asked
        assert (request.method, request.path, request.body) == ("POST", "/v1/t", b'{"a":1}')
        assert request.query == {"a": "b c"}
        assert request.headers["x-one"] == "1, 2"
        assert request.headers["user-agent"] == "café"
        assert request.client == "192.0.2.7"


def test_a_chunked_body_is_put_together() -> None:
    line = Line()
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    line.say(head, b"3\r\nabc\r\n4\r\nd", b"efg\r\n0\r\n\r\n")
    assert [request.body for request in line.asked] == [b"abcdefg"]


def test_an_answer_has_a_date_a_length_and_the_connection_stays() -> None:
    line = Line()
    line.say(post(b"hello"))
    head, _, body = line.wire.sent.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[:3] == [b"HTTP/1.1 200 OK", b"content-type: text/plain", b"content-length: 5"]
    assert lines[3].startswith(b"date: ") and lines[3].endswith(b" GMT")
    assert (len(lines), body, line.wire.closed) == (4, b"hello", False)


def test_one_answer_to_many_is_what_each_alone_would_have_got() -> None:
    asked = [
        post(b"{}"),
        post(b"{}").replace(b"POST", b"HEAD"),
        post(b"{}", b"Connection: close"),
        post(b"{}") * 2,
        post(b"{}"),
    ]

    def answered(respond: Callable[[list[Request]], None]) -> list[tuple[bytes, bool]]:
        lines = [Line(answer=False) for _ in asked]
        for line, text in zip(lines, asked, strict=True):
            line.port.date = b"date: today\r\n"
            line.say(text)
        lines[-1].connection.connection_lost(None)
        respond([line.asked[0] for line in lines])
        return [(line.wire.sent, line.wire.closed) for line in lines]

    async def check() -> None:
        def one_by_one(requests: list[Request]) -> None:
            for request in requests:
                request.respond(200, PLAIN, b"done")

        alone = answered(one_by_one)
        assert answered(lambda requests: respond_all(requests, 200, PLAIN, b"done")) == alone
        assert [sent[-4:] for sent, _ in alone] == [b"done", b"\r\n\r\n", b"done", b"done", b""]

    asyncio.run(check())


def test_an_answer_that_fails_is_the_trouble_of_its_client_alone() -> None:
    class Broken(Wire):
        def write(self, data: Any) -> None:
            raise RuntimeError("the handle is closed")

    lines = [Line(answer=False) for _ in range(3)]
    lines[0].connection.connection_made(Broken())
    for line in lines:
        line.say(post(b"{}"))
    respond_all([line.asked[0] for line in lines], 200, PLAIN, b"done")
    assert [line.statuses for line in lines] == [[], [200], [200]]


def test_what_is_asked_without_waiting_is_answered_in_its_order() -> None:
    async def check() -> None:
        line = Line(answer=False)
        line.say(b"".join(post(b"%d" % n) for n in range(40)))
        assert (len(line.asked), line.wire.reading) == (1, False)
        for n in range(40):
            line.asked[n].respond(200, PLAIN, b"<%d>" % n)
            await asyncio.sleep(0)
        assert line.wire.reading
        bodies = [part.partition(b">")[0] for part in line.wire.sent.split(b"<")[1:]]
        assert bodies == [b"%d" % n for n in range(40)]

    asyncio.run(check())


def test_a_client_that_does_not_read_its_answers_is_not_read_either() -> None:
    line = Line()
    line.connection.pause_writing()
    line.say(post(b"1"))
    assert not line.wire.reading
    line.connection.resume_writing()
    assert line.wire.reading


@pytest.mark.parametrize(
    "text",
    [
        post(b"1", b"Connection: close"),
        b"GET / HTTP/1.0\r\n\r\n",
    ],
)
def test_who_wants_the_connection_closed_gets_it_closed(text: bytes) -> None:
    line = Line()
    line.say(text)
    assert line.statuses == [200] and line.wire.closed
    assert b"connection: close\r\n" in line.wire.sent


def test_half_a_connection_still_gets_its_answer() -> None:
    line = Line(answer=False)
    line.say(post(b"1"))
    assert line.connection.eof_received()
    line.asked[0].respond(200, PLAIN, b"")
    assert line.statuses == [200] and line.wire.closed


def test_head_and_no_content_have_no_body() -> None:
    line = Line(answer=False)
    line.say(b"HEAD / HTTP/1.1\r\n\r\n")
    line.asked[0].respond(200, PLAIN, b"hello")
    assert line.wire.sent.endswith(b"\r\n\r\n") and b"content-length: 5" in line.wire.sent
    line.say(b"OPTIONS / HTTP/1.1\r\n\r\n")
    line.asked[1].respond(204, (), b"")
    assert line.wire.sent.count(b"content-length") == 1


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        post(b"1", b"Content-Length: 1"),
        post(b"1", b"Transfer-Encoding: chunked"),  # two lengths: a proxy may believe the other one
        post(b"", b"Transfer-Encoding : chunked"),
    ],
)
def test_what_is_no_http_is_refused_once_and_closed(text: bytes) -> None:
    line = Line()
    line.say(text, post(b"2"))
    assert (line.asked, line.statuses, line.wire.closed) == ([], [400], True)


def test_a_head_is_bounded() -> None:
    line = Line()
    line.say(b"GET / HTTP/1.1\r\n", *[b"x: " + b"y" * 1_000 + b"\r\n"] * 100)
    assert (line.asked, line.statuses, line.wire.closed) == ([], [431], True)
    line = Line()
    line.say(b"GET /" + b"y" * (LARGEST_HEAD - 1_000), b" HTTP/1.1\r\n\r\n")
    assert line.statuses == [200]


def test_a_body_is_bounded_and_an_absurd_one_is_not_read() -> None:
    line = Line(largest=10)
    line.say(post(b"x" * 11), post(b"x" * 10))
    assert [(each.too_large, each.body) for each in line.asked] == [(True, b""), (False, b"x" * 10)]
    assert not line.wire.closed
    line = Line(largest=10)
    line.say(post(b"x", length=DRAINED + 1))
    assert [each.too_large for each in line.asked] == [True] and line.wire.closed
    line = Line(largest=10)
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    line.say(head, *[b"100000\r\n" + b"x" * 0x100000 + b"\r\n"] * 10)
    assert [each.too_large for each in line.asked] == [True] and line.wire.closed


def test_a_client_may_ask_before_it_sends_a_body() -> None:
    line = Line()
    line.say(post(b"", b"Expect: 100-continue", length=5))
    assert line.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.say(b"hello")
    assert line.statuses == [100, 200]


def test_who_would_like_another_protocol_gets_this_one() -> None:
    """As Java's client asks by default."""
    line = Line()
    upgrade = post(b"1", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c")
    line.say(upgrade + upgrade, post(b"2"))
    assert [request.body for request in line.asked] == [b"1", b"1", b"2"]


def test_proxies_ask_with_a_whole_address() -> None:
    line = Line()
    line.say(b"GET http://door.example/v1/%74?a=1 HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n")
    assert [request.path for request in line.asked] == ["/v1/t", "*"]
    assert line.asked[0].query_string == "a=1"


def test_silent_clients_are_let_go_and_those_who_wait_are_not() -> None:
    def after(seconds: int, *said: bytes) -> bool:
        line = Line(answer=False)
        line.say(*said)
        line.port.seconds += seconds
        return line.connection.silent(PATIENCE)

    assert after(PATIENCE + 1) and not after(PATIENCE)
    assert after(PATIENCE + 1, b"POST / HT")
    assert after(PATIENCE + 1, post(b"1", length=9))
    assert not after(PATIENCE + 1, post(b"1"))  # the answer is owed to it
    line = Line()
    for part in (b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n"):  # a head has to come in time
        line.port.seconds += PATIENCE // 2
        line.say(part)
    assert line.connection.silent(PATIENCE)
    line = Line()
    line.say(post(b"", length=3))
    for _ in range(2):  # a body may take its time, as long as it comes
        line.port.seconds += PATIENCE // 2 + 1
        line.say(b"x")
    assert not line.connection.silent(PATIENCE)


def test_a_port_ends_when_what_is_under_way_is_answered() -> None:
    async def check() -> None:
        line, idle = Line(answer=False), Line()
        line.say(post(b"1"))
        ending = asyncio.create_task(line.port.end())
        await asyncio.sleep(0)
        line.say(post(b"2"))
        assert (len(line.asked), line.wire.closed, ending.done()) == (1, False, False)
        line.asked[0].respond(200, PLAIN, b"")
        assert line.wire.closed
        line.connection.connection_lost(None)
        await ending
        idle.connection.end()
        assert idle.wire.closed

    asyncio.run(check())


def test_an_answer_to_someone_who_has_gone_goes_nowhere() -> None:
    line = Line(answer=False)
    line.say(post(b"1"))
    line.connection.connection_lost(None)
    line.asked[0].respond(200, PLAIN, b"")
    assert line.wire.sent == b"" and line.port.connections == set()


def test_many_messages_at_once_over_one_connection(
    serve: Callable[..., Served], source: Source
) -> None:
    """Through the real loop: each is answered after its commit, and in order."""
    door = serve()
    body = b'{"event":"E","userId":"u","messageId":"m%d"}'
    key = f"Authorization: {basic(source.write_key)}".encode()
    texts = [post(body % n, key).replace(b"?a=b%20c", b"") for n in range(100)]
    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as client:
        client.sendall(b"".join([*texts, post(b"", b"Connection: close")]))
        answers = b"".join(iter(lambda: client.recv(65_536), b""))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200"] * 100 + [b"400"]
    assert [found.message_id for found in messages()] == [f"m{n}" for n in range(100)]
