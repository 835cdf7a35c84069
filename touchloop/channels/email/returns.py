"""Mail that comes back: bounces (RFC 3464) and complaints (RFC 5965), read and believed with care.

Anybody can write a bounce. What is believed names its delivery by a token that only we and the
mail's recipient have had: in the address it was returned to (VERP), or in the headers of the
original that it quotes. Everything else is kept as a row with its reason, and changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from typing import Final, Literal, LiteralString

from touchloop.channels.email import tokens
from touchloop.channels.outcomes import delivery as delivery_of
from touchloop.channels.outcomes import outcome
from touchloop.channels.seam import Delivery
from touchloop.channels.suppressing import suppress
from touchloop.core.db import Connection

LARGEST: Final = 5 * 2**20
Kind = Literal["bounce", "complaint", "other"]
# What the row says was made of it.
SUPPRESSED, BOUNCED, DELAYED, CONFIRMED, IGNORED = (
    "suppressed", "bounced", "delayed", "confirmed", "ignored"
)  # fmt: skip

_VERP: Final = re.compile(r"\+([0-9a-f]{46})@", re.I)
_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Failed for good, but not because nobody lives there: full, too large, on the way, policy.
_SOFT: Final = frozenset(("2.2", "2.3", "2.4", "3.1", "3.4", "6.0"))
_SOFT_SUBJECTS: Final = frozenset(("4", "5", "7"))


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back and what was made of it; `delivery_id` only when it was believed."""

    kind: Kind
    word: str
    reason: str
    delivery_id: int | None = None


def read_back(conn: Connection, raw: bytes, at: datetime, *, recipient: str = "") -> Returned:
    """Read one message that came back; `recipient` is the address it came to, when known.

    In the caller's transaction. The same message again changes nothing and gives the same answer.
    A hard bounce and a complaint suppress the address; a soft bounce does not.
    """
    digest = hashlib.sha256(raw).digest()
    kept = conn.execute(_KEPT, (digest,)).fetchone()
    if kept is not None:
        return Returned(*kept)
    mail = message_from_bytes(raw[:LARGEST], policy=policy.compat32)
    kind, word, reason = _verdict(mail)
    found, believed = _delivery(conn, mail, recipient)
    if kind != "other" and found is None:
        word, reason = IGNORED, believed
    if found is not None and word != IGNORED:
        word = _act(conn, found, kind, word, reason, at)
    returned = Returned(kind, word, reason[:300], found.id if found else None)
    conn.execute(
        _KEEP,
        (returned.delivery_id, found.subject_id if found else None, kind, word, returned.reason,
         digest, at),
    )  # fmt: skip
    return returned


def _act(conn: Connection, one: Delivery, kind: Kind, word: str, reason: str, at: datetime) -> str:
    if kind == "complaint":
        outcome(conn, one.id, "complained", reason=reason[:200], at=at)
        _suppress(conn, one, "complained", at)
    elif word in (SUPPRESSED, BOUNCED):
        outcome(conn, one.id, "bounced", reason=reason[:200], at=at)
        if word == SUPPRESSED:
            _suppress(conn, one, "bounced", at)
    elif word == CONFIRMED:
        outcome(conn, one.id, "confirmed", reason=reason[:200], at=at)
    return word


def _suppress(conn: Connection, one: Delivery, reason: str, at: datetime) -> None:
    suppress(
        conn,
        subject_id=one.subject_id,
        channel="email",
        address=one.address,
        reason=reason,
        at=at,
    )


def _verdict(mail: Message) -> tuple[Kind, str, str]:
    """What a message says by itself: (kind, word, reason)."""
    for part in _parts(mail):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            return "bounce", *_bounce(part)
        if kind == "message/feedback-report":
            report = _fields(part)
            about = report.get("feedback-type", "").strip().lower()
            if about == "not-spam":
                return "complaint", IGNORED, "said to be no spam"
            return "complaint", SUPPRESSED, f"reported as {about or 'abuse'}"
    return "other", IGNORED, "neither a bounce nor a complaint"


def _bounce(part: Message) -> tuple[str, str]:
    """(word, reason) of a delivery-status: one recipient for each message of ours."""
    for block in _blocks(part):
        action = _value(block, "action").lower()
        if not action:
            continue
        said = _value(block, "diagnostic-code") or _value(block, "status")
        found = _STATUS.search(_value(block, "status")) or _STATUS.search(said)
        status = ".".join(found.groups()) if found else ""
        reason = " ".join(f"{status} {said}".split())[:300]
        if action == "failed":
            return SUPPRESSED if _hard(status) else BOUNCED, reason
        if action == "delivered":
            return CONFIRMED, reason
        return (DELAYED if action == "delayed" else IGNORED), reason or action
    return IGNORED, "a bounce without a verdict"


def _hard(status: str) -> bool:
    """Whether nobody lives there: the address itself, not this message or this day."""
    if not status.startswith("5."):
        return False
    _class, _dot, rest = status.partition(".")
    return rest not in _SOFT and rest.partition(".")[0] not in _SOFT_SUBJECTS


def _delivery(conn: Connection, mail: Message, recipient: str) -> tuple[Delivery | None, str]:
    """The delivery that a token names, or why there is none."""
    reason = "it names no delivery of ours"
    for token in _tokens(mail, recipient):
        numbers = tokens.read(tokens.RETURN, token.lower(), numbers=1)
        if numbers is None:
            reason = "its token is not one that we made"
            continue
        found = delivery_of(conn, numbers[0])
        if found is not None:
            return found, ""
        reason = "its delivery is not there any more"
    return None, reason


def _tokens(mail: Message, recipient: str) -> Iterator[str]:
    places = [recipient]
    for name in ("Delivered-To", "X-Original-To", "To"):
        places += [str(value) for value in mail.get_all(name, [])]
    for place in places:
        yield from _VERP.findall(place)
    for part in _parts(mail):
        if part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            quoted = message_from_bytes(text) if isinstance(text, bytes) else part
            yield from _named(quoted)
        elif part is not mail:
            yield from _named(part)


def _named(part: Message) -> Iterator[str]:
    for value in part.get_all("X-Touchloop-Delivery", []):
        yield str(value).strip()


def _parts(mail: Message) -> Iterator[Message]:
    """All parts, not too many of them and not too deep: the message is anybody's."""
    for number, part in enumerate(mail.walk()):
        if number >= 50:
            return
        yield part


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(
        payload, list
    ) else []  # fmt: skip


def _fields(part: Message) -> dict[str, str]:
    return {name.lower(): str(value) for block in _blocks(part) for name, value in block.items()}


def _value(block: Message, name: str) -> str:
    """A field without its type: `rfc822; a@b` or `smtp; 550 …`."""
    text = str(block.get(name, "")).strip()
    kind, semicolon, rest = text.partition(";")
    return " ".join((rest if semicolon and " " not in kind.strip() else text).split())


_KEPT: Final[LiteralString] = """
SELECT kind, word, reason, delivery_id FROM mail_returns WHERE digest = %s
"""
_KEEP: Final[LiteralString] = """
INSERT INTO mail_returns (delivery_id, subject_id, kind, word, reason, digest, at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO NOTHING
"""
