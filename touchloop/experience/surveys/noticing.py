"""What a micro-batch brings that somebody may be asked about; and what became of invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from touchloop.channels import api as channels
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.experience.surveys import designing
from touchloop.experience.surveys.asking import Candidate, ask, expire
from touchloop.experience.surveys.designing import Survey
from touchloop.interactions.api import Happened

OWN = "touchloop"
CLOSED, REOPENED = "Case Closed", "Case Reopened"
TAKEN_BACK = "case_reopened"
# What Touchloop tells of a delivery that never reached anybody: then nobody was asked.
FAILED = {
    "Message Bounced": "bounced",
    "Message Suppressed": "suppressed",
    "Message Dropped": "dropped",
}


def concerns(conn: Connection) -> frozenset[str]:
    """The names of the interactions that `on_batch` wants to see."""
    return frozenset((*FAILED, *(survey.event for survey in designing.live(conn))))


def on_batch(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    """Ask after what just happened, by the live surveys; in the transaction of the batch.

    What is older than a survey's `fresh_hours` (an import, a replay) asks nobody. A closed case
    asks again when it says so; opened again, it takes that question back.
    """
    _failed(conn, happened)
    _ask(conn, happened, now)
    _take_back(conn, happened, now)


def due(conn: Connection, *, now: datetime) -> int:
    """Close invitations that were not answered in time; how many. Does not commit."""
    return expire(conn, now=now)


def _ask(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    surveys = designing.live(conn)
    names = {survey.event for survey in surveys}
    relevant = [each for each in happened if each.name in names]
    if not relevant:
        return
    for survey in surveys:
        candidates = [_candidate(each) for each in relevant if _concerns(survey, each, now)]
        if candidates:
            ask(conn, survey, candidates, now=now, drawn=True)


def _take_back(conn: Connection, happened: Sequence[Happened], now: datetime) -> None:
    """Whoever's case is open again is not asked how it went, unless the question is out already."""
    last: dict[tuple[int, object], Happened] = {}
    for each in happened:
        if each.name in (CLOSED, REOPENED) and each.source_slug == OWN:
            key = each.customer_id, each.properties.get("case_id")
            if key not in last or last[key].occurred_at <= each.occurred_at:
                last[key] = each
    opened = {each.customer_id for each in last.values() if each.name == REOPENED}
    if not opened:
        return
    values = {"customers": arrays.numbers(sorted(opened)), "event": CLOSED, "why": TAKEN_BACK}
    waiting = [int(row[0]) for row in conn.execute(_WAITING, values).fetchall()]
    causes = [f"invitation:{id}" for id in waiting]
    channels.cancel(conn, causes=causes, reason=TAKEN_BACK, now=now)
    conn.execute(_TAKEN_BACK, {**values, "ids": arrays.numbers(waiting)})


def _concerns(survey: Survey, each: Happened, now: datetime) -> bool:
    if each.name != survey.event or (survey.channel and each.channel != survey.channel):
        return False
    if each.name == CLOSED:
        ours = each.source_slug == OWN and each.properties.get("ask_again") is True
        return ours and each.occurred_at <= now
    return now - timedelta(hours=survey.fresh_hours) <= each.occurred_at <= now


def _candidate(each: Happened) -> Candidate:
    return Candidate(
        each.subject_id,
        each.customer_id,
        f"interaction:{each.interaction_id}",
        each.channel,
        each.location,
        each.stage,
        each.occurred_at,
    )


def _failed(conn: Connection, happened: Sequence[Happened]) -> None:
    failed = {
        delivery: FAILED[each.name] + (f":{why}" if (why := each.properties.get("reason")) else "")
        for each in happened
        if each.name in FAILED and each.source_slug == OWN
        if isinstance(delivery := each.properties.get("delivery"), int)
    }
    if failed:
        conn.execute(_FAILED, (arrays.numbers(failed), arrays.texts(failed.values())))


# Invitations after a closed case whose message has not left yet.
_WAITING = """
SELECT v.id FROM identifiers i
  JOIN invitations v ON v.subject_id = i.id AND v.state = 'invited'
  JOIN surveys s ON s.id = v.survey_id AND s.event = %(event)s
  JOIN deliveries d ON d.id = v.delivery_id AND d.state IN ('queued', 'deferred')
 WHERE i.customer_id = ANY(%(customers)s::bigint[])
"""
_TAKEN_BACK = """
UPDATE invitations v SET state = 'not_asked', reason = %(why)s, token_hash = NULL
  FROM deliveries d
 WHERE v.id = ANY(%(ids)s::bigint[]) AND d.id = v.delivery_id
   AND d.state NOT IN ('queued', 'deferred', 'claimed', 'handed', 'confirmed', 'uncertain')
"""
_FAILED = """
UPDATE invitations v SET state = 'not_asked', reason = f.reason, token_hash = NULL
FROM unnest(%s::bigint[], %s::text[]) AS f(delivery_id, reason)
WHERE v.delivery_id = f.delivery_id AND v.state = 'invited'
"""
