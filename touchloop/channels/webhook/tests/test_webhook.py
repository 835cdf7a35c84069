"""The webhook channel against a real server: signed, bounded, judged again when it is used."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from touchloop.channels import api
from touchloop.channels.tests.conftest import People, state, want
from touchloop.channels.webhook import endpoints, posting
from touchloop.channels.webhook.channel import webhook
from touchloop.channels.webhook.guard import Place
from touchloop.core import clock, db
from touchloop.core.errors import Invalid, NotFound


class Server:
    """Keeps what is posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], str]] = []
        self.reply: Callable[[BaseHTTPRequestHandler], None] = lambda h: _answer(h, 204)
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                kept.got.append((self.path, headers, body))
                kept.reply(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?a=1"
        self.allow: frozenset[Place] = frozenset({("127.0.0.1", self.port)})
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def _answer(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    api.register(webhook(allow=one.allow))
    yield one
    api.unregister("webhook")
    one.http.shutdown()
    one.http.server_close()


def _endpoint(conn: db.Connection, server: Server, now: datetime) -> str:
    _made, secret = endpoints.create_endpoint(
        conn, slug="sms", name="SMS gateway", url=server.url, now=now, allow=server.allow
    )
    return secret


def test_a_message_is_posted_once_and_signed(
    conn: db.Connection, people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    now = clock.now()  # the library that verifies has a clock of its own
    secret = _endpoint(conn, server, now)
    (ana,) = people.add()
    wish = want(ana, "c:1", kind="service", channels=("webhook",), template="sms", data={"x": 1})
    (one,) = api.request(conn, [wish], now=now)
    conn.commit()
    assert api.hand_off(conn, now, 10) == 1
    assert state(conn, one.delivery_id) == ("handed", "")
    ((path, headers, body),) = server.got
    assert path == "/hook?a=1" and headers["host"] == f"127.0.0.1:{server.port}"
    payload = Webhook(secret).verify(body, headers)
    assert payload["type"] == "message" and payload["data"]["data"] == {"x": 1}
    assert headers["webhook-id"] == api.one_delivery(conn, one.delivery_id or 0).message_id
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("1", "2"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(body, headers)


def test_while_keys_are_changed_both_sign(
    conn: db.Connection, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    old = _endpoint(conn, server, now)
    new = endpoints.rotate_secret(conn, "sms", now=now)
    assert endpoints.get_endpoint(conn, "sms").rotating
    assert endpoints.try_endpoint(conn, "sms", now=now, allow=server.allow).word == "handed"
    _path, headers, body = server.got[-1]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    endpoints.drop_former_secret(conn, "sms", now=now)
    endpoints.try_endpoint(conn, "sms", now=now, allow=server.allow)
    _path, headers, body = server.got[-1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)
    assert all(old not in repr(one) and new not in repr(one) for one in endpoints.endpoints(conn))


@pytest.mark.parametrize(
    ("status", "kind", "ends"),
    [
        (200, "marketing", ("handed", "")),
        (302, "service", ("bounced", "redirect")),
        (307, "service", ("bounced", "redirect")),
        (400, "service", ("bounced", "status_400")),
        (410, "service", ("bounced", "status_410")),
        (429, "service", ("queued", "status_429")),
        (503, "marketing", ("queued", "status_503")),
    ],
)
def test_what_is_answered_becomes_an_outcome(
    conn: db.Connection,
    people: People,
    server: Server,
    now: datetime,
    status: int,
    kind: str,
    ends: tuple[str, str],
) -> None:
    _endpoint(conn, server, now)
    (ana,) = people.add()
    _agree(conn, people, ana, now)
    server.reply = lambda handler: _answer(
        handler, status, Location="http://169.254.169.254/latest/"
    )
    wish = want(ana, "c", kind=kind, channels=("webhook",), template="sms")
    (one,) = api.request(conn, [wish], now=now)
    conn.commit()
    api.hand_off(conn, now, 10)
    assert state(conn, one.delivery_id) == ends
    assert len(server.got) == 1  # nobody followed anything


def _agree(conn: db.Connection, people: People, subject: int, now: datetime) -> None:
    from touchloop.consent import api as consent

    consent.record_contact(
        conn, [consent.ContactGrant(subject, "webhook", "", "granted", people.source, now)]
    )


def test_a_line_that_breaks_after_the_message_leaves_it_uncertain(
    conn: db.Connection, people: People, server: Server, now: datetime
) -> None:
    _endpoint(conn, server, now)
    (ana,) = people.add()
    _agree(conn, people, ana, now)
    server.reply = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    wish = want(ana, "c", channels=("webhook",), template="sms")
    (one,) = api.request(conn, [wish], now=now)
    conn.commit()
    api.hand_off(conn, now, 10)
    assert state(conn, one.delivery_id) == ("uncertain", "no_answer")
    assert api.hand_off(conn, now + timedelta(days=2), 10) == 0


def test_an_endless_or_slow_answer_does_not_hold_us(
    server: Server, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:  # a line that never ends, byte by byte
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.02):
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for number in range(100_000):
                handler.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 1000))
        except OSError:
            return

    def huge(handler: BaseHTTPRequestHandler) -> None:  # the body is not read, whatever it is
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n")
        handler.wfile.write(b"Content-Length: 10737418240\r\n\r\n" + b"\x1f\x8b")

    monkeypatch.setattr(posting, "SECONDS", 0.4)
    for reply, word in ((drip, "uncertain"), (flood, "uncertain"), (huge, "handed")):
        server.reply = reply
        said = posting.post(
            server.url, "{}", message_id="1.a", secrets=["whsec_QUJD"], now=now, allow=server.allow
        )
        assert said.word == word, reply.__name__
    stop.set()


def test_the_address_is_judged_when_it_is_saved_tried_and_used(
    conn: db.Connection, people: People, server: Server, now: datetime
) -> None:
    """Without the tests' allowance the server on loopback is out of reach at each door."""
    with pytest.raises(Invalid):
        endpoints.create_endpoint(conn, slug="x", name="X", url=server.url, now=now)
    _endpoint(conn, server, now)
    with pytest.raises(Invalid):
        endpoints.change_endpoint(
            conn, "sms", name="X", url="http://[::ffff:a00:1]/", enabled=True, now=now
        )
    assert endpoints.try_endpoint(conn, "sms", now=now) == ("refused", "address_not_allowed")
    api.unregister("webhook")  # now the channel of the product itself
    (ana,) = people.add()
    wish = want(ana, "c", kind="service", channels=("webhook",), template="sms")
    (one,) = api.request(conn, [wish], now=now)
    conn.commit()
    api.hand_off(conn, now, 10)
    assert state(conn, one.delivery_id) == ("bounced", "address_not_allowed")
    assert server.got == []


def test_a_name_that_moves_inside_after_it_was_saved_is_not_followed(
    server: Server, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: one resolution for one request, and the connection goes to what it gave."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    connected: list[Any] = []

    def connect(self: socket.socket, where: Any) -> None:
        connected.append(where)
        raise OSError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    common: dict[str, Any] = {"message_id": "1.a", "secrets": ["whsec_QUJD"], "now": now}
    assert posting.post("http://rebind.example/", "{}", **common).reason == "not_connected"
    assert posting.post("http://rebind.example/", "{}", **common).reason == "address_not_allowed"
    assert connected == [("93.184.216.34", 80)] and len(asked) == 2


def test_no_endpoint_no_message(
    conn: db.Connection, people: People, server: Server, now: datetime
) -> None:
    (ana,) = people.add()
    wish = want(ana, "c:1", kind="service", channels=("webhook",), template="sms")
    (none,) = api.request(conn, [wish], now=now)
    assert (none.state, none.reason) == ("dropped", "no_template")
    _endpoint(conn, server, now)
    wish = want(ana, "c:2", kind="service", channels=("webhook",), template="sms")
    (one,) = api.request(conn, [wish], now=now)
    endpoints.change_endpoint(
        conn, "sms", name="S", url=server.url, enabled=False, now=now, allow=server.allow
    )
    conn.commit()
    api.hand_off(conn, now, 10)
    assert state(conn, one.delivery_id) == ("dropped", "no_endpoint")
    assert server.got == []
    with pytest.raises(NotFound):
        endpoints.try_endpoint(conn, "nope", now=now)
    with pytest.raises(Invalid):
        _endpoint(conn, server, now)


def test_what_is_too_large_is_not_sent(server: Server, now: datetime) -> None:
    said = posting.post(
        server.url,
        json.dumps({"x": "a" * posting.MOST_SENT}),
        message_id="1.a",
        secrets=["whsec_QUJD"],
        now=now,
        allow=server.allow,
    )
    assert said == ("refused", "too_large") and server.got == []
