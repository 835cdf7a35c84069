"""How surveys stand: who was asked, who answered, who was not asked and why, and what they said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.core.db import Connection
from touchloop.core.proportions import Share, share
from touchloop.experience.scorecards.api import K, Net, net

Scope = frozenset[str] | None
REPLIED, PENDING, EXPIRED, NOT_ASKED = "answered", "invited", "expired", "not_asked"


@dataclass(frozen=True, slots=True)
class Standing:
    """One survey's counts. `answers` come by invitation or by code, `invited` by message only."""

    invited: int = 0
    replied: int = 0
    pending: int = 0
    expired: int = 0
    not_asked: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    answers: int = 0
    good: int = 0
    bad: int = 0
    by_code: int = 0
    simulated: int = 0
    latest: datetime | None = None

    @property
    def response(self) -> Share | None:
        """Of those who were asked by a message, who answered."""
        return share(self.replied, self.invited) if self.invited else None

    @property
    def hidden(self) -> bool:
        """Too few answers to show what they say."""
        return 0 < self.answers < K

    def net(self) -> Net | None:
        """The net promoter score of enough answers."""
        if self.answers < K:
            return None
        return net(self.good, self.answers - self.good - self.bad, self.bad)

    def satisfied(self) -> Share | None:
        """The share at the good end of the scale, of enough answers."""
        return share(self.good, self.answers) if self.answers >= K else None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was asked, or was not."""

    id: int
    customer_id: int
    channel: str
    location: str
    state: str
    reason: str
    simulated: bool
    decided_at: datetime


def standings(
    conn: Connection, *, locations: Scope, survey_id: int | None = None
) -> Mapping[int, Standing]:
    """How each survey stands, of what was asked and answered at these places."""
    values = {**_scope(locations), "survey": survey_id}
    counts: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for survey, state, reason, n in conn.execute(_ASKED, values).fetchall():
        if state == NOT_ASKED:
            reasons[survey].append((reason, n))
            counts[survey]["not_asked"] += n
        else:
            counts[survey]["invited"] += n
            counts[survey][{REPLIED: "replied", PENDING: "pending"}.get(state, "expired")] += n
    for survey, *answered in conn.execute(_ANSWERED, values).fetchall():
        names = ("answers", "good", "bad", "by_code", "simulated", "latest")
        counts[survey].update(zip(names, answered, strict=True))
    return {
        survey: Standing(**found, reasons=tuple(reasons[survey]))
        for survey, found in counts.items()
    }


def people(
    conn: Connection,
    survey_id: int,
    *,
    state: str,
    reason: str,
    locations: Scope,
    before: int | None,
    limit: int,
) -> list[Person]:
    """Those behind one count, the latest first."""
    rows = conn.execute(
        _PEOPLE,
        {
            **_scope(locations),
            "survey": survey_id,
            "state": state,
            "reason": reason,
            "before": before,
            "limit": limit,
        },
    ).fetchall()
    return [Person(*row) for row in rows]


def _scope(locations: Scope) -> dict[str, Any]:
    return {"everywhere": locations is None, "locations": sorted(locations or ())}


_WITHIN = "(%(everywhere)s OR location = ANY(%(locations)s::text[]) AND location <> '')"
_ASKED = f"""
SELECT survey_id, state, reason, count(*) FROM invitations
WHERE mode = 'message' AND (%(survey)s::int IS NULL OR survey_id = %(survey)s::int) AND {_WITHIN}
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3
"""
# The good end of each scale: promoters; 4-5 of 5; 5-7 of 7.
_ANSWERED = f"""
SELECT survey_id, count(*),
  count(*) FILTER (WHERE score >= CASE kind WHEN 'nps' THEN 9 WHEN 'csat' THEN 4 ELSE 5 END),
  count(*) FILTER (WHERE score <= CASE kind WHEN 'nps' THEN 6 ELSE 2 END),
  count(*) FILTER (WHERE mode = 'qr'), count(*) FILTER (WHERE source <> ''), max(answered_at)
FROM answers
WHERE (%(survey)s::int IS NULL OR survey_id = %(survey)s::int) AND {_WITHIN}
GROUP BY 1
"""
_PEOPLE = f"""
SELECT v.id, i.customer_id, v.channel, v.location, v.state, v.reason, v.source <> '', v.decided_at
FROM invitations v JOIN identifiers i ON i.id = v.subject_id
WHERE v.survey_id = %(survey)s AND v.state = %(state)s AND v.mode = 'message'
  AND (%(reason)s = '' OR v.reason = %(reason)s)
  AND (%(before)s::bigint IS NULL OR v.id < %(before)s::bigint) AND {_WITHIN}
ORDER BY v.id DESC LIMIT %(limit)s
"""
