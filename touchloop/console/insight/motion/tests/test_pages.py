"""The page of data in motion, the number on Loop, and what a look at a report notes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from touchloop.console.conftest import Send, order, told
from touchloop.console.insight.motion import reports
from touchloop.core import clock, db
from touchloop.flow import motion as gathering
from touchloop.insight.motion import api as motion
from touchloop.insight.segments import api as segments

HOSTILE = "<script>alert(1)</script>"
BOUGHT = {"events": ["Order Completed"], "measure": "count", "op": "gte", "value": 1}
RULE = {"all": [{"interactions": BOUGHT}, {"trait": {"name": "plan", "op": "exists"}}]}


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def measured(send: Send) -> None:
    send(order("ana"), told("ana", plan="gold", **{HOSTILE: "x"}))
    with db.connect() as conn:
        for n in range(5):
            made = segments.create(
                f"Buyers {n}", rule=RULE, purpose="service", actor=None, now=clock.now(), conn=conn
            )
            segments.set_state(made.id, "live", now=clock.now(), conn=conn)
        assert gathering.measure_motion(conn, clock.now()) == 1
        conn.commit()


def test_before_the_first_measurement_the_page_says_so(admin: Client) -> None:
    assert "Not measured yet" in text(admin, "/insight/motion/")


def test_each_row_says_who_uses_it(measured: None, admin: Client) -> None:
    said = text(admin, "/insight/motion/")
    for words in ("segment Buyers 0", "and 3 more", "never used", "score spend_percentile"):
        assert words in said
    assert "&lt;script&gt;alert(1)" in said and HOSTILE not in said
    assert "Profile" in said and "0 %" in said
    used = text(admin, "/insight/motion/?state=in_use&kind=trait")
    assert "plan" in used and "segment Buyers 0" in used
    assert "alert(1)" not in used
    assert "Nothing fits" in text(admin, "/insight/motion/?q=zzz")
    found = admin.get("/insight/motion/?csv=bytes").content.decode().splitlines()
    assert found[0] == "Kind,in use,hibernating,never used" and len(found) == 4


def test_loop_has_the_number(measured: None, admin: Client) -> None:
    admin.get("/loop/circle/")
    said = text(admin, "/")
    assert "of what is captured is in use" in said


def test_a_look_at_a_report_is_a_use(measured: None, admin: Client) -> None:
    def of_reports() -> list[str]:
        with db.connect() as conn:
            found = motion.rows(conn, now=clock.now())
            rows = conn.execute("SELECT name FROM motion_uses WHERE what = 'report'").fetchall()
        assert found
        return sorted(row[0] for row in rows)

    assert of_reports() == []
    admin.get("/customers/")
    assert of_reports() == []
    admin.get("/scorecards/")
    admin.get("/scorecards/")
    assert of_reports() == ["Survey Answered"]


def test_every_report_has_a_name_and_reads_something() -> None:
    assert all(str(each.label) and each.reads for each in reports.REPORTS.values())


def test_who_may_not_see_insight(sign_in: Callable[[str], Client]) -> None:
    assert sign_in("service").get("/insight/motion/").status_code == 403
