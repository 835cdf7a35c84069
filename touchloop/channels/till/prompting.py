"""Prompts: shown when the customer is there, at the till or on the phone, and answered for.

A prompt is judged like any hand-off when it is shown, under the same lock. Once shown it counts as
one contact, and asking again during the same visit shows it again without counting twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from django.utils.translation import gettext as _

from touchloop.channels import outbox, rows
from touchloop.channels.permission import permission, purposes
from touchloop.channels.policy import Contact
from touchloop.channels.registry import channel as channel_named
from touchloop.channels.requesting import STATE_OF
from touchloop.channels.rows import CONFIRMED, HANDED, Change
from touchloop.channels.rules import contact_policy
from touchloop.channels.seam import Channel, Delivery
from touchloop.channels.situation import situations
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound

ONE_VISIT: Final = timedelta(hours=1)
AT_ONCE: Final = 20
ANSWERS: Final = {
    "accepted": "Offer Accepted",
    "rejected": "Offer Rejected",
    "later": "Offer Deferred",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a till or an agent's screen shows."""

    delivery_id: int
    kind: str
    topic: str
    template: str
    offer: str
    decision_id: UUID | None
    data: Mapping[str, Any]
    shown_at: datetime


def prompts(
    conn: Connection, customer_id: int, channel: str, now: datetime, *, location: str = ""
) -> list[Prompt]:
    """What is to be shown to whoever serves this customer now, in the caller's transaction.

    What was shown within the hour and is not answered comes again. While another channel reaches
    this customer at this very moment, nothing new is shown. Raises Invalid for a channel that does
    not wait to be asked.
    """
    place = channel_named(channel)
    if not place.pulled:
        raise Invalid("channel", _("%s does not wait to be asked") % channel)
    fresh: list[Prompt] = []
    if outbox.hold_now(conn, customer_id):
        fresh = _shown(conn, place, customer_id, now, location)
    new = {one.delivery_id for one in fresh}
    values = {"customer": customer_id, "channel": channel, "since": now - ONE_VISIT, "now": now}
    before = [
        _prompt(rows.of_row(row, customer_id), at)
        for *row, at in conn.execute(_STANDING, values).fetchall()
        if row[0] not in new
    ]
    return before + fresh


def acknowledge(
    conn: Connection, delivery_id: int, answer: str, at: datetime, *, location: str = ""
) -> bool:
    """Keep what the customer said: accepted, rejected or later. In the caller's transaction.

    The first answer counts; another one, or the same again, changes nothing and gives False.
    Raises Invalid for another word, or for a prompt that was never shown; NotFound for none.
    """
    if answer not in ANSWERS:
        raise Invalid("answer", _("one of %s is expected") % ", ".join(ANSWERS))
    row = conn.execute(_ASKED, (delivery_id,)).fetchone()
    if row is None:
        raise NotFound(_("There is no message of this number."))
    *columns, state, said = row
    if said:
        return False
    if state not in (HANDED, CONFIRMED):
        raise Invalid("delivery", _("this was never shown"))
    conn.execute("UPDATE deliveries SET answer = %s WHERE id = %s", (answer, delivery_id))
    one = rows.of_row(columns, columns[1])
    outbox.write(conn, [Change(one, CONFIRMED, answer)] if state == HANDED else [], now=at)
    event = ANSWERS[answer] if one.offer else "Prompt Answered"
    news = rows.news_of(
        one,
        event,
        cause=f"delivery:{one.id}:answer",
        now=at,
        location=location,
        more={"answer": answer},
    )
    rows.say(conn, [news])
    return True


def _shown(
    conn: Connection, channel: Channel, customer_id: int, now: datetime, location: str
) -> list[Prompt]:
    """Judge what waits; what may be shown is written down as handed over."""
    values = {"customer": customer_id, "channel": channel.name, "now": now, "limit": AT_ONCE}
    waiting = conn.execute(_WAITING, values).fetchall()
    if not waiting:
        return []
    policy = contact_policy(conn)
    kinds = {row[2] for row in waiting}
    found = situations(
        conn, [customer_id], namespaces=[], policy=policy, now=now,
        purposes=purposes(kinds, came=channel.pulled),
    )  # fmt: skip
    situation = found[customer_id]
    shown: list[Delivery] = []
    changes: list[Change] = []
    for *row, expires_at in waiting:
        one = rows.of_row(row, customer_id)
        said = permission(
            situation,
            channel,
            kind=one.kind,
            topic=one.topic,
            policy=policy,
            now=now,
            expires_at=expires_at,
        )
        if said.word == "send":
            situation = situation.reached(Contact(one.kind, now))
            shown.append(one)
            changes.append(Change(one, HANDED))
        else:
            moment = said.at if said.word == "defer" else None
            changes.append(Change(one, STATE_OF[said.word], said.reason, "", moment))
    outbox.write(conn, changes, now=now, location=location)
    offers = [
        rows.news_of(
            one, "Offer Shown", cause=f"delivery:{one.id}:shown", now=now, location=location
        )
        for one in shown
        if one.offer
    ]
    rows.say(conn, offers)
    return [_prompt(one, now) for one in shown]


def _prompt(one: Delivery, shown_at: datetime) -> Prompt:
    return Prompt(
        one.id, one.kind, one.topic, one.template, one.offer, one.decision_id, one.data, shown_at
    )


_WAITING: LiteralString = f"""
SELECT {rows.COLUMNS}, expires_at FROM deliveries
 WHERE subject_id IN (SELECT id FROM identifiers WHERE customer_id = %(customer)s)
   AND channel = %(channel)s AND state IN ('queued', 'deferred') AND not_before <= %(now)s
 ORDER BY (kind = 'service') DESC, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_STANDING: LiteralString = f"""
SELECT {rows.COLUMNS}, handed_at FROM deliveries
 WHERE subject_id IN (SELECT id FROM identifiers WHERE customer_id = %(customer)s)
   AND channel = %(channel)s AND state = 'handed' AND answer = ''
   AND handed_at > %(since)s AND handed_at <= %(now)s
 ORDER BY handed_at, id
"""
_ASKED: LiteralString = f"""
SELECT {rows.COLUMNS}, state, answer FROM deliveries WHERE id = %s FOR UPDATE
"""
