"""How segments overlap: every intersection of up to six, counted exactly and in one pass.

Each customer becomes a mask with one bit for each segment it is in; equal masks are counted. What
an UpSet plot draws are these exclusive intersections (Lex et al., IEEE TVCG 20 (2014) 1983-1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.segments.browsing import Membership

MOST = 6


@dataclass(frozen=True, slots=True)
class Intersection:
    """Those who are in exactly these segments of the ones asked about: the size of one bar."""

    segments: frozenset[int]
    customers: int


def overlap(conn: Connection, segment_ids: Sequence[int]) -> list[Intersection]:
    """The intersections that hold anybody, the largest first. Invalid unless 2 to 6 segments."""
    ids = _ids(segment_ids)
    rows = conn.execute(_MASKS, {"ids": ids}).fetchall()
    found = [
        Intersection(frozenset(id for at, id in enumerate(ids) if mask >> at & 1), count)
        for mask, count in rows
    ]
    return sorted(found, key=lambda one: (-one.customers, sorted(one.segments)))


def among(
    conn: Connection, segment_ids: Sequence[int], inside: frozenset[int], *, limit: int, after: int
) -> list[Membership]:
    """Customers in exactly the segments `inside` of those asked about, by their number."""
    ids = _ids(segment_ids)
    if not inside or not inside <= set(ids):
        raise Invalid("in", _("Choose one of the intersections."))
    rows = conn.execute(
        _AMONG, {"ids": ids, "inside": sorted(inside), "n": len(inside), "after": after,
                 "limit": limit}
    ).fetchall()  # fmt: skip
    return [Membership(*row) for row in rows]


def _ids(given: Sequence[int]) -> list[int]:
    ids = list(dict.fromkeys(given))
    if not 2 <= len(ids) <= MOST:
        raise Invalid("segments", _("Choose two to six segments."))
    return ids


_MASKS = """
SELECT mask, count(*) FROM (
  SELECT bit_or(1 << (array_position(%(ids)s::int[], segment_id) - 1)) AS mask
  FROM segment_members WHERE segment_id = ANY(%(ids)s::int[]) GROUP BY customer_id
) masks GROUP BY mask
"""
_AMONG = """
SELECT customer_id, min(segment_id), max(since) FROM segment_members
WHERE segment_id = ANY(%(ids)s::int[]) AND customer_id > %(after)s
GROUP BY customer_id
HAVING count(*) = %(n)s AND bool_and(segment_id = ANY(%(inside)s::int[]))
ORDER BY customer_id LIMIT %(limit)s
"""
