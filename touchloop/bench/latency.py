"""Bench `latency`: from the door's acceptance until profile, segment and trigger are visible.

The whole way runs as in production: the door and a worker are processes of their own, on the same
two cores as the load and the probes. A probe is an order of a customer never seen before, which
enters a segment; it is visible when its `Segment Entered` stands in the log. Latency counts from
the door's answer. Baseline: one row inserted, committed and read back by another connection.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from touchloop.bench import flow, installation, rules

CUSTOMERS = 10_000
HISTORY = 20  # interactions of each customer before the measurement
PROBES_A_SECOND = 40


def run(*, customers: int = CUSTOMERS, seconds: float = 15.0) -> dict[str, Any]:
    """99th percentile in milliseconds at 1,000 and 5,000 events a second."""
    with installation.temporary() as home:
        from touchloop.core import db

        with db.connect() as conn:
            source = flow.settle(conn, customers, customers * HISTORY)
        with db.connect(autocommit=True) as conn:
            # To plan the probes' statement anew each time took twenty times the work of running it.
            conn.execute("SET plan_cache_mode = force_generic_plan")
            floor = _floor(conn)
            with _parts(str(home), conn) as port:
                found = {
                    rate: _at(rate, seconds, customers, source.write_key, port, conn)
                    for rate in (1_000, 5_000)
                }
    return {
        f"p99_ms_at_{rate}": installation.result(
            value,
            "ms",
            target=250 if rate == 1_000 else 1_000,
            baseline=floor,
            baseline_name="p99 of one committed insert, read by another connection",
        )
        for rate, value in found.items()
    }


def _at(rate: int, seconds: float, customers: int, write_key: str, port: int, conn: Any) -> float:
    """The 99th percentile of the probes while `rate` events a second come in."""
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(rate, customers, write_key, port, stop))
    load.start()
    time.sleep(2.0)
    try:
        waits = _probe(seconds, write_key, port, conn, f"{rate}-{time.time_ns()}")
    finally:
        stop.set()
        load.join()
    _drained(conn)
    waits.sort()
    return waits[int(len(waits) * 0.99)] * 1_000


def _probe(seconds: float, write_key: str, port: int, conn: Any, run: str) -> list[float]:
    waiting: dict[str, float] = {}
    waits: list[float] = []
    link = _Link(port)
    end = time.monotonic() + seconds
    sent = 0
    next_at = time.monotonic()
    while time.monotonic() < end or (waiting and time.monotonic() < end + 30):
        now = time.monotonic()
        if now >= next_at and now < end:
            user = f"probe-{run}-{sent}"
            sent += 1
            link.post(
                write_key,
                [
                    {
                        "type": "track",
                        "event": rules.ORDER,
                        "userId": user,
                        "messageId": user,
                        "properties": {"revenue": 400},
                    }
                ],
            )
            waiting[user] = time.monotonic()
            next_at += 1 / PROBES_A_SECOND
        for (user,) in conn.execute(_VISIBLE, (list(waiting),)).fetchall() if waiting else ():
            waits.append(time.monotonic() - waiting.pop(user))
        time.sleep(0.004)
    link.close()
    if waiting:
        waits.extend([30.0] * len(waiting))
    return waits


def _load(rate: int, customers: int, write_key: str, port: int, stop: threading.Event) -> None:
    """Events at a steady rate, in small batches as a busy shop sends them."""
    link = _Link(port)
    size = 10
    count = 0
    next_at = time.monotonic()
    while not stop.is_set():
        batch = []
        for _ in range(size):
            count += 1
            who = (count * 7_919) % customers
            batch.append(
                {
                    "type": "track",
                    "event": rules.VIEW if count % 3 else rules.ORDER,
                    "userId": f"c{who}",
                    "properties": {"product_id": f"p{count % 999}", "revenue": count % 50},
                }
            )
        link.post(write_key, batch)
        next_at += size / rate
        time.sleep(max(0.0, next_at - time.monotonic()))
    link.close()


class _Link:
    """One kept-alive connection to the door, with as little between as possible."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, write_key: str, batch: list[dict[str, Any]]) -> None:
        body = json.dumps({"batch": batch, "writeKey": write_key}).encode()
        self._socket.sendall(
            b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65_536)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the door answered {answer[:200]!r}")
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = int(
            next(
                line.split(b":")[1]
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
        )
        while len(rest) < length:
            rest += self._socket.recv(65_536)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def _parts(home: str, conn: Any) -> Iterator[int]:
    """The door and one worker, as processes; gives the door's port."""
    from touchloop.core import db

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "TOUCHLOOP_HOME": home, "DATABASE_URL": db.url()}
    parts = [
        subprocess.Popen([sys.executable, "-m", "touchloop", *words], env=environment)
        for words in (["collect", "--port", str(port)], ["work"])
    ]
    try:
        _wait_for(port, conn)
        yield port
    finally:
        for part in parts:
            part.send_signal(signal.SIGTERM)
        for part in parts:
            part.wait(timeout=30)


def _wait_for(port: int, conn: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        beating = conn.execute("SELECT count(*) FROM heartbeats").fetchone()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            beating = (0,)
        if beating and beating[0]:
            return
        time.sleep(0.1)
    raise TimeoutError("the door and the worker did not come up")


def _drained(conn: Any) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if conn.execute("SELECT count(*) FROM inbox").fetchone() == (0,):
            return
        time.sleep(0.05)
    raise TimeoutError("the inbox did not empty")


def _floor(conn: Any) -> float:
    from touchloop.core import db

    conn.execute("CREATE TABLE bench_floor (id int PRIMARY KEY)")
    waits = []
    with db.connect(autocommit=True) as other:
        for n in range(500):
            start = time.perf_counter()
            conn.execute("INSERT INTO bench_floor VALUES (%s)", (n,))
            other.execute("SELECT id FROM bench_floor WHERE id = %s", (n,)).fetchone()
            waits.append(time.perf_counter() - start)
    return sorted(waits)[int(len(waits) * 0.99)] * 1_000


_VISIBLE = """
SELECT i.value FROM identifiers i JOIN activity a ON a.customer_id = i.customer_id
JOIN segment_members m ON m.customer_id = i.customer_id
JOIN interactions x ON x.subject_id = i.customer_id
JOIN kinds k ON k.id = x.kind_id AND k.name = 'Segment Entered'
WHERE i.namespace = 'user_id' AND i.value = ANY(%s) GROUP BY 1
"""
