"""Changes of the partition that the rooms above have yet to take notice of.

An operation is logged in the transaction that changes the partition, and stays unsettled until a
worker has counted its customers anew, whichever worker that is and whatever happened to the one
that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One operation: customers that exist now, and those that ended in another."""

    operation_id: int
    customers: tuple[int, ...]
    absorbed: tuple[int, ...]


def pending_changes(conn: Connection) -> list[Unsettled]:
    """Take the unsettled operations, in the caller's transaction; those taken by others are left."""
    rows = conn.execute(
        "SELECT id, customer_ids FROM merge_operations WHERE NOT settled"
        " ORDER BY id FOR UPDATE SKIP LOCKED"
    ).fetchall()
    if not rows:
        return []
    mentioned = sorted({customer for _, customers in rows for customer in customers})
    leading = {
        row[0]
        for row in conn.execute(
            "SELECT DISTINCT customer_id FROM identifiers WHERE customer_id = ANY(%s)", (mentioned,)
        ).fetchall()
    }
    return [
        Unsettled(
            id,
            tuple(customer for customer in customers if customer in leading),
            tuple(customer for customer in customers if customer not in leading),
        )
        for id, customers in rows
    ]


def settle_changes(conn: Connection, changes: Sequence[Unsettled]) -> None:
    """Note, in the same transaction, that the customers were counted anew."""
    conn.execute(
        "UPDATE merge_operations SET settled = true WHERE id = ANY(%s)",
        ([change.operation_id for change in changes],),
    )
