"""The visits that are on now, for people who watch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.insight.scores.intent.kind import BUY, LEAVE
from touchloop.insight.scores.intent.live import why
from touchloop.insight.scores.intent.steps import ACTS, GAP_SECONDS


@dataclass(frozen=True, slots=True)
class LiveVisit:
    """One visit: what was done so far, by act; what is said of it, None after an order."""

    customer_id: int
    started_at: datetime
    last_at: datetime
    phone: bool
    referrer: str
    acts: dict[str, int]
    bought: bool
    buy: float | None
    leave: float | None
    low: float | None
    high: float | None
    reasons: Sequence[str]


def visits_now(conn: Connection, now: datetime, *, limit: int = 50) -> list[LiveVisit]:
    """The visits with a step in the last half hour, the surest buyers first."""
    since = clock.micros(now - timedelta(seconds=GAP_SECONDS))
    rows = conn.execute(_NOW, (BUY, LEAVE, since, limit)).fetchall()
    silent = [row[0] for row in rows if row[8] is not None and not row[8].get("reasons")]
    reasons = why(conn, silent) if silent else {}
    return [
        LiveVisit(
            id,
            clock.from_micros(started),
            clock.from_micros(last),
            phone,
            referrer,
            {act: n for act, n in zip(ACTS, counts, strict=False) if n},
            bought,
            buy,
            leave,
            (said or {}).get("low"),
            (said or {}).get("high"),
            tuple((said or {}).get("reasons") or reasons.get(id) or ()),
        )
        for id, started, last, phone, referrer, counts, bought, buy, said, leave in rows
    ]


def count_now(conn: Connection, now: datetime) -> int:
    """How many visits are on."""
    since = clock.micros(now - timedelta(seconds=GAP_SECONDS))
    row = conn.execute("SELECT count(*) FROM intent_visits WHERE last_us > %s", (since,)).fetchone()
    return int(row[0]) if row else 0


_NOW = """
SELECT v.customer_id, v.started_us, v.last_us, v.phone, v.referrer, v.counts, v.bought,
  b.value, b.inputs, l.value
FROM intent_visits v
LEFT JOIN scores b ON b.customer_id = v.customer_id AND b.name = %s
LEFT JOIN scores l ON l.customer_id = v.customer_id AND l.name = %s
WHERE v.last_us > %s
ORDER BY b.value DESC NULLS LAST, v.last_us DESC, v.customer_id
LIMIT %s
"""
