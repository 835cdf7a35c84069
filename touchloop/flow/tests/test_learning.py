"""What is due is learned; a score that changed moves its customers between segments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from touchloop.core import db
from touchloop.core.errors import NotFound
from touchloop.flow import api as flow
from touchloop.flow import learning, worker
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.insight.models import api as models
from touchloop.insight.segments import api as segments
from touchloop.interactions import api as interactions

RULE = {"score": {"name": "orders", "op": "gte", "value": 2}}
_ORDERS = """
SELECT i.customer_id, CAST(COUNT(*) AS DOUBLE) AS value, '{}' AS inputs
FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id
WHERE i.name = 'Order Completed' GROUP BY i.customer_id
"""


def train(run: models.Run) -> models.Trained | None:
    found = run.engine.query(_ORDERS)
    return models.Trained({}, (), (), found.num_rows, None, None) if found.num_rows else None


def score(run: models.Run, trained: models.Trained) -> Iterator[models.Scored]:
    yield models.Scored("orders", run.engine.query(_ORDERS))


KIND = models.Kind("orders", "Orders", "How often a customer buys", "profile", 24.0, train, score)


@pytest.fixture(autouse=True)
def of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))
    monkeypatch.setattr(learning, "kinds", lambda: (KIND,))
    monkeypatch.setattr(learning, "FIRST_LOOK_SECONDS", 0.0)


def members(conn: db.Connection, segment: segments.Segment) -> int:
    found = len(segments.members(conn, segment.id))
    conn.rollback()
    return found


def test_a_learned_score_moves_customers_between_segments(
    conn: db.Connection, say: Say, held_clock: Clock
) -> None:
    made = segments.create("Often", rule=RULE, purpose="profile", actor=None, now=NOON, conn=conn)
    segments.set_state(made.id, "live", now=NOON, conn=conn)
    conn.commit()
    till = interactions.create("Till", kind="server", slug="till", trusted=True)
    agreed = {"purposes": ["profile"], "basis": "asked"}
    for user, orders in (("ana", 2), ("bo", 1), ("cy", 3)):
        for _ in range(orders):
            say(event="Order Completed", userId=user, properties={"total": 5})
        if user != "cy":
            say(of=till, event="Consent Given", userId=user, properties=agreed)
    worker.drain()
    flow.export_all(conn)
    learner = flow.Learner(lambda: False, learning.kinds())
    assert learner.turn(conn) == 1
    assert [(row.outcome, row.act) for row in models.runs(conn, "orders")] == [("done", "train")]
    worker.drain()
    assert members(conn, made) == 1  # Ana; Cy bought thrice, and said nothing about profiling

    say(of=till, event="Consent Withdrawn", userId="ana", properties=agreed)
    worker.drain()
    flow.export_all(conn)
    assert learner.turn(conn) == 0
    held_clock.at = NOON + timedelta(days=1)
    assert learner.turn(conn) == 1
    rows = conn.execute("SELECT count(*) FROM scores WHERE name = 'orders'").fetchone()
    assert rows == (1,)  # Bo's


def test_the_schedule_waits_for_the_lake_and_people_do_not(
    conn: db.Connection, say: Say, held_clock: Clock
) -> None:
    say(event="Order Completed", userId="ana", properties={"total": 5})
    worker.drain()
    conn.execute("ANALYZE interactions")  # the size of the log is the server's estimate
    conn.commit()
    held_clock.at = NOON + timedelta(minutes=1)
    learner = flow.Learner(lambda: False, learning.kinds())
    assert learning.behind(conn)
    assert learner.turn(conn) == 0
    assert flow.ask_to_learn() == 1  # by nobody: it still waits
    assert learner.turn(conn) == 0
    models.ask(conn, "orders", by=7)
    conn.commit()
    assert learner.turn(conn) == 1
    flow.export_all(conn)
    assert not learning.behind(conn)


def test_one_run_of_what_is_due_or_named(conn: db.Connection, say: Say, held_clock: Clock) -> None:
    assert [run.outcome for run in flow.learn_once()] == ["nothing"]
    assert flow.learn_once() == []
    assert [run.outcome for run in flow.learn_once(["orders"])] == ["nothing"]
    with pytest.raises(NotFound, match="there are: orders"):
        flow.learn_once(["love"])
