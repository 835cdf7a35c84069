"""The scorecard over the database: counts, scope, sources, and nothing small by any difference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain

import numpy as np
import pytest

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.experience.scorecards import api
from touchloop.experience.surveys import api as surveys
from touchloop.flow.tests.conftest import NOON, conn

__all__ = ["conn"]

SINCE, UNTIL = NOON - timedelta(days=200), NOON + timedelta(days=1)
Give = Callable[..., None]


@pytest.fixture
def give(conn: Connection) -> Give:
    """Answers (scores) at a place, each by an invitation; `silent` more did not answer."""
    survey_ids = {}
    words = surveys.Words("q", "a", "b", "c")
    for kind in ("nps", "csat", "ces"):
        design = surveys.Design(kind, kind, kind, words)
        survey_ids[kind] = surveys.create(conn, design, by=None, now=NOON).id
    count = 0

    def put(
        scores: list[int],
        location: str = "330",
        *,
        kind: str = "nps",
        channel: str = "store",
        region: str = "north",
        stage: str = "ordering",
        source: str = "",
        at: datetime = NOON - timedelta(days=1),
        silent: int = 0,
        mode: str = "message",
    ) -> None:
        nonlocal count
        conn.execute(
            "INSERT INTO touchpoints (channel, location, name, region, stage, first_seen_at,"
            " last_seen_at) VALUES (%s, %s, %s, %s, %s, now(), now()) ON CONFLICT DO NOTHING",
            (channel, location, f"Store {location}", region, stage),
        )
        for score in chain(scores, [None] * silent):
            count += 1
            (id,) = conn.execute(
                "INSERT INTO invitations (subject_id, survey_id, version, cause, channel, location,"
                " stage, mode, state, reason, source, decided_at) VALUES (%s, %s, 1, %s, %s, %s,"
                " %s, %s, %s, '', %s, %s) RETURNING id",
                (count, survey_ids[kind], f"c{count}", channel, location, stage, mode,
                 "expired" if score is None else "answered", source, at),
            ).fetchone() or (0,)  # fmt: skip
            if score is not None:
                conn.execute(
                    "INSERT INTO answers (invitation_id, subject_id, survey_id, version, kind,"
                    " score, ratings, text, channel, location, stage, mode, source, flags,"
                    " answered_at) VALUES (%s, %s, %s, 1, %s, %s, '{}', '', %s, %s, %s, %s, %s,"
                    " '{}', %s)",
                    (id, count, survey_ids[kind], kind, score, channel, location, stage, mode,
                     source, at),
                )  # fmt: skip

    return put


def _card(conn: Connection, by: api.By, **more: object) -> api.Card:
    return api.scorecard(conn, by=by, since=SINCE, until=UNTIL, **more)  # type: ignore[arg-type]


def test_a_row_says_what_was_answered(conn: Connection, give: Give) -> None:
    give([10, 9, 9, 8, 7, 6, 0, 10, 9, 3], silent=30)
    give([10] * 6, mode="qr")
    give([5, 4, 4, 3, 1, 5], kind="csat", silent=6)
    give([7, 6, 5, 4, 1], kind="ces")
    card = _card(conn, "location")
    rows = {row.kind: row for row in card.rows}
    nps = rows["nps"]
    assert (nps.n, nps.invited, nps.by_code, nps.simulated) == (16, 40, 6, 0)
    assert nps.response and (nps.response.x, nps.response.n) == (10, 40)
    assert nps.net == api.net(11, 2, 3) and nps.value == pytest.approx(50)
    assert (nps.location, nps.region, nps.name) == ("330", "north", "Store 330")
    csat = rows["csat"]
    assert (
        csat.share and (csat.share.x, csat.share.n) == (4, 6) and csat.mean == pytest.approx(22 / 6)
    )
    assert rows["ces"].share and rows["ces"].share.x == 3  # 5 to 7 of seven
    assert card.totals["nps"].n == 16 and not card.simulated
    assert set(card.totals) == {"nps", "csat", "ces"}
    assert {row.kind for row in _card(conn, "location", kind="ces").rows} == {"ces"}
    assert _card(conn, "total").rows == ()
    outside = api.scorecard(conn, by="location", since=UNTIL, until=UNTIL + timedelta(1))
    assert outside.rows == () and outside.totals == {}
    for wrong in ({"by": "moon"}, {"source": "dream"}, {"kind": "stars"}):
        with pytest.raises(Invalid):
            _card(conn, **{"by": "total", **wrong})  # type: ignore[arg-type]


def test_units_are_compared(conn: Connection, give: Give) -> None:
    rng = np.random.default_rng(3)
    for store in range(20):
        good = 0.2 if store == 7 else 0.6
        give(rng.choice([10, 8, 2], size=60, p=[good, 0.2, 0.8 - good]).tolist(), str(store))
    card = _card(conn, "location")
    assert [row.rank for row in card.rows] == list(range(1, 21))
    worst = card.rows[-1]
    assert worst.location == "7" and worst.shrunken and worst.shrunken.in_worst > 0.95
    assert worst.zone == "very_low" and worst.funnel and worst.value is not None
    assert worst.value < worst.shrunken.value < (card.totals["nps"].value or 0)
    chances = [row.shrunken.in_worst for row in card.rows if row.shrunken]
    assert sum(chances) == pytest.approx(2)
    assert sum(row.zone == "inside" for row in card.rows) >= 16
    assert 0 < worst.shrunken.reliability < 1 and card.priors["nps"].variance > 0


def test_a_trend_has_an_interval_for_each_month(conn: Connection, give: Give) -> None:
    for month in (1, 2, 3):
        give([10] * 8 + [0] * month, at=datetime(2026, month, 1, 0, 0, 1, tzinfo=NOON.tzinfo))
    (row,) = _card(conn, "location").rows
    assert [(m.month.month, m.n) for m in row.trend] == [(1, 9), (2, 10), (3, 11)]
    first = row.trend[0]
    assert first.value == pytest.approx(100 * 7 / 9)
    assert first.low < 77 < first.high


def test_small_cells_are_hidden_and_what_would_tell_them(conn: Connection, give: Give) -> None:
    give([0] * 4, "1", silent=3)
    give([9] * 9, "2")
    give([9] * 20, "3")
    give([9] * 30, "4", region="south")
    card = _card(conn, "location")
    shown = {row.location: row.n for row in card.rows if not row.hidden}
    assert shown == {"3": 20, "4": 30}
    for row in card.rows:
        if row.hidden:
            values = (row.n, row.value, row.net, row.mean, row.shrunken, row.rank, row.response)
            assert values == (None,) * 7 and row.invited is None and row.trend == ()
    assert card.totals["nps"].n == 63
    assert {row.region: row.n for row in _card(conn, "region").rows} == {"north": 33, "south": 30}


def test_managers_see_their_own_stores(conn: Connection, give: Give) -> None:
    give([9] * 10, "1")
    give([0] * 10, "2")
    give([5] * 10, "", channel="web")
    card = _card(conn, "location", locations=frozenset({"1"}))
    assert [row.location for row in card.rows] == ["1"]
    assert card.totals["nps"].n == 10
    assert _card(conn, "location", locations=frozenset()).rows == ()
    assert _card(conn, "total", locations=frozenset({""})).totals == {}
    assert len(_card(conn, "touchpoint").rows) == 3


def test_simulated_answers_are_said_and_can_be_left_out(conn: Connection, give: Give) -> None:
    give([9] * 10, "1", source="simulation", silent=5)
    give([0] * 8, "1")
    (row,) = _card(conn, "location").rows
    assert (row.n, row.simulated, row.invited) == (18, 10, 23)
    assert _card(conn, "location").simulated
    (real,) = _card(conn, "location", source="real").rows
    assert (real.n, real.simulated, real.value, real.invited) == (8, 0, -100, 8)
    (made,) = _card(conn, "location", source="simulation").rows
    assert (made.n, made.simulated, made.invited) == (10, 10, 15)


def test_no_view_of_a_source_tells_another(conn: Connection, give: Give) -> None:
    """All answers less the simulated ones would be three people."""
    give([9] * 17, "1", source="simulation")
    give([0] * 3, "1")
    give([9] * 30, "2", source="simulation")
    give([9] * 30, "2")
    give([9] * 30, "3")
    for source in (None, "real", "simulation"):
        hidden = {row.location for row in _card(conn, "location", source=source).rows if row.hidden}
        assert "1" in hidden and len(hidden) >= 2


def test_by_stage(conn: Connection, give: Give) -> None:
    give([9] * 10, "1", stage="ordering")
    give([0] * 6, "1", stage="support")
    rows = {row.stage: row.value for row in _card(conn, "stage").rows}
    assert rows == {"ordering": 100, "support": -100}


def test_no_small_group_follows_from_any_cut(conn: Connection, give: Give) -> None:
    """Random worlds, all cuts and sources of one viewer at once: shown wholes less shown parts."""
    rng = np.random.default_rng(11)
    for _world in range(12):
        with conn.transaction(force_rollback=True):
            for store in range(9):
                for source in ("", "simulation"):
                    n = int(rng.integers(0, 14))
                    give([9] * n, str(store), region="nsw"[store % 3], source=source)
            for view in (None, "real", "simulation"):
                _attack(conn, view)


def _attack(conn: Connection, source: str | None) -> None:
    whole = _card(conn, "total", source=source).totals.get("nps")
    regions = {row.region: row for row in _card(conn, "region", source=source).rows}
    stores = _card(conn, "location", source=source).rows
    for row in (*regions.values(), *stores):
        assert row.hidden or (row.n or 0) >= api.K
    if whole is not None and not whole.hidden:
        rest = (whole.n or 0) - sum(row.n or 0 for row in regions.values())
        assert rest == 0 or rest >= api.K
        rest = (whole.n or 0) - sum(row.n or 0 for row in stores)
        assert rest == 0 or rest >= api.K
    for region, row in regions.items():
        if not row.hidden:
            mine = [store for store in stores if store.region == region]
            rest = (row.n or 0) - sum(store.n or 0 for store in mine)
            assert rest == 0 or rest >= api.K
            assert sum(store.hidden for store in mine) != 1
