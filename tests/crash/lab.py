"""The crash lab: a real door, worker and database under load, killed again and again.

Writers post messages with ids of their own and repeat each until it is acknowledged. A killer ends
one of the three with SIGKILL and starts it again. Afterwards the log is held against what was
acknowledged. The seed is printed, so that a run can be repeated.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.crash.nursery import Nursery, nursery
from touchloop.core import ids, postgres
from touchloop.core.db import Connection

CUSTOMERS = 40
CARELESS = ("synchronous_commit = off", "wal_writer_delay = '10s'")
PAUSE = 0.02  # seconds between a writer's messages: with six writers some are always in flight
PATIENCE = 120.0  # seconds without any progress
SEGMENTS = {
    "often": {"interactions": {"events": ["Order Completed"], "value": 5}},
    "milk lately": {
        "interactions": {
            "events": ["Order Completed"],
            "lines": [{"field": "category", "value": "MILK"}],
            "value": 3,
            "window": {"last": 1, "unit": "hours"},
        }
    },
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did and what the log says of it."""

    kills: int
    acknowledged: int
    lost: int
    repeated: int  # sent again because the answer was lost
    duplicates: int
    double_effects: list[str]


@dataclass
class Lab:
    """One installation to be killed."""

    home: Path
    port: int
    seed: int
    durable: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    write_key: str = ""
    source_id: int = 0
    door: int | None = None  # the numbers of their processes
    worker: int | None = None
    nursery: Nursery | None = None
    acknowledged: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("TOUCHLOOP_TEST")},
            "TOUCHLOOP_HOME": str(self.home),
            "DATABASE_URL": postgres.url(self.home),
            "TOUCHLOOP_COLLECT_SYNCHRONOUS_COMMIT": "yes" if self.durable else "no",
            **self.settings,
        }

    def start(self, name: str) -> None:
        """Start the door, the worker or the database (again)."""
        if name == "database":
            postgres.start(self.home)
            return
        assert self.nursery
        if name == "worker":
            self.worker = self.nursery.bear("work")
        else:
            self.door = self.nursery.bear("collect", self.port)

    def start_what_ended(self) -> None:
        """A door that finds no database when it starts ends with a word: it is started again."""
        if self.door is not None and not psutil.pid_exists(self.door):
            self.start("door")

    def kill(self, name: str) -> None:
        """SIGKILL the part and all its children."""
        for one in self._processes(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
                psutil.wait_procs([one], timeout=10)

    def _processes(self, name: str) -> list[psutil.Process]:
        if name == "database":
            word = (postgres.data_folder(self.home) / "postmaster.pid").read_text().split()[0]
            pid: int | None = int(word)
        else:
            pid = self.door if name == "door" else self.worker
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            return [process, *process.children(recursive=True)]
        return []

    def add_source(self) -> None:
        """Make the tables, and a source whose key lies in source.json afterwards."""
        subprocess.run(
            [sys.executable, "-m", "touchloop", "source", "add", "Lab", "--kind", "till", "--json"],
            env=self.environment,
            check=True,
            stdout=(self.home / "source.json").open("wb"),
        )

    def said(self) -> str:
        """The last words of the parts."""
        return (self.home / "parts.log").read_text()[-3_000:]

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(postgres.url(self.home), options="-c timezone=UTC")


def run(*, kills: int, targets: tuple[str, ...], seed: int, durable: bool = True) -> Report:
    """One run; not `durable`: commits are acknowledged before they are on the disk."""
    print(f"crash lab: seed {seed}", file=sys.stderr)
    with _laboratory(seed, durable) as lab:
        writers = [threading.Thread(target=_write, args=(lab, n)) for n in range(6)]
        for thread in writers:
            thread.start()
        chance = random.Random(seed)
        for _ in range(kills):
            target = chance.choice(targets)
            _until_at_work(lab, target)
            time.sleep(chance.uniform(0.0, 0.4))
            lab.kill(target)
            lab.start(target)
        lab.stopping.set()
        for thread in writers:
            thread.join()
        _settle(lab)
        return _examine(lab, kills)


@contextlib.contextmanager
def _laboratory(seed: int, durable: bool) -> Iterator[Lab]:
    home = Path(tempfile.mkdtemp(prefix="tl-crash-", dir="/tmp"))
    lab = Lab(home=home, port=_free_port(), seed=seed, durable=durable)
    lab.start("database")
    stack = contextlib.ExitStack()
    try:
        lab.add_source()
        lab.write_key = json.loads((home / "source.json").read_text())["write_key"]
        with lab.connect() as conn:
            row = conn.execute(
                "SELECT id FROM sources WHERE write_key = %s", (lab.write_key,)
            ).fetchone()
            assert row is not None
            lab.source_id = int(str(row[0]))
            for name, rule in SEGMENTS.items():
                conn.execute(_SEGMENT, (name, name, json.dumps(rule)))
            conn.commit()
            conn.autocommit = True
            for line in () if durable else CARELESS:
                conn.execute(f"ALTER SYSTEM SET {line}")
            conn.execute("SELECT pg_reload_conf()")
        lab.nursery = stack.enter_context(nursery(lab.environment, home / "parts.log"))
        for name in ("door", "worker"):
            lab.start(name)
        yield lab
    finally:
        lab.stopping.set()
        if lab.nursery is not None:
            for name in ("door", "worker"):
                lab.kill(name)
        stack.close()
        with contextlib.suppress(Exception):
            postgres.stop(home)
        shutil.rmtree(home, ignore_errors=True)


def _write(lab: Lab, number: int) -> None:
    chance = random.Random(lab.seed * 100 + number)
    count = 0
    while not lab.stopping.is_set():
        batch = []
        for _ in range(chance.choice((1, 1, 1, 20))):
            count += 1
            batch.append(_message(f"{lab.seed}-{number}-{count}", chance))
        _until_acknowledged(lab, batch)


def _until_at_work(lab: Lab, target: str) -> None:
    """A part is killed while it works, not while it starts: wait until something was acknowledged
    and a batch finished. (A block whose worker died five times is set aside: no block may be the
    one of five kills.)
    """
    deadline = time.monotonic() + 60
    with contextlib.closing(lab.connect()) as conn:
        conn.autocommit = True
        said, done = len(lab.acknowledged), _finished(conn)
        while _finished(conn) <= done or (target != "worker" and len(lab.acknowledged) <= said):
            lab.start_what_ended()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{target} does nothing: {lab.said()}")
            time.sleep(0.02)


def _finished(conn: Connection) -> int:
    row = conn.execute("SELECT coalesce(max(id), 0) FROM flow_batches").fetchone()
    return int(row[0]) if row else 0


def _message(message_id: str, chance: random.Random) -> dict[str, object]:
    customer = chance.randrange(CUSTOMERS)
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": message_id,
        "userId": f"c{customer}",
        "anonymousId": f"device-{customer}",
        "properties": {
            "revenue": 5,
            "products": [{"product_id": "p1", "category": "MILK", "price": 5}],
        },
    }


def _until_acknowledged(lab: Lab, batch: list[dict[str, object]]) -> None:
    body = json.dumps({"batch": batch, "writeKey": lab.write_key}).encode()
    tries = 0
    while not lab.stopping.is_set():
        tries += 1
        request = urllib.request.Request(
            f"http://127.0.0.1:{lab.port}/v1/batch", data=body, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 200:
                    with lab._lock:
                        lab.repeated += tries > 1
                        lab.acknowledged.update(
                            (str(m["messageId"]), str(m["userId"])) for m in batch
                        )
                    time.sleep(PAUSE)
                    return
        except (urllib.error.URLError, OSError, TimeoutError):
            time.sleep(0.02)


def _settle(lab: Lab) -> None:
    """Wait until the worker has taken everything that was accepted, for as long as it gets less."""
    least, deadline = 1 << 62, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lab.start_what_ended()
        with contextlib.suppress(psycopg.OperationalError), lab.connect() as conn:
            (waiting,) = conn.execute("SELECT count(*) FROM inbox").fetchone() or (0,)
            if waiting == 0:
                return
            if waiting < least:
                least, deadline = waiting, time.monotonic() + PATIENCE
        time.sleep(0.2)
    raise TimeoutError(lab.said())


def _examine(lab: Lab, kills: int) -> Report:
    with lab.connect() as conn:
        keys = {ids.message_key(lab.source_id, message): message for message in lab.acknowledged}
        stored = {
            row[0].bytes
            for row in conn.execute(
                "SELECT message_key FROM interactions WHERE source_id = %s", (lab.source_id,)
            ).fetchall()
        }
        duplicates = conn.execute(_DUPLICATES).fetchone()
        return Report(
            kills=kills,
            acknowledged=len(keys),
            lost=len(keys.keys() - stored),
            repeated=lab.repeated,
            duplicates=int(str(duplicates[0])) if duplicates else 0,
            double_effects=[
                f"{name}: {row}"
                for name, query in _EFFECTS.items()
                for row in conn.execute(query).fetchall()
            ],
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_SEGMENT = """
INSERT INTO segments
  (slug, name, sentence, rule, purpose, state, version, created_at, updated_at, members)
VALUES (%s, %s, '', %s, 'service', 'live', 1, now(), now(), 0)
"""

_DUPLICATES = """
SELECT coalesce(sum(n), 0) FROM (
  SELECT n FROM tallies WHERE outcome = 'duplicate'
  UNION ALL
  SELECT (c ->> 2)::bigint FROM flow_batches, jsonb_array_elements(counts) c
  WHERE NOT folded AND c ->> 1 = 'duplicate'
) d
"""

# Each query finds what must not exist.
_EFFECTS = {
    "activity differs from the log": """
        WITH counted AS (
          SELECT i.customer_id, count(*) AS n,
                 count(*) FILTER (WHERE k.name = 'Order Completed') AS orders,
                 sum(x.value) AS spend
          FROM interactions x JOIN identifiers i ON i.id = x.subject_id
          JOIN kinds k ON k.id = x.kind_id
          WHERE k.type <> 'system' GROUP BY 1)
        SELECT * FROM counted FULL JOIN activity a USING (customer_id)
        WHERE (n, counted.orders, counted.spend)
          IS DISTINCT FROM (a.interactions::bigint, a.orders::bigint, a.spend)""",
    "an order without its products, or twice": """
        SELECT x.id, count(l.line) FROM interactions x LEFT JOIN interaction_lines l
          ON l.interaction_id = x.id JOIN kinds k ON k.id = x.kind_id
        WHERE k.name = 'Order Completed' GROUP BY 1 HAVING count(l.line) <> 1""",
    "entered and left do not match membership": """
        WITH said AS (
          SELECT x.subject_id AS customer_id,
                 (x.body::json #>> '{properties,segment_id}')::int AS segment_id,
                 sum(CASE k.name WHEN 'Segment Entered' THEN 1 ELSE -1 END) AS net
          FROM interactions x JOIN kinds k ON k.id = x.kind_id
          WHERE k.type = 'system' AND k.name IN ('Segment Entered', 'Segment Left') GROUP BY 1, 2)
        SELECT * FROM said FULL JOIN segment_members m USING (customer_id, segment_id)
        WHERE coalesce(net, 0) <> (m.customer_id IS NOT NULL)::int""",
    "nobody entered a segment": """
        SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM segment_members)""",
    "the conservation law is broken": """
        WITH counts AS (
          SELECT outcome, sum(n) AS n FROM (
            SELECT outcome, n FROM tallies
            UNION ALL
            SELECT c ->> 1, (c ->> 2)::bigint FROM flow_batches, jsonb_array_elements(counts) c
            WHERE NOT folded) t GROUP BY 1)
        SELECT * FROM (SELECT
            (SELECT coalesce(sum(n), 0) FROM counts WHERE outcome = 'sent') AS sent,
            (SELECT coalesce(sum(n), 0) FROM counts WHERE outcome <> 'sent') AS ended) law
        WHERE sent <> ended""",
}
