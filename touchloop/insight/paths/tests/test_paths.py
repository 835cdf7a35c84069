"""Paths: cut by the goal and by silence, counted exactly, credited by an exact solve."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.insight.models.api import Run
from touchloop.insight.paths import kind
from touchloop.insight.paths.attribution import attribute
from touchloop.insight.paths.foretelling import choose
from touchloop.insight.paths.walking import GIVEN_UP, GOAL, START, Walk, walk
from touchloop.lake import api as lake

DAY = 86_400_000_000
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WAYS = [("AB", 3, 1), ("A", 1, 4), ("BC", 2, 2), ("CAB", 4, 3)]


def test_credits_are_those_of_the_worked_example() -> None:
    """Computed by hand in exact fractions: p 1/2, effects 2/3, .788636, .468333."""
    found = attribute(WAYS)
    assert found.probability == pytest.approx(0.5, abs=1e-12)
    effects = {one.step: one.effect for one in found.credits}
    assert effects == pytest.approx({"A": 2 / 3, "B": 0.788636, "C": 0.468333}, abs=5e-7)
    credits = {one.step: one.credit for one in found.credits}
    assert credits == pytest.approx({"A": 3.465658, "B": 4.099716, "C": 2.434625}, abs=5e-7)
    plain = {one.step: (one.first, one.last, one.linear) for one in found.credits}
    assert plain["A"] == pytest.approx((4, 1, 1 + 1.5 + 4 / 3))
    assert plain["B"] == pytest.approx((2, 7, 1.5 + 1 + 4 / 3))


ways = st.lists(
    st.tuples(st.text("ABCD", min_size=1, max_size=5), st.integers(0, 9), st.integers(0, 9)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(ways, st.integers(1, 3))
def test_the_chain_reaches_the_goal_as_often_as_the_paths(
    given: list[tuple[str, int, int]], order: int
) -> None:
    goals, lost = sum(way[1] for way in given), sum(way[2] for way in given)
    found = attribute(given, order=order)
    if goals:
        assert found.probability == pytest.approx(goals / (goals + lost))
        assert sum(one.credit for one in found.credits) == pytest.approx(goals)
        for rule in ("first", "last", "linear"):
            assert sum(getattr(one, rule) for one in found.credits) == pytest.approx(goals)
    else:
        assert found.probability == 0 and all(one.credit == 0 for one in found.credits)
    assert all(-1e-9 <= one.effect <= 1 + 1e-9 for one in found.credits)


def rows(*given: tuple[int, float, int, bool]) -> Walk:
    customers, days, steps, goals = zip(*given, strict=True)
    return Walk(
        np.array(customers), np.array([int(day * DAY) for day in days]), np.array(steps),
        np.array(goals),
    )  # fmt: skip


def test_a_path_ends_with_the_goal_or_with_silence() -> None:
    found = walk(
        rows(
            (1, 0, 5, False), (1, 1, 6, False), (1, 2, 0, True),  # 5 6 goal
            (1, 3, 0, True),  # goal without a step
            (1, 4, 5, False), (1, 60, 6, False),  # 5 given up; 6 given up
            (2, 10, 5, False), (2, 12, 6, False), (2, 16, 0, True),  # 5 6 goal
            (3, 95, 5, False),  # under way
        ),
        now=100 * DAY, silence=30 * DAY,
    )  # fmt: skip
    assert [(way.steps, way.reached, way.given_up) for way in found.ways] == [
        ((5, 6), 2, 0), ((5,), 0, 1), ((6,), 0, 1),
    ]  # fmt: skip
    assert found.ways[0].seconds == 4 * 86_400
    assert (found.direct, found.under_way) == (1, 1)
    assert found.ended() == [(5, 6, GOAL), (5, GIVEN_UP), (5, 6, GOAL), (6, GIVEN_UP)]
    edges = {(edge.one, edge.other): (edge.count, edge.seconds / 86_400) for edge in found.edges}
    assert edges == {
        (START, 5): (3, 0), (START, 6): (1, 0), (5, 6): (2, 1.5), (6, GOAL): (2, 2.5),
        (5, GIVEN_UP): (1, 0), (6, GIVEN_UP): (1, 0),
    }  # fmt: skip


def test_nothing_is_nothing() -> None:
    empty = np.empty(0, np.int64)
    found = walk(Walk(empty, empty, empty, empty.astype(bool)), now=0, silence=1)
    assert not found.ways and not found.edges and found.ended() == []
    only = walk(rows((1, 0, 0, True)), now=DAY, silence=DAY)
    assert (only.direct, only.ways, only.edges) == (1, (), ())
    assert attribute([]).credits == ()
    assert choose([]).n == 0


def test_long_memory_is_found_where_there_is_one() -> None:
    """After A A comes B, after B A comes C: one step back cannot tell."""
    paths = [(1, 1, 2, GOAL), (2, 1, 3, GIVEN_UP)] * 30
    found = choose(paths)
    assert found.order == 2 and found.shares[2] > found.shares[1] > found.always


@pytest.fixture
def run(transactional_db: None, tmp_path: object) -> Iterator[Run]:
    happened: list[tuple[object, ...]] = []
    for id in range(1, 21):
        for days, name, channel in (
            (60, "Message Opened", "email"), (59, "Product Viewed", "web" if id % 2 else "app"),
            (58, "Order Completed", "web"), (50, "Consent Given", "web"),
            (40, "Message Opened", "email"),
        ):  # fmt: skip
            at = NOW.replace(tzinfo=None) - timedelta(days=days)
            happened.append((id, len(happened), "track", name, channel, at))
    columns = ("customer_id", "interaction_id", "type", "name", "channel", "occurred_at")
    with db.connect() as conn, lake.engine(lake=lake.Lake(str(tmp_path))) as engine:
        parts = [list(part) for part in zip(*happened, strict=True)]
        engine.bind("here", pa.table(dict(zip(columns, parts, strict=True))))
        engine.view("interactions", "select * from here")
        engine.bind("people", pa.table({"customer_id": pa.array(range(1, 19), pa.int64())}))
        yield Run(conn, engine, NOW, 1, lambda step, share: None)


def test_what_is_kept_names_steps_with_their_channel_where_there_are_several(run: Run) -> None:
    found = kind.train(run)
    assert found is not None and found.n == 36
    told = found.curves["goals"]["Order Completed"]
    assert (told["reached"], told["paths"], told["direct"]) == (18, 36, 0)
    assert told["ways"][0] == {
        "steps": ["Message Opened"], "reached": 0, "given_up": 18, "seconds": None,
    }  # fmt: skip
    assert told["ways"][1]["steps"] == ["Message Opened", "Product Viewed (app)"]
    assert told["ways"][1]["seconds"] == 2 * 86_400
    assert told["probability"] == pytest.approx(0.5)
    assert {each["step"] for each in told["credits"]} == {
        "Message Opened", "Product Viewed (app)", "Product Viewed (web)",
    }  # fmt: skip
    assert sum(each["credit"] for each in told["credits"]) == pytest.approx(18)
    edges = {(each["from"], each["to"]): each["n"] for each in told["edges"]}
    assert edges["start", "Message Opened"] == 36
    assert edges["Product Viewed (web)", "goal"] == 9
    assert found.metrics[0].baseline is not None
    assert kind.score(run, found) == ()


def test_without_a_goal_there_is_nothing_to_learn(run: Run) -> None:
    run.engine.bind("people", pa.table({"customer_id": pa.array([], pa.int64())}))
    assert kind.train(run) is None
