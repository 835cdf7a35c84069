"""From requests to answers, on one connection: what both ways in share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from touchloop.api.answers import Answer, refuse
from touchloop.api.bodies import Told, request_of, told_in, written
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.api import Request

PATHS: Final = {"/v1/decide": "decide", "/v1/outcomes": "outcomes"}  # and the scope each needs
LARGEST_BODY: Final = 64 * 1024

Work = Request | tuple[Told, datetime]


def work_of(scope: str, body: bytes, now: datetime) -> Work:
    """What a body asks for. Raises Refused: 400 for no JSON, 422 for a wrong one."""
    return request_of(body, now) if scope == "decide" else (told_in(body), now)


def answered(conn: Connection, works: Sequence[Work]) -> list[Answer]:
    """Decisions are recorded by one statement, which commits itself; so is each outcome."""
    asked = [work for work in works if isinstance(work, Request)]
    made = iter(decisions.decide_all(conn, asked))
    answers = []
    for work in works:
        if isinstance(work, Request):
            decision = next(made)
            answers.append(_NOBODY if decision is None else Answer(200, written(decision)))
        else:
            answers.append(_told(conn, *work))
    return answers


def _told(conn: Connection, told: Told, at: datetime) -> Answer:
    try:
        with conn.transaction():
            decisions.tell_outcome(
                conn,
                told.decision_id,
                offer=told.offer,
                outcome=told.outcome,
                at=at,
                outcome_id=told.outcome_id,
            )
    except NotFound as error:
        return refuse(404, "no_decision", str(error)).answer
    except Invalid as error:
        return refuse(422, "invalid", error.message, field=error.field).answer
    return _TOLD


_NOBODY: Final = refuse(404, "no_customer", "there is no such customer").answer
_TOLD: Final = Answer(200, b'{"accepted":true}')
