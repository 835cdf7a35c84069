"""Lists of customers: whole, in order, whatever page they are read by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from touchloop.core import clock, db
from touchloop.profiles import api as profiles

pytestmark = pytest.mark.django_db(transaction=True)

SPENDS = (-20.0, 0.0, 0.0, 0.5, 3.0, 3.0, 3.0, 4.1, 99.99, 100.0, 1e6, 9.9e14)


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect(autocommit=True) as made:
        yield made


@pytest.fixture
def customers(conn: db.Connection) -> dict[int, float]:
    """Their spends, by id."""
    made = {n: spend for n, spend in enumerate(reversed(SPENDS), 1)}
    for id, spend in made.items():
        conn.execute(
            "insert into identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id) overriding system value"
            " values (%s, 'user_id', %s, %s, %s, 'ok', %s, 1)",
            [id, f"u{id}", id, id, clock.now()],
        )
        conn.execute(
            "insert into customers (id, traits, created_at, updated_at) values (%s, '{}', %s, %s)",
            [id, clock.now(), clock.now()],
        )
        conn.execute(
            "insert into activity (customer_id, first_seen_at, last_seen_at, last_day,"
            " interactions, orders, spend) values (%s, %s, %s, %s, 1, 1, %s)",
            [id, clock.now(), clock.now(), clock.now().date(), spend],
        )
    return made


@pytest.mark.parametrize("order", ["spend", "-spend"])
@pytest.mark.parametrize("limit", [1, 3, 5])
def test_pages_by_spend_leave_nobody_out(
    conn: db.Connection, customers: dict[int, float], order: str, limit: int
) -> None:
    found: list[int] = []
    after: str | None = ""
    while after is not None:
        page = profiles.listing(conn, profiles.Filter(), order=order, after=after, limit=limit)
        found += [row.id for row in page.rows]
        after = page.after
    wanted = sorted(customers, key=lambda id: (customers[id], id), reverse=order == "-spend")
    assert found == wanted
