"""Messages set aside with a reason: quarantine (the contract or a plan) and dead letters (poison).

One shelf for both, so that they are seen, replayed and discarded in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from touchloop.core.db import Connection
from touchloop.interactions import inbox, ledger
from touchloop.interactions.envelope import Envelope, alone
from touchloop.interactions.record import Record, pack, unpack

QUARANTINE, DEAD_LETTER = "quarantine", "dead_letter"


@dataclass(frozen=True, slots=True)
class Held:
    """One message to set aside; `record` can be put back into the inbox as it is."""

    shelf: str
    source_id: int
    message_key: UUID | None
    message_id: str
    reason: str
    detail: str
    record: Record
    received_at: datetime
    attempts: int = 0


def quarantined(envelope: Envelope, record: Record, key: bytes, reason: str, detail: str) -> Held:
    """A usable message that must wait for a person's decision."""
    return Held(
        shelf=QUARANTINE,
        source_id=record.source_id,
        message_key=UUID(bytes=key),
        message_id=envelope.message_id,
        reason=reason,
        detail=detail,
        record=alone(record, envelope.index),
        received_at=envelope.received_at,
    )


def hold(conn: Connection, messages: Sequence[Held], *, now: datetime) -> None:
    """Set messages aside, in the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO held_messages (shelf, source_id, message_key, message_id, reason, detail,"
            " record, received_at, held_at, attempts) VALUES (%s,%s,%s,%s,%s,%s,%b,%s,%s,%s)",
            [
                (
                    one.shelf,
                    one.source_id,
                    one.message_key,
                    one.message_id[:200],
                    one.reason,
                    one.detail[:2_000].replace("\0", ""),
                    pack(one.record),
                    one.received_at,
                    now,
                    one.attempts,
                )
                for one in messages
            ],
        )


def count_held(conn: Connection) -> dict[str, int]:
    """How many messages wait for a decision on each shelf."""
    rows = conn.execute(
        "SELECT shelf, count(*) FROM held_messages WHERE state = 'held'"
        " GROUP BY shelf ORDER BY shelf"
    ).fetchall()
    return {shelf: int(n) for shelf, n in rows}


def replay(conn: Connection, ids: Sequence[int], *, actor: int | None, now: datetime) -> int:
    """Put held messages back into the inbox; returns how many. Does not commit.

    They are counted again when they are processed, so their first end is taken back.
    """
    rows = _decide(conn, ids, "replayed", actor, now)
    if rows:
        inbox.put(conn, [unpack(bytes(record)) for _, record in rows])
        _recount(conn, [source for source, _ in rows], now)
    return len(rows)


def discard(conn: Connection, ids: Sequence[int], *, actor: int | None, now: datetime) -> int:
    """Give held messages up; they stay counted as quarantined. Does not commit."""
    return len(_decide(conn, ids, "discarded", actor, now))


def restore(conn: Connection, ids: Sequence[int]) -> int:
    """Undo a discard. Does not commit."""
    done = conn.execute(
        "UPDATE held_messages SET state = 'held', decided_by = NULL, decided_at = NULL"
        " WHERE id = ANY(%s) AND state = 'discarded'",
        (list(ids),),
    )
    return done.rowcount


def _decide(
    conn: Connection, ids: Sequence[int], state: str, actor: int | None, now: datetime
) -> list[tuple[Any, ...]]:
    return conn.execute(
        "UPDATE held_messages SET state = %s, decided_by = %s, decided_at = %s"
        " WHERE id = ANY(%s) AND state = 'held' RETURNING source_id, record",
        (state, actor, now, list(ids)),
    ).fetchall()


def _recount(conn: Connection, sources: Sequence[int], now: datetime) -> None:
    for source_id, n in sorted(Counter(sources).items()):
        ledger.add(conn, source_id, {"sent": -n, "quarantined": -n}, now=now)
