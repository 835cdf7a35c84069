"""A shop that mails, a customer who may be mailed to, and a real mail server that keeps a list."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from touchloop.channels import api
from touchloop.channels.email import channel, links, templates
from touchloop.channels.tests.conftest import NOON, People, conn, now, people
from touchloop.consent import api as consent
from touchloop.core import clock

__all__ = ["NOON", "People", "conn", "now", "people"]


@dataclass
class Server:
    """aiosmtpd on a port of its own: what it took, and what it says to whom."""

    port: int = 0
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    to_recipient: Callable[[str], str] = lambda address: "250 2.1.5 ok"
    to_message: Callable[[Envelope], str] = lambda envelope: "250 2.0.0 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.to_recipient(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        said = self.to_message(envelope)
        if said.startswith("250"):
            raw = envelope.original_content
            assert raw is not None
            self.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), bytes(raw)))
        return said


@contextmanager
def listening() -> Iterator[Server]:
    """A mail server of its own for as long as the block lasts."""
    here = Server()
    controller = Controller(here, hostname="127.0.0.1", port=0, ready_timeout=20)
    # aiosmtpd asks for its port to be known; the kernel gives a free one.
    controller.port = 0
    controller.start = _started(controller, here)  # type: ignore[method-assign]
    controller.start()
    try:
        yield here
    finally:
        controller.stop(no_assert=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with listening() as here:
        yield here
        channel.hang_up()


def _started(controller: Controller, here: Server) -> Callable[[], None]:
    def start() -> None:
        thread = threading.Thread(target=controller._run, args=(ready := threading.Event(),))
        thread.daemon = True
        controller._thread = thread
        thread.start()
        assert ready.wait(60)
        assert isinstance(controller.server, asyncio.Server)
        here.port = controller.server.sockets[0].getsockname()[1]

    return start


@pytest.fixture
def mail(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The settings of a shop whose mail goes to `server`."""
    monkeypatch.setenv("TOUCHLOOP_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    monkeypatch.setenv("TOUCHLOOP_MAIL_FROM", "Müller & Söhne <hello@shop.example>")
    monkeypatch.setenv("TOUCHLOOP_MAIL_BOUNCES", "bounces@shop.example")
    monkeypatch.setenv("TOUCHLOOP_URL", "https://crm.shop.example")
    monkeypatch.setenv("TOUCHLOOP_POSTAL_ADDRESS", "1 High Street, Springfield")
    monkeypatch.setenv("TOUCHLOOP_SECRET_KEY", "s" * 50)
    return server


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    links.forget_numbers()
    channel._kept.clear()
    yield
    channel.hang_up()


def template(**given: Any) -> dict[str, Any]:
    """A message as somebody writes it."""
    return {
        "slug": "deli", "name": "The deli", "kind": "marketing", "topic": "offers",
        "subject": "Something from the {{ offer.name }}", "markup": "mjml",
        "body": (
            "<mjml><mj-body><mj-section><mj-column>"
            '<mj-text>Hello {{ customer.first_name | default: "there" }}</mj-text>'
            '<mj-text><a href="https://shop.example/deli?a=1&amp;b=2">Look</a></mj-text>'
            '<mj-button href="{{ offer.url }}">To the shop</mj-button>'
            "</mj-column></mj-section></mj-body></mjml>"
        ),
        **given,
    }  # fmt: skip


@dataclass
class Shop:
    """A customer who agreed to e-mail about offers, and what a test does with her."""

    conn: Any
    people: People

    def customer(self, *, start: int = 0, measured: bool = False, agreed: bool = True) -> int:
        (id,) = self.people.add(1, start=start, agreed=False)
        if agreed:
            self.say_use(id, "marketing")
            self.say_contact(id, "granted")
        if measured:
            self.say_use(id, "measure")
        self.conn.execute(
            "UPDATE customers SET traits = traits || %s::jsonb WHERE id = %s",
            ('{"first_name": {"v": "Ana \\r\\nBcc: x", "a": 4}, "title": {"v": "Dr", "a": 1}}', id),
        )
        self.conn.commit()
        return id

    def say_use(self, id: int, purpose: str, state: str = "granted") -> None:
        consent.record_use(
            self.conn, [consent.UseGrant(id, purpose, state, self.people.source, NOON)]
        )

    def say_contact(self, id: int, state: str, topic: str = "") -> None:
        consent.record_contact(
            self.conn, [consent.ContactGrant(id, "email", topic, state, self.people.source, NOON)]
        )

    def write(self, **given: Any) -> None:
        templates.save(self.conn, **template(**given))
        self.conn.commit()

    def send(self, id: int, cause: str = "c", **more: Any) -> int:
        """Ask for a message and hand it off; the delivery's id."""
        given: dict[str, Any] = {
            "kind": "marketing", "topic": "offers", "template": "deli", "channels": ("email",),
            "data": {"offer": {"name": "deli", "url": "https://shop.example/o"}},
        }  # fmt: skip
        wanted = api.Wanted(subject_id=id, cause=cause, **(given | more))
        (asked,) = api.request(self.conn, [wanted], now=clock.now())
        self.conn.commit()
        assert asked.delivery_id is not None, asked
        api.hand_off(self.conn, clock.now(), 100)
        return asked.delivery_id

    def state(self, delivery_id: int) -> tuple[str, str, str]:
        row = self.conn.execute(
            "SELECT state, reason, detail FROM deliveries WHERE id = %s", (delivery_id,)
        ).fetchone()
        self.conn.commit()
        return row  # type: ignore[no-any-return]


@pytest.fixture
def shop(conn: Any, people: People, now: Any) -> Shop:
    return Shop(conn, people)
