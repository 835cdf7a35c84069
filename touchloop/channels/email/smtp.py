"""Handing messages to a mail server, over several connections that are kept open.

smtplib opens, greets, secures and signs in; then we speak for ourselves, because what costs time
is waiting for each answer. Where the server offers PIPELINING (RFC 2920), the end of one message
and the envelope of the next go out together, so that a message costs one round trip; and all
connections are spoken to before any is listened to.

What is known of a message: 250 after its end, it was taken over; an answer before that, it was not;
the line lost between the end of the data and the answer, nobody knows: *uncertain*, never repeated
here. A line lost before the end had left us carried no message (RFC 5321, 4.1.1.4): another line
may try once more.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import struct
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from select import select
from typing import Final, Literal

from msgspec import Struct

from touchloop.channels.email.lane import Lane, Lost, said_shortly
from touchloop.core.errors import Unavailable
from touchloop.core.settings import MailServer

WAIT_SECONDS: Final = 60.0
_TRIES: Final = 2

Word = Literal["handed", "temporary", "refused", "uncertain"]


class Parcel(Struct, frozen=True):
    """One message ready to go: envelope and bytes, ending with a line break."""

    id: int
    sender: str
    recipient: str
    data: bytes


class Fate(Struct, frozen=True):
    """What became of it, and what the server said."""

    id: int
    word: Word
    reason: str = ""


class Line:
    """The open connections to one server. Make one for each process and keep it."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.open: list[Lane[Parcel]] = []

    def deliver(self, parcels: Iterator[Parcel] | Sequence[Parcel]) -> Iterator[Fate]:
        """Hand over all; yields each fate as soon as it is known, in no order.

        Parcels are taken from an iterator as they are needed, so making one can overlap with the
        server's work on another. Raises Unavailable when no connection can be had; what has no fate
        yet was not taken over. Whoever stops listening leaves the lines closed.
        """
        waiting = _Waiting(parcels)
        done = False
        try:
            while waiting.more():
                lanes = self._lanes()
                yield from self._rounds(lanes, waiting)
            done = True
        finally:
            if not done:
                self.close()

    def close(self) -> None:
        """Part from the server politely where nothing is on the way."""
        for lane in self.open:
            lane.close()
        self.open.clear()

    def _rounds(self, lanes: list[Lane[Parcel]], waiting: _Waiting) -> Iterator[Fate]:
        """Until nothing waits, or every lane is lost."""
        while lanes and (waiting.more() or any(lane.busy for lane in lanes)):
            for lane in lanes:
                if lane.accepted is not None or waiting.more():
                    lane.speak(waiting.take())
            for lane in [*lanes]:
                if not lane.busy:
                    continue
                try:
                    for parcel, code, text in lane.listen():
                        yield _fate(parcel.id, code, text)
                except Lost as lost:
                    yield from self._lost(lane, str(lost), waiting)
                    lanes.remove(lane)

    def _lost(self, lane: Lane[Parcel], why: str, waiting: _Waiting) -> Iterator[Fate]:
        self.open.remove(lane)
        unknown, unsaid = lane.lost()
        if unknown is not None:
            yield Fate(unknown.id, "uncertain", f"the line broke after the data: {why}")
        for parcel in unsaid:
            if not waiting.again(parcel):
                yield Fate(parcel.id, "temporary", f"the line broke before the data: {why}")

    def _lanes(self) -> list[Lane[Parcel]]:
        for lane in [*self.open]:  # an idle server may have hung up: better seen before than after
            if select([lane.socket], [], [], 0)[0]:
                self.open.remove(lane)
                lane.close()
        while len(self.open) < self.server.connections:
            try:
                self.open.append(Lane(connect(self.server)))
            except (OSError, smtplib.SMTPException) as error:
                if not self.open:
                    raise Unavailable(
                        f"the mail server: {said_shortly(error)}", retry_after=60
                    ) from error
                break
        return [*self.open]


class _Waiting:
    """What still has to go. Nothing is tried more than twice."""

    def __init__(self, parcels: Iterator[Parcel] | Sequence[Parcel]) -> None:
        self.fresh = iter(parcels)
        self.ready: deque[Parcel] = deque()
        self.tries: Counter[int] = Counter()

    def more(self) -> bool:
        if not self.ready:
            parcel = next(self.fresh, None)
            if parcel is not None:
                self.ready.append(parcel)
        return bool(self.ready)

    def take(self) -> Parcel | None:
        return self.ready.popleft() if self.more() else None

    def again(self, parcel: Parcel) -> bool:
        self.tries[parcel.id] += 1
        if self.tries[parcel.id] >= _TRIES:
            return False
        self.ready.append(parcel)
        return True


def connect(server: MailServer) -> smtplib.SMTP:
    """Open, greet, secure and sign in. Raises OSError or smtplib.SMTPException."""
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(
            server.host, server.port, timeout=WAIT_SECONDS, context=ssl.create_default_context()
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=WAIT_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if server.user:
            smtp.login(server.user, server.password)
        assert smtp.sock is not None
        _wait_in_the_kernel(smtp.sock)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _wait_in_the_kernel(sock: socket.socket) -> None:
    """The same patience, kept by the system: Python's own asks before each call whether it may."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    patience = struct.pack("@ll", int(WAIT_SECONDS), 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    sock.settimeout(None)


def _fate(id: int, code: int, text: str) -> Fate:
    reason = " ".join(text.split())[:200]
    if code == 250:
        return Fate(id, "handed", reason)
    return Fate(id, "refused" if 500 <= code < 600 else "temporary", reason)
