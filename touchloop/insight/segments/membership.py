"""Who is in which segment, written in sets: what was decided against what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from touchloop.core.db import Connection
from touchloop.insight.segments.live import Ids, LiveResult


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """One customer entered or left one segment."""

    customer_id: int
    segment_id: int
    entered: bool
    at: datetime


def apply(
    conn: Connection, result: LiveResult, customers: Sequence[int], now: datetime
) -> list[MembershipChange]:
    """Make the stored membership of these customers, in the segments decided, what was decided.

    In the caller's transaction; the customers must be locked by it, or touched by it alone.
    """
    segments = sorted(result.members)
    if not segments or not len(customers):
        return []
    stood = _stood(conn, segments, customers)
    came: list[tuple[int, int]] = []
    gone: list[tuple[int, int]] = []
    for segment in segments:
        before, after = stood.get(segment, _NOBODY), result.members[segment]
        came += [(x, segment) for x in np.setdiff1d(after, before).tolist()]
        gone += [(x, segment) for x in np.setdiff1d(before, after).tolist()]
    _delete(conn, gone)
    _insert(conn, came, now)
    changes = [MembershipChange(x, segment, True, now) for x, segment in came]
    return changes + [MembershipChange(x, segment, False, now) for x, segment in gone]


def replace(
    conn: Connection, segment_id: int, members: Ids, now: datetime
) -> list[MembershipChange]:
    """Make the whole membership of one segment these customers; its size is noted with it."""
    before = _ids(
        conn, "SELECT customer_id FROM segment_members WHERE segment_id = %s", (segment_id,)
    )
    came = [(x, segment_id) for x in np.setdiff1d(members, before).tolist()]
    gone = [(x, segment_id) for x in np.setdiff1d(before, members).tolist()]
    _delete(conn, gone)
    _insert(conn, came, now)
    conn.execute(
        "UPDATE segments SET members = %s, counted_at = %s, filled_at = %s WHERE id = %s",
        (len(members), now, now, segment_id),
    )
    changes = [MembershipChange(x, segment_id, True, now) for x, _ in came]
    return changes + [MembershipChange(x, segment_id, False, now) for x, _ in gone]


def forget(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Remove the membership and scores of customers that ended in another."""
    for table in ("segment_members", "scores"):
        conn.execute(
            f"DELETE FROM {table} WHERE customer_id = ANY(%s)".encode(), (list(customer_ids),)
        )


def recount(conn: Connection, now: datetime) -> None:
    """Note the size of every segment, for lists; membership itself carries no counter."""
    conn.execute(
        "UPDATE segments s SET members = n.members, counted_at = %s FROM ("
        "  SELECT s.id, count(m.customer_id) AS members FROM segments s"
        "  LEFT JOIN segment_members m ON m.segment_id = s.id GROUP BY s.id"
        ") n WHERE n.id = s.id AND (s.members <> n.members OR s.counted_at IS NULL)",
        (now,),
    )


_NOBODY: Ids = np.empty(0, np.int64)


def _stood(conn: Connection, segments: Sequence[int], customers: Sequence[int]) -> dict[int, Ids]:
    rows = conn.execute(
        "SELECT segment_id, array_agg(customer_id) FROM segment_members"
        " WHERE customer_id = ANY(%s) AND segment_id = ANY(%s) GROUP BY segment_id",
        (list(customers), list(segments)),
    ).fetchall()
    return {segment: np.array(found, np.int64) for segment, found in rows}


def _ids(conn: Connection, query: str, params: tuple[Any, ...]) -> Ids:
    return np.array([row[0] for row in conn.execute(query.encode(), params)], np.int64)


def _delete(conn: Connection, pairs: list[tuple[int, int]]) -> None:
    if pairs:
        conn.execute(
            "DELETE FROM segment_members m USING unnest(%s::bigint[], %s::int[]) AS g(c, s)"
            " WHERE m.customer_id = g.c AND m.segment_id = g.s",
            ([c for c, _ in pairs], [s for _, s in pairs]),
        )


def _insert(conn: Connection, pairs: list[tuple[int, int]], now: datetime) -> None:
    if pairs:
        conn.execute(
            "INSERT INTO segment_members (customer_id, segment_id, since)"
            " SELECT c, s, %s FROM unnest(%s::bigint[], %s::int[]) AS n(c, s) ORDER BY c, s"
            " ON CONFLICT DO NOTHING",
            (now, [c for c, _ in pairs], [s for _, s in pairs]),
        )
