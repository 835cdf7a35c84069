"""The inbox: what the door has acknowledged and the flow has not yet taken.

A block is one row with many messages. The door appends blocks; a worker claims some, and deletes
them in the transaction that stores their messages, so each block counts exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from touchloop.core.db import Connection
from touchloop.interactions.record import (
    NO_LANE,
    Packed,
    Record,
    pack_block,
    pack_blocks,
    unpack_block,
)

MESSAGES_IN_A_BLOCK = 2_500
BYTES_IN_A_BLOCK = 1_000_000
BLOCKS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Block:
    """Some records that were acknowledged together."""

    id: int
    records: list[Record]
    messages: int
    attempts: int
    lane: int = NO_LANE


def put(conn: Connection, records: Iterable[Record]) -> int:
    """Append records as blocks of bounded size; returns the number of messages. Does not commit."""
    total = 0
    for part in _parts(records):
        for packed in pack_blocks(part):
            _add(conn, packed)
            total += packed.messages
    conn.execute("NOTIFY inbox")
    return total


def claim(conn: Connection, *, messages: int, place: int = 0, of: int = 1) -> list[int]:
    """Take the oldest blocks of about that many messages and count the attempt, in one commit.

    The worker at `place` (from 0) of so many takes blocks of its own lanes and of none; of others'
    lanes only when it has nothing and they wait for long. A block that was tried before is taken
    alone: should it bring the worker down, it does so without company. The caller locks the blocks
    again with `read`.
    """
    asked = {"messages": messages, "place": place, "of": of, "blocks": BLOCKS_AT_ONCE}
    rows = conn.execute(_CLAIM.format(mine=_MINE), asked).fetchall()
    if not rows and of > 1:
        rows = conn.execute(_CLAIM.format(mine=_LEFT), asked).fetchall()
    conn.commit()
    return [row[0] for row in rows]


def read(conn: Connection, block_ids: Sequence[int]) -> list[Block]:
    """Lock and read claimed blocks in the caller's transaction; others' blocks are left."""
    rows = conn.execute(
        "SELECT id, payload, messages, attempts, lane FROM inbox WHERE id = ANY(%s)"
        " ORDER BY id FOR UPDATE SKIP LOCKED",
        (list(block_ids),),
        binary=True,
    ).fetchall()
    return [
        Block(id, unpack_block(bytes(payload)), n, attempts, lane)
        for id, payload, n, attempts, lane in rows
    ]


def delete(conn: Connection, blocks: Sequence[Block]) -> None:
    """Remove blocks whose messages are all accounted for in this transaction."""
    conn.execute("DELETE FROM inbox WHERE id = ANY(%s)", ([block.id for block in blocks],))


def replace(conn: Connection, block: Block, parts: Iterable[Sequence[Record]]) -> None:
    """Put smaller blocks in the place of one that could not be processed, and keep its attempts."""
    delete(conn, [block])
    for part in parts:
        messages = sum(record.n for record in part)
        _add(conn, Packed(pack_block(part), messages, block.lane), attempts=block.attempts)


def forgive(conn: Connection, block_ids: Sequence[int]) -> None:
    """Take back the attempt of blocks that failed for a reason outside of themselves."""
    conn.execute(
        "UPDATE inbox SET attempts = greatest(attempts - 1, 0) WHERE id = ANY(%s)",
        (list(block_ids),),
    )
    conn.commit()


def depth(conn: Connection) -> tuple[int, float]:
    """Messages that wait, and the age of the oldest in seconds."""
    row = conn.execute(
        "SELECT coalesce(sum(messages), 0), "
        "coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM inbox"
    ).fetchone()
    assert row is not None
    return int(row[0]), float(row[1])


def _add(conn: Connection, packed: Packed, *, attempts: int = 0) -> None:
    conn.execute(
        "INSERT INTO inbox (payload, messages, bytes, attempts, lane) VALUES (%b, %s, %s, %s, %s)",
        (packed.payload, packed.messages, len(packed.payload), attempts, packed.lane),
    )


def _parts(records: Iterable[Record]) -> Iterable[list[Record]]:
    part: list[Record] = []
    messages = size = 0
    for record in records:
        if part and (
            messages + record.n > MESSAGES_IN_A_BLOCK or size + len(record.body) > BYTES_IN_A_BLOCK
        ):
            yield part
            part, messages, size = [], 0, 0
        part.append(record)
        messages += record.n
        size += len(record.body)
    if part:
        yield part


_MINE = f"(lane = {NO_LANE} OR lane %% %(of)s = %(place)s)"
_LEFT = "created_at < clock_timestamp() - interval '250 milliseconds'"

_CLAIM = """
WITH oldest AS (
  SELECT id, messages, attempts FROM inbox WHERE {mine}
  ORDER BY id LIMIT %(blocks)s FOR UPDATE SKIP LOCKED
), placed AS (
  SELECT id, attempts, row_number() OVER w AS place,
         sum(messages) OVER w - messages AS before,
         max(attempts) OVER w AS worst,
         first_value(attempts) OVER w AS first
  FROM oldest WINDOW w AS (ORDER BY id)
)
UPDATE inbox SET attempts = inbox.attempts + 1 FROM placed
WHERE inbox.id = placed.id
  AND (placed.place = 1 OR (placed.first = 0 AND placed.worst = 0 AND placed.before < %(messages)s))
RETURNING inbox.id
"""
