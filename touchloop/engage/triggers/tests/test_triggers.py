"""The engine: starts once by its cause, is exact at the clock, leaves at once, never acts twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from touchloop.channels import api as channels
from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.engage.triggers import acting
from touchloop.engage.triggers import api as triggers
from touchloop.engage.triggers.tests.conftest import Happen, Make, Named, Postbox
from touchloop.flow.tests.conftest import Clock
from touchloop.identity import api as identity
from touchloop.insight.segments import api as segments

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CASE = {"do": "case", "title": "Call back"}
WAIT = {"do": "wait", "n": 2, "unit": "hours"}
CART = {"event": "Cart Updated"}
LETTER = {"do": "send", "template": "t", "channels": ["letter"], "kind": "service", "days": 7}


def states(conn: db.Connection) -> list[tuple[str, str]]:
    return conn.execute("SELECT state, reason FROM trigger_runs ORDER BY id").fetchall()


def cases_of(conn: db.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM cases").fetchone()
    assert row is not None
    return int(row[0])


def a_segment(conn: db.Connection, now: Any, purpose: str = "personalise") -> int:
    made = segments.create(
        "Regulars", rule={"all": []}, purpose=purpose, actor=None, now=now, conn=conn
    )
    conn.commit()
    return made.id


def test_acts_at_its_instant_and_not_before(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE])
    start = held_clock.at
    assert triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], start).started == 1
    assert triggers.due(conn, start + 2 * HOUR - timedelta(microseconds=1)) == 0
    assert triggers.due(conn, start - DAY) == 0  # a clock that is set back does no harm
    assert triggers.due(conn, start + 2 * HOUR) == 1
    assert triggers.due(conn, start + 2 * HOUR) == 0
    assert cases_of(conn) == 1 and states(conn) == [("done", "")]


def test_the_same_batch_again_starts_nothing(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE], again_days=0)
    batch = [happen(named("ana"), "Cart Updated"), happen(named("bo"), "Cart Updated")]
    assert triggers.on_batch(conn, batch, held_clock.at).started == 2
    assert triggers.on_batch(conn, batch, held_clock.at).started == 0


def test_once_for_each_customer_under_any_identifier(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE])
    ana, anna = named("ana"), named("anna")
    triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at)
    identity.merge(conn, ana, anna, actor_id=1, reason="the same")
    conn.commit()
    assert triggers.on_batch(conn, [happen(anna, "Cart Updated")], held_clock.at).started == 0


@pytest.mark.parametrize(("days", "expected"), [(None, 1), (30, 2), (0, 3)])
def test_again_after_so_many_days(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    days: float | None, expected: int,
) -> None:  # fmt: skip
    make(when=[CART], steps=[CASE], again_days=days)
    ana = named("ana")
    for age in (0, 10, 31):
        held_clock.at += age * DAY
        triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at)
        triggers.due(conn, held_clock.at)
    assert len(states(conn)) == expected == cases_of(conn)


def test_who_left_before_the_act_may_come_again(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE], until=[{"event": "Order Completed"}])
    ana = named("ana")
    triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at)
    triggers.on_batch(conn, [happen(ana, "Order Completed")], held_clock.at)
    assert states(conn) == [("exited", "Order Completed")]
    assert triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at).started == 1


def test_only_what_happened_after_the_entry_ends_it(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE], until=[{"event": "Order Completed"}], again_days=0)
    ana, bo = named("ana"), named("bo")
    now = held_clock.at
    triggers.on_batch(
        conn,
        [
            happen(ana, "Order Completed", at=now - HOUR),
            happen(ana, "Cart Updated", at=now),
            happen(bo, "Cart Updated", at=now - HOUR),
            happen(bo, "Order Completed", at=now),
        ],
        now,
    )
    assert states(conn) == [("exited", "Order Completed"), ("waiting", "")]
    triggers.on_batch(conn, [happen(ana, "Order Completed", at=now - HOUR)], now)  # it came late
    assert ("waiting", "") in states(conn)


def test_properties_and_sources_are_asked(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(
        when=[
            {
                "event": "Case Closed",
                "source": "touchloop",
                "where": [{"path": "kind", "op": "in", "value": ["complaint", "detractor"]}],
            }
        ],
        steps=[CASE],
        again_days=0,
    )
    ana = named("ana")
    said = [
        happen(ana, "Case Closed", kind="complaint"),  # anybody may say so
        happen(ana, "Case Closed", slug="touchloop", kind="request"),
        happen(ana, "Case Closed", slug="touchloop", kind="complaint"),
    ]
    assert triggers.on_batch(conn, said, held_clock.at).started == 1


def test_what_is_old_starts_nothing(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE])
    old = happen(named("ana"), "Cart Updated", at=held_clock.at - 8 * DAY)
    assert triggers.on_batch(conn, [old], held_clock.at).started == 0


def test_a_clock_ahead_does_not_delay(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE])
    ahead = happen(named("ana"), "Cart Updated", at=held_clock.at + 9 * DAY)
    triggers.on_batch(conn, [ahead], held_clock.at)
    assert triggers.due(conn, held_clock.at + 2 * HOUR) == 1


def test_what_is_overdue_too_long_is_not_done(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[WAIT, CASE], late_days=7)
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], held_clock.at)
    triggers.due(conn, held_clock.at + 9 * DAY)
    assert states(conn) == [("skipped", "too late")] and cases_of(conn) == 0


def test_the_condition_is_asked_again_at_the_end(
    conn: db.Connection, held_clock: Clock, named: Named, entered: Happen, make: Make
) -> None:
    segment = a_segment(conn, held_clock.at)
    make(when=[{"entered": segment}], steps=[WAIT, {"do": "check", "inside": [segment]}, CASE])
    ana, bo = named("ana"), named("bo")
    started = triggers.on_batch(conn, [entered(ana, segment), entered(bo, segment)], held_clock.at)
    assert started.started == 2
    entered(bo, segment, leaves=True)
    triggers.due(conn, held_clock.at + 2 * HOUR)
    assert sorted(states(conn)) == [("done", ""), ("skipped", "condition")]


def test_a_condition_may_be_a_rule_of_its_own(
    conn: db.Connection, held_clock: Clock, say: Any, happen: Happen, make: Make
) -> None:
    ordered = {"interactions": {"events": ["Order Completed"], "op": "gte", "value": 1}}
    make(when=[CART], steps=[WAIT, {"do": "check", "rule": {"not": ordered}}, CASE])
    say("track", userId="ana", event="Order Completed", properties={"total": 5})
    say("track", userId="bo", event="Page Seen", work=True)
    subjects: dict[str, int] = dict(conn.execute("SELECT value, id FROM identifiers").fetchall())
    batch = [happen(subjects["ana"], "Cart Updated"), happen(subjects["bo"], "Cart Updated")]
    triggers.on_batch(conn, batch, held_clock.at)
    triggers.due(conn, held_clock.at + 2 * HOUR)
    assert states(conn) == [("skipped", "condition"), ("done", "")]


def test_an_event_that_pretends_to_be_an_entry_starts_nothing(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    segment = a_segment(conn, held_clock.at)
    make(when=[{"entered": segment}], steps=[CASE])
    false = happen(named("ana"), "Segment Entered", segment_id=segment)
    assert triggers.on_batch(conn, [false], held_clock.at).started == 0


def test_an_exit_cancels_what_is_queued(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox,
) -> None:  # fmt: skip
    make(when=[CART], steps=[LETTER], until=[{"event": "Order Completed"}])
    ana, bo = named("ana"), named("bo")
    batch = [happen(ana, "Cart Updated"), happen(bo, "Cart Updated")]
    triggers.on_batch(conn, batch, held_clock.at)
    triggers.due(conn, held_clock.at)
    assert states(conn) == [("done", ""), ("done", "")]
    triggers.on_batch(conn, [happen(ana, "Order Completed")], held_clock.at)
    conn.commit()
    channels.hand_off(conn, held_clock.at, 100)
    assert [each.subject_id for each in postbox.taken] == [bo]
    assert states(conn) == [("exited", "Order Completed"), ("done", "")]


def test_journeys_walk_many_steps_each_at_its_time(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(
        when=[CART],
        steps=[WAIT, CASE, {"do": "wait", "n": 3, "unit": "days"}, CASE, CASE],
    )
    start = held_clock.at
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], start)
    seen = []
    for instant in (0, 2, 73, 74, 75):
        triggers.due(conn, start + instant * HOUR)
        seen.append(cases_of(conn))
    assert seen == [0, 1, 1, 3, 3]
    assert states(conn) == [("done", "")]


def test_a_new_version_leaves_those_on_the_way_alone(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    made = make(when=[CART], steps=[WAIT, CASE], again_days=0)
    ana = named("ana")
    triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at)
    other = {"when": [CART], "steps": [WAIT, CASE | {"title": "Write"}], "again_days": 0}
    changed = triggers.change(conn, made.id, definition=other, now=held_clock.at)
    assert changed.version == 2 and len(triggers.versions(conn, made.id)) == 2
    triggers.on_batch(conn, [happen(ana, "Cart Updated")], held_clock.at)
    triggers.due(conn, held_clock.at + 2 * HOUR)
    titles = conn.execute("SELECT title FROM cases ORDER BY id").fetchall()
    assert titles == [("Call back",), ("Write",)]


def test_paused_does_nothing_and_resumed_goes_on(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    made = make(when=[CART], steps=[WAIT, CASE])
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], held_clock.at)
    triggers.pause(conn, made.id, now=held_clock.at)
    assert (
        triggers.on_batch(conn, [happen(named("bo"), "Cart Updated")], held_clock.at).started == 0
    )
    assert triggers.due(conn, held_clock.at + 3 * HOUR) == 0
    triggers.resume(conn, made.id, now=held_clock.at)
    assert triggers.due(conn, held_clock.at + 3 * HOUR) == 1


def test_aborting_ends_everything(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox,
) -> None:  # fmt: skip
    made = make(when=[CART], steps=[LETTER, WAIT, CASE])
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], held_clock.at)
    triggers.due(conn, held_clock.at)
    triggers.abort(conn, made.id, now=held_clock.at)
    conn.commit()
    channels.hand_off(conn, held_clock.at, 100)
    assert postbox.taken == [] and states(conn) == [("exited", "trigger ended")]
    with pytest.raises(Invalid):
        triggers.resume(conn, made.id, now=held_clock.at)


def test_a_fault_is_tried_again_and_then_given_up(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make(when=[CART], steps=[CASE], again_days=0)
    ana, bo = named("ana"), named("bo")
    triggers.on_batch(
        conn, [happen(ana, "Cart Updated"), happen(bo, "Cart Updated")], held_clock.at
    )
    real = acting.act

    def broken(step: Any, known: Any, runs: Any, *rest: Any) -> None:
        if any(run.subject_id == bo for run in runs):
            raise ValueError("a broken text")
        real(step, known, runs, *rest)

    monkeypatch.setattr("touchloop.engage.triggers.walking.act", broken)
    triggers.due(conn, held_clock.at)
    assert states(conn) == [("done", ""), ("waiting", "")] and cases_of(conn) == 1
    for _ in range(4):
        held_clock.at += HOUR
        triggers.due(conn, held_clock.at)
    assert states(conn) == [("done", ""), ("failed", "ValueError: a broken text")]


def test_refused_by_the_channels_is_skipped_with_the_reason(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make,
    postbox: Postbox,
) -> None:  # fmt: skip
    make(when=[CART], steps=[LETTER | {"kind": "marketing"}])
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], held_clock.at)
    triggers.due(conn, held_clock.at)
    [(state, reason)] = states(conn)
    assert state == "skipped" and reason


def test_selling_needs_a_segment_made_for_it(conn: db.Connection, held_clock: Clock) -> None:
    segment = a_segment(conn, held_clock.at, purpose="improve")
    offer = {"do": "offer", "channels": ["store"]}
    with pytest.raises(Invalid, match="another purpose"):
        triggers.create(
            conn, name="Sell", definition={"when": [{"entered": segment}], "steps": [offer]},
            now=held_clock.at,
        )  # fmt: skip
    triggers.create(
        conn, name="Care", definition={"when": [{"entered": segment}], "steps": [CASE]},
        now=held_clock.at,
    )  # fmt: skip


def test_surveys_are_wanted_by_news(
    conn: db.Connection, held_clock: Clock, named: Named, happen: Happen, make: Make
) -> None:
    make(when=[CART], steps=[{"do": "ask", "survey": "checkout"}])
    triggers.on_batch(conn, [happen(named("ana"), "Cart Updated")], held_clock.at)
    triggers.due(conn, held_clock.at)
    row = conn.execute("SELECT sum(messages) FROM inbox").fetchone()
    assert row == (1,)


def test_enrolling_starts_those_who_are_inside(
    conn: db.Connection, held_clock: Clock, named: Named, entered: Happen, make: Make
) -> None:
    segment = a_segment(conn, held_clock.at)
    for name in ("ana", "bo"):
        entered(named(name), segment)
    made = make(when=[{"entered": segment}], steps=[CASE])
    assert triggers.enrol(conn, made.id, held_clock.at) == 2
    assert triggers.enrol(conn, made.id, held_clock.at) == 0


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"when": [], "steps": [CASE]}, "when"),
        ({"when": [{}], "steps": [CASE]}, "when[0]"),
        ({"when": [CART | {"entered": 1}], "steps": [CASE]}, "when[0]"),
        ({"when": [CART], "steps": [WAIT]}, "steps"),
        ({"when": [CART], "steps": [CASE], "holdout": 1.0}, "holdout"),
        ({"when": [CART], "steps": [CASE, {"do": "fly"}]}, "steps[1].do"),
        ({"when": [CART], "steps": [CASE | {"title": " "}]}, "steps[0].title"),
        ({"when": [CART], "steps": [CASE], "colour": "red"}, "definition"),
        ({"when": [CART], "steps": [{"do": "check", "rule": {"x": 1}}, CASE]}, "steps[0].rule"),
        ({"when": [{"entered": 4711}], "steps": [CASE]}, "definition"),
    ],
)
def test_a_wrong_definition_names_the_field(
    conn: db.Connection, held_clock: Clock, definition: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        triggers.create(conn, name="Wrong", definition=definition, now=held_clock.at)
    assert error.value.field == field
