"""Bench `flow`: events a second through identity, log, profile, 50 live segments and the lake.

The messages stand in the inbox as the door leaves them, in two waves of the same size. The first
comes after months with little to do: nearly every customer enters or leaves several segments with
it. The second is what goes on from there, and is the figure that counts; the first stands beside
it. Baseline: the same records copied into the bare log table, nothing else done, in the same run.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from touchloop.bench import installation, rules

WORKERS = max(1, os.cpu_count() or 1)
WARM_UP = 1.0  # a history of as many interactions as are measured comes first
HISTORY = 120  # over so many days


def run(*, customers: int = 20_000, interactions: int = 400_000) -> dict[str, Any]:
    """Results by key; `customers` who act, `interactions` that are measured."""
    with installation.temporary():
        return _measure(customers, interactions)


def _measure(customers: int, interactions: int) -> dict[str, Any]:
    from touchloop.core import db

    with db.connect() as conn:
        source = settle(conn, customers, int(interactions * WARM_UP))
        with installation.workers(conn, WORKERS):
            first, going_on = (
                _wave(conn, source.id, customers, interactions, seed=seed) for seed in (2, 3)
            )
        bare = _bare_log(conn, source.id, customers, min(interactions, 100_000), seed=4)
        stored = conn.execute(
            "SELECT count(*) FROM interactions WHERE source_id = %s", (source.id,)
        )
        row = stored.fetchone()
        assert row is not None
        assert row[0] == customers + 2 * interactions + int(interactions * WARM_UP)
    return {
        key: installation.result(
            per_s,
            "events/s",
            target=20_000,
            baseline=bare,
            baseline_name="COPY of the same records into the bare log table",
        )
        for key, per_s in (("events_per_s", going_on), ("first_wave_events_per_s", first))
    }


def _wave(conn: Any, source_id: int, customers: int, interactions: int, *, seed: int) -> float:
    """Put so many events of this moment into the inbox; how many a second came to the lake."""
    _put(conn, source_id, customers, interactions, seed=seed)
    start = time.perf_counter()
    _wait_for_the_lake(conn)
    return interactions / (time.perf_counter() - start)


def _wait_for_the_lake(conn: Any) -> None:
    """Until nothing waits in the inbox, and the lake holds every batch."""
    while True:
        row = conn.execute(
            "SELECT EXISTS (SELECT FROM inbox)"
            " OR EXISTS (SELECT FROM flow_batches WHERE exported IS NULL)"
        ).fetchone()
        conn.rollback()
        if not row[0]:
            return
        time.sleep(0.02)


def settle(conn: Any, customers: int, interactions: int) -> Any:
    """A source, customers with a history, and fifty live segments that are filled from it."""
    from touchloop.core import clock
    from touchloop.flow import exporting, filling, worker
    from touchloop.insight.segments import api as segments
    from touchloop.interactions import api as log

    source = log.create("Bench till", kind="till", trusted=True)
    _identify(conn, source.id, customers)
    _put(conn, source.id, customers, interactions, seed=1, days=HISTORY)
    worker.drain()
    exporting.export_all(conn)
    for name, rule in rules.fifty():
        made = segments.create(name, rule=rule, purpose="service", actor=None, now=clock.now())
        filling.fill_segment(made.id)
    conn.commit()
    conn.autocommit = True
    conn.execute("VACUUM ANALYZE")  # as autovacuum would have done by now
    conn.autocommit = False
    return source


def _identify(conn: Any, source_id: int, customers: int) -> None:
    from touchloop.interactions import api as log

    cities = ("Rotterdam", "Utrecht", "Porto", "Lyon", "Gent", "Bergen")
    bodies = (
        {
            "type": "identify",
            "userId": f"c{n}",
            "messageId": f"i{n}",
            "traits": {"city": cities[n % 6], "age": 18 + n % 60, "name": f"Customer {n}"},
        }
        for n in range(customers)
    )
    log.put(conn, _records(source_id, bodies))
    conn.commit()


def _put(
    conn: Any, source_id: int, customers: int, count: int, *, seed: int, days: int = 0
) -> None:
    from touchloop.interactions import api as log

    log.put(conn, _records(source_id, _events(customers, count, seed, days)))
    conn.commit()


def _events(customers: int, count: int, seed: int, days: int) -> Iterator[dict[str, Any]]:
    """Events of the last `days`, oldest first; 0: all of this moment."""
    from touchloop.core import clock

    chance = random.Random(seed)
    now = clock.now()
    for n in range(count):
        who = chance.randrange(customers)
        body: dict[str, Any] = {
            "messageId": f"{seed}-{n}",
            "userId": f"c{who}",
            "type": "track",
            "timestamp": (now - timedelta(days=days * (1 - n / count))).isoformat(),
            "context": {
                "library": {"name": "bench", "version": "1"},
                "touchpoint": {"channel": "store", "location": _store(who, chance)},
            },
        }
        if chance.random() < 0.3:
            price = chance.randrange(100, 5_000) / 100
            body["event"] = rules.ORDER
            body["properties"] = {
                "order_id": f"o{seed}-{n}",
                "revenue": price,
                "currency": "EUR",
                "products": [
                    {
                        "product_id": f"p{chance.randrange(5_000)}",
                        "price": price,
                        "category": chance.choice(rules.CATEGORIES),
                        "quantity": 1,
                    }
                ],
            }
        else:
            body["event"] = rules.VIEW if chance.random() < 0.7 else "Product List Viewed"
            body["properties"] = {
                "product_id": f"p{chance.randrange(5_000)}",
                "category": chance.choice(rules.CATEGORIES),
            }
        yield body


def _store(who: int, chance: random.Random) -> str:
    """One's own store, and now and then another."""
    return str(who % 50 if chance.random() < 0.9 else chance.randrange(50))


def _records(source_id: int, bodies: Any) -> Iterator[Any]:
    from touchloop.core import clock
    from touchloop.interactions.api import Record

    encode = msgspec.json.Encoder().encode
    now = clock.micros(clock.now())
    for body in bodies:
        yield Record(source_id, now, body["type"], None, False, encode(body), [""], 1, "segment")


def _bare_log(conn: Any, source_id: int, customers: int, count: int, *, seed: int) -> float:
    """Rows a second of COPY into a table like the log, with its two indexes."""
    from touchloop.core import ids
    from touchloop.interactions import api as log

    conn.execute("CREATE TEMP TABLE bare (LIKE interactions INCLUDING ALL)")
    records = list(_records(source_id, _events(customers, count, seed, 0)))
    start = time.perf_counter()
    rows = [
        log.Row(
            n,
            n % customers,
            source_id,
            1,
            None,
            record.received_us,
            record.received_us,
            0,
            None,
            ids.message_key(source_id, f"bare-{n}"),
            n,
            0,
            record.body,
        )
        for n, record in enumerate(records)
    ]
    for first in range(0, len(rows), 4_000):
        log.append(conn, rows[first : first + 4_000], table="bare")
    seconds = time.perf_counter() - start
    conn.rollback()
    return count / seconds
