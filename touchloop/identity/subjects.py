"""Which customer a subject belongs to now, and which subjects a customer has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.identity.namespaces import normalise


def customers_of(conn: Connection, subject_ids: Sequence[int]) -> dict[int, int]:
    """The customer of each subject; unknown subjects are left out."""
    rows = conn.execute(
        "SELECT id, customer_id FROM identifiers WHERE id = ANY(%s::bigint[])",
        (arrays.numbers(subject_ids),),
        binary=True,
    ).fetchall()
    return dict(rows)


def customer_named(conn: Connection, namespace: str, value: str) -> int | None:
    """The customer behind an identifier as somebody wrote it; None when nobody is known by it."""
    row = conn.execute(
        "SELECT customer_id FROM identifiers WHERE namespace = %s AND value = %s",
        (namespace, normalise(namespace, value)),
    ).fetchone()
    return int(row[0]) if row else None


def subjects_of(conn: Connection, customer_ids: Sequence[int]) -> dict[int, list[int]]:
    """The subjects of each customer, in the order of their ids."""
    found: dict[int, list[int]] = defaultdict(list)
    for customer, subject in conn.execute(
        "SELECT customer_id, id FROM identifiers WHERE customer_id = ANY(%s::bigint[]) ORDER BY id",
        (arrays.numbers(customer_ids),),
        binary=True,
    ).fetchall():
        found[customer].append(subject)
    return dict(found)
