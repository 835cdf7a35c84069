"""Handing over to a real server, and to one that fails at each point where a server can."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from touchloop.channels.email.smtp import Fate, Line, Parcel
from touchloop.channels.email.tests.conftest import Server
from touchloop.core.errors import Unavailable
from touchloop.core.settings import MailServer

BODY = b"Subject: x\r\n\r\n.\r\n..two\r\nend.\r\n"


def parcels(n: int, *, size: int = 0, start: int = 1) -> list[Parcel]:
    return [
        Parcel(i, f"b+{i}@shop.example", f"c{i}@example.com", BODY + b"x.\r\n" * (size // 4))
        for i in range(start, start + n)
    ]


@contextmanager
def line(port: int, connections: int = 3) -> Iterator[Line]:
    here = Line(MailServer("127.0.0.1", port, "none", connections=connections))
    try:
        yield here
    finally:
        here.close()


def test_all_messages_arrive_once_byte_for_byte(server: Server) -> None:
    with line(server.port) as here:
        fates = [*here.deliver(parcels(50, size=20_000)), *here.deliver(parcels(3, start=51))]
    assert sorted(fate.id for fate in fates) == list(range(1, 54))
    assert {fate.word for fate in fates} == {"handed"}
    by_recipient = {rcpt[0]: (sender, raw) for sender, rcpt, raw in server.taken}
    assert len(server.taken) == len(by_recipient) == 53
    assert by_recipient["c7@example.com"] == ("b+7@shop.example", parcels(7, size=20_000)[-1].data)


def test_what_the_server_says_becomes_the_fate(server: Server) -> None:
    says = {
        "c2@example.com": "550 5.1.1 user unknown",
        "c3@example.com": "450 4.2.1 try later",
        "c4@example.com": "552 5.2.2 mailbox full",
    }
    server.to_recipient = lambda address: says.get(address, "250 ok")
    server.to_message = lambda envelope: (
        "554 5.7.1 spam" if "c5@example.com" in envelope.rcpt_tos else "250 taken"
    )
    with line(server.port, connections=1) as here:
        fates = {fate.id: fate for fate in here.deliver(parcels(8))}
    words = {id: fate.word for id, fate in fates.items()}
    assert words == {
        1: "handed", 2: "refused", 3: "temporary", 4: "refused", 5: "refused", 6: "handed",
        7: "handed", 8: "handed",
    }  # fmt: skip
    assert "user unknown" in fates[2].reason
    assert len(server.taken) == 4


def test_nobody_there_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with line(port) as here, pytest.raises(Unavailable, match="mail server"):
        list(here.deliver(parcels(2)))


Script = Callable[[socket.socket, int], None]


@contextmanager
def scripted(play: Script, *, offers: bytes = b"250-PIPELINING\r\n") -> Iterator[int]:
    """A server that plays `play(client, number of the connection)` after the greeting."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = False

    def run() -> None:
        number = 0
        while not stop:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            number += 1
            with client:
                try:
                    client.sendall(b"220 hi\r\n")
                    until(client, b"\r\n")
                    client.sendall(b"250-me\r\n" + offers + b"250 OK\r\n")
                    play(client, number)
                except OSError:
                    pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop = True
        listener.close()


def until(client: socket.socket, end: bytes) -> bytes:
    said = b""
    while end not in said:
        more = client.recv(65_536)
        if not more:
            raise OSError("gone")
        said += more
    return said


def sent_to(play: Script, n: int = 1) -> dict[int, Fate]:
    with scripted(play) as port, line(port, connections=1) as here:
        return {fate.id: fate for fate in here.deliver(parcels(n))}


def test_lost_after_the_data_is_uncertain_and_never_repeated() -> None:
    seen: list[bytes] = []

    def play(client: socket.socket, number: int) -> None:
        seen.append(until(client, b"DATA\r\n"))
        client.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        seen.append(until(client, b"\r\n.\r\n"))

    fates = sent_to(play)
    assert fates[1].word == "uncertain" and "after the data" in fates[1].reason
    assert sum(b"DATA" in said for said in seen) == 1


def test_lost_before_the_data_is_tried_on_another_line_and_then_temporary() -> None:
    offered: list[int] = []

    def play(client: socket.socket, number: int) -> None:
        until(client, b"DATA\r\n")
        offered.append(number)

    fates = sent_to(play)
    assert fates[1].word == "temporary" and "before the data" in fates[1].reason
    assert offered == [1, 2]


def test_lost_between_go_ahead_and_the_end_of_the_data_is_no_message() -> None:
    def play(client: socket.socket, number: int) -> None:
        until(client, b"DATA\r\n")
        client.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        if number == 1:
            client.shutdown(socket.SHUT_RDWR)
            return
        until(client, b"\r\n.\r\n")
        client.sendall(b"250 taken\r\n")

    fates = sent_to(play)
    # Depending on how far the data got, nobody knows, or it was tried again and taken.
    assert fates[1].word in ("uncertain", "handed")


def test_of_two_messages_only_the_one_whose_data_left_is_uncertain() -> None:
    def play(client: socket.socket, number: int) -> None:
        until(client, b"DATA\r\n")
        client.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        until(client, b"\r\n.\r\n")
        if number == 1:  # the second envelope comes along with the end of the first message
            return
        client.sendall(b"250 taken\r\n")
        until(client, b"QUIT")

    fates = sent_to(play, 2)
    assert {id: fate.word for id, fate in fates.items()} == {1: "uncertain", 2: "handed"}


def test_a_server_without_pipelining_is_asked_step_by_step() -> None:
    steps: list[bytes] = []

    def play(client: socket.socket, number: int) -> None:
        for _ in range(2):
            for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
                steps.append(client.recv(65_536))
                client.sendall(answer)
            until(client, b"\r\n.\r\n")
            client.sendall(b"250-taken\r\n250 really\r\n")

    with scripted(play, offers=b"") as port, line(port, connections=1) as here:
        fates = list(here.deliver(parcels(2)))
    assert [fate.word for fate in fates] == ["handed", "handed"]
    assert [step.split()[0] for step in steps] == [b"MAIL", b"RCPT", b"DATA"] * 2


def test_a_refused_envelope_ends_the_data_that_nobody_is_to_get() -> None:
    after: list[bytes] = []

    def play(client: socket.socket, number: int) -> None:
        until(client, b"DATA\r\n")
        client.sendall(b"250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n")
        after.append(until(client, b".\r\n"))
        client.sendall(b"554 no valid recipients\r\n")
        after.append(until(client, b"RSET\r\n"))
        client.sendall(b"250 ok\r\n")
        until(client, b"QUIT")

    assert sent_to(play)[1].word == "refused"
    assert after[0] == b".\r\n"


def test_a_message_that_is_too_large_is_not_offered() -> None:
    def play(client: socket.socket, number: int) -> None:
        assert until(client, b"QUIT") == b"QUIT\r\n"

    with scripted(play, offers=b"250-PIPELINING\r\n250-SIZE 10\r\n") as port, line(port, 1) as here:
        (fate,) = here.deliver(parcels(1))
    assert fate.word == "refused" and "larger" in fate.reason


def test_a_line_that_the_server_closed_in_the_meantime_is_opened_again(server: Server) -> None:
    with line(server.port, connections=1) as here:
        assert [fate.word for fate in here.deliver(parcels(1))] == ["handed"]
        here.open[0].socket.shutdown(socket.SHUT_RDWR)
        assert [fate.word for fate in here.deliver(parcels(1))] == ["handed"]
    assert len(server.taken) == 2


def test_whoever_stops_listening_leaves_no_line_open(server: Server) -> None:
    with line(server.port) as here:
        fates = here.deliver(parcels(10))
        next(fates)
        fates.close()  # type: ignore[attr-defined]
        assert here.open == []
