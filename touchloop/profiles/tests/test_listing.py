"""Lists of customers: whole, in order, whatever page they are read by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from touchloop.core import clock, db
from touchloop.core.errors import Unavailable
from touchloop.profiles import api as profiles
from touchloop.profiles import search

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
            "insert into activity (customer_id, first_seen_at, last_seen_at,"
            " interactions, orders, spend) values (%s, %s, %s, 1, 1, %s)",
            [id, clock.now(), clock.now(), spend],
        )
    return made


@pytest.fixture
def seen(conn: db.Connection, customers: dict[int, float]) -> dict[int, datetime]:
    """When each was last seen: several in one hour, some in one moment, on three days."""
    minutes = (0, 0, 1, 30, 59, 60, 61, 61, 1_439, 1_440, 1_500, 4_000)
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    made = {id: day - timedelta(minutes=ago) for id, ago in zip(customers, minutes, strict=True)}
    for id, at in made.items():
        conn.execute("update activity set last_seen_at = %s where customer_id = %s", [at, id])
    return made


@pytest.mark.parametrize("order", ["spend", "-spend"])
@pytest.mark.parametrize("limit", [1, 3, 5])
def test_pages_by_spend_leave_nobody_out(
    conn: db.Connection, customers: dict[int, float], order: str, limit: int
) -> None:
    wanted = sorted(customers, key=lambda id: (customers[id], id), reverse=order == "-spend")
    assert _read(conn, profiles.Filter(), order, limit) == wanted


@pytest.mark.parametrize("order", ["seen", "-seen"])
@pytest.mark.parametrize("limit", [1, 3, 5])
def test_pages_by_recency_leave_nobody_out(
    conn: db.Connection, seen: dict[int, datetime], order: str, limit: int
) -> None:
    wanted = sorted(seen, key=lambda id: (seen[id], id), reverse=order == "-seen")
    assert _read(conn, profiles.Filter(), order, limit) == wanted


def test_days_are_whole_in_utc(conn: db.Connection, seen: dict[int, datetime]) -> None:
    day = max(seen.values()).date() - timedelta(days=1)
    found = _read(conn, profiles.Filter(seen_from=day, seen_to=day), "-seen", 50)
    assert set(found) == {id for id, at in seen.items() if at.date() == day} != set()


@pytest.mark.parametrize(("few", "some"), [(0, 0), (0, 20_000), (5_000, 20_000)])
def test_who_came_to_a_place_is_found_however_many_came(
    conn: db.Connection,
    seen: dict[int, datetime],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    some: int,
) -> None:
    monkeypatch.setattr(search, "_FEW", few)
    monkeypatch.setattr(search, "_SOME", some)
    conn.execute(
        "insert into touchpoints (id, channel, location, name, region, stage, first_seen_at,"
        " last_seen_at) values (7, 'store', '330', '', '', '', now(), now())"
    )
    came = {1, 4, 6, 11}
    conn.execute("insert into visits select 7, unnest(%s::bigint[])", [sorted(came)])
    filters = profiles.Filter(locations=("330",), spend_from=0.1)
    wanted = [id for id in _read(conn, profiles.Filter(spend_from=0.1), "-seen", 50) if id in came]
    assert _read(conn, filters, "-seen", 2) == wanted
    assert len(wanted) == 3


def _read(conn: db.Connection, wanted: profiles.Filter, order: str, limit: int) -> list[int]:
    found: list[int] = []
    after: str | None = ""
    while after is not None:
        page = profiles.listing(conn, wanted, order=order, after=after, limit=limit)
        found += [row.id for row in page.rows]
        after = page.after
    return found


def test_a_list_that_takes_too_long_says_so(
    conn: db.Connection, customers: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_MS", 10)
    with db.connect() as other:
        other.execute("lock table customers")
        with pytest.raises(Unavailable, match="too many customers"):
            profiles.listing(conn, profiles.Filter())
        other.rollback()
        assert len(profiles.listing(conn, profiles.Filter()).rows) == len(customers)


def test_autovacuum_samples_customers_lightly(conn: db.Connection) -> None:
    """Also a column that comes later: the largest target of all decides how many rows are read."""
    rows = conn.execute(
        "select attrelid::regclass, attname from pg_attribute where attrelid = any("
        " array['customers', 'customers_words', 'customers_named', 'trait_statements',"
        " 'identifiers', 'links']::regclass[]) and attnum > 0 and not attisdropped"
        " and not (attrelid = 'customers_named'::regclass and attname = 'id')"
        " and coalesce(attstattarget, 100) not between 0 and 10"
    ).fetchall()
    assert rows == []
