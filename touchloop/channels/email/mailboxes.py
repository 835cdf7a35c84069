"""Where mail that came back lies: a Maildir, an mbox, single messages, or a mailbox over IMAP.

Reading changes nothing in files: the same message read again changes nothing either. Over IMAP what
was read is marked as seen, and the next time only what is not seen is fetched.
"""

from __future__ import annotations

import contextlib
import imaplib
import mailbox
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from touchloop.channels.email.returns import LARGEST
from touchloop.core.errors import Invalid, Unavailable

SECONDS: Final = 30.0
PORTS: Final = {"imap": 143, "imaps": 993}


def in_files(path: Path) -> Iterator[bytes]:
    """The messages of a Maildir, of an mbox, of a folder of `.eml` files, or of one such file.

    Raises Invalid when there is nothing of the kind.
    """
    if not path.exists():
        raise Invalid("path", f"{path} is not there")
    if path.is_dir() and (path / "cur").is_dir() and (path / "new").is_dir():
        box = mailbox.Maildir(path, create=False)
        yield from (box.get_bytes(key) for key in sorted(box.keys()))
    elif path.is_dir():
        found = sorted(path.glob("*.eml"))
        if not found:
            raise Invalid("path", f"{path} is no Maildir, and holds no .eml file")
        yield from (_bytes(one) for one in found)
    elif _is_mbox(path):
        with contextlib.closing(mailbox.mbox(path, create=False)) as box_of_one:
            yield from (box_of_one.get_bytes(key) for key in sorted(box_of_one.keys()))
    else:
        yield _bytes(path)


@dataclass(slots=True)
class Imap:
    """A mailbox over IMAP: `with Imap.at(url) as box`, its unseen messages, then `seen`."""

    link: imaplib.IMAP4
    _seen: list[bytes] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def at(cls, url: str, *, password: str = "") -> Iterator[Imap]:
        """imaps://user@host/Folder (INBOX without one). A password without TLS goes to this machine
        only. Raises Invalid, Unavailable.
        """
        parts, user, secret = _read(url, password)
        port = parts.port or PORTS[parts.scheme]
        host = str(parts.hostname)
        try:
            link = (
                imaplib.IMAP4_SSL(
                    host, port, ssl_context=ssl.create_default_context(), timeout=SECONDS
                )
                if parts.scheme == "imaps"
                else imaplib.IMAP4(host, port, timeout=SECONDS)
            )
        except OSError as error:
            raise Unavailable(f"{host} cannot be reached: {error}") from error
        try:
            link.login(user, secret)
            folder = unquote(parts.path.strip("/")) or "INBOX"
            _ok(link.select(f'"{folder}"'))
            yield cls(link)
        except (imaplib.IMAP4.error, OSError) as error:
            raise Unavailable(f"{host}: {_plain(error)}") from error
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                link.logout()

    def unseen(self) -> Iterator[tuple[bytes, bytes]]:
        """The number and the bytes of each message that nobody has seen, larger ones cut."""
        said = _ok(self.link.uid("SEARCH", "UNSEEN"))
        numbers = said[0] if said and isinstance(said[0], bytes) else b""
        for number in numbers.split():
            found = _ok(self.link.uid("FETCH", number.decode(), f"(BODY.PEEK[]<0.{LARGEST}>)"))
            raw = next((part[1] for part in found if isinstance(part, tuple)), None)
            if isinstance(raw, bytes):
                yield number, raw

    def seen(self, number: bytes) -> None:
        """Mark a message, once what it says is kept."""
        _ok(self.link.uid("STORE", number.decode(), "+FLAGS", "(\\Seen)"))


def _read(url: str, password: str) -> tuple[SplitResult, str, str]:
    parts = urlsplit(url)
    try:
        _port = parts.port
    except ValueError as error:
        raise Invalid("imap", "write it like imaps://user@mail.example.com/INBOX") from error
    secret = unquote(parts.password or "") or password
    if parts.scheme not in PORTS or not parts.hostname or not parts.username:
        raise Invalid("imap", "write it like imaps://user@mail.example.com/INBOX")
    if parts.scheme == "imap" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise Invalid("imap", "a password needs imaps://, not imap://")
    if not secret:
        raise Invalid("imap", "the password is missing: set TOUCHLOOP_IMAP_PASSWORD")
    if any(sign in secret + url for sign in "\r\n\0") or '"' in unquote(parts.path):
        raise Invalid("imap", "there are signs in it that cannot be sent")
    return parts, unquote(parts.username), secret


def _ok(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    word, data = answer
    if word != "OK":
        raise imaplib.IMAP4.error(_plain(data))
    return data


def _plain(said: object) -> str:
    return str(said)[:200]


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST)
