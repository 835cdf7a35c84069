"""One connection to a mail server, once it is open: what is said on it, and what is heard."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

_REPLY: Final = re.compile(rb"(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n")
_LONGEST_REPLY: Final = 65_536
_MORE: Final = 354
_COMMANDS: Final = 3  # of an envelope


class Mail(Protocol):
    """What a lane needs to know of a message."""

    @property
    def sender(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def data(self) -> bytes: ...


M = TypeVar("M", bound=Mail)
Answer = tuple[int, bytes]


class Lost(Exception):
    """The line broke or fell silent."""


class Lane(Generic[M]):
    """At most three messages are on it, one of each kind.

    `ending`: its data was sent, its answer is awaited. `offered`: its envelope was sent.
    `accepted`: the server waits for its data.
    """

    def __init__(self, smtp: smtplib.SMTP) -> None:
        assert smtp.sock is not None
        self.smtp = smtp
        self.socket = smtp.sock
        self.pipelining = smtp.has_extn("pipelining")
        size = smtp.esmtp_features.get("size", "").strip()
        self.largest = int(size) if size.isdigit() else 0
        self.heard, self.read = b"", 0  # up to where what was heard has been read
        self.ending: M | None = None
        self.offered: M | None = None
        self.accepted: M | None = None
        self.left = self.end_at = 0  # bytes that have left us; where the end of the data lies
        self.broken: OSError | None = None

    @property
    def busy(self) -> bool:
        return bool(self.ending or self.offered or self.accepted)

    def speak(self, offer: M | None) -> None:
        """Send the data that the server waits for, and the next envelope. Waits for no answer."""
        said: list[bytes] = []
        self.left = self.end_at = 0
        self.ending, self.accepted, self.offered = self.accepted, None, offer
        if self.ending is not None:
            data = self.ending.data
            if data.startswith(b"."):
                said.append(b".")
            said += (data.replace(b"\r\n.", b"\r\n..") if b"\r\n." in data else data, b".\r\n")
            self.end_at = sum(map(len, said))
        if offer is not None and self.pipelining and not self._too_large(offer):
            said += _envelope(offer)
        try:
            self._send(b"".join(said))
        except OSError as error:
            self.broken = error

    def listen(self) -> Iterator[tuple[M, int, str]]:
        """The messages whose fate the answers decide, with code and text. Raises Lost."""
        if self.broken is not None:
            raise Lost(said_shortly(self.broken))
        if self.ending is not None:
            code, text = self._answer()
            ended, self.ending = self.ending, None
            yield ended, code, text.decode("ascii", "replace")
        if self.offered is not None:
            offered = self.offered
            refusal = self._refusal(offered)
            self.offered = None
            if refusal is None:
                self.accepted = offered
            else:
                code, text = refusal
                yield offered, code, text.decode("ascii", "replace")

    def lost(self) -> tuple[M | None, list[M]]:
        """The message of which nobody knows, and those that surely were not taken over."""
        ending = self.ending
        unknown = ending if ending is not None and self.left >= self.end_at else None
        unsaid = [self.accepted, self.offered, None if unknown else ending]
        self.ending = self.accepted = self.offered = None
        self.close()
        return unknown, [mail for mail in unsaid if mail is not None]

    def close(self) -> None:
        """Politely when nothing is on the way."""
        try:
            if not self.busy and self.broken is None:
                self.socket.settimeout(2)
                self.socket.sendall(b"QUIT\r\n")
        except OSError:
            pass
        finally:
            self.smtp.close()

    def _refusal(self, mail: M) -> Answer | None:
        """What the server said against the envelope; None when it waits for the data."""
        if self._too_large(mail):
            return 552, b"5.3.4 the message is larger than the server takes"
        answers: list[Answer] = []
        if self.pipelining:
            answers = [self._answer() for _command in range(_COMMANDS)]
        else:
            for command in _envelope(mail):
                self._say(command)
                answers.append(self._answer())
                if answers[-1][0] >= 400:
                    break
        against = next((answer for answer in answers if answer[0] >= 400), None)
        if against is None:
            return None if answers[-1][0] == _MORE else answers[-1]
        if answers[-1][0] == _MORE:  # RFC 2920, 3.1: it takes data that nobody is to get
            self._say(b".\r\n")
            self._answer()
        self._say(b"RSET\r\n")
        self._answer()
        return against

    def _too_large(self, mail: M) -> bool:
        return bool(self.largest and len(mail.data) > self.largest)

    def _say(self, command: bytes) -> None:
        try:
            self.socket.sendall(command)
        except OSError as error:
            raise Lost(said_shortly(error)) from error

    def _send(self, said: bytes) -> None:
        self.left = self.socket.send(said) if said else 0
        view = memoryview(said)
        while self.left < len(said):
            self.left += self.socket.send(view[self.left :])

    def _answer(self) -> Answer:
        """One reply, of one line or several."""
        while True:
            heard, start = self.heard, self.read
            end, code = heard.find(b"\n", start) + 1, heard[start : start + 3]
            if end > start + 4 and heard[start + 3] in b" \r" and code.isdigit():
                self.read = end  # of one line, as most are
                return int(code), heard[start:end]
            found = _REPLY.match(heard, start)
            if found:
                self.read = found.end()
                return int(found[1]), found[0]
            if len(heard) - start > _LONGEST_REPLY:
                raise Lost("the server does not stop answering")
            try:
                more = self.socket.recv(65_536)
            except BlockingIOError as error:
                raise Lost("the server does not answer") from error
            except OSError as error:
                raise Lost(said_shortly(error)) from error
            if not more:
                raise Lost("the server hung up")
            self.heard, self.read = heard[start:] + more, 0


def said_shortly(error: BaseException) -> str:
    """An error in a few words, on one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:160]


def _envelope(mail: Mail) -> tuple[bytes, bytes, bytes]:
    return (
        f"MAIL FROM:<{mail.sender}>\r\n".encode("ascii"),
        f"RCPT TO:<{mail.recipient}>\r\n".encode("ascii"),
        b"DATA\r\n",
    )
