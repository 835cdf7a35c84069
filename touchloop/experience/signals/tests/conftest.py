"""The flow's stage: a log that grows by messages, and what it brought as the batch says it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from touchloop.core.db import Connection
from touchloop.flow.tests.conftest import conn, held_clock, say, source
from touchloop.interactions.api import Happened

__all__ = ["conn", "held_clock", "say", "source"]

News = Callable[[], list[Happened]]


@pytest.fixture
def brought(conn: Connection) -> News:
    """What the log got since the last call, as the flow would hand it on."""
    last = 0

    def since() -> list[Happened]:
        nonlocal last
        rows = conn.execute(
            "SELECT x.id, x.subject_id, i.customer_id, k.type, k.name, x.body,"
            " coalesce(t.channel, ''), coalesce(t.location, ''), coalesce(t.stage, ''),"
            " x.occurred_at, s.kind, s.slug"
            " FROM interactions x JOIN identifiers i ON i.id = x.subject_id"
            " JOIN kinds k ON k.id = x.kind_id JOIN sources s ON s.id = x.source_id"
            " LEFT JOIN touchpoints t ON t.id = x.touchpoint_id WHERE x.id > %s ORDER BY x.id",
            (last,),
        ).fetchall()
        found = [
            Happened(*(*row[:5], json.loads(row[5]).get("properties") or {}, *row[6:]))
            for row in rows  # fmt: skip
        ]
        last = max([last, *(each.interaction_id for each in found)])
        return [each for each in found if each.source_slug != "touchloop"]

    return since
