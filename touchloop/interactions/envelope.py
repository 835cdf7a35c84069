"""From a RECORD to its messages: what each says, or why it is refused.

`explode` never raises for anything that a client sent: an item that cannot be used comes back as
`Rejected` with a stored word as its reason, and its neighbours are not touched. The door calls
`check` for single messages, so that it and the flow judge alike (judging.py).
"""

from __future__ import annotations

import struct
from datetime import datetime
from hashlib import blake2b

import msgspec
from msgspec import Raw, Struct

from touchloop.core import clock
from touchloop.interactions import strict
from touchloop.interactions.judging import (
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
        return json_object(self.context_json)


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


def check(body: bytes, type: str) -> Message | strict.Common | Rejected:
    """Judge a single message before it is accepted. Raises nothing, like `explode`."""
    plain = strict.fitting(body, type)
    return _check(body, type) if plain is None else plain


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
        admit(text, index)
        message = parse(text)
        own_id = message.messageId or ""
        return _envelope(message, text, index, record, batch, batch_sent)
    except Refusal as refusal:
        return Rejected(index, refusal.reason, refusal.detail, own_id or _assigned(record, index))


def _envelope(
    message: Message,
    text: bytes,
    index: int,
    record: Record,
    batch: _Batch,
    batch_sent: int | None,
) -> Envelope:
    type = record.type or message.type or ""
    who, stamped = judge(message, type)
    message_id = message.messageId or _assigned(record, index)
    sent = batch_sent if message.sentAt is None else _sent(message.sentAt)
    context_json = _context_json(message.context, batch.context)
    context = _context(context_json) if context_json else _EMPTY_CONTEXT
    properties_json = bytes(message.properties)
    properties = json_object(properties_json)
    traits = json_object(bytes(message.traits)) or context.traits or {}
    external_ids = _external_ids(context.externalIds) if context.externalIds else ()
    preferences = context.consent.categoryPreferences if context.consent else None
    user_id, anonymous_id, previous_id, group_id, name = who
    meaning = (
        type,
        user_id,
        anonymous_id,
        previous_id,
        group_id,
        name,
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
        message.category or "",
        user_id,
        anonymous_id,
        previous_id,
        group_id or id_text(context.groupId),
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


def _context(text: bytes) -> _Context:
    try:
        return _contexts.decode(text)
    except msgspec.ValidationError:
        return _loose_context(json_object(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal("bad_json", str(error)[:200]) from None


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
    return tuple((each.type, id_text(each.id)) for each in given if each.type and id_text(each.id))


def _caller(ip: str | None, direct: bool | None) -> str | None:
    if ip is None or not ip.startswith(DIRECT):
        return ip
    return ip[len(DIRECT) :] if direct else None


def _body(message: Message, text: bytes, batch: _Batch) -> str:
    """The text as it came, unless the batch adds to it or it shows the write key."""
    if message.writeKey is None and batch is _NO_BATCH:
        return text.decode()
    shared = {"context": bytes(batch.context), "integrations": bytes(batch.integrations)}
    if message.writeKey is None and all(value == b"null" for value in shared.values()):
        return text.decode()
    fields = json_object(text)
    fields.pop("writeKey", None)
    for key, value in shared.items():
        if value != b"null":
            fields[key] = json_object(value) | (fields.get(key) or {})
    return _encoder.encode(fields).decode()


def _assigned(record: Record, index: int) -> str:
    return record.ids[index] if index < len(record.ids) else ""


_encoder = msgspec.json.Encoder()
_canonical = msgspec.msgpack.Encoder(order="deterministic").encode
_signed64 = struct.Struct(">q").unpack
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
