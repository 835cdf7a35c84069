"""Campaigns with a holdout become trials of uplift, once; what was not drawn by lot never does."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from touchloop.core import clock, db
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.campaigns.tests.conftest import Enter, Make, run
from touchloop.flow import trying
from touchloop.flow.tests.conftest import Clock
from touchloop.insight.uplift import api as uplift
from touchloop.insight.uplift import trials

AB = [{"name": "A", "template": "a"}, {"name": "B", "template": "b"}]
GOAL = {"event": "Order Completed", "days": 14}
DAY = timedelta(days=1)


def test_a_campaign_is_an_experiment_when_its_time_is_over(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, say: Any
) -> None:
    subjects = enter(200)
    early, late, before, imagined = subjects[:4]
    bought = partial(say, "track", event="Order Completed", work=True)
    made = make(variants=AB, holdout=0.3, goal=GOAL)
    run(conn)
    bought(userId=f"n{before}", timestamp=(held_clock.at - DAY).isoformat())
    held_clock.at += 13.9 * DAY
    bought(userId=f"n{early}")
    bought(userId=f"n{imagined}", properties={"simulated": True})
    held_clock.at += 0.2 * DAY
    bought(userId=f"n{late}")
    assert trying.collect_trials(conn) == 0  # late interactions may still arrive
    held_clock.at += DAY
    assert trying.collect_trials(conn) == 200
    assert trying.collect_trials(conn) == 0
    drawn: dict[int, str] = dict(
        conn.execute("SELECT subject_id, variant FROM campaign_members").fetchall()
    )
    found = trials.of_offer(conn, "campaign:spring").to_pylist()
    assert {row["customer_id"]: row["arm"] for row in found} == drawn
    assert all(row["treated"] == bool(row["arm"]) for row in found)
    assert {row["customer_id"] for row in found if row["outcome"]} == {early}
    assert {row["at"] for row in found} == {
        campaigns.get(conn, made.id).started_at.replace(tzinfo=None)  # type: ignore[union-attr]
    }
    sides = Counter(bool(arm) for arm in drawn.values())
    assert uplift.offers(conn) == [("campaign:spring", sides[True], sides[False])]


def test_one_variant_needs_no_name_and_offers_go_on_beside_it(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(60)
    make(holdout=0.5, goal=GOAL)
    held_clock.at += 16 * DAY
    assert trying.collect_trials(conn) == 60
    assert {row["arm"] for row in trials.of_offer(conn, "campaign:spring").to_pylist()} == {""}
    assert uplift.settled_until(conn) is None  # of offers nothing was handed in


@pytest.mark.parametrize(
    ("plan", "word"),
    [({"holdout": 0.0, "goal": GOAL}, "no holdout"), ({"holdout": 0.5}, "no goal")],
)
def test_without_a_lot_or_a_goal_there_is_no_experiment(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make, plan: dict[str, object],
    word: str,
) -> None:  # fmt: skip
    enter(60)
    make(**plan)
    held_clock.at += 40 * DAY
    assert trying.collect_trials(conn) == 0
    (tried,) = campaigns.experiments(conn)
    assert word in tried.refused


def test_one_that_was_broken_off_is_refused(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(60)
    made = make(holdout=0.5, goal=GOAL, per_minute=5)
    run(conn)
    campaigns.abort(conn, made.id, now=clock.now())
    held_clock.at += 16 * DAY
    assert trying.collect_trials(conn) == 0
    assert "broken off" in campaigns.experiments(conn)[0].refused


def test_sides_that_no_lot_would_draw_are_refused(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(400)
    make(holdout=0.5, goal=GOAL)
    assert campaigns.experiments(conn)[0].refused == ""
    conn.execute(
        "UPDATE campaign_members SET variant = '', state = 'holdout' WHERE subject_id IN"
        " (SELECT subject_id FROM campaign_members WHERE variant <> '' LIMIT 100)"
    )
    held_clock.at += 16 * DAY
    assert trying.collect_trials(conn) == 0
    assert "not of the planned shares" in campaigns.experiments(conn)[0].refused


def test_a_draft_is_no_experiment(
    conn: db.Connection, held_clock: Clock, enter: Enter, make: Make
) -> None:
    enter(3)
    make(begin=False, holdout=0.5, goal=GOAL)
    assert campaigns.experiments(conn) == []
