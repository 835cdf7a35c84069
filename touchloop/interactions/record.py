"""What the door hands to the flow: one RECORD per request, packed into blocks of the inbox.

A record keeps the request's JSON as it came (ungzipped, valid UTF-8, in Segment's shape), so that
any message can be replayed from it. In the inbox and on the shelves a record is a msgpack array in
the order of the fields below.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

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


class Packed(NamedTuple):
    """One block as it goes into the inbox. Whoever is in it is, as a rule, in no other lane."""

    payload: bytes
    messages: int
    lane: int


NO_LANE = -1  # whoever is free takes it: of a few messages the next worker is the best

# Appends blocks ($1 payloads, $2 messages, $3 lanes) and wakes the workers, in one round trip.
PUT_BLOCKS = """
WITH put AS (
  INSERT INTO inbox (payload, messages, bytes, lane)
  SELECT payload, messages, length(payload), lane
  FROM unnest($1::bytea[], $2::int[], $3::smallint[]) AS b(payload, messages, lane)
)
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


def pack_blocks(records: Sequence[Record]) -> list[Packed]:
    """Records that are committed together: one block, or, of many, one for each lane.

    Workers prefer lanes of their own, so that two of them rarely wait for the same customer.
    """
    messages = sum(record.n for record in records)
    lanes = next((lanes for least, lanes in _LANES if messages >= least), 1)
    if lanes == 1:
        return [Packed(_encoder.encode(records), messages, NO_LANE)]
    parts: dict[int, list[Record]] = {}
    for record in records:
        parts.setdefault(_told(record) % lanes, []).append(record)
    return [
        Packed(_encoder.encode(part), sum(record.n for record in part), lane)
        for lane, part in sorted(parts.items())
    ]


def as_array(payloads: Sequence[bytes]) -> bytes:
    """A bytea[] in PostgreSQL's binary format."""
    size = _SIZE.pack
    head = _ARRAY.pack(1, 0, _BYTEA, len(payloads), 1)
    return head + b"".join(part for each in payloads for part in (size(len(each)), each))


def unpack_block(payload: bytes) -> list[Record]:
    """The inverse of `pack_block`."""
    return _many.decode(payload)


def _told(record: Record) -> int:
    """A number for whom the record is about, as far as a look at its text tells."""
    found = _WHO.search(record.body, 0, _LOOKED_AT)
    return crc32(found[1]) if found else 0


# From so many messages on so many lanes; each count divides the next, so a lane stays a worker's.
_LANES = ((512, 16), (64, 4))
_LOOKED_AT = 4_096
_WHO = re.compile(rb'"(?:userId|anonymousId|user_id|distinct_id)"\s*:\s*"([^"]{1,100})"')
_BYTEA = 17  # the type's number
_ARRAY, _SIZE = struct.Struct(">iiiii"), struct.Struct(">i")
_encoder = msgspec.msgpack.Encoder()
_one = msgspec.msgpack.Decoder(Record)
_many = msgspec.msgpack.Decoder(list[Record])
