"""Changes of the partition that the rooms above have yet to take notice of.

A change is noted in the transaction that makes it, and stays until a worker has counted its
customers anew, whichever worker that is and whatever happened to the one that made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchloop.core.db import Connection


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One change: customers that exist now, and those that ended in another."""

    id: int
    customers: tuple[int, ...]
    absorbed: tuple[int, ...]


def note(
    conn: Connection, before: Mapping[int, Sequence[int]], after: Mapping[int, Sequence[int]]
) -> None:
    """Remember the customers that gained or lost an identifier which interactions may hang on."""
    changed = sorted(
        customer
        for customer in before.keys() | after.keys()
        if sorted(before.get(customer, ())) != sorted(after.get(customer, ()))
    )
    if changed:
        conn.execute("INSERT INTO identity_changes (customer_ids) VALUES (%s)", (changed,))


def pending_changes(conn: Connection) -> list[Unsettled]:
    """Take the unsettled changes, in the caller's transaction; those taken by others are left."""
    rows = conn.execute(
        "SELECT id, customer_ids FROM identity_changes ORDER BY id LIMIT 1000"
        " FOR UPDATE SKIP LOCKED"
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
    """Forget the changes, in the transaction that counted their customers anew."""
    conn.execute(
        "DELETE FROM identity_changes WHERE id = ANY(%s)", ([change.id for change in changes],)
    )
