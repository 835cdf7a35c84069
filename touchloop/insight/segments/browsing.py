"""Members of a segment, page by page, and which segments one customer is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Membership:
    """One customer in one segment."""

    customer_id: int
    segment_id: int
    since: datetime


def members(
    conn: Connection,
    segment_id: int,
    *,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> list[Membership]:
    """Members, the newest first; `after` is the (since, customer_id) of the last one shown."""
    since, customer = after or (None, 0)
    rows = conn.execute(
        "SELECT customer_id, segment_id, since FROM segment_members WHERE segment_id = %(segment)s"
        " AND (%(since)s::timestamptz IS NULL OR since < %(since)s"
        "  OR (since = %(since)s AND customer_id > %(customer)s))"
        " ORDER BY since DESC, customer_id LIMIT %(limit)s",
        {"segment": segment_id, "since": since, "customer": customer, "limit": limit},
    ).fetchall()
    return [Membership(*row) for row in rows]


def segments_of(conn: Connection, customer_id: int) -> list[Membership]:
    """The segments a customer is in, the newest first."""
    rows = conn.execute(
        "SELECT customer_id, segment_id, since FROM segment_members WHERE customer_id = %s"
        " ORDER BY since DESC, segment_id",
        (customer_id,),
    ).fetchall()
    return [Membership(*row) for row in rows]
