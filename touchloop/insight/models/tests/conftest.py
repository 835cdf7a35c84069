"""Customers with a figure each, and a kind of model that learns their mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.insight.models import api

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROFILE = consent.BIT["profile"]

_SPEND = """
SELECT c.customer_id, CAST(JSON_EXTRACT_STRING(c.traits, '$.spend') AS DOUBLE) AS spend
FROM customers AS c JOIN people AS p ON p.customer_id = c.customer_id ORDER BY c.customer_id
"""


@dataclass(slots=True)
class World:
    """What the kind under test finds: set it, then train."""

    metric: api.Metric = field(
        default_factory=lambda: api.Metric("AUC", 0.8, 0.78, 0.82, 100, 0.7, "recency")
    )
    metrics: bool = True
    features: tuple[api.Feature, ...] = (api.Feature("spend", "Order Completed", "bought"),)
    blob: bytes | None = b"learned"
    simulated: bool = False
    during: Callable[[api.Run], None] = lambda run: None
    seen: list[int] = field(default_factory=list)

    def train(self, run: api.Run) -> api.Trained | None:
        run.progress("reading", 0.1)
        found = run.engine.query(_SPEND)
        self.seen = found.column(0).to_pylist()
        self.during(run)
        if not self.seen:
            return None
        spend = found.column(1).to_numpy()
        run.progress("learning", 0.6)
        return api.Trained(
            parameters={"mean": np.nanmean(spend), "when": (1, 2)},
            metrics=(self.metric,) if self.metrics else (),
            features=self.features,
            n=len(spend),
            since=run.now,
            until=run.now,
            words=("a mean is no model",),
            drift={"spend": api.deciles(spend)},
            blob=self.blob,
            simulated=self.simulated,
        )

    def score(self, run: api.Run, trained: api.Trained) -> Iterator[api.Scored]:
        # On purpose without `people`: the room must keep those out who do not allow it.
        found = run.engine.query(_SPEND.replace("JOIN people AS p", "LEFT JOIN people AS p"))
        values = [value - trained.parameters["mean"] for value in found.column(1).to_pylist()]
        yield api.Scored(
            "above_mean",
            pa.table(
                {
                    "customer_id": found.column(0),
                    "value": values,
                    "inputs": ['{"reasons": ["spend"]}'] * len(values),
                }
            ),
        )


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def kind(world: World) -> api.Kind:
    return api.Kind(
        "mean", "Mean", "How far from the mean a customer is", "profile", 24.0,
        world.train, world.score,
    )  # fmt: skip


def put(conn: db.Connection, spends: dict[int, float], *, allowed: int = PROFILE) -> None:
    """Customers with what they spent."""
    for id, spend in spends.items():
        conn.execute(
            "INSERT INTO customers (id, traits, allowed, created_at, updated_at)"
            " VALUES (%s, jsonb_build_object('spend', jsonb_build_object('v', %s::float8)), %s,"
            " %s, %s) ON CONFLICT (id) DO UPDATE SET traits = excluded.traits,"
            " allowed = excluded.allowed",
            (id, spend, allowed, NOON, NOON),
        )
        conn.execute(
            "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
            " first_seen_at, source_id) VALUES (%s, 'user_id', %s, %s, %s, 'ok', %s, 1)"
            " ON CONFLICT DO NOTHING",
            (id, f"u{id}", id, id, NOON),
        )
    conn.commit()


def says(kind: api.Kind, **changed: object) -> api.Kind:
    """The kind with some of its fields otherwise."""
    return replace(kind, **changed)  # type: ignore[arg-type]
