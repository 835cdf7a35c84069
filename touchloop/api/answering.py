"""From requests to answers, on one connection: what both ways in share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from touchloop.api.answers import Answer, refuse
from touchloop.api.bodies import (
    Answered,
    AskedPrompts,
    Told,
    answer_in,
    prompts_of,
    prompts_written,
    request_of,
    told_in,
    written,
)
from touchloop.channels import api as channels
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.engage.decisions import api as decisions
from touchloop.engage.decisions.api import Request
from touchloop.identity import api as identity

PATHS: Final = {  # and the scope each needs
    "/v1/decide": "decide",
    "/v1/outcomes": "outcomes",
    "/v1/prompts": "decide",
    "/v1/prompts/answer": "outcomes",
}
LARGEST_BODY: Final = 64 * 1024

Work = Request | partial[Answer]


def work_of(path: str, body: bytes, now: datetime) -> Work:
    """What a body asks for. Raises Refused: 400 for no JSON, 422 for a wrong one."""
    if path == "/v1/decide":
        return request_of(body, now)
    if path == "/v1/outcomes":
        return partial(_told, told=told_in(body), at=now)
    if path == "/v1/prompts":
        return partial(_prompts, asked=prompts_of(body), now=now)
    return partial(_prompt_answered, said=answer_in(body), at=now)


def answered(conn: Connection, works: Sequence[Work]) -> list[Answer]:
    """Decisions are recorded by one statement, which commits itself; so does everything else."""
    asked = [work for work in works if isinstance(work, Request)]
    made = iter(decisions.decide_all(conn, asked))
    answers = []
    for work in works:
        if isinstance(work, Request):
            decision = next(made)
            answers.append(_NOBODY if decision is None else Answer(200, written(decision)))
        else:
            answers.append(_in_transaction(conn, work))
    return answers


def _in_transaction(conn: Connection, work: partial[Answer]) -> Answer:
    try:
        with conn.transaction():
            return work(conn)
    except NotFound as error:
        code = "no_decision" if work.func is _told else "no_prompt"
        return refuse(404, code, str(error)).answer
    except Invalid as error:
        return refuse(422, "invalid", error.message, field=error.field).answer


def _told(conn: Connection, *, told: Told, at: datetime) -> Answer:
    decisions.tell_outcome(
        conn,
        told.decision_id,
        offer=told.offer,
        outcome=told.outcome,
        at=at,
        outcome_id=told.outcome_id,
    )
    return _ACCEPTED


def _prompts(conn: Connection, *, asked: AskedPrompts, now: datetime) -> Answer:
    if isinstance(asked.customer, int):
        customer = identity.customers_of(conn, [asked.customer]).get(asked.customer)
    else:
        who = asked.customer
        customer = identity.customer_named(conn, who.namespace, who.value)
    if customer is None:
        return _NOBODY
    shown = channels.prompts(conn, customer, asked.channel, now, location=asked.location)
    return Answer(200, prompts_written(customer, shown))


def _prompt_answered(conn: Connection, *, said: Answered, at: datetime) -> Answer:
    channels.acknowledge(conn, said.prompt, said.answer, at, location=said.location)
    return _ACCEPTED


_NOBODY: Final = refuse(404, "no_customer", "there is no such customer").answer
_ACCEPTED: Final = Answer(200, b'{"accepted":true}')
