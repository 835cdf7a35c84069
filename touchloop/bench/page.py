"""Bench `page`: how long the server takes for the pages people look at all day.

The pages are asked for through Django's handler with every middleware, signed in, and rendered in
full: customers with 10,000 interactions, lists in several orders and filters, searches by every
kind of identifier. The data is made in the database by sets, in the order of time, so that the rows
of one customer lie as scattered on the disk as in a real log. Baseline: an empty page of the
same frame.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from touchloop.bench import installation

CUSTOMERS = 1_000_000
INTERACTIONS = 50_000_000
HEAVY = 20  # customers that have 10,000 interactions each
OF_A_HEAVY_ONE = 10_000
ASKED = 200
BATCH = 2_000_000


def run(
    *, customers: int = CUSTOMERS, interactions: int = INTERACTIONS, asked: int = ASKED
) -> dict[str, Any]:
    """95th percentiles in milliseconds."""
    with installation.temporary():
        from touchloop.core import db

        heavy = min(HEAVY, max(1, interactions // OF_A_HEAVY_ONE // 2))
        with db.connect(autocommit=True, application="touchloop bench") as conn:
            _fill(conn, customers, interactions, heavy)
        chance = random.Random(7)
        ask = _reader()
        pages = {
            "customer": [_customer(chance, heavy) for _ in range(asked)],
            "list": [_list(chance) for _ in range(asked)],
            "search": [_search(chance, customers) for _ in range(asked)],
        }
        empty = _p95(ask, ["/bench/empty/"] * asked)
        found = {name: _p95(ask, addresses) for name, addresses in pages.items()}
    return {
        f"{name}_p95_ms": installation.result(
            found[name],
            "ms",
            target=target,
            baseline=empty,
            baseline_name="p95 of an empty page in the same frame",
        )
        for name, target in (("customer", 100), ("list", 150), ("search", 150))
    }


def _p95(ask: Callable[[str], float], addresses: Sequence[str]) -> float:
    """The first few are not counted: they read templates, not customers."""
    for address in addresses[:5]:
        ask(address)
    taken = sorted(ask(address) for address in addresses)
    return taken[min(int(len(taken) * 0.95), len(taken) - 1)] * 1_000


def _reader() -> Callable[[str], float]:
    """Asks for a page as a signed-in admin; gives the seconds it took."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from touchloop.core.accounts.api import create_user

    person, _password = create_user("bench@example.com", "admin")
    settings.ROOT_URLCONF = "touchloop.bench.page_urls"
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.get(pk=person.id))

    def ask(address: str) -> float:
        start = time.perf_counter()
        response = client.get(address)
        taken = time.perf_counter() - start
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}")
        return taken

    return ask


def _customer(chance: random.Random, heavy: int) -> str:
    return f"/customers/{chance.randint(1, heavy)}/"


def _list(chance: random.Random) -> str:
    return "/customers/" + chance.choice(
        (
            "",
            "",
            "?sort=-spend",
            "?sort=name",
            "?sort=since",
            "?stage=loyal",
            "?stage=at_risk&stage=lost",
            f"?spend_from={chance.randint(100, 900)}",
            f"?orders_from={chance.randint(2, 9)}&stage=loyal",
            f"?location={chance.randint(1, 99)}",
            f"?trait=city%3DCity+{chance.randint(1, 99)}",
        )
    )


def _search(chance: random.Random, customers: int) -> str:
    one = chance.randint(1, customers)
    words = chance.choice(
        (
            f"person{one}@example.com",
            f"person{one}@",
            f"+1 (202) {one % 10_000_000:07d}",
            f"1202{one % 10_000_000:07d}",
            f"user-{one}",
            f"user-{str(one)[:3]}",
            f"First{one % 1000} Last{one % 7919}",
            f"first{one % 1000} la",
            f"Last{one % 7919}",
            f"fi la{one % 10}",
        )
    )
    return f"/customers/?q={words.replace(' ', '+').replace('@', '%40')}"


def _fill(conn: Any, customers: int, interactions: int, heavy: int) -> None:
    """A log without its indexes is written in a fraction of the time; they are made at the end."""
    given = {
        "customers": customers,
        "interactions": interactions,
        "heavy": heavy,
        "each": OF_A_HEAVY_ONE,
    }
    for statement in _KNOWN:
        conn.execute(statement, given)
    indexes = conn.execute(_INDEXES).fetchall()
    for drop, _make in indexes:
        conn.execute(drop)
    conn.execute("SET synchronous_commit = off")
    for start in range(1, interactions + 1, BATCH):
        conn.execute(
            _INTERACTIONS, {**given, "from": start, "to": min(start + BATCH - 1, interactions)}
        )
    conn.execute("SET maintenance_work_mem = '512MB'")
    for _drop, make in indexes:
        conn.execute(make)
    for statement in _COUNTED:
        conn.execute(statement, given)


_KNOWN = (
    "INSERT INTO kinds (id, type, name, first_seen_at, last_seen_at) VALUES"
    " (901, 'track', 'Order Completed', now(), now()), (902, 'page', 'Product', now(), now()),"
    " (903, 'track', 'Product Viewed', now(), now()), (904, 'identify', '', now(), now())",
    "INSERT INTO touchpoints (id, channel, location, name, region, stage, first_seen_at,"
    " last_seen_at) SELECT 900 + n, CASE WHEN n = 0 THEN 'web' ELSE 'store' END,"
    " CASE WHEN n = 0 THEN '' ELSE n::text END, 'Store ' || n, '', 'ordering', now(), now()"
    " FROM generate_series(0, 99) n",
    "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state, first_seen_at,"
    " source_id) OVERRIDING SYSTEM VALUE SELECT n, 'user_id', 'user-' || n, n, n, 'ok', now(), 1"
    " FROM generate_series(1, %(customers)s) n",
    "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state, first_seen_at,"
    " source_id) OVERRIDING SYSTEM VALUE SELECT %(customers)s + n, 'email', 'person' || n ||"
    " '@example.com', n, n, 'ok', now(), 1 FROM generate_series(1, %(customers)s) n",
    "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state, first_seen_at,"
    " source_id) OVERRIDING SYSTEM VALUE SELECT 2 * %(customers)s + n, 'phone', '+1202' ||"
    " lpad((n %% 10000000)::text, 7, '0'), n, n, 'ok', now(), 1"
    " FROM generate_series(1, least(%(customers)s, 9999999)) n",
    "INSERT INTO customers (id, display_name, email, phone, traits, allowed, stage, created_at,"
    " updated_at) SELECT n, first || ' ' || last, mail, '+1202' ||"
    " lpad((n %% 10000000)::text, 7, '0'), jsonb_build_object('city', jsonb_build_object("
    " 'v', 'City ' || n %% 100, 's', 1, 'a', 4, 'at', '2026-01-01T00:00:00.000000Z'), 'income',"
    " jsonb_build_object('v', n %% 90, 's', 1, 'a', 1, 'at', '2026-01-01T00:00:00.000000Z')),"
    " 255, (ARRAY['prospect','new','satisfied','satisfied','loyal','at_risk','lost'])[n %% 7 + 1],"
    " now(), now() FROM generate_series(1, %(customers)s) n,"
    " LATERAL (SELECT 'First' || n %% 1000 AS first, 'Last' || n %% 7919 AS last,"
    " 'person' || n || '@example.com' AS mail) w",
    # Most of them were seen lately (one in twenty today); the rest over a year.
    "INSERT INTO activity (customer_id, first_seen_at, last_seen_at, interactions, orders, spend)"
    " SELECT n, now() - interval '400 days', seen, n %% 90, n %% 12, (n %% 997) * 1.5 FROM"
    " (SELECT n, now() - (power(random(), 2) * 365) * interval '1 day' AS seen"
    " FROM generate_series(1, %(customers)s) n) s",
    "INSERT INTO visits SELECT 900 + (n %% 99) + 1, n FROM generate_series(1, %(customers)s) n",
)

# The heavy customers come as regularly as everybody; who does the rest is drawn by a hash.
_INTERACTIONS = """
INSERT INTO interactions (id, subject_id, source_id, kind_id, touchpoint_id, occurred_at,
  received_at, direction, value, message_key, payload_hash, uses, body)
SELECT n, who, 1, 901 + n %% 3, 900 + n %% 100, at, at, 0,
  CASE WHEN n %% 3 = 0 THEN (n %% 9000) / 100.0 END, md5(n::text)::uuid, n, 255,
  CASE WHEN n %% 3 = 0 THEN
    '{"type":"track","event":"Order Completed","userId":"user-' || who || '","properties":{"total":'
    || (n %% 9000) / 100.0 || ',"products":[{"product_id":"p' || n %% 9999 || '","name":"Milk",'
    '"category":"dairy","quantity":1,"price":1.5},{"product_id":"p2","name":"Bread","quantity":2}]}}'
  ELSE '{"type":"page","name":"Product","userId":"user-' || who ||
    '","properties":{"path":"/product/' || n %% 9999 || '","title":"A product"}}' END
FROM (
  SELECT n, CASE WHEN n %% step = 0 THEN 1 + (n / step) %% %(heavy)s::bigint
                 ELSE 1 + (hashint8(n)::bigint + 2147483648) %% %(customers)s::bigint END AS who,
         now() - interval '1 year' + n * (interval '1 year' / %(interactions)s::float8) AS at
  FROM generate_series(%(from)s::bigint, %(to)s::bigint) n,
       (SELECT greatest(%(interactions)s::bigint / (%(heavy)s::bigint * %(each)s), 1) AS step) s
) made
"""

_COUNTED = (
    "UPDATE kinds SET volume = %(interactions)s / 3 WHERE id BETWEEN 901 AND 903",
    "SELECT setval(pg_get_serial_sequence('identifiers', 'id'), 3 * %(customers)s + 1)",
    "VACUUM ANALYZE identifiers",
    "VACUUM ANALYZE customers",
    "VACUUM ANALYZE activity",
    "VACUUM ANALYZE visits",
    "VACUUM ANALYZE interactions",
)

# Constraints and indexes of the log: how to drop each, and how to make it again.
_INDEXES = """
SELECT coalesce('ALTER TABLE interactions DROP CONSTRAINT ' || quote_ident(c.conname),
                'DROP INDEX ' || i.indexrelid::regclass),
       coalesce('ALTER TABLE interactions ADD CONSTRAINT ' || quote_ident(c.conname) || ' '
                || pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid))
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = 'interactions'::regclass
"""
