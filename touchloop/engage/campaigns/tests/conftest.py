"""A segment with members, and a campaign to them by a channel that keeps what it is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from touchloop.channels import api as channels
from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns import keeping, sending
from touchloop.engage.triggers.tests.conftest import (
    Named,
    Postbox,
    conn,
    held_clock,
    named,
    postbox,
    say,
    source,
)
from touchloop.insight.segments import api as segments

__all__ = ["conn", "held_clock", "named", "postbox", "say", "source"]

Enter = Callable[..., list[int]]
Make = Callable[..., campaigns.Campaign]


@pytest.fixture
def segment(conn: Connection, held_clock: object, source: object) -> int:
    found = segments.create(
        "Regulars", rule={"all": []}, purpose="marketing", actor=None, now=clock.now(), conn=conn
    )
    conn.commit()
    return found.id


@pytest.fixture
def enter(conn: Connection, segment: int) -> Enter:
    """So many new customers who are in the segment; gives their subjects."""

    def made(n: int, *, since: datetime | None = None) -> list[int]:
        rows = conn.execute(_CUSTOMERS, {"n": n, "now": clock.now()}).fetchall()
        conn.execute(
            "INSERT INTO segment_members SELECT unnest(%s::bigint[]), %s, %s",
            ([row[0] for row in rows], segment, since or clock.now()),
        )
        conn.commit()
        return [row[0] for row in rows]

    return made


@pytest.fixture
def make(conn: Connection, segment: int, postbox: Postbox) -> Make:
    """A campaign that has started, unless `begin` is False; keyword arguments are its plan."""

    def made(*, begin: bool = True, seed: str = "seed", **plan: Any) -> campaigns.Campaign:
        whole = {
            "segment": segment,
            "variants": [{"name": "A", "template": "a"}],
            "channels": ["letter"],
            "kind": "service",
            "holdout": 0.0,
        } | plan
        found = campaigns.create(conn, name="Spring", plan=whole, now=clock.now(), seed=seed)
        if begin:
            found = campaigns.start(conn, found.id, now=clock.now())
        conn.commit()
        return found

    return made


def run(conn: Connection, *, limit: int | None = None) -> int:
    """All that campaigns may send now; with a limit one turn, and all of it by the outbox."""
    done = 0
    if limit is not None:
        running = keeping.running(conn)
        done = sum(sending.feed(conn, id, clock.now(), limit=limit) for id in running)
        conn.commit()
    while limit is None and (sent := campaigns.send(conn, clock.now())):
        done += sent
    channels.hand_off(conn, clock.now(), 10_000)
    return done


_CUSTOMERS = """
INSERT INTO identifiers
  (id, namespace, value, customer_id, person_id, state, first_seen_at, source_id)
SELECT id, 'user_id', 'n' || id, id, id, 'ok', %(now)s, 1
FROM (SELECT nextval('identifiers_id_seq') AS id FROM generate_series(1, %(n)s)) AS n
RETURNING id
"""

__all__ += ["Named"]
