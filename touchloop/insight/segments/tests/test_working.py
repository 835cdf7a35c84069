"""Working with segments: sizes through time, overlap, files under consent, schedules."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.insight.segments import api, membership
from touchloop.insight.segments.exporting import Wish, export
from touchloop.insight.segments.scheduling import Schedule

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    with db.connect() as opened:
        yield opened
        opened.rollback()


def segment(conn: db.Connection, name: str) -> int:
    return api.create(
        name, rule={"all": []}, purpose="service", actor=None, now=NOON, state="paused", conn=conn
    ).id


def put(conn: db.Connection, segment_id: int, *customers: int) -> None:
    for id in customers:
        conn.execute(
            "INSERT INTO segment_members (customer_id, segment_id, since) VALUES (%s, %s, %s)",
            (id, segment_id, NOON),
        )


def customer(conn: db.Connection, id: int, name: str = "", email: str = "") -> None:
    conn.execute(
        "INSERT INTO customers (id, display_name, email, traits, allowed, created_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (id, name, email, Jsonb({"town": {"v": "Porto"}}), consent.ALL_BITS, NOON, NOON),
    )
    conn.execute(
        "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
        " first_seen_at, source_id) VALUES (%s, 'user_id', %s, %s, %s, 'ok', %s, 1)",
        (id, f"u{id}", id, id, NOON),
    )


def said(conn: db.Connection, id: int, purpose: str, state: str) -> None:
    consent.record_use(conn, [consent.UseGrant(id, purpose, state, 1, NOON)])


def test_sizes_are_noted_when_they_change_and_once_a_day(conn: db.Connection) -> None:
    one = segment(conn, "One")
    for hours, members in ((0, (1, 2)), (1, ()), (2, (3,)), (24, ()), (25, (4,))):
        put(conn, one, *members)
        membership.recount(conn, NOON + timedelta(hours=hours))
    found = api.sizes(conn, one, since=NOON - timedelta(days=1))
    assert [(size.hour - NOON, size.members) for size in found] == [
        (timedelta(0), 2), (timedelta(hours=2), 3), (timedelta(hours=24), 3),
        (timedelta(hours=25), 4),
    ]  # fmt: skip
    api.thin_sizes(conn, NOON + timedelta(days=30))
    later = NOON + timedelta(hours=23)
    assert [s.members for s in api.sizes(conn, one, since=later)] == [3, 4]
    api.delete(one, conn=conn)
    assert api.sizes(conn, one, since=NOON) == []


def test_intersections_are_exact_and_lead_to_their_customers(conn: db.Connection) -> None:
    a, b, c = (segment(conn, name) for name in "ABC")
    put(conn, a, 1, 2, 3, 4, 5)
    put(conn, b, 4, 5, 6)
    put(conn, c, 5, 9)
    found = {each.segments: each.customers for each in api.overlap(conn, [a, b, c])}
    assert found == {
        frozenset({a}): 3, frozenset({a, b}): 1, frozenset({b}): 1, frozenset({c}): 1,
        frozenset({a, b, c}): 1,
    }  # fmt: skip
    both = api.among_overlap(conn, [a, b, c], frozenset({a, b}), limit=9, after=0)
    assert [each.customer_id for each in both] == [4]
    alone = api.among_overlap(conn, [a, b, c], frozenset({a}), limit=2, after=1)
    assert [each.customer_id for each in alone] == [2, 3]
    with pytest.raises(Invalid):
        api.overlap(conn, [a])
    with pytest.raises(Invalid):
        api.among_overlap(conn, [a, b], frozenset(), limit=1, after=0)


def test_a_file_holds_who_allows_the_purpose_and_says_why_others_are_not_in_it(
    conn: db.Connection,
) -> None:
    one = segment(conn, "One")
    for id, name in ((1, "Ana"), (2, "=cmd()"), (3, "Cid"), (4, "Dana")):
        customer(conn, id, name, f"x{id}@example.com")
    put(conn, one, 1, 2, 3, 4)
    said(conn, 1, "marketing", "granted")
    said(conn, 2, "marketing", "granted")
    said(conn, 3, "marketing", "objected")
    consent.record_contact(conn, [consent.ContactGrant(1, "email", "", "granted", 1, NOON)])
    out = io.StringIO()
    wish = Wish("marketing", ("name", "email", "trait:town"))
    found = export(conn, one, wish, out)
    assert out.getvalue().splitlines() == [
        "customer,name,email,town", "1,Ana,x1@example.com,Porto", "2,'=cmd(),,Porto",
    ]  # fmt: skip
    assert (found.members, found.written, found.emptied) == (4, 2, {"email": 1})
    assert found.left_out == {
        "the person objected to marketing": 1,
        "marketing needs the person's agreement, which is not there": 1,
    }
    lines = io.StringIO()
    served = export(conn, one, Wish("service", ("identifiers", "since"), "json"), lines)
    assert served.written == 4 and '"identifiers": ["user_id:u1"]' in lines.getvalue()
    for wrong in (Wish("fun", ()), Wish("service", ("password",)), Wish("service", (), "xls")):
        with pytest.raises(Invalid):
            export(conn, one, wrong, lines)


def test_a_time_of_the_day_follows_the_clocks_of_its_zone() -> None:
    def after(moment: datetime, at: time = time(2, 30)) -> str:
        return f"{api.next_time(at, 'Europe/Berlin', moment):%d %H:%M}"

    assert after(datetime(2026, 3, 2, 12, tzinfo=UTC)) == "03 01:30"
    assert after(datetime(2026, 3, 28, 12, tzinfo=UTC)) == "29 01:30"  # left out: an hour later
    assert after(datetime(2026, 10, 24, 12, tzinfo=UTC)) == "25 00:30"  # comes twice: once
    assert after(datetime(2026, 10, 25, 0, 31, tzinfo=UTC)) == "26 01:30"
    with pytest.raises(Invalid):
        api.next_time(time(1), "Mars/Base", NOON)


def test_what_is_due_is_done_once_and_planned_for_tomorrow(
    conn: db.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLOOP_HOME", str(tmp_path))
    one = segment(conn, "One")
    customer(conn, 1, "Ana")
    put(conn, one, 1)
    planned = {"at": time(6), "zone": "UTC", "by": None, "now": NOON}
    api.plan(conn, one, "refresh", **planned)  # type: ignore[arg-type]
    api.plan(conn, one, "export", wish=Wish("service", ("name",)), **planned)  # type: ignore[arg-type]
    conn.commit()
    refreshed: list[int] = []
    noted: list[Path] = []

    def run(now: datetime, *, may: bool = True) -> list[Schedule]:
        return api.run_due(
            conn,
            now,
            refresh=lambda id: refreshed.append(id) or 7,  # type: ignore[func-returns-value]
            may_export=lambda due: may,
            exported=lambda due, found, path: noted.append(path),
        )

    assert run(NOON) == []
    morning = NOON + timedelta(days=1)
    assert [each.act for each in run(morning)] == ["export", "refresh"]
    assert refreshed == [one] and [path.read_text() for path in noted] == ["customer,name\n1,Ana\n"]
    assert (noted[0].stat().st_mode & 0o777, noted[0].name) == (0o600, "one.csv")
    assert {each.last_word for each in api.schedules(conn, one)} == {"7 members", "1 of 1 written"}
    assert run(morning) == []
    assert {each.next_at for each in api.schedules(conn, one)} == {
        datetime(2026, 3, 4, 6, tzinfo=UTC)
    }
    run(morning + timedelta(days=1), may=False)
    assert len(noted) == 1 and "may not" in api.schedules(conn, one)[0].last_word
    api.unplan(conn, one, "export")
    assert [each.act for each in api.schedules(conn, one)] == ["refresh"]
