"""Who is in which segment, written in sets: what was decided against what stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.insight.segments import sizes
from touchloop.insight.segments.live import Ids, LiveResult
from touchloop.lake.api import read_columns


class MembershipChange(NamedTuple):
    """One customer entered or left one segment."""

    customer_id: int
    segment_id: int
    entered: bool
    at: datetime


class Outdated(Exception):
    """What was remembered of somebody's segments is not what stands."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where customers are known to stand among these segments: by customer the ids, packed."""

    segments: Sequence[int]
    kept: dict[int, bytes] = field(default_factory=dict)


def apply(
    conn: Connection,
    result: LiveResult,
    customers: Sequence[int],
    now: datetime,
    *,
    standing: Standing | None = None,
) -> list[MembershipChange]:
    """Make the stored membership of these customers, in the segments decided, what was decided.

    In the caller's transaction; the customers must be locked by it, or touched by it alone. What
    `standing` knows is not read, and afterwards it knows where all of these customers stand. Raises
    Outdated when it was wrong.
    """
    if not result.members or not len(customers):
        return []
    standing = standing or Standing(list(result.members))
    places = _Places(np.sort(np.asarray(customers, np.int64)), np.array(sorted(standing.segments)))
    stood = np.sort(places.pack(*_stood(conn, places, standing.kept)))
    stands = places.pack(
        np.concatenate(list(result.members.values())),
        np.repeat(list(result.members), [len(ids) for ids in result.members.values()]),
    )
    if len(result.members) < len(places.segments):
        undecided = ~np.isin(places.segments, list(result.members))
        stands = np.concatenate([stands, stood[undecided[stood % len(places.segments)]]])
    came = places.unpack(np.setdiff1d(stands, stood, assume_unique=True))
    gone = places.unpack(np.setdiff1d(stood, stands, assume_unique=True))
    if _delete(conn, gone) < len(gone) or _insert(conn, came, now) < len(came):
        raise Outdated
    standing.kept.update(places.packed(stands))
    return [MembershipChange(c, s, True, now) for c, s in came] + [
        MembershipChange(c, s, False, now) for c, s in gone
    ]


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
    sizes.note(conn, now)


@dataclass(frozen=True, slots=True)
class _Places:
    """Pairs of customer and segment as one number each, among those that are asked about."""

    customers: Ids
    segments: Ids

    def pack(self, customers: Ids, segments: Ids) -> Ids:
        mine = np.searchsorted(self.customers, customers)
        found: Ids = mine * len(self.segments) + np.searchsorted(self.segments, segments)
        return found

    def unpack(self, pairs: Ids) -> list[tuple[int, int]]:
        mine, found = np.divmod(np.sort(pairs), len(self.segments))
        return list(zip(self.customers[mine].tolist(), self.segments[found].tolist(), strict=True))

    def packed(self, pairs: Ids) -> dict[int, bytes]:
        """The segments of each customer, as they are remembered."""
        mine, found = np.divmod(np.sort(pairs), len(self.segments))
        data = self.segments[found].astype(_SEGMENT).tobytes()
        ends = np.cumsum(np.bincount(mine, minlength=len(self.customers))) * _SEGMENT.itemsize
        kept, start = {}, 0
        for customer, end in zip(self.customers.tolist(), ends.tolist(), strict=True):
            kept[customer] = data[start:end]
            start = end
        return kept


def _stood(conn: Connection, places: _Places, kept: Mapping[int, bytes]) -> tuple[Ids, Ids]:
    """Pairs of customer and segment: what is remembered, and what has to be read."""
    customers = places.customers.tolist()
    known = [customer for customer in customers if customer in kept]
    parts = [kept[customer] for customer in known]
    counts = np.fromiter(map(len, parts), np.int64, len(parts)) // _SEGMENT.itemsize
    remembered = np.repeat(np.array(known, np.int64), counts)
    segments = np.frombuffer(b"".join(parts), _SEGMENT).astype(np.int64)
    if len(known) == len(customers):
        return remembered, segments
    missing = [customer for customer in customers if customer not in kept]
    rows = _read(conn, missing, places.segments)
    return np.concatenate([remembered, rows[0]]), np.concatenate([segments, rows[1]])


def _read(conn: Connection, customers: Sequence[int], segments: Ids) -> tuple[Ids, Ids]:
    rows = read_columns(
        conn,
        "SELECT customer_id, segment_id FROM segment_members"
        " WHERE customer_id = ANY(%(customers)s::bigint[])"
        " AND segment_id = ANY(%(segments)s::int[])",
        {
            "customers": arrays.numbers(customers),
            "segments": arrays.numbers(segments.tolist()),
        },
        {"customer_id": "int8", "segment_id": "int4"},
    )
    return rows["customer_id"], rows["segment_id"]


def _ids(conn: Connection, query: str, params: tuple[Any, ...]) -> Ids:
    return np.array([row[0] for row in conn.execute(query.encode(), params)], np.int64)


def _delete(conn: Connection, pairs: list[tuple[int, int]]) -> int:
    """How many were there."""
    if not pairs:
        return 0
    return conn.execute(
        "DELETE FROM segment_members m USING unnest(%s::bigint[], %s::int[]) AS g(c, s)"
        " WHERE m.customer_id = g.c AND m.segment_id = g.s",
        (arrays.numbers(c for c, _ in pairs), arrays.numbers(s for _, s in pairs)),
    ).rowcount


def _insert(conn: Connection, pairs: list[tuple[int, int]], now: datetime) -> int:
    """How many were not there."""
    if not pairs:
        return 0
    return conn.execute(
        "INSERT INTO segment_members (customer_id, segment_id, since)"
        " SELECT c, s, %s FROM unnest(%s::bigint[], %s::int[]) AS n(c, s) ORDER BY c, s"
        " ON CONFLICT DO NOTHING",
        (now, arrays.numbers(c for c, _ in pairs), arrays.numbers(s for _, s in pairs)),
    ).rowcount


_SEGMENT = np.dtype("<i4")
