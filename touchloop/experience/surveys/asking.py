"""Asking: whoever could be asked is, or the reason why not is stored.

In order: the draw, an open case, another question on its way, the quarantine of this survey and of
all, and then the contact policy, which knows consent, caps and suppression. Decided for a whole set
of candidates, in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from touchloop.channels import api as channels
from touchloop.core import arrays, settings
from touchloop.core.db import Connection
from touchloop.experience.surveys import designing
from touchloop.experience.surveys.designing import Survey
from touchloop.experience.surveys.sampling import draw, share_at
from touchloop.identity import api as identity
from touchloop.interactions.api import News, tell
from touchloop.records.cases import api as cases

INVITED, NOT_ASKED = "invited", "not_asked"
SAMPLED_OUT, CASE_OPEN, PENDING = "sampled_out", "case_open", "pending"
QUARANTINE, QUARANTINE_ALL = "quarantine", "quarantine_all"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could be asked about one thing that happened: the cause."""

    subject_id: int
    customer_id: int
    cause: str
    channel: str
    location: str
    stage: str
    at: datetime


class Asked(NamedTuple):
    """What became of a candidate; `reason` is empty for whoever is invited."""

    subject_id: int
    invited: bool
    reason: str


def invite(
    conn: Connection,
    subject_ids: Sequence[int],
    *,
    survey: Survey,
    touchpoint: tuple[str, str],
    cause: str,
    now: datetime,
    stage: str = "",
) -> list[Asked]:
    """Ask these subjects, without drawing. One result each, in order; the same again is the same.

    Invitations go through the contact policy (kind "survey"). Unknown subjects have the reason
    `unknown`. Does not commit.
    """
    known = identity.customers_of(conn, list(dict.fromkeys(subject_ids)))
    channel, location = touchpoint
    candidates = [
        Candidate(id, known[id], f"{cause}:{id}", channel, location, stage, now)
        for id in dict.fromkeys(subject_ids)
        if id in known
    ]
    found = {each.subject_id: each for each in ask(conn, survey, candidates, now=now)}
    return [found.get(id, Asked(id, False, "unknown")) for id in subject_ids]


def ask(
    conn: Connection,
    survey: Survey,
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    drawn: bool = False,
) -> list[Asked]:
    """What became of each candidate; with `drawn`, only a random share is asked at all."""
    known = _decided(conn, survey, candidates)
    new = [each for each in candidates if _key(survey, each) not in known]
    reasons = _drawn_out(conn, survey, new) if drawn else {}
    reasons |= _held_back(conn, survey, [each for each in new if each.cause not in reasons], now)
    wanted = [each for each in new if each.cause not in reasons]
    tokens = _write_invited(conn, survey, wanted, now)
    reasons |= {each.cause: PENDING for each in wanted if each.cause not in tokens}
    reasons |= _send(conn, survey, wanted, tokens, now)
    _write_not_asked(conn, survey, [e for e in new if e.cause in reasons], reasons, tokens, now)
    return [
        Asked(each.subject_id, reason == "", reason)
        for each in candidates
        for reason in (known.get(_key(survey, each), reasons.get(each.cause, "")),)
    ]


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def expire(conn: Connection, *, now: datetime, customer_ids: Sequence[int] | None = None) -> int:
    """Close what was not answered in time, of everybody or of these customers; how many."""
    if customer_ids is None:
        return conn.execute(_EXPIRE, {"now": now}).rowcount
    return conn.execute(
        _EXPIRE_OF, {"now": now, "customers": arrays.numbers(customer_ids)}
    ).rowcount


def _key(survey: Survey, each: Candidate) -> str:
    return f"{survey.id}:{each.cause}"


def _decided(conn: Connection, survey: Survey, candidates: Iterable[Candidate]) -> dict[str, str]:
    """Reasons (empty: invited) of causes that were decided before."""
    rows = conn.execute(
        "SELECT cause, CASE WHEN state = 'not_asked' THEN reason ELSE '' END"
        " FROM invitations WHERE cause = ANY(%s::text[])",
        (arrays.texts(_key(survey, each) for each in candidates),),
    ).fetchall()
    return dict(rows)


def _drawn_out(conn: Connection, survey: Survey, candidates: Iterable[Candidate]) -> dict[str, str]:
    shares = designing.shares(conn, survey.id)
    return {
        each.cause: SAMPLED_OUT
        for each in candidates
        if draw(survey.seed, each.cause)
        >= share_at((each.channel, each.location), shares=shares, otherwise=survey.share)
    }


def _held_back(
    conn: Connection, survey: Survey, candidates: Sequence[Candidate], now: datetime
) -> dict[str, str]:
    """Open cases, pending questions and quarantine; of one customer only the first is asked."""
    if not candidates:
        return {}
    customers = sorted({each.customer_id for each in candidates})
    expire(conn, now=now, customer_ids=customers)
    with_case = cases.open_cases(conn, customers)
    past: dict[int, tuple[bool, datetime | None, datetime | None]] = {
        row[0]: row[1:]
        for row in conn.execute(
            _PAST,
            {
                "customers": arrays.numbers(customers),
                "survey": survey.id,
                "own_clock": survey.own_clock,
            },
        ).fetchall()
    }
    own_days = timedelta(days=survey.quarantine_days)
    all_days = timedelta(days=designing.quarantine_days(conn))
    reasons: dict[str, str] = {}
    taken: set[int] = set()
    for each in candidates:
        pending, last_own, last_any = past.get(each.customer_id, (False, None, None))
        if each.customer_id in with_case:
            reasons[each.cause] = CASE_OPEN
        elif pending or each.customer_id in taken:
            reasons[each.cause] = PENDING
        elif last_own is not None and now < last_own + own_days:
            reasons[each.cause] = QUARANTINE
        elif last_any is not None and now < last_any + all_days:
            reasons[each.cause] = QUARANTINE_ALL
        else:
            taken.add(each.customer_id)
    return reasons


def _write_invited(
    conn: Connection, survey: Survey, wanted: Sequence[Candidate], now: datetime
) -> dict[str, tuple[int, str]]:
    """The invitation and the token of each cause; missing where another worker was faster."""
    if not wanted:
        return {}
    tokens = {each.cause: secrets.token_urlsafe(18) for each in wanted}
    expires_at = now + timedelta(days=survey.expires_days, minutes=survey.delay_minutes)
    rows = conn.execute(
        _INVITE,
        {
            **_columns(survey, wanted),
            "hashes": arrays.texts(f"\\x{token_hash(t).hex()}" for t in tokens.values()),
            "survey": survey.id,
            "version": survey.version,
            "now": now,
            "expires_at": expires_at,
        },
    ).fetchall()
    made: dict[str, int] = dict(rows)
    return {
        each.cause: (made[_key(survey, each)], tokens[each.cause])
        for each in wanted
        if _key(survey, each) in made
    }


def _send(
    conn: Connection,
    survey: Survey,
    wanted: Sequence[Candidate],
    tokens: Mapping[str, tuple[int, str]],
    now: datetime,
) -> dict[str, str]:
    """Hand the invitations to the contact policy; the reasons of those that it refuses."""
    mine = [each for each in wanted if each.cause in tokens]
    if not mine:
        return {}
    requested = channels.request(
        conn, [_wanted(survey, each, *tokens[each.cause], now) for each in mine], now=now
    )
    refused, news, deliveries = {}, [], []
    for each, result in zip(mine, requested, strict=True):
        id, _ = tokens[each.cause]
        if result.delivery_id is None or result.state in ("dropped", "suppressed"):
            refused[each.cause] = result.reason or result.state
            continue
        deliveries.append((id, result.delivery_id))
        told = {"survey": survey.slug, "kind": survey.kind, "channel": result.channel}
        news.append(
            News(
                "Survey Invited", each.subject_id, f"invitation:{id}", now, told,
                each.channel, each.location, each.stage,
            )
        )  # fmt: skip
    if deliveries:
        ids, handed = zip(*deliveries, strict=True)
        conn.execute(_DELIVERED, (arrays.numbers(ids), arrays.numbers(handed)))
    tell(conn, news)
    return refused


def _wanted(
    survey: Survey, each: Candidate, invitation_id: int, token: str, now: datetime
) -> channels.Wanted:
    link = f"{settings.customers_url()}/c/s/{token}"
    low, high = survey.scale
    return channels.Wanted(
        subject_id=each.subject_id,
        kind="survey",
        topic=survey.topic,
        template=survey.template,
        cause=f"invitation:{invitation_id}",
        channels=survey.via,
        data={
            "survey": survey.name,
            "question": survey.words.question,
            "low": survey.words.low,
            "high": survey.words.high,
            "link": link,
            "scores": [
                {"score": score, "link": f"{link}?score={score}"} for score in range(low, high + 1)
            ],
        },
        not_before=each.at + timedelta(minutes=survey.delay_minutes),
        expires_at=now + timedelta(days=survey.expires_days, minutes=survey.delay_minutes),
    )


def _write_not_asked(
    conn: Connection,
    survey: Survey,
    held: Sequence[Candidate],
    reasons: Mapping[str, str],
    tokens: Mapping[str, tuple[int, str]],
    now: datetime,
) -> None:
    """The reason, stored: in a row of its own, or in that of the invitation that was refused."""
    refused = [
        (tokens[each.cause][0], reasons[each.cause]) for each in held if each.cause in tokens
    ]
    if refused:
        ids, why = zip(*refused, strict=True)
        conn.execute(_REFUSED, (arrays.numbers(ids), arrays.texts(why)))
    fresh = [each for each in held if each.cause not in tokens]
    if fresh:
        conn.execute(
            _NOT_ASKED,
            {
                **_columns(survey, fresh),
                "reasons": arrays.texts(reasons[each.cause] for each in fresh),
                "survey": survey.id,
                "version": survey.version,
                "now": now,
            },
        )


def _columns(survey: Survey, candidates: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "subjects": arrays.numbers(each.subject_id for each in candidates),
        "causes": arrays.texts(_key(survey, each) for each in candidates),
        "channels": arrays.texts(each.channel for each in candidates),
        "locations": arrays.texts(each.location for each in candidates),
        "stages": arrays.texts(each.stage for each in candidates),
    }


_EXPIRE = (
    "UPDATE invitations SET state = 'expired' WHERE state = 'invited' AND expires_at <= %(now)s"
)
_EXPIRE_OF = (
    _EXPIRE + " AND subject_id IN"
    " (SELECT id FROM identifiers WHERE customer_id = ANY(%(customers)s::bigint[]))"
)
# A survey with a clock of its own sees its own past only, and the others do not see it. What was
# only simulated asked nobody.
_PAST = """
SELECT i.customer_id, bool_or(v.state = 'invited'),
  max(greatest(v.decided_at, v.answered_at)) FILTER (WHERE v.survey_id = %(survey)s),
  max(greatest(v.decided_at, v.answered_at)) FILTER (WHERE NOT %(own_clock)s AND NOT s.own_clock)
FROM identifiers i JOIN invitations v ON v.subject_id = i.id JOIN surveys s ON s.id = v.survey_id
WHERE i.customer_id = ANY(%(customers)s::bigint[]) AND v.state <> 'not_asked' AND v.source = ''
GROUP BY 1
"""
_INVITE = """
INSERT INTO invitations (subject_id, survey_id, version, cause, channel, location, stage, mode,
  state, reason, token_hash, source, decided_at, expires_at)
SELECT subject_id, %(survey)s, %(version)s, cause, channel, location, stage, 'message',
  'invited', '', hash, '', %(now)s, %(expires_at)s
FROM unnest(%(subjects)s::bigint[], %(causes)s::text[], %(channels)s::text[],
  %(locations)s::text[], %(stages)s::text[], %(hashes)s::bytea[])
  AS w(subject_id, cause, channel, location, stage, hash)
ON CONFLICT DO NOTHING RETURNING cause, id
"""
_NOT_ASKED = """
INSERT INTO invitations (subject_id, survey_id, version, cause, channel, location, stage, mode,
  state, reason, source, decided_at)
SELECT subject_id, %(survey)s, %(version)s, cause, channel, location, stage, 'message',
  'not_asked', reason, '', %(now)s
FROM unnest(%(subjects)s::bigint[], %(causes)s::text[], %(channels)s::text[],
  %(locations)s::text[], %(stages)s::text[], %(reasons)s::text[])
  AS w(subject_id, cause, channel, location, stage, reason)
ON CONFLICT (cause) DO NOTHING
"""
_REFUSED = """
UPDATE invitations v SET state = 'not_asked', reason = r.reason, token_hash = NULL
FROM unnest(%s::bigint[], %s::text[]) AS r(id, reason) WHERE v.id = r.id
"""
_DELIVERED = """
UPDATE invitations v SET delivery_id = d.delivery_id
FROM unnest(%s::bigint[], %s::bigint[]) AS d(id, delivery_id) WHERE v.id = d.id
"""
