"""A survey at a place: the code on a wall or a receipt leads to a page for one touchpoint.

The address is signed, so that nobody makes one for another store. Whoever scans it is nobody we
know: the answer hangs on an identifier of its own, made when it is given and not before. A page
carries a ticket, signed too; a ticket answers once.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from touchloop.core import clock, settings
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound, Unavailable
from touchloop.experience.surveys import answering, designing
from touchloop.experience.surveys.answering import Invited, Reply
from touchloop.experience.surveys.asking import token_hash
from touchloop.experience.surveys.designing import Survey
from touchloop.experience.surveys.signing import read, signed
from touchloop.identity import api as identity
from touchloop.interactions.api import own_id

TICKET_HOURS = 12
MOST_A_MINUTE = 20  # at one place: more is a machine


@dataclass(frozen=True, slots=True)
class Place:
    """A touchpoint at which a survey can be answered."""

    channel: str
    location: str


def address(survey: Survey, *, touchpoint: tuple[str, str]) -> str:
    """The whole address of a survey at a touchpoint, for a QR code. Raises Invalid."""
    return f"{settings.customers_url()}/c/q/{survey.slug}/{place_token(survey, touchpoint)}"


def place_token(survey: Survey, touchpoint: tuple[str, str]) -> str:
    """The touchpoint, signed for this survey. Raises Invalid without a location."""
    channel, location = touchpoint
    if not channel or not location:
        raise Invalid("touchpoint", "a code hangs at a place: name its channel and location")
    return signed(json.dumps([channel, location], ensure_ascii=False), f"place:{survey.slug}")


def read_place(survey: Survey, token: str) -> Place:
    """The touchpoint of a token. Raises NotFound unless it was signed for this survey."""
    channel, location = json.loads(read(token, f"place:{survey.slug}"))
    return Place(channel, location)


def new_ticket(survey: Survey, place: Place, *, now: datetime) -> str:
    """What a page carries so that it answers once. Nothing is stored."""
    body = json.dumps([secrets.token_urlsafe(12), clock.micros(now)])
    return signed(body, _purpose(survey, place))


def answer_at(
    conn: Connection, survey: Survey, place: Place, ticket: str, reply: Reply, *, at: datetime
) -> str:
    """Keep an answer given at a place: `answered`, `already`, or `expired` for an old ticket.

    `conn` must not be in a transaction: the identifier is made first; then all else is one
    transaction, which this commits. Raises NotFound for a ticket of another page, Invalid for a
    reply that does not fit, Unavailable when a place answers faster than people do.
    """
    if not survey.live:
        raise NotFound("This survey is not open.")
    nonce, made_us = json.loads(read(ticket, _purpose(survey, place)))
    made = clock.from_micros(made_us)
    cause = f"{survey.id}:place:{nonce}"
    if conn.execute("SELECT 1 FROM invitations WHERE cause = %s", (cause,)).fetchone():
        conn.rollback()
        return "already"
    conn.rollback()
    if not timedelta() <= at - made <= timedelta(hours=TICKET_HOURS):
        return "expired"
    checked = answering.check(
        Reply(reply.score, reply.text, reply.ratings, (at - made).total_seconds()),
        survey,
        survey.words,
    )
    _not_a_machine(conn, survey, place, at)
    subject_id = _newcomer(conn, nonce, at)
    with conn.transaction():
        row = conn.execute(
            _INVITED,
            {
                "subject": subject_id,
                "survey": survey.id,
                "version": survey.version,
                "cause": cause,
                "channel": place.channel,
                "location": place.location,
                "hash": token_hash(ticket),
                "now": at,
            },
        ).fetchone()
        if row is None:
            return "already"
        invited = Invited(
            row[0], subject_id, survey.id, survey.version, place.channel, place.location, "",
            "qr", "", "invited", None,
        )  # fmt: skip
        answering.keep(conn, invited, survey, checked, at=at)
    return "answered"


def open_at(conn: Connection, slug: str, token: str) -> tuple[Survey, Place]:
    """The survey and place of an address. Raises NotFound, also for a survey that is not live."""
    survey = designing.by_slug(conn, slug)
    if not survey.live:
        raise NotFound("This survey is not open.")
    return survey, read_place(survey, token)


def _not_a_machine(conn: Connection, survey: Survey, place: Place, at: datetime) -> None:
    row = conn.execute(
        _LATELY, (survey.id, at - timedelta(minutes=1), place.channel, place.location)
    )
    latest = row.fetchone()
    conn.rollback()
    if latest and latest[0] >= MOST_A_MINUTE:
        raise Unavailable("Too many answers at this place. Try again in a minute.", retry_after=60)


def _newcomer(conn: Connection, nonce: str, at: datetime) -> int:
    source_id = own_id(conn)
    conn.commit()
    claim = identity.Claim(
        (("anonymous_id", f"survey-{nonce}"),), False, None, source_id, uuid4(), at
    )
    subject = identity.resolve(conn, [claim]).subjects[0]
    conn.commit()
    return subject


def _purpose(survey: Survey, place: Place) -> str:
    return json.dumps(["ticket", survey.slug, place.channel, place.location])


_INVITED = """
INSERT INTO invitations (subject_id, survey_id, version, cause, channel, location, stage, mode,
  state, reason, token_hash, source, decided_at)
VALUES (%(subject)s, %(survey)s, %(version)s, %(cause)s, %(channel)s, %(location)s, '', 'qr',
  'invited', '', %(hash)s, '', %(now)s)
ON CONFLICT DO NOTHING RETURNING id
"""
_LATELY = """
SELECT count(*) FROM invitations
WHERE survey_id = %s AND decided_at > %s AND mode = 'qr' AND channel = %s AND location = %s
"""
