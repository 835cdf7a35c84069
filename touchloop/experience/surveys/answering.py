"""Answering: once for each invitation, and never read back.

The answer, its interaction and the case it opens are one transaction. The token is all that is
needed and all that proves anything; the same answer sent again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.experience.surveys import designing, quality
from touchloop.experience.surveys.asking import token_hash
from touchloop.experience.surveys.designing import POOR, RATING, SCALES, Survey, Words
from touchloop.experience.surveys.signing import read, signed
from touchloop.interactions.api import News, tell
from touchloop.records.cases import api as cases

LONGEST_TEXT = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Reply:
    """What was chosen: a score on the survey's scale, ratings by question id, a text."""

    score: int
    text: str = ""
    ratings: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None  # between the page and its answer


@dataclass(frozen=True, slots=True)
class Seen:
    """What whoever holds a token may see: the question, and whether it was answered."""

    survey: Survey
    words: Words
    state: str  # invited, answered or expired


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, locked, that is about to be answered."""

    id: int
    subject_id: int
    survey_id: int
    version: int
    channel: str
    location: str
    stage: str
    mode: str
    source: str
    state: str
    expires_at: datetime | None


def look(conn: Connection, token: str, *, now: datetime) -> Seen:
    """What the page of a token shows. Changes nothing. Raises NotFound for a token unknown."""
    invited = _invited(conn, token)
    survey = designing.get(conn, invited.survey_id)
    words = designing.words_of(conn, invited.survey_id, invited.version)
    return Seen(survey, words, _state(invited, now))


def answer(conn: Connection, token: str, reply: Reply, *, at: datetime) -> str:
    """Keep the answer to an invitation: `answered`, or `already` or `expired` when it changes none.

    In the caller's transaction, with the interaction "Survey Answered" and, for a poor score of an
    identified survey, a case. Raises NotFound for an unknown token, Invalid for a wrong reply.
    """
    invited = _invited(conn, token, lock=True)
    state = _state(invited, at)
    if state != "invited":
        return "already" if state == "answered" else "expired"
    survey = designing.get(conn, invited.survey_id)
    words = designing.words_of(conn, invited.survey_id, invited.version)
    keep(conn, invited, survey, check(reply, survey, words), at=at)
    return "answered"


def stamp(token: str, *, now: datetime) -> str:
    """When a page was shown, signed, for the page to send back with the answer."""
    return signed(str(clock.micros(now)), f"shown:{token}")


def seconds_since(token: str, stamped: str, *, at: datetime) -> float | None:
    """How long the page was looked at; None for a stamp that is not of this page."""
    try:
        shown = clock.from_micros(int(read(stamped, f"shown:{token}")))
    except NotFound:
        return None
    return max((at - shown).total_seconds(), 0.0)


def check(reply: Reply, survey: Survey, words: Words) -> Reply:
    """The reply as it is kept. Raises Invalid when it does not fit the scale or the questions."""
    low, high = SCALES[survey.kind]
    if not low <= reply.score <= high:
        raise Invalid("score", _("Choose one of the numbers."))
    asked = {rating.id for rating in words.ratings}
    least, most = RATING
    if not set(reply.ratings) <= asked or not all(
        least <= value <= most for value in reply.ratings.values()
    ):
        raise Invalid("ratings", _("Choose one of the numbers."))
    text = reply.text.replace("\0", "").strip()
    if len(text) > LONGEST_TEXT:
        raise Invalid("text", _("This is longer than we can keep (4,000 characters)."))
    return Reply(reply.score, text, dict(reply.ratings), reply.seconds)


def keep(conn: Connection, invited: Invited, survey: Survey, reply: Reply, *, at: datetime) -> int:
    """Write a checked answer with all that follows from it; its id."""
    flags = quality.flags(conn, survey.id, seconds=reply.seconds, ratings=reply.ratings)
    row = conn.execute(
        _KEEP,
        {
            "invitation": invited.id,
            "subject": invited.subject_id,
            "survey": survey.id,
            "version": invited.version,
            "kind": survey.kind,
            "score": reply.score,
            "ratings": json.dumps(dict(reply.ratings)),
            "text": reply.text,
            "channel": invited.channel,
            "location": invited.location,
            "stage": invited.stage,
            "mode": invited.mode,
            "source": invited.source,
            "flags": flags,
            "seconds": reply.seconds,
            "at": at,
        },
    ).fetchone()
    assert row is not None
    conn.execute(
        "UPDATE invitations SET state = 'answered', answered_at = %s WHERE id = %s",
        (at, invited.id),
    )
    _tell(conn, row[0], invited, survey, reply, at)
    if survey.identified and reply.score <= POOR[survey.kind]:
        _open_case(conn, row[0], invited, survey, reply, at)
    return int(row[0])


def _tell(
    conn: Connection, answer_id: int, invited: Invited, survey: Survey, reply: Reply, at: datetime
) -> None:
    """What was said confidentially does not stand on the customer's timeline."""
    told: dict[str, Any] = {
        "survey": survey.slug,
        "kind": survey.kind,
        "channel": invited.mode,
    }
    if survey.identified:
        told |= {"score": reply.score, "answer_id": answer_id}
    if invited.source:
        told["source"] = invited.source
    tell(
        conn,
        [
            News(
                "Survey Answered", invited.subject_id, f"answer:{answer_id}", at, told,
                invited.channel, invited.location, invited.stage,
            )
        ],
    )  # fmt: skip


def _open_case(
    conn: Connection, answer_id: int, invited: Invited, survey: Survey, reply: Reply, at: datetime
) -> None:
    title = _("%(survey)s: %(score)s of %(most)s") % {
        "survey": survey.name,
        "score": reply.score,
        "most": survey.scale[1],
    }
    cases.open_case(
        conn,
        subject_id=invited.subject_id,
        kind=cases.DETRACTOR,
        title=title,
        cause=f"answer:{answer_id}",
        at=at,
        touchpoint=(invited.channel, invited.location),
        stage=invited.stage,
        story=reply.text,
    )


def _invited(conn: Connection, token: str, *, lock: bool = False) -> Invited:
    row = conn.execute(_BY_TOKEN + (" FOR UPDATE" if lock else ""), (token_hash(token),)).fetchone()
    if row is None:
        raise NotFound("There is no such invitation.")
    return Invited(*row)


def _state(invited: Invited, now: datetime) -> str:
    late = invited.expires_at is not None and invited.expires_at <= now
    return "expired" if invited.state == "invited" and late else invited.state


_BY_TOKEN = """
SELECT id, subject_id, survey_id, version, channel, location, stage, mode, source, state, expires_at
FROM invitations WHERE token_hash = %s
"""
_KEEP = """
INSERT INTO answers (invitation_id, subject_id, survey_id, version, kind, score, ratings, text,
  channel, location, stage, mode, source, flags, seconds, answered_at)
VALUES (%(invitation)s, %(subject)s, %(survey)s, %(version)s, %(kind)s, %(score)s,
  %(ratings)s::jsonb, %(text)s, %(channel)s, %(location)s, %(stage)s, %(mode)s, %(source)s,
  %(flags)s, %(seconds)s, %(at)s)
RETURNING id
"""
