"""The retailer's year becomes messages that the contract accepts, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from touchloop.core import clock
from touchloop.demo import live, year
from touchloop.interactions.api import Envelope, Source, explode

FIRST_LOADED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def messages() -> list[Envelope]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: FIRST_LOADED)
        return sent()


def sent() -> list[Envelope]:
    senders = [cast(Source, SimpleNamespace(id=n)) for n in (1, 2, 3)]
    days = year.shift_days(FIRST_LOADED)
    found = [m for r in year.records(year.Sources(*senders), days=days) for m in explode(r)]
    assert not [m for m in found if not isinstance(m, Envelope)]
    return cast(list[Envelope], found)


def test_every_basket_line_and_cent_is_sent(messages: list[Envelope]) -> None:
    orders = [m for m in messages if m.name == "Order Completed"]
    lines = [line for m in orders for line in m.properties["products"]]
    source = year.source_counts()
    assert source == year.Counts(2_469, 155_848, 1_469_307, 459_603_958, 2_102)
    assert source == year.Counts(
        households=len({m.user_id for m in orders}),
        baskets=len({m.message_id for m in orders}),
        lines=len(lines),
        sales_cents=sum(round(line["total"] * 100) for line in lines),
        redemptions=sum(m.name == "Coupon Redeemed" for m in messages),
    )
    assert sum(round(m.properties["total"] * 100) for m in orders) == source.sales_cents
    assert len(messages) == len({m.message_id for m in messages}) == year.message_count()


def test_other_messages_are_made_of_the_other_files(messages: list[Envelope]) -> None:
    kinds = Counter((m.type, m.name) for m in messages)
    assert kinds["track", "Campaign Delivered"] == 6_589
    assert kinds["track", "Consent Given"] == kinds["identify", ""] == 2_469
    known = [m.traits for m in messages if m.type == "identify" and "age" in m.traits]
    assert len(known) == 801
    assert all(value is not None for traits in known for value in traits.values())


def test_the_year_ends_within_the_last_day_in_the_order_of_time(
    messages: list[Envelope],
) -> None:
    last = max(m.occurred_at for m in messages if m.name == "Order Completed")
    assert FIRST_LOADED - timedelta(days=1) < last <= FIRST_LOADED
    assert last.time() == year.LAST_BASKET.time()
    tills = [m.occurred_us for m in messages if m.name in ("Order Completed", "Coupon Redeemed")]
    assert tills == sorted(tills)


def test_no_message_is_larger_than_the_contract_allows(messages: list[Envelope]) -> None:
    assert max(len(m.body) for m in messages) < 32 * 1024


@pytest.fixture
def now() -> Iterator[datetime]:
    yield datetime(2026, 11, 21, 20, 15, tzinfo=UTC)


def test_a_simulated_basket_says_so_and_is_new(now: datetime) -> None:
    basket = live.baskets_like(now)[0]
    before: dict[str, Any] = msgspec.json.decode(basket)
    after = live.simulated(basket, now)
    assert after["properties"]["simulated"] is True
    assert after["messageId"] != before["messageId"]
    assert after["properties"]["products"] == before["properties"]["products"]
    assert datetime.fromisoformat(after["timestamp"]) == now
