"""From a RECORD to its messages: what each says, or why it is refused.

`explode` never raises for anything that a client sent: an item that cannot be used comes back as
`Rejected` with a stored word as its reason, and its neighbours are not touched. The door calls
`check` for single messages, so that it and the flow judge alike (judging.py).
"""

from __future__ import annotations

import struct
from datetime import datetime
from hashlib import blake2b
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from touchloop.core import clock
from touchloop.interactions import strict
from touchloop.interactions.context import Context, ExternalId, Touchpoint, read
from touchloop.interactions.judging import (
    MAX_ID,
    MAX_MESSAGE_ID,
    TYPES,
    Json,
    Message,
    Refusal,
    admit,
    id_text,
    json_object,
    judge,
    parse,
)
from touchloop.interactions.occurrence import Stamp, instant, occurred
from touchloop.interactions.record import DIRECT, Record


class Envelope(Struct, frozen=True, gc=False):
    """One usable message. `body` is its JSON text with the batch's context merged in."""

    index: int  # its place in the record
    type: str
    name: str  # a track's event, a page's or screen's name, else ""
    user_id: str
    anonymous_id: str
    previous_id: str  # alias: the id that the user had before
    group_id: str
    external_ids: tuple[tuple[str, str], ...]  # (type, id)
    traits: Json  # identify, group: what they say; other types: context.traits
    properties: Json
    touchpoint: Touchpoint | None
    ip: str | None
    user_agent: str | None
    consent: dict[str, bool] | None  # context.consent.categoryPreferences
    gpc: bool
    occurred_us: int
    received_us: int
    message_id: str
    payload_hash: int  # of what it means, not of how it was sent: a retry hashes the same
    body: bytes

    @property
    def occurred_at(self) -> datetime:
        return clock.from_micros(self.occurred_us)

    @property
    def received_at(self) -> datetime:
        return clock.from_micros(self.received_us)


class Rejected(Struct, frozen=True, gc=False):
    """One message that cannot be used, and why."""

    index: int
    reason: str
    detail: str
    message_id: str


def explode(record: Record) -> list[Envelope | Rejected]:
    """The messages of a record, in order, each usable or rejected."""
    if record.type is not None:
        return [_message(record.body, 0, record, _NO_BATCH, None)]
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


def check(body: bytes, type: str) -> Message | strict.Common | Rejected:
    """Judge a single message before it is accepted. Raises nothing, like `explode`."""
    return strict.fitting(body, type) or _check(body, type)


def _check(body: bytes, type: str) -> Message | Rejected:
    own_id = ""
    try:
        admit(body, 0)
        message = parse(body)
        own_id = message.messageId or ""
        judge(message, type)
        return message
    except Refusal as refusal:
        return Rejected(0, refusal.reason, refusal.detail, own_id)


_Id = Annotated[str, Meta(max_length=MAX_ID)] | None
_NULL = Raw(b"null")


class _Plain(Struct, gc=False):
    """A message as nearly all are: whole, and of the right types. Anything else is judged."""

    type: str | None = None
    messageId: Annotated[str, Meta(max_length=MAX_MESSAGE_ID)] | None = None
    userId: _Id = None
    anonymousId: _Id = None
    previousId: _Id = None
    groupId: _Id = None
    event: _Id = None
    name: _Id = None
    category: str | None = None
    timestamp: Stamp = None
    originalTimestamp: Stamp = None
    sentAt: Stamp = None
    properties: Json | None = None
    traits: Json | None = None
    context: Context | None = None
    writeKey: str | None = None


class _Batch(Struct, gc=False, omit_defaults=True):
    batch: list[Raw]
    context: Raw = _NULL
    integrations: Raw = _NULL
    sentAt: Stamp = None

    @property
    def plain(self) -> bool:
        """Adds nothing to its messages."""
        return self.context == _NULL and self.integrations == _NULL


def _message(
    raw: Raw | bytes, index: int, record: Record, batch: _Batch, batch_sent: int | None
) -> Envelope | Rejected:
    own_id = ""
    try:
        text = bytes(raw)
        admit(text, index)
        if batch is _NO_BATCH or batch.plain:
            plain = _plainly(text, index, record, batch_sent)
            if plain is not None:
                return plain
        message = parse(text)
        own_id = message.messageId or ""
        return _judged(message, text, index, record, batch, batch_sent)
    except Refusal as refusal:
        return Rejected(index, refusal.reason, refusal.detail, own_id or _assigned(record, index))


def _plainly(text: bytes, index: int, record: Record, batch_sent: int | None) -> Envelope | None:
    """All in one pass of compiled code; None when a closer look is needed."""
    try:
        message = _plains.decode(text)
        stamp = message.originalTimestamp or message.timestamp
        stamped = None if stamp is None else instant(stamp)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    type = record.type or message.type or ""
    name = message.event if type == "track" else message.name if type in _NAMED else ""
    user_id, anonymous_id = message.userId or "", message.anonymousId or ""
    if (
        message.writeKey is not None
        or type not in TYPES
        or not (user_id or anonymous_id)
        or (type == "track" and not name)
        or (type == "group" and not message.groupId)
        or (type == "alias" and not message.previousId)
    ):
        return None
    who = (user_id, anonymous_id, message.previousId or "", message.groupId or "", name or "")
    properties, traits = message.properties or {}, message.traits or {}
    return _envelope(
        message,
        (type, who, stamped, properties, traits, message.context or _EMPTY_CONTEXT),
        text,
        index,
        record,
        batch_sent,
    )


def _judged(
    message: Message,
    text: bytes,
    index: int,
    record: Record,
    batch: _Batch,
    batch_sent: int | None,
) -> Envelope:
    type = record.type or message.type or ""
    who, stamped = judge(message, type)
    context_json = _context_json(message.context, batch.context)
    context = read(context_json) if context_json else _EMPTY_CONTEXT
    properties, traits = json_object(bytes(message.properties)), json_object(bytes(message.traits))
    return _envelope(
        message,
        (type, who, stamped, properties, traits, context),
        _body(message, text, batch),
        index,
        record,
        batch_sent,
    )


_Said = tuple[str, tuple[str, str, str, str, str], int | None, Json, Json, Context]


def _envelope(
    message: Message | _Plain,
    said: _Said,
    body: bytes,
    index: int,
    record: Record,
    batch_sent: int | None,
) -> Envelope:
    type, who, stamped, properties, own_traits, context = said
    user_id, anonymous_id, previous_id, group_id, name = who
    traits = own_traits or context.traits or {}
    external_ids = _external_ids(context.externalIds) if context.externalIds else ()
    preferences = context.consent.categoryPreferences if context.consent else None
    meaning = (
        type,
        *who,
        message.category or "",
        message.originalTimestamp or message.timestamp,
        properties,
        traits,
        external_ids,
        preferences,
    )
    return Envelope(  # by position: by keyword a struct this wide takes 1.4 µs longer
        index,
        type,
        name,
        user_id,
        anonymous_id,
        previous_id,
        group_id or id_text(context.groupId),
        external_ids,
        traits,
        properties,
        context.touchpoint,
        context.ip or _caller(record.ip, context.direct),
        context.userAgent or record.user_agent,
        preferences,
        record.gpc,
        occurred(
            record.received_us,
            stamped,
            batch_sent if message.sentAt is None else _sent(message.sentAt),
        ),
        record.received_us,
        message.messageId or _assigned(record, index),
        _hashed(_canonical(meaning)),
        body,
    )


def _hashed(meaning: bytes) -> int:
    hash = _HASH.copy()  # cheaper than a new one
    hash.update(meaning)
    found: int = _signed64(hash.digest())[0]
    return found


def _sent(stamp: Stamp) -> int | None:
    """A broken `sentAt` only costs the correction of the clock, not the message."""
    try:
        return instant(stamp)
    except ValueError:
        return None


def _context_json(own: Raw, shared: Raw) -> bytes:
    """The batch's context under the message's own; b"" when there is none."""
    mine, ours = bytes(own), bytes(shared)
    if ours == b"null":
        return b"" if mine == b"null" else mine
    if mine == b"null":
        return ours
    return _encoder.encode(json_object(ours) | json_object(mine))


def _external_ids(given: list[ExternalId]) -> tuple[tuple[str, str], ...]:
    return tuple((each.type, id_text(each.id)) for each in given if each.type and id_text(each.id))


def _caller(ip: str | None, direct: bool | None) -> str | None:
    if ip is None or not ip.startswith(DIRECT):
        return ip
    return ip[len(DIRECT) :] if direct else None


def _body(message: Message, text: bytes, batch: _Batch) -> bytes:
    """The text as it came, unless the batch adds to it or it shows the write key."""
    if message.writeKey is None and batch.plain:
        return text
    shared = {"context": bytes(batch.context), "integrations": bytes(batch.integrations)}
    fields = json_object(text)
    fields.pop("writeKey", None)
    for key, value in shared.items():
        if value != b"null":
            fields[key] = json_object(value) | (fields.get(key) or {})
    return _encoder.encode(fields)


def _assigned(record: Record, index: int) -> str:
    return record.ids[index] if index < len(record.ids) else ""


_encoder = msgspec.json.Encoder()
_canonical = msgspec.msgpack.Encoder(order="deterministic").encode
_HASH = blake2b(digest_size=8)
_signed64 = struct.Struct(">q").unpack
_plains = msgspec.json.Decoder(_Plain)
_batches = msgspec.json.Decoder(_Batch)
_NO_BATCH = _Batch([])
_EMPTY_CONTEXT = Context()
_NAMED = ("page", "screen")
