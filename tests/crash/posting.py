"""The lab of deliveries: triggers run, mail goes out, and who delivers is killed again and again.

Two processes deliver at any time; the mail server keeps a list. Afterwards the outbox, the runs of
the trigger and what they caused are held against that list. The seed is printed.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.crash.lab import Lab
from tests.crash.nursery import Nursery, nursery
from tests.story.shop import noon
from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.channels.email.tests.conftest import Server, listening
from touchloop.channels.tests.conftest import told
from touchloop.consent import api as consent
from touchloop.core import clock, postgres
from touchloop.core.db import Connection
from touchloop.engage.triggers import api as triggers
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

A_ROUND = 30  # customers who enter the segment
PATIENCE = 60.0  # seconds without any progress
_ID = re.compile(rb"(?im)^Message-ID:[ \t]*(<[^>]+>)")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, and what outbox, triggers and the server's list say of it."""

    kills: int
    customers: int
    taken: int
    duplicates: list[str]  # marketing messages that the server took twice
    unlisted: list[str]  # in doubt, and not said to be
    uncertain: int
    unserved: list[str]  # service messages that never came
    repeated: int  # service messages that came twice, under one message id
    wrong_steps: list[str]  # steps of the trigger that were done twice, or not


@dataclass
class Post:
    """The installation, its mail server, and the processes that deliver."""

    lab: Lab
    server: Server
    conn: Connection
    trigger: int
    segment: int
    nursery: Nursery
    alive: list[int] = field(default_factory=list)
    customers: int = 0

    def bear(self) -> None:
        """Start one more process that delivers."""
        self.alive.append(self.nursery.bear("deliver"))

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)

    def enter(self, n: int, now: datetime) -> None:
        """So many customers who agreed to mail enter the segment that the trigger waits for."""
        ids = _customers(self.conn, self.customers, n, now)
        self.customers += n
        self.conn.execute(
            "INSERT INTO segment_members (customer_id, segment_id, since)"
            " SELECT id, %s, %s FROM unnest(%s::bigint[]) id",
            (self.segment, now, ids),
        )
        triggers.enrol(self.conn, self.trigger, now)
        self.conn.commit()

    def let_time_pass(self) -> None:
        """What a dead process had claimed is given up after a minute, and tried again later."""
        while True:
            try:
                self.conn.execute(
                    "UPDATE deliveries SET claimed_at = claimed_at - interval '1 hour'"
                    " WHERE state = 'claimed'"
                )
                self.conn.execute(
                    "UPDATE deliveries SET not_before = not_before - interval '1 day'"
                    " WHERE state = 'queued'"
                )
                self.conn.commit()
                return
            except psycopg.errors.DeadlockDetected:  # with a hand-off: they lock in other orders
                self.conn.rollback()


def run(*, kills: int, seed: int) -> Report:
    """One run with so many kills."""
    print(f"posting lab: seed {seed}", file=sys.stderr)
    chance = random.Random(seed)
    with _post(seed) as post:
        post.bear()
        post.bear()
        for number in range(kills):
            post.enter(A_ROUND, clock.now())
            _until_taken(post, len(post.server.taken) + chance.randrange(A_ROUND))
            post.kill(chance.choice(post.alive))
            if number % 5 == 4:
                post.let_time_pass()
            post.bear()
        _settle(post)
        return _examine(post, kills)


@contextlib.contextmanager
def _post(seed: int) -> Iterator[Post]:
    home = Path(tempfile.mkdtemp(prefix="tl-post-", dir="/tmp"))
    with listening() as server, contextlib.ExitStack() as after:
        after.callback(shutil.rmtree, home, ignore_errors=True)
        mail = {
            "TOUCHLOOP_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            "TOUCHLOOP_MAIL_FROM": "Shop <hello@shop.example>",
        }
        lab = Lab(home=home, port=0, seed=seed, settings=mail)
        lab.start("database")
        after.callback(postgres.stop, home)
        lab.add_source()
        born = after.enter_context(nursery(lab.environment, home / "deliver.log"))
        conn = after.enter_context(contextlib.closing(lab.connect()))
        trigger, segment = _set_up(conn, clock.now())
        post = Post(lab, server, conn, trigger, segment, born)
        try:
            yield post
        finally:
            for pid in [*post.alive]:
                post.kill(pid)


def _set_up(conn: Connection, now: datetime) -> tuple[int, int]:
    """A trigger of four steps: an offer by mail, a service mail, a case, a wish to ask."""
    segment = segments.create(
        "Everybody", rule={"interactions": {"events": ["Never Sent"], "value": 1}},
        purpose="marketing", actor=None, now=now, conn=conn,
    )  # fmt: skip
    for kind in ("marketing", "service"):
        email.save(
            conn, slug=kind, name=kind, kind=kind, topic="offers" if kind == "marketing" else "",
            subject=kind,
            body="<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column>"
            "</mj-section></mj-body></mjml>",
        )  # fmt: skip
    steps = [
        {"do": "send", "template": "marketing", "topic": "offers"},
        {"do": "send", "template": "service", "kind": "service", "topic": ""},
        {"do": "wait", "n": 0, "unit": "minutes"},
        {"do": "case", "title": "Call them", "kind": "request"},
        {"do": "ask", "survey": "visit"},
    ]
    trigger = triggers.create(
        conn, name="All of it", state="live", now=now,
        definition={"when": [{"entered": segment.id}], "steps": steps},
    )  # fmt: skip
    policy = replace(channels.stored_policy(conn), gap_hours=0.0, caps=())
    channels.change_policy(conn, policy, by=None, at=now)
    conn.commit()
    return trigger.id, segment.id


def _customers(conn: Connection, start: int, n: int, now: datetime) -> list[int]:
    source = interactions.own_id(conn)
    rows = conn.execute(
        "INSERT INTO identifiers (namespace, value, customer_id, person_id, state, first_seen_at,"
        " source_id) SELECT 'email', 'p' || x || '@mail.example', 0, 0, 'ok', %s, %s"
        " FROM generate_series(%s::int, %s::int) x RETURNING id",
        (now, source, start, start + n - 1),
    ).fetchall()
    ids = [int(row[0]) for row in rows]
    conn.execute("UPDATE identifiers SET customer_id = id WHERE id = ANY(%s)", (ids,))
    conn.execute(
        "INSERT INTO customers (id, traits, created_at, updated_at)"
        " SELECT x, %s, %s, %s FROM unnest(%s::bigint[]) x",
        (Jsonb({"timezone": {"v": noon(now)}}), now, now, ids),
    )
    consent.record_use(
        conn, [consent.UseGrant(id, "marketing", "granted", source, now) for id in ids]
    )
    consent.record_contact(
        conn, [consent.ContactGrant(id, "email", "", "granted", source, now) for id in ids]
    )
    return ids


def _until_taken(post: Post, goal: int) -> None:
    """The kill comes while mail goes out, not while a process starts."""
    seen, deadline = len(post.server.taken), time.monotonic() + PATIENCE
    while len(post.server.taken) < goal:
        if len(post.server.taken) > seen:
            seen, deadline = len(post.server.taken), time.monotonic() + PATIENCE
        _unless(post, deadline)
        threading.Event().wait(0.0005)


def _settle(post: Post) -> None:
    """Let those who live finish everything, also what the dead had begun."""
    deadline = time.monotonic() + PATIENCE
    while _open(post.conn):
        post.let_time_pass()
        _unless(post, deadline)
        time.sleep(0.2)


def _open(conn: Connection) -> int:
    row = conn.execute(
        "SELECT (SELECT count(*) FROM deliveries WHERE state IN ('queued', 'deferred', 'claimed'))"
        " + (SELECT count(*) FROM trigger_runs WHERE state = 'waiting')"
    ).fetchone()
    conn.rollback()
    assert row is not None
    return int(row[0])


def _unless(post: Post, deadline: float) -> None:
    if time.monotonic() > deadline:
        states = post.conn.execute("SELECT kind, state, count(*) FROM deliveries GROUP BY 1, 2")
        log = (post.lab.home / "deliver.log").read_text()[-2_000:]
        raise TimeoutError(f"nothing goes out any more: {states.fetchall()} {log}")


def _examine(post: Post, kills: int) -> Report:
    taken: Counter[str] = Counter()
    for _sender, _recipients, raw in post.server.taken:
        found = _ID.search(raw)
        assert found, raw[:300]
        taken[found[1].decode()] += 1
    rows: list[Any] = post.conn.execute("SELECT message_id, kind, state FROM deliveries").fetchall()
    of = {_bare(id): (kind, state) for id, kind, state in rows}
    seen = {_bare(id): n for id, n in taken.items()}
    marketing = {id: state for id, (kind, state) in of.items() if kind == "marketing"}
    service = [id for id, (kind, _state) in of.items() if kind == "service"]
    return Report(
        kills=kills,
        customers=post.customers,
        taken=sum(taken.values()),
        duplicates=[id for id in marketing if seen.get(id, 0) > 1] + [*seen.keys() - of.keys()],
        unlisted=[
            f"{id}: {state}, taken {seen.get(id, 0)} times"
            for id, state in marketing.items()
            if state != "uncertain" and (state, seen.get(id, 0)) != ("handed", 1)
        ],
        uncertain=sum(state == "uncertain" for state in marketing.values()),
        unserved=[id for id in service if id not in seen or of[id][1] != "handed"],
        repeated=sum(seen.get(id, 0) > 1 for id in service),
        wrong_steps=_steps(post),
    )


def _bare(id: str) -> str:
    return id.strip("<>").partition("@")[0]


def _steps(post: Post) -> list[str]:
    """Each step once for each customer: two deliveries, a case, a wish; and the run is done."""
    found = {
        name: Counter({row[0]: row[1] for row in post.conn.execute(query).fetchall()})
        for name, query in _STEPS.items()
    }
    wishes = Counter(
        message["messageId"] for message in told(post.conn) if message["event"] == "Survey Wanted"
    )
    wrong = [
        f"{name}: {subject} {n} times"
        for name, counted in found.items()
        for subject, n in counted.items()
        if n != 1
    ]
    wrong += [f"a wish came {n} times" for n in wishes.values() if n != 1]
    counts = {name: len(counted) for name, counted in found.items()} | {"wishes": len(wishes)}
    return wrong + [f"{name}: {n}" for name, n in counts.items() if n != post.customers]


_STEPS = {
    "runs": "SELECT subject_id, count(*) FROM trigger_runs WHERE state = 'done' GROUP BY 1",
    "offers": "SELECT subject_id, count(*) FROM deliveries WHERE kind = 'marketing' GROUP BY 1",
    "services": "SELECT subject_id, count(*) FROM deliveries WHERE kind = 'service' GROUP BY 1",
    "cases": "SELECT subject_id, count(*) FROM cases GROUP BY 1",
}
