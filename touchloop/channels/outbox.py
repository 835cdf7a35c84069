"""The outbox as a queue: claims, what was claimed and lost, the writing of outcomes, in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString

from msgspec import Struct

from touchloop.channels import rows
from touchloop.channels.contacts import Reached, note_contacts
from touchloop.channels.rows import (
    CONFIRMED,
    DROPPED,
    HANDED,
    QUEUED,
    UNCERTAIN,
    Change,
)
from touchloop.channels.seam import Channel, Delivery
from touchloop.core import arrays, locks
from touchloop.core.db import Connection
from touchloop.identity.api import customers_of

# A claim that nobody holds is lost after this long: its worker is gone. Whoever works holds a lock.
LEASE: Final = timedelta(seconds=60)
ATTEMPTS: Final = 10  # of one message before it is given up
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)
REACHED: Final = (HANDED, CONFIRMED, UNCERTAIN)


class Claimed(Struct, frozen=True, gc=False):
    """A delivery taken to be handed over; the number of the attempt proves that it is still so."""

    id: int
    attempts: int
    subject_id: int


def claim(conn: Connection, channel: str, kind: str, *, now: datetime, limit: int) -> list[Claimed]:
    """Take what is due on a channel, the longest waiting first. The caller commits."""
    values = {"channel": channel, "kind": kind, "now": now, "limit": limit}
    return [Claimed(*row) for row in conn.execute(_CLAIM, values, binary=True).fetchall()]


def hold(conn: Connection, customer_ids: Iterable[int]) -> None:
    """Keep withdrawals, and other hand-offs to these customers, waiting until the transaction ends.

    See migrations/0002_withdrawal_waits.py for the other side of the lock.
    """
    conn.execute(_HOLD_ALL)
    conn.execute(_HOLD, (arrays.numbers(sorted(set(customer_ids))),))


def hold_on(conn: Connection, customer_ids: Iterable[int]) -> None:
    """Like `hold`, but over the ends of transactions, until `let_go`."""
    conn.execute(_HOLD_ON_ALL)
    conn.execute(_HOLD_ON, (arrays.numbers(sorted(set(customer_ids))),))


def let_go(conn: Connection) -> None:
    """Let go of what `hold_on` holds."""
    conn.execute("SELECT pg_advisory_unlock_all()")


def hold_now(conn: Connection, customer_id: int) -> bool:
    """Like `hold` for one customer, but without waiting: False when somebody else holds it."""
    row = conn.execute(_HOLD_NOW, (customer_id,)).fetchone()
    return bool(row and row[0])


def still_claimed(conn: Connection, ids: Iterable[int]) -> list[tuple[int, datetime]]:
    """Lock what was claimed as it was written, and nobody took for lost; with its expiry."""
    return conn.execute(_STILL_CLAIMED, (arrays.numbers(ids),), binary=True).fetchall()


def taken(conn: Connection, claimed: Sequence[Claimed]) -> list[tuple[Delivery, datetime | None]]:
    """Lock and read claimed deliveries with their expiry; those no longer ours are left out."""
    found = conn.execute(
        _TAKEN,
        (
            arrays.numbers(one.id for one in claimed),
            arrays.numbers(one.attempts for one in claimed),
        ),
    ).fetchall()
    return [(rows.of_row(row[:-2], row[-2]), row[-1]) for row in found]


def write(
    conn: Connection, changes: Sequence[Change], *, now: datetime, location: str = ""
) -> None:
    """Store states, the pressure they make and the news they are, in the caller's transaction."""
    if not changes:
        return
    conn.execute(
        _WRITE,
        {
            "ids": arrays.numbers(one.delivery.id for one in changes),
            "states": arrays.texts(one.state for one in changes),
            "reasons": arrays.texts(one.reason[:100] for one in changes),
            "details": arrays.texts(one.detail[:500] for one in changes),
            "moments": arrays.instants(one.not_before for one in changes),
            "addresses": arrays.texts(one.address or one.delivery.address for one in changes),
            "now": now,
        },
    )
    note_contacts(
        conn,
        [
            Reached(
                one.delivery.subject_id,
                one.delivery.kind,
                one.delivery.channel,
                now,
                f"delivery:{one.delivery.id}",
            )
            for one in changes
            if one.state in REACHED
        ],
    )
    rows.say(conn, rows.told(changes, now, location=location))


def settle_lost(conn: Connection, *, now: datetime, limit: int = 5_000) -> int:
    """What was claimed by a worker that is gone: service is queued again under the same message id,
    marketing and surveys end as uncertain and are never sent again. Does not commit."""
    found = conn.execute(_LOST, {"before": now - LEASE, "limit": limit}).fetchall()
    if not found:
        return 0
    customers = customers_of(conn, sorted({row[1] for row in found}))
    lost = [rows.of_row(row, customers.get(int(row[1]), int(row[1]))) for row in found]
    write(conn, [lost_in(one, "lost", "", now) for one in lost], now=now)
    return len(lost)


def expire(conn: Connection, *, now: datetime, limit: int = 5_000) -> int:
    """Drop what waited longer than it may. Does not commit."""
    found = conn.execute(_EXPIRED, {"now": now, "limit": limit}).fetchall()
    expired = [rows.of_row(row, row[1]) for row in found]
    write(conn, [Change(one, DROPPED, "expired") for one in expired], now=now)
    return len(expired)


def lost_in(one: Delivery, reason: str, detail: str, now: datetime) -> Change:
    """The end of a try of which nobody knows how it ended: at most once, or at least once."""
    if one.kind != "service":
        return Change(one, UNCERTAIN, reason, detail)
    return again(one, reason, detail, now)


def again(one: Delivery, reason: str, detail: str, now: datetime) -> Change:
    """Another try after a pause that doubles, or the end after so many."""
    if one.attempts >= ATTEMPTS:
        return Change(one, DROPPED, "gave_up", detail or reason)
    pause = min(FIRST_PAUSE * 2 ** max(one.attempts - 1, 0), LONGEST_PAUSE)
    spread = 1 + (one.id * 2654435761 % 1000) / 4000  # up to a quarter more, not all at once again
    return Change(one, QUEUED, reason, detail, now + pause * spread)


def pushed(channels: Iterable[Channel]) -> list[Channel]:
    """The channels that hand over by themselves."""
    return [one for one in channels if not one.pulled]


# As an array, so that it is worked out once and the rows are met by their key: a table that just
# grew has no statistics, and a join of it with itself was read as a whole for each claim.
_CLAIM: LiteralString = """
UPDATE deliveries SET state = 'claimed', claimed_at = %(now)s, attempts = attempts + 1
 WHERE id = ANY(ARRAY(
   SELECT id FROM deliveries
    WHERE channel = %(channel)s AND kind = %(kind)s AND state IN ('queued', 'deferred')
      AND not_before <= %(now)s
    ORDER BY not_before, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING id, attempts, subject_id
"""
_HOLD_ALL: LiteralString = f"SELECT pg_advisory_xact_lock_shared({locks.WITHDRAWALS}, 0)"
_HOLD: LiteralString = f"""
SELECT count(pg_advisory_xact_lock({locks.RECIPIENT}, key)) FROM (
  SELECT DISTINCT hashint8(c) AS key FROM unnest(%s::bigint[]) AS w(c) ORDER BY 1 OFFSET 0
) AS ordered
"""
_HOLD_ON_ALL: LiteralString = f"SELECT pg_advisory_lock_shared({locks.WITHDRAWALS}, 0)"
_HOLD_ON: LiteralString = _HOLD.replace("pg_advisory_xact_lock", "pg_advisory_lock")
_HOLD_NOW: LiteralString = f"""
SELECT pg_try_advisory_xact_lock_shared({locks.WITHDRAWALS}, 0)
   AND pg_try_advisory_xact_lock({locks.RECIPIENT}, hashint8(%s::bigint))
"""
_STILL_CLAIMED: LiteralString = """
SELECT id, expires_at FROM deliveries
 WHERE id = ANY(%s::bigint[]) AND state = 'claimed' AND attempts = 1
 ORDER BY id FOR UPDATE
"""
_TAKEN: LiteralString = f"""
SELECT {", ".join("d." + name.strip() for name in rows.COLUMNS.split(","))}, i.customer_id,
       d.expires_at
  FROM unnest(%s::bigint[], %s::int[]) AS mine(id, attempts)
  JOIN deliveries d ON d.id = mine.id AND d.attempts = mine.attempts AND d.state = 'claimed'
  JOIN identifiers i ON i.id = d.subject_id
 ORDER BY d.id FOR UPDATE OF d
"""
_WRITE: LiteralString = """
UPDATE deliveries d
   SET state = n.state, reason = n.reason, detail = n.detail, address = n.address,
       not_before = coalesce(n.not_before, d.not_before),
       attempts = d.attempts - (n.state = 'deferred' AND d.state = 'claimed')::int,
       handed_at = CASE WHEN n.state IN ('handed', 'confirmed', 'uncertain')
                        THEN coalesce(d.handed_at, %(now)s) ELSE d.handed_at END,
       outcome_at = CASE WHEN n.state IN ('queued', 'deferred') THEN NULL ELSE %(now)s END
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(details)s::text[],
              %(moments)s::timestamptz[], %(addresses)s::text[])
       AS n(id, state, reason, detail, not_before, address)
 WHERE d.id = n.id
"""
_LOST: LiteralString = f"""
SELECT {rows.COLUMNS} FROM deliveries
 WHERE state = 'claimed' AND claimed_at < %(before)s
 ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_EXPIRED: LiteralString = f"""
SELECT {rows.COLUMNS} FROM deliveries
 WHERE state IN ('queued', 'deferred') AND expires_at <= %(now)s
 ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
