"""Cases: opened once, their clock, their history, who may see them, and what they mute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.identity.api import customers_of
from touchloop.interactions import api as interactions
from touchloop.records.cases import api
from touchloop.records.cases.tests.conftest import Named

HOUR = timedelta(hours=1)
Open = Callable[..., int]


@pytest.fixture
def opened(conn: Connection, source: interactions.Source, held_clock: Clock) -> Open:
    def open_one(subject: int, cause: str = "answer:1", **fields: object) -> int:
        kept = {"kind": "detractor", "title": "0 of 10", "touchpoint": ("store", "330"), **fields}
        made = api.open_case(conn, subject_id=subject, cause=cause, at=NOON, **kept)  # type: ignore[arg-type]
        assert made is not None
        return made

    return open_one


def _told(conn: Connection) -> list[tuple[str, dict[str, object]]]:
    conn.commit()
    worker.drain()
    rows = conn.execute(
        "SELECT k.name, (x.body::jsonb)->'properties' FROM interactions x"
        " JOIN kinds k ON k.id = x.kind_id WHERE k.name LIKE 'Case %' ORDER BY x.id"
    ).fetchall()
    conn.commit()
    return [(row[0], row[1]) for row in rows]


def test_a_cause_opens_one_case_and_tells_it_once(
    conn: Connection, named: Named, opened: Open
) -> None:
    ana = named("ana")
    case_id = opened(ana)
    again = api.open_case(
        conn, subject_id=ana, kind="complaint", title="again", cause="answer:1", at=NOON
    )
    assert again is None
    [(event, properties)] = _told(conn)
    assert event == "Case Opened"
    assert properties == {"case_id": case_id, "kind": "detractor", "title": "0 of 10"}
    assert [e.act for e in api.history(conn, case_id)] == ["opened"]


def test_two_causes_in_one_set_and_a_repeated_one(
    conn: Connection, named: Named, source: interactions.Source
) -> None:
    ana, ben = named("ana"), named("ben")
    first, second, third = (
        api.NewCase(ana, "request", "a", "x", NOON),
        api.NewCase(ben, "request", "b", "y", NOON),
        api.NewCase(ben, "request", "c", "x", NOON),
    )
    a, b, c = api.open_all(conn, [first, second, third])
    assert a and b and c is None
    assert api.open_all(conn, [second, first]) == [None, None]
    assert api.open_all(conn, []) == []


def test_two_openers_at_once_make_one_case(
    conn: Connection, named: Named, source: interactions.Source
) -> None:
    ana = named("ana")
    made: list[int | None] = []

    def open_it() -> None:
        with db.connect() as other:
            made.append(
                api.open_case(
                    other, subject_id=ana, kind="complaint", title="c", cause="one", at=NOON
                )
            )

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([case for case in made if case]) == 1 and len(made) == 6
    assert len([event for event, _ in _told(conn)]) == 1


def test_the_story_is_the_latest_interactions_of_the_customer_then(
    conn: Connection, say: Say, held_clock: Clock
) -> None:
    for n in range(15):
        at = (NOON - timedelta(days=20 - n)).isoformat()
        say(userId="ana", event=f"E{n}", timestamp=at)
    say(userId="ana", event="Later", timestamp=(NOON + timedelta(minutes=1)).isoformat())
    say(userId="ben", event="Somebody else", work=True)
    [(subject,)] = conn.execute(
        "SELECT subject_id FROM interactions x JOIN kinds k ON k.id = x.kind_id WHERE name = 'E0'"
    ).fetchall()
    case_id = api.open_case(
        conn, subject_id=subject, kind="complaint", title="c", cause="z", at=NOON
    )
    assert case_id is not None
    story = api.get(conn, case_id).story_ids
    names = conn.execute(
        "SELECT k.name FROM unnest(%s::bigint[]) WITH ORDINALITY s(id, n)"
        " JOIN interactions x ON x.id = s.id JOIN kinds k ON k.id = x.kind_id ORDER BY s.n",
        (list(story),),
    ).fetchall()
    assert [name for (name,) in names] == [f"E{n}" for n in range(14, 2, -1)]


def test_the_clock_stands_while_the_case_waits(
    conn: Connection, named: Named, opened: Open
) -> None:
    case_id = opened(named("ana"), hours=48)
    assert api.get(conn, case_id).due_at == NOON + 48 * HOUR
    api.wait(conn, case_id, by=7, at=NOON + 10 * HOUR)
    waiting = api.get(conn, case_id)
    assert waiting.state == "waiting" and not waiting.overdue(NOON + 1000 * HOUR)
    api.resume(conn, case_id, by=7, at=NOON + 34 * HOUR)
    again = api.get(conn, case_id)
    assert (again.state, again.due_at) == ("open", NOON + 72 * HOUR)
    assert not again.overdue(NOON + 72 * HOUR)
    assert again.overdue(NOON + 73 * HOUR)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hours=st.integers(1, 200),
    waits=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=4),
)
def test_the_clock_runs_for_exactly_its_hours(
    conn: Connection, named: Named, opened: Open, hours: int, waits: list[tuple[int, int]]
) -> None:
    """Whatever it waits, the time it was open before it is due is the time it was given."""
    number = conn.execute("SELECT count(*) FROM cases").fetchone()
    assert number
    case_id = opened(named("ana"), f"h{number[0]}", hours=hours)
    at, waited = NOON, 0
    for open_for, wait_for in waits:
        at += open_for * HOUR
        api.wait(conn, case_id, by=None, at=at)
        at += wait_for * HOUR
        api.resume(conn, case_id, by=None, at=at)
        waited += wait_for
    assert api.get(conn, case_id).due_at - NOON == (hours + waited) * HOUR


def test_closing_needs_a_resolution_and_asks_again(
    conn: Connection, named: Named, opened: Open
) -> None:
    case_id = opened(named("ana"))
    with pytest.raises(Invalid, match="resolution"):
        api.close_case(conn, case_id, by=7, resolution="  ", at=NOON)
    assert api.get(conn, case_id).state == "open"
    api.close_case(conn, case_id, by=7, resolution="Called back, refunded", at=NOON + HOUR)
    closed = api.get(conn, case_id)
    assert (closed.state, closed.resolution) == ("closed", "Called back, refunded")
    with pytest.raises(Invalid, match="closed"):
        api.close_case(conn, case_id, by=7, resolution="twice", at=NOON + HOUR)
    request = opened(named("ben"), "r", kind="request")
    api.close_case(conn, request, by=7, resolution="Answered", at=NOON + 50 * HOUR)
    told = [properties for event, properties in _told(conn) if event == "Case Closed"]
    assert [(p["ask_again"], p["in_time"]) for p in told] == [(True, True), (False, False)]
    figures = api.figures(conn, since=NOON, until=NOON + 99 * HOUR, now=NOON)
    assert (figures.open, figures.opened, figures.closed, figures.closed_in_time) == (0, 2, 2, 1)
    assert figures.median_hours == pytest.approx(25.5)


def test_a_closed_case_can_be_opened_again_and_closed_again(
    conn: Connection, named: Named, opened: Open
) -> None:
    case_id = opened(named("ana"))
    with pytest.raises(Invalid):
        api.reopen(conn, case_id, by=7, reason="r", at=NOON)
    api.close_case(conn, case_id, by=7, resolution="a", at=NOON + HOUR)
    api.reopen(conn, case_id, by=7, reason="happened again", at=NOON + 2 * HOUR, hours=24)
    assert api.get(conn, case_id).due_at == NOON + 26 * HOUR
    api.close_case(conn, case_id, by=7, resolution="b", at=NOON + 3 * HOUR)
    assert [event for event, _ in _told(conn)] == [
        "Case Opened", "Case Closed", "Case Reopened", "Case Closed",
    ]  # fmt: skip


def test_history_is_appended_and_never_changed(
    conn: Connection, named: Named, opened: Open
) -> None:
    case_id = opened(named("ana"))
    api.assign(conn, case_id, to=3, by=7, at=NOON)
    api.assign(conn, case_id, to=3, by=7, at=NOON)
    api.note(conn, case_id, text="rang, no answer", by=3, at=NOON)
    with pytest.raises(Invalid):
        api.note(conn, case_id, text=" ", by=3, at=NOON)
    events = api.history(conn, case_id)
    assert [(e.act, e.by) for e in events] == [("opened", None), ("assigned", 7), ("noted", 3)]
    assert events[1].detail == {"from": None, "to": 3}
    conn.commit()
    for statement in ("UPDATE case_events SET text = 'x'", "DELETE FROM case_events"):
        with pytest.raises(psycopg.errors.RaiseException), conn.transaction():
            conn.execute(statement)


def test_managers_see_and_touch_their_own_stores_only(
    conn: Connection, named: Named, opened: Open
) -> None:
    mine = opened(named("ana"), "a")
    other = opened(named("ben"), "b", touchpoint=("store", "331"))
    nowhere = opened(named("cid"), "c", touchpoint=("email", ""))
    seen = frozenset({"330"})
    assert [case.id for case in api.listing(conn, locations=seen)] == [mine]
    assert api.count(conn, locations=seen) == 1
    assert api.listing(conn, locations=frozenset()) == []
    assert api.listing(conn, locations=frozenset({""})) == []
    assert {case.id for case in api.listing(conn)} == {mine, other, nowhere}
    for hidden in (other, nowhere):
        before = api.get(conn, hidden)
        for act in (
            lambda id: api.get(conn, id, locations=seen),
            lambda id: api.history(conn, id, locations=seen),
            lambda id: api.assign(conn, id, to=1, by=1, at=NOON, locations=seen),
            lambda id: api.note(conn, id, text="x", by=1, at=NOON, locations=seen),
            lambda id: api.wait(conn, id, by=1, at=NOON, locations=seen),
            lambda id: api.resume(conn, id, by=1, at=NOON, locations=seen),
            lambda id: api.close_case(conn, id, by=1, resolution="x", at=NOON, locations=seen),
            lambda id: api.reopen(conn, id, by=1, reason="x", at=NOON, locations=seen),
        ):
            with pytest.raises(NotFound):
                act(hidden)
        assert api.get(conn, hidden) == before and len(api.history(conn, hidden)) == 1


def test_listing_filters(conn: Connection, named: Named, opened: Open) -> None:
    ana = named("ana")
    first = opened(ana, "a", hours=1, title="Cold food 100% of it")
    second = opened(named("ben"), "b", kind="complaint", hours=5)
    api.assign(conn, second, to=3, by=3, at=NOON)
    customer = customers_of(conn, [ana])[ana]

    def ids(**fields: object) -> list[int]:
        return [c.id for c in api.listing(conn, where=api.Filter(**fields))]  # type: ignore[arg-type]

    assert ids() == [first, second]
    assert ids(kinds=("complaint",)) == [second]
    assert ids(owner_id=3) == [second] and ids(unowned=True) == [first]
    assert ids(overdue_at=NOON + 2 * HOUR) == [first]
    assert ids(customer_id=customer) == [first]
    assert ids(words="100%") == [first] and ids(words="%") == [first] and ids(words="cold_") == []
    assert ids(place=("store", "330"), since=NOON, until=NOON + HOUR) == [first, second]
    assert ids(states=("closed",)) == []
    assert [c.id for c in api.listing(conn, limit=1, offset=1)] == [second]


def test_selling_stops_while_a_complaint_or_a_detractor_is_open(
    conn: Connection, named: Named, opened: Open
) -> None:
    ana, ben, cid = named("ana"), named("ben"), named("cid")
    customers = customers_of(conn, [ana, ben, cid])
    opened(ana, "r", kind="request")
    bad = opened(ben, "b")
    opened(cid, "c1")
    opened(cid, "c2", kind="complaint")
    everyone = list(customers.values())
    assert api.selling_muted(conn, everyone) == {
        customers[ben]: "detractor_open",
        customers[cid]: "complaint_open",
    }
    assert {id: len(found) for id, found in api.open_cases(conn, everyone).items()} == {
        customers[ana]: 1, customers[ben]: 1, customers[cid]: 2,
    }  # fmt: skip
    api.close_case(conn, bad, by=1, resolution="done", at=NOON)
    assert customers[ben] not in api.selling_muted(conn, everyone)
    assert api.selling_muted(conn, []) == {} and api.open_cases(conn, []) == {}


@pytest.mark.parametrize(
    "fields", [{"kind": "rant"}, {"title": " "}, {"cause": ""}, {"hours": 0}, {"hours": 9e9}]
)
def test_what_cannot_be_a_case(conn: Connection, named: Named, fields: dict[str, object]) -> None:
    whole = {"kind": "request", "title": "t", "cause": "c", "hours": 1.0, **fields}
    with pytest.raises(Invalid):
        api.open_case(conn, subject_id=named("ana"), at=NOON, **whole)  # type: ignore[arg-type]
    assert api.count(conn) == 0
