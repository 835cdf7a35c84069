"""A gentle replay, so that the Live page moves: a few baskets a minute, as on such a day and hour.

Every message says `simulated: true` and comes from a source of its own, so that it can be told from
the retailer's year and does not count in its sums.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from touchloop.core import clock, db, ids
from touchloop.demo import year
from touchloop.interactions.api import Source, ensure, put

POOL = 400  # baskets drawn for an hour of the week


def replay(*, stop: Callable[[], bool], per_minute: float = 6.0, seed: int | None = None) -> int:
    """Send baskets at random moments until `stop()` says so; gives how many."""
    chance = random.Random(seed)
    source = live_source()
    sent = 0
    pool: list[str] = []
    hour: datetime | None = None
    while not stop():
        now = clock.now()
        if now.replace(minute=0, second=0, microsecond=0) != hour:
            hour = now.replace(minute=0, second=0, microsecond=0)
            pool = baskets_like(now)
        send(source, simulated(chance.choice(pool), now))
        sent += 1
        _sleep(chance.expovariate(per_minute / 60), stop)
    return sent


def live_source() -> Source:
    """Who sends the replay."""
    return ensure(
        "retailer-live", name="Tills, simulated", kind="demo", trusted=True, channel="store",
        category="bought",
    )  # fmt: skip


def baskets_like(now: datetime) -> list[str]:
    """Messages of baskets that were paid on the same weekday within an hour of this time of day."""
    chosen = {"day": now.isoweekday() % 7, "hour": now.hour, "salt": now.isoformat(), "n": POOL}
    with year.opened() as files:
        files.execute(_CHOSEN, chosen)
        files.execute("create or replace view transactions as select * from chosen")
        year.make_messages(files, days=0)
        found = files.execute("select body from messages where id like 'cj-basket-%'").fetchall()
    return [row[0] for row in found]


def simulated(body: str, now: datetime) -> dict[str, Any]:
    """The basket as if it were paid now."""
    message: dict[str, Any] = msgspec.json.decode(body)
    own_id = str(ids.uuid7())
    message |= {"messageId": own_id, "timestamp": now.isoformat()}
    message["properties"] |= {"order_id": own_id, "simulated": True}
    return message


def send(source: Source, message: dict[str, Any]) -> None:
    """Put one message into the inbox."""
    body = msgspec.json.encode({"batch": [message]}).decode()
    with db.connect(application="touchloop demo") as conn:
        put(conn, [year.record(source, body, n=1, received_us=clock.micros(clock.now()))])
        conn.commit()


def _sleep(seconds: float, stop: Callable[[], bool]) -> None:
    end = clock.now() + timedelta(seconds=seconds)
    while clock.now() < end and not stop():
        time.sleep(0.1)


# Every hour of every weekday has baskets in the retailer's year.
_CHOSEN = """
create temp table chosen as
select * from transactions where basket_id in (
  select basket_id from transactions
  where dayofweek(transaction_timestamp) = $day
    and abs(hour(transaction_timestamp) - $hour) <= 1
  group by basket_id order by hash(basket_id, $salt) limit $n
)
"""
