"""Bench `decide`: decisions a second through the programs' door, each recorded before its answer.

200 live offers with segments, traits and context in their policies; customers with memberships,
traits, consents and earlier answers; every answer lists the offers chosen and all that was held
back, with reasons. Door, database and load share the machine. Beside it, in the same run: the same
server with an empty handler, and one row read by its key over one connection.
"""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import msgspec

from touchloop.bench import installation, paced
from touchloop.bench.serving import served

CUSTOMERS = 20_000
OFFERS = 200
SEGMENTS = 50
CONNECTIONS = 64
RATE = 500  # requests a second at which the latency is measured
EMPTY = "the same server with an empty handler"
READ = "one customer read by its key, one connection"


def run(*, customers: int = CUSTOMERS, seconds: float = 5.0) -> dict[str, dict[str, Any]]:
    """Results by key; each measurement lasts `seconds`."""
    with installation.temporary():
        from touchloop.core import db

        with db.connect() as conn:
            secret = settle(conn, customers)
            reads = _reads(conn, customers, min(seconds, 2.0))
        bodies = _bodies(customers)
        with served(_empty, "") as port:
            bare = paced.flood(port, secret, bodies, connections=CONNECTIONS, seconds=seconds)
            floor = paced.steady(port, secret, bodies, rate=RATE, seconds=seconds)
        with served(_door, db.url()) as port:
            paced.flood(port, secret, bodies, connections=CONNECTIONS, seconds=2.0)  # warm up
            before = _recorded()
            load = paced.flood(port, secret, bodies, connections=CONNECTIONS, seconds=seconds)
            _check(before, load)
            waits = paced.steady(port, secret, bodies, rate=RATE, seconds=seconds)
    result = installation.result
    return {
        "decisions_per_s": result(
            load.per_second, "decisions/s", target=2_000, baseline=bare.per_second,
            baseline_name=EMPTY,
        ),
        "decisions_against_reads_per_s": result(
            load.per_second, "decisions/s", target=None, baseline=reads, baseline_name=READ
        ),
        "p99_ms_at_500": result(
            _p99(waits), "ms", target=10, baseline=_p99(floor), baseline_name=f"p99 of {EMPTY}"
        ),
    }  # fmt: skip


def _p99(waits: list[float]) -> float:
    waits = sorted(waits)
    return waits[min(int(len(waits) * 0.99), len(waits) - 1)] * 1_000


def _check(before: int, load: paced.Load) -> None:
    """Every decision that was answered stands in the table."""
    stored = _recorded() - before
    if load.failed or not load.answered <= stored <= load.answered + CONNECTIONS:
        raise RuntimeError(f"{load.answered} answered, {load.failed} failed, {stored} recorded")


def _recorded() -> int:
    from touchloop.core import db

    with db.connect() as conn:
        row = conn.execute("SELECT count(*) FROM decisions").fetchone()
    assert row is not None
    return int(row[0])


def _reads(conn: Any, customers: int, seconds: float) -> float:
    count, chance, start = 0, random.Random(1), time.perf_counter()
    while time.perf_counter() - start < seconds:
        conn.execute(
            "SELECT * FROM customers WHERE id = %s", (chance.randint(1, customers),), prepare=True
        ).fetchone()
        count += 1
    return count / (time.perf_counter() - start)


def _bodies(customers: int) -> list[bytes]:
    chance = random.Random(5)
    return [
        msgspec.json.encode(
            {
                "customer": {"namespace": "user_id", "value": f"c{chance.randint(1, customers)}"},
                "channel": chance.choice(["store", "call_centre"]),
                "location": str(chance.randint(1, 500)),
                "context": {"intent": chance.choice(["buy", "ask", "cancel"])},
                "limit": 3,
            }
        )
        for _ in range(5_000)
    ]


def settle(conn: Any, customers: int) -> str:
    """Customers, segments and offers; gives the secret of a key."""
    from touchloop.api import keys
    from touchloop.core import clock
    from touchloop.engage.decisions import api as decisions
    from touchloop.engage.offers import api as offers
    from touchloop.insight.segments import api as segments

    now = clock.now()
    known = [
        segments.create(
            f"Segment {n}", rule={"all": []}, purpose="personalise", actor=None, now=now, conn=conn
        ).id
        for n in range(SEGMENTS)
    ]
    chance = random.Random(3)
    for n in range(OFFERS):
        offers.create(
            f"Offer {n}", definition=_offer(chance, known), actor=None, now=now, conn=conn,
            state="live",
        )  # fmt: skip
    decisions.change_policy(
        conn,
        {"holdout": 0.05, "facts": ["region"], "weights": [
            {"when": {"intent": "cancel"}, "topic": "topic-1", "percent": 55}]},
        actor=None,
        now=now,
    )  # fmt: skip
    _fill(conn, customers, known, now)
    _key, secret = keys.create(conn, "Bench", now=now, rate=1_000_000)
    conn.commit()
    conn.execute("ANALYZE")
    conn.commit()
    return secret


def _offer(chance: random.Random, known: list[int]) -> dict[str, Any]:
    required, forbidden, other = chance.sample(known, 3)
    return {
        "topic": f"topic-{chance.randrange(8)}",
        "value": round(chance.uniform(1, 40), 2),
        "lever": chance.choice([0, 0, 20]),
        "starting_propensity": round(chance.uniform(0.01, 0.2), 3),
        "holdout": chance.choice([0.0] * 9 + [0.1]),
        "eligibility": {"required": [required]} if chance.random() < 0.7 else {},
        "applicability": {"forbidden": [forbidden, other]},
        "suitability": chance.choice(
            [
                {"traits": [{"name": "region", "op": "in", "value": ["north", "south"]}]},
                {"traits": [{"name": "age", "op": "gte", "value": 30}]},
                {"context": [{"name": "intent", "op": "ne", "value": "cancel"}]},
                {},
            ]
        ),
        "treatments": [
            {"channel": "store", "texts": {"title": "For you", "body": "Only today"}},
            {"channel": "call_centre", "texts": {"say": "May I tell you about this?"}},
        ],
    }


def _fill(conn: Any, customers: int, known: list[int], now: Any) -> None:
    """Ten memberships and earlier answers to four offers for each; one in ten spoke of consent."""
    conn.execute(_CUSTOMERS, {"n": customers, "now": now})
    conn.execute(_MEMBERS, {"n": customers, "now": now, "known": known})
    conn.execute(_OUTCOMES, {"n": customers, "offers": OFFERS, "now": now - timedelta(days=2)})
    conn.execute(_GRANTS, {"n": customers, "now": now - timedelta(days=3)})


def _door(port: int, url: str) -> None:
    from touchloop.cli import runtime

    runtime.setup_django()
    from touchloop.api import server

    server.serve(port=port, database_url=url)


def _empty(port: int, url: str) -> None:
    from touchloop.cli import runtime

    runtime.setup_django()
    from touchloop.collect import server

    server.run_empty(port=port)


_CUSTOMERS = """
WITH made AS (
  INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state, first_seen_at,
                           source_id)
  SELECT n, 'user_id', 'c' || n, n, n, 'ok', %(now)s, 1 FROM generate_series(1, %(n)s) n
)
INSERT INTO customers (id, traits, stage, created_at, updated_at)
SELECT n, jsonb_build_object(
         'region', jsonb_build_object('v', (ARRAY['north','south','east','west'])[1 + n %% 4],
                                      'a', 2, 's', 1, 'at', ''),
         'age', jsonb_build_object('v', 18 + n %% 60, 'a', 4, 's', 1, 'at', '')),
       (ARRAY['new','satisfied','loyal'])[1 + n %% 3], %(now)s, %(now)s
FROM generate_series(1, %(n)s) n
"""
_MEMBERS = """
INSERT INTO segment_members (customer_id, segment_id, since)
SELECT DISTINCT n, (%(known)s::int[])[1 + (n * 7 + k * k * 13) %% cardinality(%(known)s::int[])],
       %(now)s::timestamptz
FROM generate_series(1, %(n)s) n, generate_series(1, 10) k
"""
_OUTCOMES = """
INSERT INTO offer_outcomes (subject_id, offer_id, outcome, at, channel, cause)
SELECT n, 1 + (n * 31 + k * 17) %% %(offers)s, 1 + k %% 4, %(now)s, 'store', n || ':' || k
FROM generate_series(1, %(n)s) n, generate_series(1, 4) k
"""
_GRANTS = """
INSERT INTO use_grants (subject_id, purpose, category, state, basis, notice_version, language,
                        jurisdiction, evidence, source_id, at)
SELECT n, CASE n %% 20 WHEN 0 THEN 'profile' ELSE 'marketing' END, '',
       CASE n %% 20 WHEN 0 THEN 'granted' ELSE 'denied' END, 'consent', '', '', '', '{}', 1, %(now)s
FROM generate_series(10, %(n)s, 10) n
"""
