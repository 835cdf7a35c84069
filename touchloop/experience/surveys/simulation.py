"""Simulated answers, for a demo whose data has none. Never for an organisation's own figures.

Orders of the log are drawn with a fixed seed; whoever made one answers from what they really did by
then: how their last baskets compare with their own usual ones, and their last interval with theirs.
A constant of the household and chance do the rest. Every invitation, answer and interaction made
here carries `source: simulation`, and a case that follows says so. Drawn again, it is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.experience.surveys.designing import CSAT, NPS, POOR, SCALES, Survey
from touchloop.interactions.api import News, tell
from touchloop.records.cases import api as cases

SIMULATION = "simulation"
SEED = 20_180_101
MODEL = 1  # of what follows; another model is another simulation
_CHUNK = 5_000
_COMMENTS = 0.35  # of the answers say why


@dataclass(frozen=True, slots=True)
class Visit:
    """A drawn order, with what the household had done by then against its own past."""

    subject_id: int
    customer_id: int
    key: str  # who and when: the same whenever the log is loaded again
    at: datetime
    channel: str
    location: str
    stage: str
    basket: float  # mean of the last five baskets over that of the twenty before them
    interval: float  # days since the visit before over the mean of the twenty before that


@dataclass(frozen=True, slots=True)
class Imagined:
    """Who was asked, and the answer if there is one."""

    visit: Visit
    answered_at: datetime | None
    score: int
    text: str


@dataclass(frozen=True, slots=True)
class Simulated:
    """How much was made; what was there from before is not counted."""

    invited: int
    answered: int
    cases: int


def simulate(
    conn: Connection,
    survey: Survey,
    *,
    now: datetime,
    since: datetime,
    share: float = 0.2,
    seed: int = SEED,
    case_days: float = 2.0,
) -> Simulated:
    """Simulate this survey after a share of the orders in [since, now), by the survey's quarantine.

    A poor answer of the last `case_days` opens a case. Run again it adds nothing. Does not commit.
    """
    made = Simulated(0, 0, 0)
    imagined = list(imagine(_visits(conn, survey, now, since, share, seed), survey, now, seed))
    for start in range(0, len(imagined), _CHUNK):
        part = _keep(conn, survey, imagined[start : start + _CHUNK], now, case_days)
        made = Simulated(
            made.invited + part.invited, made.answered + part.answered, made.cases + part.cases
        )
    return made


def imagine(
    visits: Iterable[Visit], survey: Survey, now: datetime, seed: int
) -> Iterator[Imagined]:
    """What became of each visit, in order of time; those in quarantine are left out. Pure."""
    asked: dict[int, datetime] = {}
    for visit in visits:
        last = asked.get(visit.customer_id)
        if last is not None and visit.at < last + timedelta(days=survey.quarantine_days):
            continue
        asked[visit.customer_id] = visit.at
        chance = np.random.default_rng(_number(f"{seed}:{MODEL}:{survey.slug}:{visit.key}"))
        mood = _mood(visit, seed) + 0.9 * chance.standard_normal()
        answers = chance.random() < 1 / (1 + exp(1.15 - 0.3 * mood - 0.25 * abs(mood)))
        answered_at = visit.at + timedelta(hours=1 + float(chance.exponential(14)))
        score = _score(mood, survey.kind)
        text = _comment(visit, score, survey.kind, chance)
        if not answers or answered_at >= now:
            yield Imagined(visit, None, 0, "")
        else:
            yield Imagined(visit, answered_at, score, text)


def _mood(visit: Visit, seed: int) -> float:
    """Baskets that grow and visits as usual are a good sign; the rest is the household's."""
    household = np.random.default_rng(_number(f"{seed}:{MODEL}:{visit.key.split('@')[0]}"))
    basket = min(max(log(max(visit.basket, 0.05)), -1.2), 1.2)
    interval = min(max(log(max(visit.interval, 0.05)), -1.5), 1.5)
    return 0.8 * float(household.standard_normal()) + 0.9 * basket - 0.5 * max(interval, 0.0)


def _score(mood: float, kind: str) -> int:
    low, high = SCALES[kind]
    middle, step = {NPS: (8.1, 1.7), CSAT: (4.0, 0.8)}.get(kind, (5.4, 1.2))
    return min(max(round(middle + step * mood), low), high)


def _comment(visit: Visit, score: int, kind: str, chance: np.random.Generator) -> str:
    if chance.random() >= _COMMENTS:
        return ""
    if score <= POOR[kind]:
        if visit.interval > 1.5:
            return "I come less often than I used to."
        if visit.basket < 0.8:
            return "I buy less here than I used to, the rest I get elsewhere."
        return "It took too long today."
    if score >= SCALES[kind][1] - 1:
        return "As good as ever." if visit.basket < 1.1 else "I find more and more of what I need."
    return "All right."


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _visits(
    conn: Connection, survey: Survey, now: datetime, since: datetime, share: float, seed: int
) -> list[Visit]:
    rows = conn.execute(
        _VISITS,
        {
            "now": now,
            "since": since,
            "channel": survey.channel,
            "seed": _number(f"{seed}:{survey.slug}") >> 2,
            "most": int(share * 1_000_000),
        },
    ).fetchall()
    return [Visit(*row) for row in rows]


def _keep(
    conn: Connection, survey: Survey, imagined: Sequence[Imagined], now: datetime, case_days: float
) -> Simulated:
    made: dict[str, int] = dict(
        conn.execute(
            _INVITED,
            {
                "survey": survey.id,
                "version": survey.version,
                "days": timedelta(days=survey.expires_days),
                "now": now,
                "subjects": arrays.numbers(each.visit.subject_id for each in imagined),
                "causes": arrays.texts(_cause(survey, each) for each in imagined),
                "channels": arrays.texts(each.visit.channel for each in imagined),
                "locations": arrays.texts(each.visit.location for each in imagined),
                "stages": arrays.texts(each.visit.stage for each in imagined),
                "at": arrays.instants(each.visit.at for each in imagined),
                "answered": arrays.instants(each.answered_at for each in imagined),
            },
        ).fetchall()
    )
    answered = [
        (made[_cause(survey, each)], each, each.answered_at)
        for each in imagined
        if each.answered_at is not None and _cause(survey, each) in made
    ]
    if not answered:
        return Simulated(len(made), 0, 0)
    ids = _answers(conn, survey, [(invitation, each) for invitation, each, _at in answered])
    given = [(ids[invitation], each, at) for invitation, each, at in answered]
    tell(conn, [_news(survey, id, each, at) for id, each, at in given])
    opened = cases.open_all(
        conn,
        [
            _case(survey, id, each, at)
            for id, each, at in given
            if survey.identified
            and each.score <= POOR[survey.kind]
            and at >= now - timedelta(days=case_days)
        ],
    )
    return Simulated(len(made), len(given), sum(case is not None for case in opened))


def _cause(survey: Survey, each: Imagined) -> str:
    return f"{SIMULATION}:{survey.id}:{each.visit.key}"


def _answers(
    conn: Connection, survey: Survey, answered: Sequence[tuple[int, Imagined]]
) -> dict[int, int]:
    """The answer of each invitation."""
    rows = conn.execute(
        _ANSWERED,
        {
            "ids": arrays.numbers(id for id, _each in answered),
            "scores": arrays.numbers(each.score for _id, each in answered),
            "texts": arrays.texts(each.text for _id, each in answered),
            "kind": survey.kind,
            "source": SIMULATION,
        },
    ).fetchall()
    return dict(rows)


def _news(survey: Survey, id: int, each: Imagined, at: datetime) -> News:
    told: dict[str, str | int] = {
        "survey": survey.slug, "kind": survey.kind, "channel": "message", "source": SIMULATION,
    }  # fmt: skip
    if survey.identified:
        told |= {"score": each.score, "answer_id": id}
    visit = each.visit
    return News(
        "Survey Answered", visit.subject_id, f"answer:{id}", at, told,
        visit.channel, visit.location, visit.stage,
    )  # fmt: skip


def _case(survey: Survey, id: int, each: Imagined, at: datetime) -> cases.NewCase:
    visit = each.visit
    title = _("%(survey)s: %(score)s of %(most)s (simulated)") % {
        "survey": survey.name,
        "score": each.score,
        "most": survey.scale[1],
    }
    return cases.NewCase(
        visit.subject_id, cases.DETRACTOR, title, f"answer:{id}", at,
        (visit.channel, visit.location), visit.stage, story=each.text,
    )  # fmt: skip


# Windows of a household's own past only, so that no answer knows what came after it.
_VISITS = """
WITH orders AS (
  SELECT i.customer_id, i.id AS subject_id, i.namespace || ':' || i.value AS who, x.id,
    x.occurred_at, x.value, x.touchpoint_id
  FROM interactions x JOIN identifiers i ON i.id = x.subject_id
  WHERE x.kind_id IN (SELECT id FROM kinds WHERE type = 'track' AND name = 'Order Completed')
    AND x.occurred_at < %(now)s AND x.value IS NOT NULL
), spaced AS (
  SELECT *, extract(epoch FROM occurred_at - lag(occurred_at) OVER mine) / 86400 AS gap
  FROM orders WINDOW mine AS (PARTITION BY customer_id ORDER BY occurred_at, id)
), known AS (
  SELECT *, row_number() OVER mine AS nth,
    avg(value) OVER (mine ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS recent,
    avg(value) OVER (mine ROWS BETWEEN 24 PRECEDING AND 5 PRECEDING) AS usual,
    avg(gap) OVER (mine ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS usual_gap
  FROM spaced WINDOW mine AS (PARTITION BY customer_id ORDER BY occurred_at, id)
), drawn AS (
  SELECT *, who || '@' || to_char(occurred_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS') AS key
  FROM known WHERE nth >= 8 AND usual > 0 AND usual_gap > 0 AND occurred_at >= %(since)s
)
SELECT DISTINCT ON (d.occurred_at, d.key) d.subject_id, d.customer_id, d.key, d.occurred_at,
  t.channel, t.location, t.stage, d.recent / d.usual, d.gap / d.usual_gap
FROM drawn d JOIN touchpoints t ON t.id = d.touchpoint_id
WHERE (%(channel)s = '' OR t.channel = %(channel)s)
  AND (hashtextextended(d.key, %(seed)s::bigint) & 1048575) * 1000000 / 1048576 < %(most)s
ORDER BY d.occurred_at, d.key, d.id
"""
_INVITED = """
INSERT INTO invitations (subject_id, survey_id, version, cause, channel, location, stage, mode,
  state, reason, source, decided_at, expires_at, answered_at)
SELECT subject_id, %(survey)s, %(version)s, cause, channel, location, stage, 'message',
  CASE WHEN answered IS NULL THEN 'expired' ELSE 'answered' END, '', 'simulation', at,
  least(at + %(days)s, %(now)s), answered
FROM unnest(%(subjects)s::bigint[], %(causes)s::text[], %(channels)s::text[],
  %(locations)s::text[], %(stages)s::text[], %(at)s::timestamptz[], %(answered)s::timestamptz[])
  AS w(subject_id, cause, channel, location, stage, at, answered)
ON CONFLICT (cause) DO NOTHING RETURNING cause, id
"""
_ANSWERED = """
INSERT INTO answers (invitation_id, subject_id, survey_id, version, kind, score, ratings, text,
  channel, location, stage, mode, source, flags, answered_at)
SELECT v.id, v.subject_id, v.survey_id, v.version, %(kind)s, w.score, '{}', w.text,
  v.channel, v.location, v.stage, 'message', %(source)s, '{}', v.answered_at
FROM unnest(%(ids)s::bigint[], %(scores)s::smallint[], %(texts)s::text[]) AS w(id, score, text)
JOIN invitations v ON v.id = w.id ORDER BY v.id
RETURNING invitation_id, id
"""
