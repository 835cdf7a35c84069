"""The acts: what a step does for the customers who have come to it, for all of them at once.

Everything is asked for under the run's cause, in the transaction that moves the run: a crash undoes
both, and what is asked for twice happens once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import singledispatch

from touchloop.channels import api as channels
from touchloop.channels.api import ContactVerdict, Wanted
from touchloop.core.db import Connection
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.engage.triggers.definition import Ask, Offer, OpenCase, Send, Step
from touchloop.engage.triggers.interest import Known
from touchloop.engage.triggers.run import Run
from touchloop.interactions.api import News, tell
from touchloop.records.cases import api as cases

SURVEY_WANTED = "Survey Wanted"
NOTHING = "nothing to offer"
HELP_AT_MOST = 10  # offers that are looked at to find one that helps
OUT_OF_ALL = "holdout of everything"
REFUSED = frozenset({"dropped", "suppressed"})


@singledispatch
def act(step: Step, known: Known, runs: Sequence[Run], conn: Connection, now: datetime) -> None:
    """Do this step for these runs. Sets the reason of those for whom nothing could be done."""
    raise NotImplementedError(type(step).__name__)


@act.register
def _send(step: Send, known: Known, runs: Sequence[Run], conn: Connection, now: datetime) -> None:
    _bring(
        conn,
        {
            run: Wanted(
                subject_id=run.subject_id,
                kind=step.kind,
                topic=step.topic,
                template=step.template,
                cause=run.cause,
                channels=step.channels,
                data={**step.data, "event": run.event},
                expires_at=now + timedelta(days=step.days),
                trigger_id=known.id,
            )
            for run in runs
        },
        now,
    )


@act.register
def _offer(step: Offer, known: Known, runs: Sequence[Run], conn: Connection, now: datetime) -> None:
    """The customer's channels in order: the first that may be used and has an offer brings it."""
    customers = sorted({run.customer_id for run in runs})
    reachable = channels.decide_contact(
        conn, customers, kind=step.kind, topic=step.topic, channels=step.channels, now=now
    )
    wanted: dict[Run, Wanted] = {}
    for name in step.channels:
        may = [
            run for run in runs if run not in wanted
            and _permitted(run, name, reachable.get(run.customer_id, ()))
        ]  # fmt: skip
        asked = [_request(step, known, run, name, now) for run in may]
        for run, decision in zip(may, decisions.decide_all(conn, asked), strict=True):
            if decision is not None and (found := _wanted(step, known, run, decision, conn, now)):
                wanted[run] = found
    for run in runs:
        if run not in wanted:
            run.reason = run.reason or NOTHING
        else:
            run.reason = ""
    _bring(conn, wanted, now)


@act.register
def _open_case(
    step: OpenCase, known: Known, runs: Sequence[Run], conn: Connection, now: datetime
) -> None:
    for run in runs:
        found = cases.open_case(
            conn,
            subject_id=run.subject_id,
            kind=step.kind,
            title=step.title,
            cause=run.cause,
            at=now,
            hours=step.hours,
            story=step.story,
        )
        if found is not None:
            run.news["case"] = found


@act.register
def _ask(step: Ask, known: Known, runs: Sequence[Run], conn: Connection, now: datetime) -> None:
    tell(
        conn,
        [
            News(
                SURVEY_WANTED,
                run.subject_id,
                run.cause,
                now,
                {"survey": step.survey, "trigger": known.slug},
            )
            for run in runs
        ],
    )


def _permitted(run: Run, channel: str, verdicts: Sequence[ContactVerdict]) -> bool:
    """May this channel be used now or later? Else the run keeps the first reason why not."""
    for verdict in verdicts:
        if verdict.channel == channel:
            if verdict.allowed or verdict.next_at is not None:
                return True
            run.reason = run.reason or verdict.reason
    return False


def _request(step: Offer, known: Known, run: Run, channel: str, now: datetime) -> decisions.Request:
    return decisions.Request(
        customer_id=run.customer_id,
        channel=channel,
        placement=step.placement,
        limit=1 if step.kind == "marketing" else HELP_AT_MOST,
        context={"trigger": known.slug, **step.context},
        now=now,
    )


def _wanted(
    step: Offer,
    known: Known,
    run: Run,
    decision: decisions.Decision,
    conn: Connection,
    now: datetime,
) -> Wanted | None:
    """The decision's best offer as a message; None when it has none, for a reason it knows."""
    run.news["decision"] = str(decision.id)
    if not decision.offers:
        run.reason = run.reason or (OUT_OF_ALL if decision.holdout else NOTHING)
        return None
    made = [(each, offers.get(each.offer_id, conn=conn)) for each in decision.offers]
    fit = [pair for pair in made if step.kind == "marketing" or not pair[1].selling]
    if not fit:
        run.reason = run.reason or NOTHING
        return None
    chosen, offer = fit[0]
    run.news["offer"] = chosen.offer
    return Wanted(
        subject_id=run.subject_id,
        kind="marketing" if offer.selling else "service",
        topic=offer.topic or step.topic,
        template=chosen.treatment.template or step.template,
        cause=run.cause,
        channels=(decision.channel,),
        data={
            "offer": {"slug": chosen.offer, "name": chosen.name, **chosen.treatment.texts},
            "reasons": list(chosen.reasons),
            "why": chosen.treatment.texts.get("why", ""),
        },
        expires_at=now + timedelta(days=step.days),
        offer=chosen.offer,
        decision_id=decision.id,
        trigger_id=known.id,
    )


def _bring(conn: Connection, wanted: dict[Run, Wanted], now: datetime) -> None:
    """Ask the channels for these, and note with each run what they said."""
    found = channels.request(conn, list(wanted.values()), now=now)
    for (run, asked), said in zip(wanted.items(), found, strict=True):
        if said.delivery_id is None or said.state in REFUSED:
            run.reason = said.reason or said.state
            continue
        run.causes.append(asked.cause)
        run.withdraw_until = asked.expires_at
        run.news |= {"delivery": said.delivery_id, "channel": said.channel}
