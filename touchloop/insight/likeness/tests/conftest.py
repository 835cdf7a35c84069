"""Two hundred customers: half of them buy cat food in a town, and two segments over them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from psycopg.types.json import Jsonb

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.insight.models.api import Run
from touchloop.lake import api as lake

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PEOPLE = 200
EVERYBODY = list(range(1, PEOPLE + 1))


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def segments(conn: db.Connection) -> tuple[int, int]:
    """Deli buyers (an even half), and loyal ones."""
    rule = {"all": [{"interactions": {
        "events": ["Order Completed"], "measure": "count", "op": "gte", "value": 1,
        "lines": [{"field": "department", "op": "in", "value": ["DELI"]}]}}]}  # fmt: skip
    made = []
    for name, asked in (("Deli", rule), ("Loyal", {"stage": {"in": ["loyal"]}})):
        row = conn.execute(
            "INSERT INTO segments (slug, name, rule, purpose, state, sentence, version, members,"
            " created_at, updated_at) VALUES (%s, %s, %s, 'service', 'live', '', 1, 0, %s, %s)"
            " RETURNING id",
            (name.lower(), name, Jsonb(asked), NOW, NOW),
        ).fetchone()
        assert row
        made.append(row[0])
    return made[0], made[1]


def members(deli: int, loyal: int) -> pa.Table:
    """Even numbers up to 120 are in the first segment; those divisible by 5 in the second."""
    first = [(id, deli) for id in EVERYBODY if id % 2 == 0 and id <= 120]
    rows = first + [(id, loyal) for id in EVERYBODY if id % 5 == 0]
    return pa.table(
        {
            "customer_id": pa.array([row[0] for row in rows], pa.int64()),
            "segment_id": pa.array([row[1] for row in rows], pa.int32()),
        }
    )


@pytest.fixture
def run(conn: db.Connection, segments: tuple[int, int], tmp_path: object) -> Iterator[Run]:
    """Everybody allows profiling but the last ten."""
    customers = pa.table(
        {
            "customer_id": pa.array(EVERYBODY, pa.int64()),
            "traits": [
                f'{{"town": "{"Porto" if id % 2 == 0 else "Lyon"}", "email": "x{id}@example.com"}}'
                for id in EVERYBODY
            ],
            "stage": ["loyal"] * PEOPLE,
            "allowed": pa.array([consent.ALL_BITS] * PEOPLE, pa.int64()),
            "first_seen_at": pa.array([NOW.replace(tzinfo=None)] * PEOPLE, pa.timestamp("us")),
        }
    )
    with lake.engine(
        lake=lake.Lake(str(tmp_path)), customers=customers, members=members(*segments)
    ) as engine:
        interactions, lines = _history()
        engine.bind("interactions_here", interactions)
        engine.bind("lines_here", lines)
        engine.view("interactions", "select * from interactions_here")
        engine.view("lines", "select * from lines_here")
        engine.bind("people", pa.table({"customer_id": pa.array(EVERYBODY[:-10], pa.int64())}))
        yield Run(conn, engine, NOW, 1, lambda step, share: None)


def _history() -> tuple[pa.Table, pa.Table]:
    """Members buy DELI and mostly CATS; others DAIRY, and some CATS; visits are chance."""
    random = np.random.default_rng(7)
    happened: list[tuple[object, ...]] = []
    bought: list[tuple[object, ...]] = []
    for id in EVERYBODY:
        member = id % 2 == 0
        for _visit in range(int(random.integers(1, 9))):
            number = len(happened) + 1
            at = NOW.replace(tzinfo=None) - timedelta(days=float(random.integers(1, 200)))
            happened.append((id, number, "track", "Order Completed", "store", at, 20.0))
            departments = {"DELI" if member and id <= 120 else "DAIRY"}
            if random.random() < (0.8 if member else 0.2):
                departments.add("CATS")
            bought += [
                (id, number, "Order Completed", at, name, name.lower()) for name in departments
            ]
    return (
        pa.table(dict(zip(
            ("customer_id", "interaction_id", "type", "name", "channel", "occurred_at", "value"),
            (list(each) for each in zip(*happened, strict=True)), strict=True))),
        pa.table(dict(zip(
            ("customer_id", "interaction_id", "name", "occurred_at", "department", "category"),
            (list(each) for each in zip(*bought, strict=True)), strict=True))),
    )  # fmt: skip
