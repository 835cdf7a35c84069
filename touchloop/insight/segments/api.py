"""What other rooms may use of segments."""

from __future__ import annotations

from collections.abc import Sequence

from touchloop.core.db import Connection
from touchloop.insight.segments.live import SCHEMAS, LiveResult, evaluate
from touchloop.insight.segments.live_rules import Live, live
from touchloop.insight.segments.membership import MembershipChange, apply, recount
from touchloop.insight.segments.needs import Needs, Reading

__all__ = [
    "SCHEMAS", "Live", "LiveResult", "MembershipChange", "Needs", "Reading", "apply", "evaluate",
    "forget", "live", "recount",
]


def forget(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Remove membership and scores of customers that were absorbed by another."""
    for table in ("segment_members", "scores"):
        conn.execute(f"DELETE FROM {table} WHERE customer_id = ANY(%s)", (list(customer_ids),))
