"""How the other rooms say what happened: news travels upward as interactions, by the same inbox.

The message is put in the transaction of the state that causes it, so both happen or neither; its
cause is its message id, so that it counts once however often it is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.interactions.inbox import put
from touchloop.interactions.judging import MAX_MESSAGE_ID
from touchloop.interactions.record import Record
from touchloop.interactions.sources import own_id

INTERNAL = "internal"  # the wire of our own messages; no door writes it
_SUBJECT = "subject:"


class News(msgspec.Struct, frozen=True):
    """Something that happened with a customer, in Touchloop itself.

    `cause` names what made it happen (`delivery:17:handed`): the same cause is told once.
    """

    event: str
    subject_id: int
    cause: str
    at: datetime
    properties: Mapping[str, Any] = {}
    channel: str = ""
    location: str = ""
    stage: str = ""


def tell(conn: Connection, news: Iterable[News]) -> int:
    """Put news into the inbox; returns how many. Does not commit."""
    return put(conn, _records(own_id(conn), news))


def subject_named(wire: str, anonymous_id: str) -> int | None:
    """The subject that a message of our own is about; None for anybody else's message."""
    if wire != INTERNAL or not anonymous_id.startswith(_SUBJECT):
        return None
    return int(anonymous_id.removeprefix(_SUBJECT))


def _records(source_id: int, news: Iterable[News]) -> Iterator[Record]:
    received_us = clock.micros(clock.now())
    for each in news:
        message: dict[str, Any] = {
            "type": "track",
            "event": each.event,
            "messageId": _short(each.cause),
            "anonymousId": f"{_SUBJECT}{each.subject_id}",
            "timestamp": each.at.isoformat(),
            "properties": dict(each.properties),
        }
        if each.channel:
            message["context"] = {
                "touchpoint": {
                    "channel": each.channel, "location": each.location, "stage": each.stage
                }
            }  # fmt: skip
        body = _encoder.encode(message)
        yield Record(source_id, received_us, "track", None, False, body, [""], 1, INTERNAL)


def _short(cause: str) -> str:
    if len(cause) <= MAX_MESSAGE_ID:
        return cause
    return hashlib.blake2b(cause.encode(), digest_size=16).hexdigest()


_encoder = msgspec.json.Encoder()
