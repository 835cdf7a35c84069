"""Simulated answers: the same again, from what households did, and marked wherever they stand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from touchloop.core.db import Connection
from touchloop.experience.surveys import api
from touchloop.experience.surveys.simulation import SEED, Visit, imagine
from touchloop.experience.surveys.tests.conftest import NPS_WORDS
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock, Say, conn, held_clock, say, source
from touchloop.records.cases import api as cases

__all__ = ["conn", "held_clock", "say", "source"]

STARTED = NOON - timedelta(days=360)


def _visit(n: int, basket: float = 1.0, interval: float = 1.0) -> Visit:
    return Visit(
        n, n, f"user_id:{n}@x", NOON - timedelta(days=5), "store", "330", "", basket, interval
    )


def _mean(survey: api.Survey, **behaviour: float) -> float:
    visits = [_visit(n, **behaviour) for n in range(1_500)]
    scores = [i.score for i in imagine(visits, survey, NOON, SEED) if i.answered_at]
    assert 250 < len(scores) < 700  # a usual response
    return sum(scores) / len(scores)


def test_answers_follow_behaviour_and_repeat(conn: Connection, held_clock: Clock) -> None:
    survey = api.ensure_starting_surveys(conn, now=NOON)["visit"]
    usual = _mean(survey)
    assert _mean(survey, basket=0.5) < usual - 0.5
    assert _mean(survey, interval=3.0) < usual - 0.5
    assert _mean(survey, basket=1.6) > usual + 0.3
    assert _mean(survey) == usual
    twice = [_visit(1), _visit(1), _visit(2)]
    assert len(list(imagine(twice, survey, NOON, SEED))) == 2  # quarantine
    late = list(imagine(twice, survey, NOON - timedelta(days=6), SEED))
    assert all(each.answered_at is None for each in late)


def test_a_simulation_over_the_log(conn: Connection, say: Say, held_clock: Clock) -> None:
    place = {"touchpoint": {"channel": "store", "location": "330"}}
    for household in range(30):
        for week in range(14):
            at = NOON - timedelta(days=7 * week, hours=household)
            say(userId=f"h{household}", event="Order Completed", timestamp=at.isoformat(),
                properties={"order_id": f"{household}-{week}", "total": 20.0 + week},
                context=place)  # fmt: skip
    worker.drain()
    surveys = api.ensure_starting_surveys(conn, now=NOON)
    assert surveys == api.ensure_starting_surveys(conn, now=NOON)
    visit = surveys["visit"]
    assert not visit.live
    made = api.simulate(conn, visit, now=NOON, since=STARTED, share=0.8, case_days=90)
    conn.commit()
    assert 15 < made.invited <= 30 and 0 < made.answered < made.invited
    again = api.simulate(conn, visit, now=NOON, since=STARTED, share=0.8, case_days=90)
    assert (again.invited, again.answered, again.cases) == (0, 0, 0)
    given = api.answers(conn)
    assert len(given) == made.answered == len(api.answers(conn, simulated=True))
    assert api.answers(conn, simulated=False) == []
    assert all(each.simulated and each.location == "330" for each in given)
    assert all(each.answered_at < NOON for each in given)
    opened = cases.listing(conn)
    assert len(opened) == made.cases == sum(each.score <= 6 for each in given)
    assert all("(simulated)" in case.title for case in opened)
    conn.commit()
    worker.drain()
    rows = conn.execute(
        "SELECT (x.body::jsonb)->'properties'->>'source', t.location, x.occurred_at < %s"
        " FROM interactions x JOIN kinds k ON k.id = x.kind_id"
        " JOIN touchpoints t ON t.id = x.touchpoint_id WHERE k.name = 'Survey Answered'",
        (NOON,),
    ).fetchall()
    assert rows == [("simulation", "330", True)] * made.answered


def test_what_was_simulated_holds_nobody_back(
    conn: Connection, say: Say, held_clock: Clock
) -> None:
    from touchloop.channels import api as channels
    from touchloop.experience.surveys.asking import Candidate, _held_back  # the gates alone

    assert channels.channels()  # e-mail and till are there
    for week in range(12):
        at = NOON - timedelta(days=7 * week)
        say(userId="ana", event="Order Completed", timestamp=at.isoformat(),
            properties={"order_id": f"{week}", "total": 20.0},
            context={"touchpoint": {"channel": "store", "location": "330"}})  # fmt: skip
    worker.drain()
    visit = api.ensure_starting_surveys(conn, now=NOON)["visit"]
    made = api.simulate(conn, visit, now=NOON, since=STARTED, share=1.0, case_days=0)
    assert made.invited == 1
    (subject, customer) = conn.execute(
        "SELECT i.id, i.customer_id FROM identifiers i JOIN invitations v ON v.subject_id = i.id"
    ).fetchone() or (0, 0)
    mine = Candidate(subject, customer, "c", "store", "330", "", NOON)
    assert _held_back(conn, visit, [mine], NOON) == {}


def test_a_design_that_cannot_be_made(conn: Connection) -> None:
    from touchloop.core.errors import Invalid

    with pytest.raises(Invalid):
        api.create(conn, api.Design("x", "X", "nps", NPS_WORDS, share=2.0), by=None, now=NOON)
