"""What was asked and answered, counted by the database into the smallest cells of a scorecard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from touchloop.core.db import Connection

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one kind, added up. `good` and `bad` are the ends of the scale: promoters and
    detractors, or the satisfied and the dissatisfied."""

    n: int = 0
    good: int = 0
    bad: int = 0
    score_sum: int = 0
    simulated: int = 0
    by_code: int = 0  # answered at a place, not by an invitation

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n + other.n,
            self.good + other.good,
            self.bad + other.bad,
            self.score_sum + other.score_sum,
            self.simulated + other.simulated,
            self.by_code + other.by_code,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Invitations that went out, and how many of them were answered."""

    invited: int = 0
    answered: int = 0

    def __add__(self, other: Asked) -> Asked:
        return Asked(self.invited + other.invited, self.answered + other.answered)


@dataclass(frozen=True, slots=True)
class Cell:
    """A place, a stage, a kind, a month, a source: the smallest that is counted."""

    region: str
    location: str
    channel: str
    name: str
    stage: str
    kind: str
    month: date
    tally: Tally = field(default_factory=Tally)
    asked: Asked = field(default_factory=Asked)


def cells(
    conn: Connection,
    *,
    since: datetime,
    until: datetime,
    kinds: tuple[str, ...],
    places: bool = True,
    stages: bool = True,
) -> list[Cell]:
    """All answers given, and invitations decided, in [since, until): real and simulated apart.

    Without `places` or `stages` these are not told apart, and their names are empty.
    """
    window = {
        "since": since, "until": until, "kinds": list(kinds), "places": places, "stages": stages
    }  # fmt: skip
    found = [
        Cell(*(*row[:6], row[6].date(), Tally(*row[7:])))
        for row in conn.execute(_ANSWERED, window).fetchall()
    ]
    found += [
        Cell(*(*row[:6], row[6].date(), Tally(simulated=row[7]), Asked(row[8], row[9])))
        for row in conn.execute(_ASKED, window).fetchall()
    ]
    return found


def of_source(found: Iterable[Cell], source: str | None) -> list[Cell]:
    """All cells, or those of one source: `real` or `simulation`."""
    if source is None:
        return list(found)
    return [each for each in found if (each.tally.simulated > 0) == (source == "simulation")]


def total(found: Iterable[Cell]) -> Cell:
    """Cells of one row added up; the first gives the names. Raises ValueError for none."""
    cells_ = list(found)
    if not cells_:
        raise ValueError("no cell")
    tally, asked = Tally(), Asked()
    for each in cells_:
        asked = asked + each.asked
        if each.tally.n:
            tally = tally + each.tally
    return replace(cells_[0], tally=tally, asked=asked)


_PLACES = """
SELECT channel, location, max(region) AS region, max(name) AS name FROM touchpoints GROUP BY 1, 2
"""
# Counted by what a row itself holds; names and regions come to the few cells, not to every row.
# CSAT counts the two best of five, CES 2.0 the three best of seven (experience.md §3).
_ANSWERED = f"""
WITH places AS MATERIALIZED ({_PLACES}),
counted AS (
  SELECT CASE WHEN %(places)s THEN a.channel ELSE '' END AS channel,
    CASE WHEN %(places)s THEN a.location ELSE '' END AS location,
    CASE WHEN %(stages)s THEN a.stage ELSE '' END AS stage, a.kind,
    date_trunc('month', a.answered_at) AS month, count(*) AS n,
    count(*) FILTER (WHERE a.score >= CASE a.kind WHEN 'nps' THEN 9 WHEN 'csat' THEN 4 ELSE 5 END)
      AS good,
    count(*) FILTER (WHERE a.score <= CASE a.kind WHEN 'nps' THEN 6 WHEN 'csat' THEN 2 ELSE 3 END)
      AS bad,
    sum(a.score) AS score_sum, count(*) FILTER (WHERE a.source <> '') AS simulated,
    count(*) FILTER (WHERE a.mode = 'qr') AS by_code
  FROM answers a
  WHERE a.answered_at >= %(since)s AND a.answered_at < %(until)s AND a.kind = ANY(%(kinds)s::text[])
  GROUP BY 1, 2, 3, 4, 5, a.source <> ''
)
SELECT coalesce(p.region, ''), c.location, c.channel, coalesce(p.name, ''), c.stage, c.kind,
  c.month, c.n, c.good, c.bad, c.score_sum, c.simulated, c.by_code
FROM counted c LEFT JOIN places p ON (p.channel, p.location) = (c.channel, c.location)
"""
_ASKED = f"""
WITH places AS MATERIALIZED ({_PLACES}),
counted AS (
  SELECT CASE WHEN %(places)s THEN v.channel ELSE '' END AS channel,
    CASE WHEN %(places)s THEN v.location ELSE '' END AS location,
    CASE WHEN %(stages)s THEN v.stage ELSE '' END AS stage, v.survey_id,
    date_trunc('month', v.decided_at) AS month,
    count(*) FILTER (WHERE v.source <> '') AS simulated, count(*) AS invited,
    count(*) FILTER (WHERE v.state = 'answered') AS answered
  FROM invitations v
  WHERE v.decided_at >= %(since)s AND v.decided_at < %(until)s AND v.state <> 'not_asked'
    AND v.mode = 'message'
    AND v.survey_id = ANY(ARRAY(SELECT id FROM surveys WHERE kind = ANY(%(kinds)s::text[])))
  GROUP BY 1, 2, 3, 4, 5, v.source <> ''
)
SELECT coalesce(p.region, ''), c.location, c.channel, coalesce(p.name, ''), c.stage, s.kind,
  c.month, c.simulated, c.invited, c.answered
FROM counted c JOIN surveys s ON s.id = c.survey_id
LEFT JOIN places p ON (p.channel, p.location) = (c.channel, c.location)
"""
