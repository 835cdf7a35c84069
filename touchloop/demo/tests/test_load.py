"""The year goes through the same inbox and steps as live traffic, and arrives whole, once."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from touchloop.core import db
from touchloop.demo import load, year
from touchloop.flow.api import drain
from touchloop.interactions.api import put

pytestmark = pytest.mark.django_db(transaction=True)

HOUSEHOLDS = 8


@pytest.fixture
def few_households(monkeypatch: pytest.MonkeyPatch) -> None:
    """The retailer's files, but of some households only."""
    opened = year.opened

    def smaller() -> duckdb.DuckDBPyConnection:
        files = opened()
        for name in ("transactions", "campaigns", "coupon_redemptions", "demographics"):
            path = year.folder() / f"{name}.parquet"
            files.execute(
                f"create or replace view {name} as select * from read_parquet('{path}')"
                f" where household_id <= {HOUSEHOLDS}"
            )
        return files

    monkeypatch.setattr(year, "opened", smaller)


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect(autocommit=True) as made:
        yield made


def test_a_year_arrives_whole_and_once(few_households: None, conn: db.Connection) -> None:
    seen: list[tuple[int, int]] = []
    loaded = load.load(lambda done, total: seen.append((done, total)), tick=drain)
    assert loaded.complete and loaded.source.baskets > 300
    assert seen[-1] == (year.message_count(), year.message_count())
    logged = conn.execute("select count(*) from interactions").fetchall()
    sent = conn.execute("select count(*) from inbox").fetchall()
    assert load.load(tick=drain).stored == loaded.stored
    assert conn.execute("select count(*) from interactions").fetchall() == logged
    assert sent == [(0,)]
    regions = conn.execute(
        "select distinct region from touchpoints where channel = 'store' and location <> ''"
    ).fetchall()
    assert regions and all(name.endswith("(made up)") for (name,) in regions)
    due = conn.execute(
        "select count(*) from trigger_runs where due_at > now() and entered_at < now() - interval"
        " '1 hour'"
    ).fetchone()
    assert due == (0,)  # whoever is inside already has waited


def test_an_interrupted_year_is_completed(few_households: None, conn: db.Connection) -> None:
    senders = year.sources()
    days = year.shift_days(senders.till.created_at)
    part = list(year.records(senders, days=days))[:2]
    put(conn, part)
    drain()
    loaded = load.load(tick=drain)
    assert loaded.complete
    repeated = conn.execute("select sum(n) from tallies where outcome = 'duplicate'").fetchone()
    assert repeated == (sum(record.n for record in part),)
