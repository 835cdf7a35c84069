"""The same rules as in judging.py, said in types, for the door's hot path.

Nearly every message is well formed. Decoding it into types that hold the rules checks all of them
in one pass of compiled code, in half the time. A message that does not fit is judged by the rules
themselves, which find the reason, or find that it is usable after all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from touchloop.interactions.judging import MAX_ID, MAX_ITEM, MAX_MESSAGE_ID, flat

Id = Annotated[str, Meta(max_length=MAX_ID)] | int | None
Needed = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]


class Any(Struct, gc=False):
    """An object, whatever is in it."""


class Common(Struct, gc=False):
    messageId: Annotated[str, Meta(max_length=MAX_MESSAGE_ID)] | None = None
    userId: Id = None
    anonymousId: Id = None
    previousId: Id = None
    groupId: Id = None
    event: str | None = None
    timestamp: datetime | None = None
    originalTimestamp: datetime | None = None
    properties: Any | None = None
    traits: Any | None = None
    context: Any | None = None
    writeKey: str | None = None


class Track(Common, kw_only=True, gc=False):
    event: Needed


class Page(Common, gc=False):
    name: Annotated[str, Meta(max_length=MAX_ID)] | None = None


class Group(Common, kw_only=True, gc=False):
    groupId: Needed


class Alias(Common, kw_only=True, gc=False):
    previousId: Needed


def fitting(body: bytes, type: str) -> Common | None:
    """The message if it plainly satisfies every rule; None when it has to be judged."""
    if len(body) > MAX_ITEM or not flat(body):
        return None
    try:
        message = _decoders[type].decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return message if message.userId or message.anonymousId else None


_decoders: dict[str, msgspec.json.Decoder[Common]] = {
    type: msgspec.json.Decoder(shape)
    for type, shape in (
        ("identify", Common),
        ("track", Track),
        ("page", Page),
        ("screen", Page),
        ("group", Group),
        ("alias", Alias),
    )
}
