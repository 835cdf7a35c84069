"""Bench `collect`: messages a second through the door, each committed before its answer.

The door, the database and the load generator share the machine. Beside it, in the same run: the
same server with an empty handler, and the bare database with one durable insert per request and
nothing that groups them. What was acknowledged is counted again in the database.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from touchloop.bench import installation
from touchloop.bench.posting import Load, Post, send
from touchloop.bench.serving import served
from touchloop.core import settings

BATCH = 50
ROUNDS = 2  # the best of them counts, for the door and for what it is compared with
EMPTY = "the same server with an empty handler"
BARE = "one committed insert for each request, one connection"
MESSAGE = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "user-123456",
    "anonymousId": "5f0c3c1e-4a9b-4d0e-8c1e-0123456789ab",
    "timestamp": "2026-01-22T02:50:00.123Z",
    "context": {
        "library": {"name": "analytics-python", "version": "2.4.0"},
        "page": {"path": "/p/42", "url": "https://shop.example/p/42"},
    },
    "properties": {
        "product_id": "42", "name": "Bread", "price": 2.49, "currency": "EUR",
        "department": "GROCERY",
    },
    "integrations": {},
}  # fmt: skip


def run(
    *, seconds: float = 4.0, connections: int = 256, batch_connections: int = 32
) -> dict[str, dict[str, Any]]:
    """Results by key; each measurement lasts `seconds`."""
    with installation.temporary():
        return _measure(seconds, connections, batch_connections)


def _measure(seconds: float, connections: int, batch_connections: int) -> dict[str, Any]:
    from touchloop.core import db
    from touchloop.interactions import api as log

    source = log.create("Bench", kind="server")
    basic = "Basic " + base64.b64encode(f"{source.write_key}:".encode()).decode()
    message = json.dumps(MESSAGE, separators=(",", ":")).encode()
    batch = b'{"batch":[' + b",".join([message] * BATCH) + b"]}"
    single = Post("/v1/track", message, basic)
    many = Post("/v1/batch", batch, basic)
    rounds = []
    for _ in range(ROUNDS):  # in turns, so that what else the machine does meets both alike
        with served(_empty, "") as port:
            bare_single = _rate(single, port, connections, seconds)
            bare_many = _rate(many, port, batch_connections, seconds)
        with served(_door, db.url()) as port:
            singles = _rate(single, port, connections, seconds)
            _check_stored(singles, each=1)
            batches = _rate(many, port, batch_connections, seconds)
            _check_stored(batches, each=BATCH)
        rounds.append((bare_single, bare_many, singles, batches))
    bare_single, bare_many, singles, batches = (
        max(loads, key=lambda load: load.per_second) for loads in zip(*rounds, strict=True)
    )
    insert_one = _inserts(message, seconds / 2)
    insert_many = _inserts(batch, seconds / 2)
    target, result = 20_000, installation.result
    return {
        "single_events_per_s": result(
            singles.per_second, "events/s", target=target, baseline=bare_single.per_second,
            baseline_name=EMPTY,
        ),
        "batch_events_per_s": result(
            batches.per_second * BATCH, "events/s", target=100_000,
            baseline=bare_many.per_second * BATCH, baseline_name=EMPTY,
        ),
        "single_against_inserts_events_per_s": result(
            singles.per_second, "events/s", target=None, baseline=insert_one, baseline_name=BARE,
        ),
        "batch_against_inserts_events_per_s": result(
            batches.per_second * BATCH, "events/s", target=None, baseline=insert_many * BATCH,
            baseline_name=BARE,
        ),
    }  # fmt: skip


def _rate(post: Post, port: int, connections: int, seconds: float) -> Load:
    send(post, port=port, connections=connections, seconds=1)  # warm up
    time.sleep(0.2)  # what was under way when the warm-up ended
    _empty_inbox()
    load = send(post, port=port, connections=connections, seconds=seconds)
    if load.failed or not load.accepted:
        raise RuntimeError(f"{load.failed} of {load.failed + load.accepted} were refused")
    return load


def _check_stored(load: Load, *, each: int) -> None:
    """Every acknowledged message stands in the inbox, and nothing else but what was under way."""
    stored = _stored()
    most = (load.accepted + load.unanswered) * each
    if not load.accepted * each <= stored <= most:
        raise RuntimeError(f"{load.accepted * each} messages acknowledged, {stored} stored")


def _stored() -> int:
    from touchloop.core import db
    from touchloop.interactions import api as log

    with db.connect() as conn:
        return log.depth(conn)[0]


def _empty_inbox() -> None:
    from touchloop.core import db

    with db.connect(autocommit=True) as conn:
        conn.execute("TRUNCATE inbox")


def _inserts(payload: bytes, seconds: float) -> float:
    """Durable inserts a second of the same bytes, one after the other."""
    from touchloop.core import db

    count, start = 0, time.perf_counter()
    with db.connect(autocommit=True) as conn:
        while time.perf_counter() - start < seconds:
            conn.execute(
                "INSERT INTO inbox (payload, messages, bytes) VALUES (%b, 1, %s)",
                (payload, len(payload)),
                prepare=True,
            )
            count += 1
        took = time.perf_counter() - start
    _empty_inbox()
    return count / took


def _door(port: int, url: str) -> None:
    from touchloop.cli import runtime
    from touchloop.collect import app

    runtime.setup_django()
    app.serve(port=port, database_url=url, workers=settings.doors())


def _empty(port: int, url: str) -> None:
    """The same server and loop; its handler reads the request and answers."""
    from touchloop.cli import runtime

    runtime.setup_django()
    from touchloop.collect import server

    server.run_empty(port=port, workers=settings.doors())
