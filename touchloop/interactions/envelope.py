"""From a RECORD to its messages: what each says, or why it is refused.

`explode` never raises for anything that a client sent: an item that cannot be used comes back as
`Rejected` with a stored word as its reason, and its neighbours are not touched. The door calls
`check` for single messages, so that it and the flow judge alike.

Reasons: bad_json, bad_type, bad_event, bad_field, bad_timestamp, missing_id, id_too_long,
message_id_too_long, nul, too_deep, too_large, too_many.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Raw, Struct

from touchloop.core import clock
from touchloop.interactions.occurrence import Stamp, instant, occurred
from touchloop.interactions.record import DIRECT, Record

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
MAX_ITEM = 32 * 1024
MAX_ITEMS = 2_500
MAX_DEPTH = 64
MAX_ID = 500
MAX_MESSAGE_ID = 100

Json = dict[str, Any]


class Envelope(Struct, frozen=True, gc=False):
    """One usable message. `body` is its JSON text with the batch's context merged in."""

    index: int  # its place in the record
    type: str
    name: str  # a track's event, a page's or screen's name, else ""
    category: str
    user_id: str
    anonymous_id: str
    previous_id: str  # alias: the id that the user had before
    group_id: str
    external_ids: tuple[tuple[str, str], ...]  # (type, id)
    traits: Json  # identify, group: what they say; other types: context.traits
    properties: Json
    properties_json: str
    context_json: bytes  # b"" when there is none
    ip: str | None
    user_agent: str | None
    consent: dict[str, bool] | None  # context.consent.categoryPreferences
    gpc: bool
    occurred_us: int
    received_us: int
    message_id: str
    payload_hash: int  # of what it means, not of how it was sent: a retry hashes the same
    body: str

    @property
    def occurred_at(self) -> datetime:
        return clock.from_micros(self.occurred_us)

    @property
    def received_at(self) -> datetime:
        return clock.from_micros(self.received_us)

    @property
    def context(self) -> Json:
        """The whole context, decoded on demand."""
        return _object(self.context_json)


class Rejected(Struct, frozen=True, gc=False):
    """One message that cannot be used, and why."""

    index: int
    reason: str
    detail: str
    message_id: str


def explode(record: Record) -> list[Envelope | Rejected]:
    """The messages of a record, in order, each usable or rejected."""
    if record.type is not None:
        return [_message(Raw(record.body), 0, record, _NO_BATCH, None)]
    try:
        batch = _batches.decode(record.body)
    except (msgspec.MsgspecError, RecursionError) as error:
        return [Rejected(0, "bad_json", str(error)[:200], _assigned(record, 0))]
    sent = _sent(batch.sentAt)
    return [_message(item, index, record, batch, sent) for index, item in enumerate(batch.batch)]


def alone(record: Record, index: int) -> Record:
    """A record of only one of its messages, to be shelved and replayed by itself."""
    if record.type is not None:
        return record
    batch = _batches.decode(record.body)
    lone = _Batch([batch.batch[index]], batch.context, batch.integrations, batch.sentAt)
    return msgspec.structs.replace(
        record, body=_encoder.encode(lone), ids=[_assigned(record, index)], n=1
    )


def check(body: bytes, type: str) -> Envelope | Rejected:
    """Judge a single message before it is accepted. Raises nothing, like `explode`."""
    record = Record(0, 0, type, None, False, body, ["-"], 1, "")
    return _message(Raw(body), 0, record, _NO_BATCH, None)


class _Consent(Struct, gc=False):
    categoryPreferences: dict[str, bool] | None = None


class _ExternalId(Struct, gc=False):
    id: str | int | None = None
    type: str | None = None


class _Context(Struct, gc=False):
    ip: str | None = None
    direct: bool | None = None
    userAgent: str | None = None
    groupId: str | int | None = None
    traits: Json | None = None
    externalIds: list[_ExternalId] | None = None
    consent: _Consent | None = None


class _Message(Struct, gc=False):
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
    properties: Raw = Raw(b"null")
    traits: Raw = Raw(b"null")
    context: Raw = Raw(b"null")
    writeKey: str | None = None


class _Batch(Struct, gc=False, omit_defaults=True):
    batch: list[Raw]
    context: Raw = Raw(b"null")
    integrations: Raw = Raw(b"null")
    sentAt: Stamp = None


def _message(
    raw: Raw, index: int, record: Record, batch: _Batch, batch_sent: int | None
) -> Envelope | Rejected:
    own_id = ""
    try:
        text = bytes(raw)
        _admit(text, index)
        message = _parse(text)
        own_id = message.messageId or ""
        return _envelope(message, text, index, record, batch, batch_sent)
    except _Refusal as refusal:
        return Rejected(index, refusal.reason, refusal.detail, own_id or _assigned(record, index))


def _admit(text: bytes, index: int) -> None:
    """What must hold before anything is decoded."""
    if index >= MAX_ITEMS:
        raise _Refusal("too_many", f"a batch holds at most {MAX_ITEMS} messages")
    if len(text) > MAX_ITEM:
        raise _Refusal("too_large", f"{len(text)} bytes; a message has at most {MAX_ITEM}")
    if len(text.translate(None, _NO_BRACKETS)) > 2 * MAX_DEPTH and depth(text) > MAX_DEPTH:
        raise _Refusal("too_deep", f"nested deeper than {MAX_DEPTH} levels")
    if text.find(b"\\u0000") >= 0 and _NUL.search(text):
        raise _Refusal("nul", "contains the character NUL")


def _envelope(
    message: _Message,
    text: bytes,
    index: int,
    record: Record,
    batch: _Batch,
    batch_sent: int | None,
) -> Envelope:
    type = record.type or message.type
    if type not in TYPES:
        raise _Refusal("bad_type", f"unknown type {str(type)[:80]!r}" if type else "no type")
    user_id, anonymous_id = _id(message.userId), _id(message.anonymousId)
    previous_id, group_id = _id(message.previousId), _id(message.groupId)
    name = _name(type, message)
    _demand_ids(type, user_id or anonymous_id, previous_id, group_id)
    message_id = message.messageId or _assigned(record, index)
    if len(message_id) > MAX_MESSAGE_ID:
        raise _Refusal("message_id_too_long", f"more than {MAX_MESSAGE_ID} characters")
    stamp = message.originalTimestamp or message.timestamp
    stamped = None if stamp is None else _stamped(stamp)
    sent = batch_sent if message.sentAt is None else _sent(message.sentAt)
    context_json = _context_json(message.context, batch.context)
    context = _context(context_json) if context_json else _EMPTY_CONTEXT
    properties_json = bytes(message.properties)
    properties = _object(properties_json)
    traits = _object(bytes(message.traits)) or context.traits or {}
    external_ids = _external_ids(context.externalIds) if context.externalIds else ()
    preferences = context.consent.categoryPreferences if context.consent else None
    meaning = (
        type,
        user_id,
        anonymous_id,
        previous_id,
        group_id,
        name,
        message.category or "",
        stamp,
        properties,
        traits,
        external_ids,
        preferences,
    )
    return Envelope(  # by position: by keyword a struct this wide takes 1.4 µs longer
        index,
        type,
        name,
        message.category or "",
        user_id,
        anonymous_id,
        previous_id,
        group_id or _id(context.groupId),
        external_ids,
        traits,
        properties,
        properties_json.decode() if properties else "{}",
        context_json,
        context.ip or _caller(record.ip, context.direct),
        context.userAgent or record.user_agent,
        preferences,
        record.gpc,
        occurred(record.received_us, stamped, sent),
        record.received_us,
        message_id,
        _signed64(blake2b(_canonical(meaning), digest_size=8).digest())[0],
        _body(message, text, batch),
    )


def _name(type: str, message: _Message) -> str:
    if type == "track":
        if not message.event:
            raise _Refusal("bad_event", "a track needs a non-empty event")
        name = message.event
    elif type in ("page", "screen"):
        name = message.name or ""
    else:
        return ""
    if len(name) > MAX_ID:
        raise _Refusal("bad_event", f"the name is longer than {MAX_ID} characters")
    return name


def _demand_ids(type: str, who: str, previous_id: str, group_id: str) -> None:
    if not who:
        raise _Refusal("missing_id", "neither userId nor anonymousId")
    if type == "group" and not group_id:
        raise _Refusal("missing_id", "a group needs a groupId")
    if type == "alias" and not previous_id:
        raise _Refusal("missing_id", "an alias needs a previousId")


def _id(value: str | int | None) -> str:
    """Clients send numbers as ids; they mean the same written out."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_ID:
        raise _Refusal("id_too_long", f"an id has at most {MAX_ID} characters")
    return text


def _stamped(stamp: Stamp) -> int | None:
    try:
        return instant(stamp)
    except ValueError as error:
        raise _Refusal("bad_timestamp", str(error)) from None


def _sent(stamp: Stamp) -> int | None:
    """A broken `sentAt` only costs the correction of the clock, not the message."""
    try:
        return instant(stamp)
    except ValueError:
        return None


def _parse(text: bytes) -> _Message:
    try:
        return _messages.decode(text)
    except msgspec.ValidationError as error:
        return _parse_loosely(text, str(error))
    except (msgspec.DecodeError, RecursionError) as error:
        raise _Refusal("bad_json", str(error)[:200]) from None


def _parse_loosely(text: bytes, complaint: str) -> _Message:
    """Once more without the fields that may be of any type; a wrong id is still refused."""
    fields = _decoded(text)
    if not isinstance(fields, dict):
        raise _Refusal("bad_json", "a message is an object")
    for key in ("name", "category", "sentAt", "writeKey"):
        fields.pop(key, None)
    try:
        return _messages.decode(_encoder.encode(fields))
    except msgspec.ValidationError as error:
        place = str(error).rpartition("$.")[2].strip("`")
        word = {"event": "bad_event", "type": "bad_type", "timestamp": "bad_timestamp"}
        raise _Refusal(word.get(place, "bad_field"), complaint[:200]) from None


def _object(text: bytes) -> Json:
    """A JSON object, {} for null or nothing."""
    if text == b"null" or not text:
        return {}
    value = _decoded(text)
    if not isinstance(value, dict):
        raise _Refusal("bad_field", "properties, traits and context are objects")
    return value


def _decoded(text: bytes) -> Any:
    try:
        return _anything.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _Refusal("bad_json", str(error)[:200]) from None


def _context_json(own: Raw, shared: Raw) -> bytes:
    """The batch's context under the message's own; b"" when there is none."""
    mine, ours = bytes(own), bytes(shared)
    if ours == b"null":
        return b"" if mine == b"null" else mine
    if mine == b"null":
        return ours
    return _encoder.encode(_object(ours) | _object(mine))


def _context(text: bytes) -> _Context:
    try:
        return _contexts.decode(text)
    except msgspec.ValidationError:
        return _loose_context(_object(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise _Refusal("bad_json", str(error)[:200]) from None


def _loose_context(fields: Json) -> _Context:
    """Each part by itself: one of a wrong type is as good as absent."""
    context = _Context()
    for key, type in _CONTEXT_PARTS.items():
        try:
            setattr(context, key, msgspec.convert(fields.get(key), type))
        except msgspec.ValidationError:
            continue
    return context


def _external_ids(given: list[_ExternalId]) -> tuple[tuple[str, str], ...]:
    return tuple((each.type, _id(each.id)) for each in given if each.type and _id(each.id))


def _caller(ip: str | None, direct: bool | None) -> str | None:
    if ip is None or not ip.startswith(DIRECT):
        return ip
    return ip[len(DIRECT) :] if direct else None


def _body(message: _Message, text: bytes, batch: _Batch) -> str:
    """The text as it came, unless the batch adds to it or it shows the write key."""
    if message.writeKey is None and batch is _NO_BATCH:
        return text.decode()
    shared = {"context": bytes(batch.context), "integrations": bytes(batch.integrations)}
    if message.writeKey is None and all(value == b"null" for value in shared.values()):
        return text.decode()
    fields = _object(text)
    fields.pop("writeKey", None)
    for key, value in shared.items():
        if value != b"null":
            fields[key] = _object(value) | (fields.get(key) or {})
    return _encoder.encode(fields).decode()


def _assigned(record: Record, index: int) -> str:
    return record.ids[index] if index < len(record.ids) else ""


def depth(text: bytes) -> int:
    """How deeply a JSON text is nested (at most a little over MAX_DEPTH is told apart)."""
    brackets = _STRING.sub(b"", text).translate(_SQUARE, _NO_BRACKETS)
    for level in range(MAX_DEPTH + 1):
        if not brackets:
            return level
        brackets = brackets.replace(b"[]", b"")
    return MAX_DEPTH + 1


class _Refusal(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail


_encoder = msgspec.json.Encoder()
_canonical = msgspec.msgpack.Encoder(order="deterministic").encode
_signed64 = struct.Struct(">q").unpack
_anything = msgspec.json.Decoder()
_messages = msgspec.json.Decoder(_Message)
_contexts = msgspec.json.Decoder(_Context)
_batches = msgspec.json.Decoder(_Batch)
_NO_BATCH = _Batch([])
_EMPTY_CONTEXT = _Context()
_CONTEXT_PARTS = {
    "ip": str | None,
    "direct": bool | None,
    "userAgent": str | None,
    "groupId": str | int | None,
    "traits": Json | None,
    "externalIds": list[_ExternalId] | None,
    "consent": _Consent | None,
}
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
