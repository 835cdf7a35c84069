"""The demo's own receiver takes what a real sender sends, and shows it."""

from __future__ import annotations

import smtplib
import socket

from touchloop.channels.email import inbox
from touchloop.channels.email.inbox import Mail, Receiver
from touchloop.channels.email.smtp import Line
from touchloop.channels.email.tests.conftest import People
from touchloop.channels.email.tests.test_smtp import parcels, until
from touchloop.core.db import Connection
from touchloop.core.settings import MailServer


def test_it_takes_what_smtplib_and_our_own_line_send() -> None:
    taken: list[Mail] = []
    with Receiver(taken.extend) as receiver:
        with smtplib.SMTP("127.0.0.1", receiver.port) as client:
            client.sendmail(
                "a@x.example", ["b@x.example", "c@x.example"], b"S: 1\r\n\r\n.\r\nx\r\n"
            )
            client.rset()
            client.noop()
            assert client.docmd("FROB")[0] == 500
            assert client.docmd("RCPT TO:<x@y.example>")[0] == 503
            assert client.docmd("MAIL FROM:nobody")[0] == 501
            assert client.vrfy("x")[0] == 252
        line = Line(MailServer("127.0.0.1", receiver.port, "none", connections=2))
        fates = list(line.deliver(parcels(9)))
        line.close()
    assert taken[0] == Mail(
        "a@x.example", ("b@x.example", "c@x.example"), b"S: 1\r\n\r\n.\r\nx\r\n"
    )
    assert {fate.word for fate in fates} == {"handed"} and len(taken) == 10
    assert {mail.raw for mail in taken[1:]} == {parcels(1)[0].data}


def test_it_understands_several_commands_and_messages_at_once() -> None:
    taken: list[Mail] = []
    one = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
    with (
        Receiver(taken.extend) as receiver,
        socket.create_connection(("127.0.0.1", receiver.port)) as client,
    ):
        client.sendall(b"EHLO x\r\n" + (one + b"..a\r\n.\r\n") * 2 + one + b".\r\nQUIT\r\n")
        until(client, b"221 ")
    assert [mail.raw for mail in taken] == [b".a\r\n", b".a\r\n", b""]


def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    def broken(mails: object) -> None:
        raise RuntimeError("full")

    with Receiver(broken) as receiver:
        line = Line(MailServer("127.0.0.1", receiver.port, "none"))
        (fate,) = line.deliver(parcels(1))
        line.close()
    assert fate.word == "temporary"


def test_a_message_is_kept_and_shown_decoded(conn: Connection, people: People) -> None:
    raw = (
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nwords\r\n--b\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
        b"\r\n\r\n<b>gr=C3=BCn</b>\r\n--b--\r\n"
    )
    inbox.keep([Mail("a@x.example", ("b@x.example",), raw)])
    (listed,) = inbox.listing(conn)
    assert (listed.subject, listed.recipient, listed.delivery_id) == ("Grüße", "b@x.example", None)
    shown = inbox.one(conn, listed.id)
    assert shown is not None and shown.text.strip() == "words" and "<b>grün</b>" in shown.html
    assert inbox.listing(conn, before=listed.id) == [] and inbox.one(conn, 0) is None
