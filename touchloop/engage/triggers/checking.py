"""Whether a condition holds, now: live membership, and a rule of its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.engage.triggers.definition import Check
from touchloop.insight.segments import api as segments


def passing(
    conn: Connection, check: Check, customers: Collection[int], now: datetime
) -> frozenset[int]:
    """Those of the customers for whom the condition holds."""
    left = frozenset(customers)
    asked = [*check.inside, *check.outside]
    if asked:
        member_of = set(
            conn.execute(
                "SELECT customer_id, segment_id FROM segment_members"
                " WHERE customer_id = ANY(%s::bigint[]) AND segment_id = ANY(%s)",
                (arrays.numbers(sorted(left)), asked),
            ).fetchall()
        )
        left = frozenset(
            id
            for id in left
            if all((id, segment) in member_of for segment in check.inside)
            and not any((id, segment) in member_of for segment in check.outside)
        )
    if check.rule is not None and left:
        left = segments.satisfying(conn, check.rule, sorted(left), now)
    return left
