"""What became of a trigger: where its runs are, and whether it gained anybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from touchloop.core.db import Connection
from touchloop.core.proportions import Gain, Share, gain, share
from touchloop.engage.triggers import keeping


@dataclass(frozen=True, slots=True)
class Report:
    """Runs by state, and by the reason for which they ended; of those for whom it acted, and of
    those for whom it would have, were they not held out, how many came to the goal.
    """

    trigger_id: int
    states: dict[str, int]
    reasons: dict[str, int]
    goal: str
    days: int
    treated: Share | None
    held: Share | None
    gained: Gain | None


@dataclass(frozen=True, slots=True)
class Line:
    """One run as a list shows it. `data` names what it made: delivery, decision, offer, case."""

    id: int
    trigger_id: int
    trigger: str
    version: int
    subject_id: int
    customer_id: int
    state: str
    reason: str
    step: int
    due_at: datetime
    entered_at: datetime
    acted_at: datetime | None
    ended_at: datetime | None
    data: dict[str, Any]


def report(conn: Connection, trigger_id: int) -> Report:
    """As it stands. Raises NotFound."""
    trigger = keeping.get(conn, trigger_id)
    states: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for state, reason, n in conn.execute(
        "SELECT state, reason, count(*) FROM trigger_runs WHERE trigger_id = %s GROUP BY 1, 2",
        (trigger_id,),
    ).fetchall():
        states[state] += n
        if reason:
            reasons[reason] += n
    goal = trigger.parsed.goal
    if goal is None:
        return Report(trigger_id, dict(states), dict(reasons), "", 0, None, None, None)
    arms = {
        held: share(came, n)
        for held, n, came in conn.execute(
            _CAME,
            {"trigger": trigger_id, "event": goal.event, "time": timedelta(days=goal.days)},
        ).fetchall()
    }
    treated, held = arms.get(False, share(0, 0)), arms.get(True, share(0, 0))
    return Report(
        trigger_id, dict(states), dict(reasons), goal.event, goal.days, treated, held,
        gain(treated, held),
    )  # fmt: skip


def runs(
    conn: Connection,
    *,
    trigger_id: int | None = None,
    customer_id: int | None = None,
    state: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """Runs, the newest first; `before` is the id of the last one shown."""
    rows = conn.execute(
        _RUNS,
        {
            "trigger": trigger_id,
            "customer": customer_id,
            "state": state,
            "before": before,
            "limit": limit,
        },
    ).fetchall()
    return [Line(*row) for row in rows]


# Both arms are counted from the moment of the act, so that time favours neither.
_CAME = """
SELECT r.held_out, count(*), count(*) FILTER (WHERE EXISTS (
  SELECT FROM identifiers a JOIN identifiers b ON b.customer_id = a.customer_id
  JOIN interactions x ON x.subject_id = b.id
  WHERE a.id = r.subject_id AND x.occurred_at > r.acted_at
    AND x.occurred_at <= r.acted_at + %(time)s
    AND x.kind_id IN (SELECT id FROM kinds WHERE name = %(event)s AND type <> 'system')
))
FROM trigger_runs r
WHERE r.trigger_id = %(trigger)s AND r.acted_at IS NOT NULL AND (r.reached OR r.held_out)
GROUP BY 1
"""

_RUNS = """
SELECT r.id, r.trigger_id, t.name, r.version, r.subject_id, i.customer_id, r.state, r.reason,
       r.step, r.due_at, r.entered_at, r.acted_at, r.ended_at, r.data
FROM trigger_runs r JOIN triggers t ON t.id = r.trigger_id
JOIN identifiers i ON i.id = r.subject_id
WHERE (%(trigger)s::int IS NULL OR r.trigger_id = %(trigger)s)
  AND (%(customer)s::bigint IS NULL OR i.customer_id = %(customer)s)
  AND (%(state)s = '' OR r.state = %(state)s)
  AND (%(before)s::bigint IS NULL OR r.id < %(before)s)
ORDER BY r.id DESC LIMIT %(limit)s
"""
