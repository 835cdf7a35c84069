"""What the door hands to the flow: one RECORD per request, packed into blocks of the inbox.

A record keeps the request's JSON as it came (ungzipped, valid UTF-8, in Segment's shape), so that
any message can be replayed from it. In the inbox and on the shelves a record is a msgpack array in
the order of the fields below.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

DIRECT = "direct "  # before `ip`: the address is only for the messages that ask for it


class Record(msgspec.Struct, array_like=True, gc=False):
    """One accepted request."""

    source_id: int
    received_us: int  # microseconds since 1970 UTC
    type: str | None  # "track", …; None: each item of the body's batch says its own
    ip: str | None  # the caller's address, possibly after DIRECT
    gpc: bool  # the caller sent Global Privacy Control
    body: bytes  # one message object, or {"batch": […], "context", "integrations", "sentAt"}
    ids: list[str]  # a message id for each message, "" where the message has its own
    n: int  # messages in it
    wire: str  # the protocol it came by
    user_agent: str | None = None


# Appends one block ($1 payload, $2 messages, $3 bytes) and wakes the workers, in one round trip.
PUT_BLOCK = """
WITH put AS (INSERT INTO inbox (payload, messages, bytes) VALUES ($1, $2, $3))
SELECT pg_notify('inbox', '')
"""


def pack(record: Record) -> bytes:
    """The record as it stands on a shelf of held messages."""
    return _encoder.encode(record)


def unpack(data: bytes) -> Record:
    """The inverse of `pack`. Raises msgspec.DecodeError for bytes that are no record."""
    return _one.decode(data)


def pack_block(records: Sequence[Record]) -> bytes:
    """The payload of one inbox block."""
    return _encoder.encode(records)


def unpack_block(payload: bytes) -> list[Record]:
    """The inverse of `pack_block`."""
    return _many.decode(payload)


_encoder = msgspec.msgpack.Encoder()
_one = msgspec.msgpack.Decoder(Record)
_many = msgspec.msgpack.Decoder(list[Record])
