"""Signals: noticed once, told once, a complaint opens a case, slow ones by one's own past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.experience.signals import api
from touchloop.experience.signals.clicks import Click, Frustration, frustrations
from touchloop.experience.signals.rules import DEFAULTS
from touchloop.experience.signals.scanning import sql
from touchloop.experience.signals.tests.conftest import News
from touchloop.flow import worker
from touchloop.flow.tests.conftest import NOON, Clock, Say
from touchloop.identity.api import customers_of
from touchloop.records.cases import api as cases

MS = timedelta(milliseconds=1)


def _clicks(*clicks: tuple[float, float, float], **properties: Any) -> list[Click]:
    """(ms, x, y) of one subject."""
    return [
        Click(n, 1, NOON + ms * MS, {"x": x, "y": y, "selector": "#pay", **properties})
        for n, (ms, x, y) in enumerate(clicks, 1)
    ]


def _kinds(clicks: list[Click]) -> list[tuple[str, int, int]]:
    return [(each.kind, each.click.id, each.count) for each in frustrations(clicks, DEFAULTS)]


@pytest.mark.parametrize(
    ("clicks", "bursts"),
    [
        ([(0, 5, 5), (400, 5, 5), (1_000, 5, 5)], [("rage_click", 1, 3)]),
        ([(0, 5, 5), (400, 5, 5), (1_001, 5, 5)], []),
        ([(0, 0, 0), (100, 30, 0), (200, 0, 0)], [("rage_click", 1, 3)]),
        ([(0, 0, 0), (100, 31, 0), (200, 0, 0)], []),
        ([(0, 0, 0), (100, 20, 0), (200, 40, 0)], []),  # each near the next, not all together
        ([(0, 5, 5), (100, 5, 5)], []),
        ([(n * 300, 5, 5) for n in range(8)], [("rage_click", 1, 8)]),
        (
            [(0, 5, 5), (1, 5, 5), (2, 5, 5), (9_000, 5, 5), (9_001, 5, 5), (9_002, 5, 5)],
            [("rage_click", 1, 3), ("rage_click", 4, 3)],
        ),
    ],
)
def test_rage_by_its_definition(
    clicks: list[tuple[float, float, float]], bursts: list[tuple[str, int, int]]
) -> None:
    assert _kinds(_clicks(*clicks)) == bursts


def test_what_is_no_rage() -> None:
    burst = [(0.0, 5.0, 5.0), (100.0, 5.0, 5.0), (200.0, 5.0, 5.0)]
    assert _kinds(_clicks(*burst, selected_text=True)) == []  # a paragraph was selected
    assert _kinds(_clicks(*burst, selector="div.DatePicker .next")) == []
    assert _kinds(_clicks(*burst, x="5")) == []
    two = [Click(n, n, NOON, {"x": 1, "y": 1}) for n in range(1, 4)]  # three people
    assert _kinds(two) == []


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"reaction_ms": None, "watched_ms": 7_000}, "dead_click"),
        ({"reaction_ms": 7_000}, "dead_click"),
        ({"reaction_ms": 6_999}, "slow_click"),
        ({"reaction_ms": 3_000}, "slow_click"),
        ({"reaction_ms": 2_999}, None),
        ({"reaction_ms": None, "watched_ms": 1_000}, None),  # left too early to say
        ({"reaction_ms": None}, None),
        ({}, None),
        ({"reaction_ms": 9_000, "tag": "div"}, None),
        ({"reaction_ms": 9_000, "target": "_blank"}, None),
        ({"reaction_ms": 9_000, "download": "list.pdf"}, None),
        ({"error": "TypeError"}, "error_click"),
        ({"error": True, "reaction_ms": 9_000}, "error_click"),
    ],
)
def test_dead_slow_and_failing_clicks(properties: dict[str, Any], kind: str | None) -> None:
    found = frustrations(_clicks((0, 1, 1), **{"tag": "BUTTON", **properties}), DEFAULTS)
    assert [each.kind for each in found] == ([kind] if kind else [])


def test_clicks_on_one_thing_within_a_second_count_once() -> None:
    dead = {"tag": "button", "reaction_ms": 9_000}
    found = _kinds(_clicks((0, 1, 1), (900, 90, 90), (1_800, 1, 1), (3_000, 1, 1), **dead))
    assert found == [("dead_click", 1, 1), ("dead_click", 4, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 60), st.integers(0, 60)), max_size=12)
)
def test_rage_is_found_whenever_three_clicks_are_together(
    clicks: list[tuple[int, int, int]],
) -> None:
    """A second, plain writing of the definition, over neighbours in time."""
    ordered = sorted(clicks)
    together = any(
        c[0] - a[0] <= 1_000
        and all((p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2 <= 900 for p, q in ((a, b), (b, c), (a, c)))
        for a, b, c in zip(ordered, ordered[1:], ordered[2:], strict=False)
    )
    found: list[Frustration] = frustrations(_clicks(*ordered), DEFAULTS)
    assert bool(found) == together
    assert all(each.count >= 3 for each in found)


def _told(conn: Connection) -> list[str]:
    conn.commit()
    worker.drain()
    rows = conn.execute(
        "SELECT (x.body::jsonb)->'properties'->>'signal' FROM interactions x"
        " JOIN kinds k ON k.id = x.kind_id WHERE k.name = 'Signal Noticed' ORDER BY x.id"
    ).fetchall()
    conn.commit()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Order Returned", "return"), ("Complaint Received", "complaint"),
        ("Message Complained", "mail_complaint"), ("Message Bounced", "bounced"),
        ("Unsubscribed", "unsubscribed"), ("Dead Click", "dead_click"),
    ],
)  # fmt: skip
def test_an_event_is_one_signal(
    conn: Connection, say: Say, brought: News, held_clock: Clock, event: str, kind: str
) -> None:
    say(userId="ana", event="Product Viewed")
    say(userId="ana", event=event, properties={"text": "cold soup"}, work=True)
    batch = brought()
    api.on_batch(conn, batch, NOON)
    api.on_batch(conn, batch, NOON)
    assert _told(conn) == [kind]
    (signal,) = api.latest(conn)
    assert (signal.kind, signal.strength) == (kind, DEFAULTS[kind].weight)
    opened = cases.listing(conn)
    assert [case.kind for case in opened] == (["complaint"] if "complaint" in kind else [])
    if opened:
        assert opened[0].story == "cold soup"
        assert cases.selling_muted(conn, [signal.customer_id]) == {
            signal.customer_id: "complaint_open"
        }


def test_a_return_that_starts_and_ends_is_one(
    conn: Connection, say: Say, brought: News, held_clock: Clock
) -> None:
    for event in ("Return Started", "Order Returned", "Order Refunded"):
        say(userId="ana", event=event, properties={"order_id": "o1"})
    say(userId="ana", event="Order Returned", properties={"order_id": "o2"}, work=True)
    api.on_batch(conn, brought(), NOON)
    assert _told(conn) == ["return", "return"]


def test_a_burst_over_two_batches_is_one_signal(
    conn: Connection, say: Say, brought: News, held_clock: Clock
) -> None:
    def click(ms: float) -> None:
        at = (NOON - timedelta(seconds=9) + ms * MS).isoformat()
        place = {"x": 5, "y": 5, "selector": "#pay", "tag": "button"}
        say(userId="ana", event="Element Clicked", properties=place, timestamp=at, work=True)
        api.on_batch(conn, brought(), NOON)
        conn.commit()

    for ms in (100, 500, 900, 1_200, 0):  # the first came last
        click(ms)
    say(userId="ana", event="Rage Click", properties={}, work=True,
        timestamp=(NOON - timedelta(seconds=8.5)).isoformat())  # fmt: skip
    api.on_batch(conn, brought(), NOON)
    assert _told(conn) == ["rage_click"]


def test_rules_are_data(conn: Connection, say: Say, brought: News, held_clock: Clock) -> None:
    api.change_rule(conn, "return", opens_case=True, weight=9)
    api.change_rule(conn, "bounced", live=False)
    conn.commit()
    say(userId="ana", event="Message Bounced")
    say(userId="ana", event="Order Returned", work=True)
    api.on_batch(conn, brought(), NOON)
    assert [(each.kind, each.strength) for each in api.latest(conn)] == [("return", 9)]
    assert len(cases.listing(conn)) == 1
    changed = api.change_rule(conn, "rage_click", limits={"clicks": 4})
    assert changed.limits == {"clicks": 4, "pixels": 30, "ms": 1_000}
    assert api.rules(conn)["rage_click"] == changed
    for wrong in (
        {"kind": "smell"},
        {"limits": {"smell": 1}},
        {"limits": {"ms": -1}},
        {"weight": -1},
    ):
        with pytest.raises(Invalid):
            api.change_rule(conn, **{"kind": "rage_click", **wrong})  # type: ignore[arg-type]


def test_reading_by_place(conn: Connection, say: Say, brought: News, held_clock: Clock) -> None:
    for location, user in (("330", "ana"), ("330", "ben"), ("331", "cid")):
        place = {"touchpoint": {"channel": "store", "location": location}}
        say(userId=user, event="Order Returned", context=place)
    say(userId="dan", event="Unsubscribed", work=True)
    api.on_batch(conn, brought(), NOON)
    mine = frozenset({"330"})
    assert {each.location for each in api.latest(conn, locations=mine)} == {"330"}
    assert len(api.latest(conn)) == 4 and api.latest(conn, locations=frozenset({""})) == []
    (count,) = api.counts(
        conn, since=NOON - timedelta(1), until=NOON + timedelta(1), locations=mine
    )
    assert (count.kind, count.n, count.customers, count.strength) == ("return", 2, 2, 4.0)
    subject = conn.execute("SELECT subject_id FROM signals ORDER BY id LIMIT 1").fetchone()
    assert subject
    customer = customers_of(conn, [subject[0]])[subject[0]]
    assert len(api.of_customers(conn, [customer])) == 1
    assert api.of_customers(conn, [customer], since=NOON + timedelta(1)) == []


# over the lake


class Orders:
    """A small lake of orders in memory."""

    def __init__(self) -> None:
        self.duck = duckdb.connect(":memory:")
        self.duck.execute(
            "CREATE TABLE interactions (customer_id BIGINT, interaction_id BIGINT, name VARCHAR,"
            " value DOUBLE, channel VARCHAR, location VARCHAR, occurred_at TIMESTAMP)"
        )
        self.n = 0

    def add(self, customer: int, orders: list[tuple[float, float]]) -> None:
        """Orders as (days ago, value)."""
        for ago, value in orders:
            self.n += 1
            at = (NOON - timedelta(days=ago)).replace(tzinfo=None)
            self.duck.execute(
                "INSERT INTO interactions VALUES (?, ?, 'Order Completed', ?, 'store', '330', ?)",
                [customer, self.n, value, at],
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.duck.execute(query).fetchall()


def test_slow_signals_by_ones_own_past() -> None:
    lake = Orders()
    wave = (9.0, 10.0, 11.0)
    weekly = [(7.0 * n + 1, wave[n % 3]) for n in range(30)]
    lake.add(1, weekly)  # as ever
    lake.add(2, [(ago, value * (0.5 if n < 5 else 1)) for n, (ago, value) in enumerate(weekly)])
    lake.add(3, [(ago + 20, value) for ago, value in weekly])  # silent for 21 days: three intervals
    lake.add(4, [(ago + 19, value) for ago, value in weekly])  # 20 days: not yet
    lake.add(5, [(30.0 * n + 25, 10.0) for n in range(14)])  # monthly: 25 days are nothing
    lake.add(
        6,
        [
            (1, 10.0),
            (15, 10.0),
            (29, 10.0),
            (43, 10.0),
            *[(43 + 7.0 * n, 10.0) for n in range(1, 12)],
        ],
    )
    lake.add(7, [(7.0 * n, 3.0 if n < 5 else (1.0, 30.0)[n % 2]) for n in range(13)])  # wild
    lake.add(8, weekly[:7])  # too little is known
    found = {(row[0], row[1]): row for row in lake.rows(sql(NOON, DEFAULTS))}
    assert set(found) == {
        (2, "basket_shrinking"), (3, "visits_apart"), (6, "visits_apart"),
    }  # fmt: skip
    assert found[2, "basket_shrinking"][4] == pytest.approx(2.0, rel=0.1)
    _customer, _kind, usual, recent, strength, channel, location = found[3, "visits_apart"]
    assert (usual, recent, strength) == (7, 21, 1.0) and (channel, location) == ("store", "330")
    assert found[6, "visits_apart"][2:4] == (7, 14)


def test_a_scan_keeps_what_is_new_and_waits_before_it_says_it_again(
    conn: Connection, say: Say, held_clock: Clock
) -> None:
    say(userId="ana", event="Order Completed", work=True)
    (subject,) = conn.execute("SELECT id FROM identifiers WHERE value = 'ana'").fetchone() or (0,)
    customer = customers_of(conn, [subject])[subject]
    lake = Orders()
    lake.add(customer, [(7.0 * n + 30, 10.0) for n in range(12)])
    lake.add(999_999_999, [(7.0 * n + 30, 10.0) for n in range(12)])  # erased a moment ago
    assert api.scan(conn, lake, now=NOON) == 1
    assert api.scan(conn, lake, now=NOON) == 0
    assert api.scan(conn, lake, now=NOON + timedelta(days=89)) == 0
    assert api.scan(conn, lake, now=NOON + timedelta(days=91)) == 1
    assert _told(conn) == ["visits_apart", "visits_apart"]
    (first, _second) = api.latest(conn)
    assert first.detail["usual"] == 7 and first.location == "330"


def test_a_scan_reads_the_real_lake(
    conn: Connection, say: Say, held_clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from touchloop.flow import exporting
    from touchloop.insight.segments import api as segments

    monkeypatch.setenv("LAKE_URL", str(tmp_path / "lake"))
    for n in range(12):
        at = datetime(2026, 1, 25, 9, tzinfo=UTC) - timedelta(days=7 * n)
        say(userId="ana", event="Order Completed", timestamp=at.isoformat(),
            properties={"order_id": f"o{n}", "total": 10 + n % 3},
            context={"touchpoint": {"channel": "store", "location": "330"}})  # fmt: skip
    say(userId="ana", event="Product Viewed", work=True)
    exporting.export_all(conn)
    with segments.engine(conn) as engine:
        assert api.scan(conn, engine, now=NOON) == 1
    (signal,) = api.latest(conn)
    assert (signal.kind, signal.detail["usual"]) == ("visits_apart", 7)
