"""What a message must be to be usable: the rules that the door and the flow share.

Reasons of a refusal, as they are stored: bad_json, bad_type, bad_event, bad_field, bad_timestamp,
missing_id, id_too_long, message_id_too_long, nul, too_deep, too_large, too_many.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from touchloop.interactions.occurrence import Stamp, instant

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
MAX_ITEM = 32 * 1024
MAX_ITEMS = 2_500
MAX_DEPTH = 64
MAX_ID = 500
MAX_MESSAGE_ID = 100

Json = dict[str, Any]

_NULL = Raw(b"null")
_OBJECT_OR_NULL = b"{n"


class Refusal(Exception):
    """A message that cannot be used; `reason` is a stored word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Message(Struct, gc=False):
    """The fields of a message as they were sent; the larger parts are left undecoded."""

    type: str | None = None
    messageId: str | None = None
    userId: str | int | None = None
    anonymousId: str | int | None = None
    previousId: str | int | None = None
    groupId: str | int | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: Stamp = None
    originalTimestamp: Stamp = None
    sentAt: Stamp = None
    properties: Raw = _NULL
    traits: Raw = _NULL
    context: Raw = _NULL
    writeKey: str | None = None


def admit(text: bytes, index: int) -> None:
    """What must hold before anything is decoded."""
    if index >= MAX_ITEMS:
        raise Refusal("too_many", f"a batch holds at most {MAX_ITEMS} messages")
    if len(text) > MAX_ITEM:
        raise Refusal("too_large", f"{len(text)} bytes; a message has at most {MAX_ITEM}")
    if flat(text):
        return
    if depth(text) > MAX_DEPTH:
        raise Refusal("too_deep", f"nested deeper than {MAX_DEPTH} levels")
    if _NUL.search(text):
        raise Refusal("nul", "contains the character NUL")


def flat(text: bytes) -> bool:
    """Too few brackets to be too deep, and nothing that looks like a NUL."""
    escaped = text.find(b"\\") >= 0 and text.find(b"\\u0000") >= 0  # a backslash is found sooner
    return not escaped and text.count(b"{") + text.count(b"[") <= MAX_DEPTH


def parse(text: bytes) -> Message:
    try:
        return _messages.decode(text)
    except msgspec.ValidationError as error:
        return _parse_loosely(text, str(error))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal("bad_json", str(error)[:200]) from None


def _parse_loosely(text: bytes, complaint: str) -> Message:
    """Once more without the fields that may be of any type; a wrong id is still refused."""
    fields = _decoded(text)
    if not isinstance(fields, dict):
        raise Refusal("bad_json", "a message is an object")
    for key in ("name", "category", "sentAt", "writeKey"):
        fields.pop(key, None)
    if not isinstance(fields.get("type"), str):  # the path may say it; else it is missing
        fields.pop("type", None)
    try:
        return _messages.decode(_encoder.encode(fields))
    except msgspec.ValidationError as error:
        place = str(error).rpartition("$.")[2].strip("`")
        word = {"event": "bad_event", "type": "bad_type", "timestamp": "bad_timestamp"}
        raise Refusal(word.get(place, "bad_field"), complaint[:200]) from None


def judge(message: Message, type: str) -> tuple[tuple[str, str, str, str, str], int | None]:
    """Its user, anonymous, previous and group ids and its name, and when it is stamped."""
    if type not in TYPES:
        raise Refusal("bad_type", f"unknown type {type[:80]!r}" if type else "no type")
    user_id = "" if message.userId is None else id_text(message.userId)
    anonymous_id = "" if message.anonymousId is None else id_text(message.anonymousId)
    previous_id = "" if message.previousId is None else id_text(message.previousId)
    group_id = "" if message.groupId is None else id_text(message.groupId)
    if not user_id and not anonymous_id:
        raise Refusal("missing_id", "neither userId nor anonymousId")
    if type == "group" and not group_id:
        raise Refusal("missing_id", "a group needs a groupId")
    if type == "alias" and not previous_id:
        raise Refusal("missing_id", "an alias needs a previousId")
    if message.messageId is not None and len(message.messageId) > MAX_MESSAGE_ID:
        raise Refusal("message_id_too_long", f"more than {MAX_MESSAGE_ID} characters")
    for part in (message.properties, message.traits, message.context):
        if part is not _NULL and bytes(part)[0] not in _OBJECT_OR_NULL:
            raise Refusal("bad_field", "properties, traits and context are objects")
    stamp = message.originalTimestamp or message.timestamp
    stamped = None if stamp is None else _stamped(stamp)
    name = message.event if type == "track" else _page_name(type, message)
    if not name:
        if type == "track":
            raise Refusal("bad_event", "a track needs a non-empty event")
        name = ""
    elif len(name) > MAX_ID:
        raise Refusal("bad_event", f"the name is longer than {MAX_ID} characters")
    return (user_id, anonymous_id, previous_id, group_id, name), stamped


def _page_name(type: str, message: Message) -> str | None:
    return message.name if type in ("page", "screen") else None


def id_text(value: str | int | None) -> str:
    """Clients send numbers as ids; they mean the same written out."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_ID:
        raise Refusal("id_too_long", f"an id has at most {MAX_ID} characters")
    return text


def json_object(text: bytes) -> Json:
    """A JSON object, {} for null or nothing."""
    if text == b"null" or not text:
        return {}
    value = _decoded(text)
    if not isinstance(value, dict):
        raise Refusal("bad_field", "properties, traits and context are objects")
    return value


def _decoded(text: bytes) -> Any:
    try:
        return _anything.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refusal("bad_json", str(error)[:200]) from None


def _stamped(stamp: Stamp) -> int | None:
    try:
        return instant(stamp)
    except ValueError as error:
        raise Refusal("bad_timestamp", str(error)) from None


def depth(text: bytes) -> int:
    """How deeply a JSON text is nested (at most a little over MAX_DEPTH is told apart)."""
    brackets = _STRING.sub(b"", text).translate(_SQUARE, _NO_BRACKETS)
    for level in range(MAX_DEPTH + 1):
        if not brackets:
            return level
        brackets = brackets.replace(b"[]", b"")
    return MAX_DEPTH + 1


_encoder = msgspec.json.Encoder()
_anything = msgspec.json.Decoder()
_messages = msgspec.json.Decoder(Message)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
