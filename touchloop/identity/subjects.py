"""Which customer a subject belongs to now, and which subjects a customer has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from touchloop.core import arrays
from touchloop.core.db import Connection


def customers_of(conn: Connection, subject_ids: Sequence[int]) -> dict[int, int]:
    """The customer of each subject; unknown subjects are left out."""
    rows = conn.execute(
        "SELECT id, customer_id FROM identifiers WHERE id = ANY(%s::bigint[])",
        (arrays.numbers(subject_ids),),
        binary=True,
    ).fetchall()
    return dict(rows)


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
