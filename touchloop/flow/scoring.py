"""Scores are computed over the lake at their own pace; customers whose score changed are due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from touchloop.core import arrays, clock
from touchloop.core.db import Connection
from touchloop.insight.scores import api as scores
from touchloop.insight.segments import api as segments


def refresh_scores(conn: Connection) -> int:
    """Compute all scores anew; returns for how many customers they changed. Commits."""
    now = clock.now()
    changed = scores.compute_spend_percentile(conn, now=now)
    decide_again(conn, {scores.SPEND_PERCENTILE: changed})
    conn.commit()
    return len(changed)


def decide_again(conn: Connection, changed: Mapping[str, Iterable[int]]) -> None:
    """Have those customers' segments decided anew whose score changed, by the score's name.

    Scores that no live segment reads change nothing. Commits with the caller.
    """
    read = segments.live(conn).needs.scores
    due = sorted({id for name, customers in changed.items() if name in read for id in customers})
    conn.execute(
        "INSERT INTO refreshes (customer_id, due_at, reason)"
        " SELECT id, %s, 'score' FROM unnest(%s::bigint[]) AS c(id) ORDER BY id"
        " ON CONFLICT (customer_id) DO UPDATE"
        " SET due_at = least(refreshes.due_at, excluded.due_at)",
        (clock.now(), arrays.numbers(due)),
    )
