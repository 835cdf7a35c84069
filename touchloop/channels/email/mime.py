"""The bytes of a mail (RFC 5322, 2045-2047), put together by hand.

`email.message` takes milliseconds for what is a few joins: every message of ours has the same form,
two parts, and only the words differ.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

LONGEST_LINE = 900  # RFC 5321 ends at 998; a relay may add to a line
SLOT: Final = 64
_LONGEST_SUBJECT: Final = 240
_LINE: Final = 66  # of a subject
_WORD_BYTES: Final = 42  # of an encoded word of at most 75 characters
_PLAIN_WORDS: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_SAFE_HEADER: Final = re.compile(r"[ -~]*")
_NOT_IN_A_HEADER: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)
_ATOMS: Final = re.compile(r"[A-Za-z0-9 !#$%&'*+\-/=?^_`{|}~]+")


class Headers(Struct, frozen=True):
    """Header fields in their order, each name with its value as it is written on the wire."""

    fields: tuple[tuple[str, str], ...]

    def block(self) -> bytes:
        return "".join([f"{name}: {value}\r\n" for name, value in self.fields]).encode("ascii")


def body(
    *, text: Sequence[str], html: Sequence[str], boundary: str, encoded: bool = False
) -> list[bytes]:
    """A multipart/alternative body in pieces; it ends with one line break, as DKIM counts it.

    Both parts come as the pieces between what differs for each recipient: `SLOT` characters of
    ASCII at most, put between the pieces that are returned (one more than there are slots). With
    `encoded` both parts are quoted-printable whatever is in them, for slots that need it.
    """
    mark = b"--" + boundary.encode("ascii")
    first, second = (
        _part(text, "text/plain", encoded=encoded),
        _part(html, "text/html", encoded=encoded),
    )
    first[0] = mark + b"\r\n" + first[0]
    second[0] = first.pop() + b"\r\n" + mark + b"\r\n" + second[0]
    second[-1] += b"\r\n" + mark + b"--\r\n"
    return first + second


def words(value: str) -> str:
    """Any text as the value of an unstructured header: one line of words, folded, RFC 2047.

    What could end the header or turn the direction of writing is gone; what only looks encoded is
    encoded, so that a reader sees what was written.
    """
    if len(value) <= _LINE and _PLAIN_WORDS.fullmatch(value) and "=?" not in value:
        return value
    value = " ".join(_NOT_IN_A_HEADER.sub(" ", value).split())[:_LONGEST_SUBJECT].rstrip()
    if _SAFE_HEADER.fullmatch(value) and "=?" not in value:
        return _folded(value)
    return "\r\n ".join(_encoded_words(value))


def mailbox(name: str, address: str) -> str:
    """`Name <address>` for a header; the name quoted or encoded as it needs."""
    name = " ".join(_NOT_IN_A_HEADER.sub(" ", name).split())[:80]
    if not name:
        return address
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return f"{name} <{address}>"
    if _SAFE_HEADER.fullmatch(name) and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return "\r\n ".join(_encoded_words(name)) + f"\r\n <{address}>"


def _part(pieces: Sequence[str], kind: str, *, encoded: bool) -> list[bytes]:
    raw = [
        piece.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
        for piece in pieces
    ]
    if not raw[-1].endswith(b"\n"):
        raw[-1] += b"\n"
    whole = (b"x" * SLOT).join(raw)
    if not encoded and whole.isascii() and max(map(len, whole.split(b"\n"))) <= LONGEST_LINE:
        coding = "7bit"
    else:  # a slot stands on a line of its own, which ends without being a line of the text
        coding = "quoted-printable"
        last = len(raw) - 1
        raw = [
            (b"=\n" if at else b"") + b2a_qp(piece, istext=True) + (b"=\n" if at < last else b"")
            for at, piece in enumerate(raw)
        ]
    head = f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {coding}\n\n"
    raw[0] = head.encode() + raw[0]
    return [piece.replace(b"\n", b"\r\n") for piece in raw]


def _folded(value: str) -> str:
    """Lines of at most some 70 characters, broken at spaces; a long word stays whole."""
    if len(value) <= _LINE:
        return value
    lines, line = [], ""
    for word in value.split(" "):
        if line and len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(value: str) -> list[str]:
    """Encoded words of at most 75 characters each; no character is cut in two."""
    found, piece = [], b""
    for character in value:
        more = character.encode("utf-8", "replace")
        if len(piece) + len(more) > _WORD_BYTES:
            found.append(piece)
            piece = b""
        piece += more
    found.append(piece)
    return [f"=?utf-8?b?{b64encode(each).decode()}?=" for each in found]
