"""Looking at invitations and answers.

A manager sees the answers of their own stores: `locations` is what the one who looks may see (None:
everything). Of a confidential survey nobody sees whose an answer is, a place shows answers only
from five on, and their texts only from eight on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchloop.core import arrays
from touchloop.core.db import Connection

Scope = frozenset[str] | None
FEWEST, FEWEST_TEXTS = 5, 8


@dataclass(frozen=True, slots=True)
class Given:
    """One answer. Without `customer_id` and with the day only when it was given confidentially."""

    id: int
    customer_id: int | None
    survey_id: int
    survey: str
    kind: str
    score: int
    ratings: Mapping[str, int]
    text: str
    channel: str
    location: str
    stage: str
    mode: str
    source: str
    flags: tuple[str, ...]
    answered_at: datetime

    @property
    def simulated(self) -> bool:
        return self.source != ""


@dataclass(frozen=True, slots=True)
class Sent:
    """That one customer was asked, or was not and why."""

    id: int
    survey_id: int
    survey: str
    channel: str
    location: str
    state: str
    reason: str
    decided_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were asked, answered, or not asked and for which reason."""

    survey_id: int
    state: str
    reason: str
    n: int


def answers(
    conn: Connection,
    *,
    survey_id: int | None = None,
    touchpoint: tuple[str, str] | None = None,
    customer_id: int | None = None,
    poor_only: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    simulated: bool | None = None,
    locations: Scope = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Given]:
    """Answers, newest first; `simulated` keeps only those, or only the others."""
    rows = conn.execute(
        _ANSWERS,
        {
            "survey": survey_id,
            "channel": touchpoint[0] if touchpoint else None,
            "location": touchpoint[1] if touchpoint else None,
            "customer": customer_id,
            "poor_only": poor_only,
            "since": since,
            "until": until,
            "simulated": simulated,
            "everywhere": locations is None,
            "locations": sorted(locations or ()),
            "fewest": FEWEST,
            "fewest_texts": FEWEST_TEXTS,
            "limit": limit,
            "offset": offset,
        },
    ).fetchall()
    return [Given(*(*row[:13], tuple(row[13]), row[14])) for row in rows]


def outcomes(
    conn: Connection,
    *,
    survey_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    locations: Scope = None,
) -> list[Outcome]:
    """Who was asked and who was not, counted by survey, state and reason; the most first."""
    rows = conn.execute(
        _OUTCOMES,
        {
            "survey": survey_id,
            "since": since,
            "until": until,
            "everywhere": locations is None,
            "locations": sorted(locations or ()),
        },
    ).fetchall()
    return [Outcome(*row) for row in rows]


def invitations(conn: Connection, customer_ids: Sequence[int], *, limit: int = 50) -> list[Sent]:
    """What customers were asked, or why not, newest first."""
    rows = conn.execute(
        _INVITATIONS, {"customers": arrays.numbers(customer_ids), "limit": limit}
    ).fetchall()
    return [_sent(row) for row in rows]


def _sent(row: Sequence[Any]) -> Sent:
    return Sent(*row)


# The groups of a confidential answer are counted over all its touchpoint, whatever is asked for, so
# that no filter makes a small one look large or takes one person out of a group.
_ANSWERS = """
WITH groups AS (
  SELECT survey_id, channel, location, count(*) AS n FROM answers GROUP BY 1, 2, 3
)
SELECT a.id, CASE WHEN s.privacy = 'identified' THEN i.customer_id END, a.survey_id, s.name, a.kind,
  a.score, a.ratings,
  CASE WHEN s.privacy = 'identified' OR g.n >= %(fewest_texts)s THEN a.text ELSE '' END,
  a.channel, a.location, a.stage, a.mode, a.source, a.flags,
  CASE WHEN s.privacy = 'identified' THEN a.answered_at ELSE date_trunc('day', a.answered_at) END
    AS shown_at
FROM answers a JOIN surveys s ON s.id = a.survey_id JOIN identifiers i ON i.id = a.subject_id
JOIN groups g ON (g.survey_id, g.channel, g.location) = (a.survey_id, a.channel, a.location)
WHERE (s.privacy = 'identified' OR g.n >= %(fewest)s AND %(customer)s::bigint IS NULL
       AND %(since)s::timestamptz IS NULL AND %(until)s::timestamptz IS NULL)
  AND (%(survey)s::int IS NULL OR a.survey_id = %(survey)s::int)
  AND (%(channel)s::text IS NULL OR a.channel = %(channel)s::text)
  AND (%(location)s::text IS NULL OR a.location = %(location)s::text)
  AND (%(customer)s::bigint IS NULL OR i.customer_id = %(customer)s::bigint)
  AND (NOT %(poor_only)s OR a.score <= CASE a.kind WHEN 'nps' THEN 6 ELSE 2 END)
  AND (%(since)s::timestamptz IS NULL OR a.answered_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR a.answered_at < %(until)s::timestamptz)
  AND (%(simulated)s::bool IS NULL OR (a.source <> '') = %(simulated)s::bool)
  AND (%(everywhere)s OR a.location = ANY(%(locations)s::text[]) AND a.location <> '')
ORDER BY shown_at DESC, CASE WHEN s.privacy = 'identified' THEN a.id ELSE hashint8(a.id) END DESC
LIMIT %(limit)s OFFSET %(offset)s
"""
_OUTCOMES = """
SELECT survey_id, state, reason, count(*) FROM invitations
WHERE (%(survey)s::int IS NULL OR survey_id = %(survey)s::int)
  AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s::timestamptz)
  AND (%(everywhere)s OR location = ANY(%(locations)s::text[]) AND location <> '')
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""
_INVITATIONS = """
SELECT v.id, v.survey_id, s.name, v.channel, v.location, v.state, v.reason, v.decided_at,
  CASE WHEN s.privacy = 'identified' THEN v.answered_at END
FROM identifiers i JOIN invitations v ON v.subject_id = i.id JOIN surveys s ON s.id = v.survey_id
WHERE i.customer_id = ANY(%(customers)s::bigint[])
ORDER BY v.decided_at DESC, v.id DESC LIMIT %(limit)s
"""
