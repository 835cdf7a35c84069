"""Holdouts that are over become trials of uplift, once, with side and outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

from touchloop.core import clock, db
from touchloop.engage.decisions import api
from touchloop.flow import trying
from touchloop.insight.uplift import api as uplift


def test_exposures_become_trials_when_their_time_is_over(conn: db.Connection) -> None:
    now = clock.now()
    conn.execute(
        "INSERT INTO offers (slug, name, sentence, state, definition, version, created_at,"
        " updated_at) VALUES ('bread', 'Bread', '', 'live', '{}', 1, %(now)s, %(now)s)",
        {"now": now},
    )
    (offer,) = conn.execute("SELECT id FROM offers WHERE slug = 'bread'").fetchone() or (0,)

    def exposed(subject: int, *, held: bool, ended: float, reached: bool, of: int = offer) -> None:
        until = now - timedelta(days=ended)
        met: datetime | None = until - timedelta(hours=1) if reached else None
        conn.execute(
            "INSERT INTO offer_exposures (subject_id, offer_id, held, at, goal, until, reached_at)"
            " VALUES (%s, %s, %s, %s, 'Order Completed', %s, %s)",
            (subject, of, held, until - timedelta(days=14), until, met),
        )

    exposed(1, held=False, ended=5, reached=True)
    exposed(2, held=True, ended=4, reached=False)
    exposed(3, held=False, ended=0.5, reached=True)  # late interactions may still arrive
    exposed(4, held=True, ended=-3, reached=False)
    exposed(5, held=True, ended=9, reached=False, of=0)  # the holdout of everything
    conn.commit()
    found = api.settled_trials(conn, since=None, until=now - trying.LATE)
    assert [(t.offer, t.subject_id, t.treated, t.outcome) for t in found] == [
        ("bread", 1, True, 1.0), ("bread", 2, False, 0.0),
    ]  # fmt: skip
    assert trying.collect_trials(conn) == 2
    assert trying.collect_trials(conn) == 0
    assert uplift.offers(conn) == [("bread", 1, 1)]
