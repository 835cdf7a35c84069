"""What was made up is in no run of any kind, unless the kind says that it learns from it."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest

from touchloop.core import db
from touchloop.insight.learning.api import KINDS
from touchloop.insight.models import api
from touchloop.insight.models.tests.conftest import NOON, World, put, says
from touchloop.lake import api as lake

REAL, ANSWER, BASKET, WORD = 1, 2, 3, 4


@pytest.fixture(autouse=True)
def told(conn: db.Connection) -> None:
    """A real order, a simulated answer, a simulated basket, and one that only uses the word."""
    put(conn, {1: 10.0})
    said = {
        REAL: ("Order Completed", {"total": 5}),
        ANSWER: ("Survey Answered", {"score": 2, "source": "simulation"}),
        BASKET: ("Order Completed", {"total": 7, "simulated": True}),
        WORD: ("Note Written", {"text": "we simulated nothing", "simulated": False}),
    }
    rows = [
        {"interaction_id": id, "subject_id": 1, "type": "track", "name": name, "value": 5.0,
         "occurred_at": (NOON - timedelta(days=1)).replace(tzinfo=None),
         "properties": json.dumps(properties)}
        for id, (name, properties) in said.items()
    ]  # fmt: skip
    lines = [
        {"interaction_id": id, "subject_id": 1, "name": "Order Completed", "category": "BREAD",
         "occurred_at": (NOON - timedelta(days=1)).replace(tzinfo=None)}
        for id in (REAL, BASKET)
    ]  # fmt: skip
    with duckdb.connect() as connection:
        for name, given in (("interactions", rows), ("lines", lines)):
            connection.register("given", pa.Table.from_pylist(given, schema=lake.SCHEMAS[name]))
            lake.load(connection, "SELECT * FROM given", name)


def seen(run: api.Run) -> tuple[list[int], list[int]]:
    found = (
        run.engine.query(f"SELECT interaction_id FROM {name} ORDER BY 1").column(0).to_pylist()
        for name in ("interactions", "lines")
    )
    one, other = found
    return one, other


def test_what_was_simulated_is_in_no_run(conn: db.Connection, kind: api.Kind, world: World) -> None:
    met: list[tuple[list[int], list[int]]] = []
    world.during = lambda run: met.append(seen(run))
    found = api.train(conn, kind, now=NOON)
    assert met == [([REAL, WORD], [REAL])]
    assert found is not None and (found.state, found.simulated) == ("in_use", False)
    with api.open_run(conn, now=NOON) as run:
        assert seen(run) == ([REAL, WORD], [REAL])


def test_a_kind_that_says_so_learns_from_it_and_is_marked(
    conn: db.Connection, kind: api.Kind, world: World
) -> None:
    met: list[tuple[list[int], list[int]]] = []
    world.during = lambda run: met.append(seen(run))
    found = api.train(conn, says(kind, learns_from_answers=True), now=NOON)
    assert met == [([REAL, ANSWER, BASKET, WORD], [REAL, BASKET])]
    assert found is not None and (found.state, found.simulated) == ("in_use", True)


def test_no_kind_of_the_product_learns_from_it() -> None:
    assert [kind.name for kind in KINDS if kind.learns_from_answers] == []
