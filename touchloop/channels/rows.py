"""Deliveries as they are stored: their words, how they are read, and their news."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from touchloop.channels.keyed import Keyed
from touchloop.channels.seam import Delivery
from touchloop.consent.api import PersonConsent
from touchloop.core import settings
from touchloop.core.db import Connection
from touchloop.interactions.api import News, tell

QUEUED, DEFERRED, CLAIMED = "queued", "deferred", "claimed"
HANDED, CONFIRMED, UNCERTAIN = "handed", "confirmed", "uncertain"
BOUNCED, COMPLAINED = "bounced", "complained"
SUPPRESSED, DROPPED = "suppressed", "dropped"
STATES: Final = (
    QUEUED, DEFERRED, CLAIMED, HANDED, CONFIRMED, UNCERTAIN, BOUNCED, COMPLAINED, SUPPRESSED,
    DROPPED,
)  # fmt: skip
WAITING: Final = (QUEUED, DEFERRED)

# What the rest of the house is told when a delivery comes into a state; the others say nothing yet.
EVENTS: Final = {
    DEFERRED: "Message Deferred",
    HANDED: "Message Handed",
    CONFIRMED: "Message Confirmed",
    UNCERTAIN: "Message Uncertain",
    BOUNCED: "Message Bounced",
    COMPLAINED: "Message Complained",
    SUPPRESSED: "Message Suppressed",
    DROPPED: "Message Dropped",
}


class Change(Struct, frozen=True):
    """A delivery that came into a state; `address` is the one that was used."""

    delivery: Delivery
    state: str
    reason: str = ""
    detail: str = ""
    not_before: datetime | None = None
    address: str = ""


def told(changes: Iterable[Change], now: datetime, *, location: str = "") -> list[News]:
    """The news of changes; a delivery that is deferred again says so once for each moment."""
    return [
        news_of(
            change.delivery,
            EVENTS[change.state],
            cause=_cause(change),
            now=now,
            location=location,
            more=_more(change),
        )
        for change in changes
        if change.state in EVENTS
    ]


def news_of(
    delivery: Delivery,
    event: str,
    *,
    cause: str,
    now: datetime,
    location: str = "",
    more: Mapping[str, Any] | None = None,
) -> News:
    """One piece of news about a delivery, with what others need to know of it."""
    properties: dict[str, Any] = {"delivery": delivery.id, "kind": delivery.kind}
    if delivery.template:
        properties["template"] = delivery.template
    if delivery.topic:
        properties["topic"] = delivery.topic
    if delivery.offer:
        properties["offer"] = delivery.offer
    if delivery.decision_id is not None:
        properties["decision_id"] = str(delivery.decision_id)
    if delivery.campaign_id is not None:
        properties["campaign_id"] = delivery.campaign_id
    if delivery.trigger_id is not None:
        properties["trigger_id"] = delivery.trigger_id
    if more:
        properties.update(more)
    properties["channel"] = delivery.channel
    return News(
        event=event,
        subject_id=delivery.subject_id,
        cause=cause,
        at=now,
        properties=properties,
        channel=delivery.channel,
        location=location,
    )


def say(conn: Connection, news: Sequence[News]) -> None:
    """Tell news in the caller's transaction."""
    if news:
        tell(conn, news)


def message_id(delivery_id: int, cause: str) -> str:
    """A stable name of the message that nobody can guess who does not hold our secret."""
    text = f"{delivery_id}\0{cause}".encode()
    return f"{delivery_id}.{_keyed().digest(text).hex()[:24]}"


def going(delivery: Delivery, address: str, person: PersonConsent) -> Delivery:
    """The same, to be sent to this address of a person who chose so."""
    return replace(delivery, address=address, consent=person)


def of_row(row: Sequence[Any], customer_id: int) -> Delivery:
    """The delivery of a row of COLUMNS."""
    (id, subject, kind, topic, channel, address, template, version, data, message, offer, decision,
     campaign, trigger, attempts) = row  # fmt: skip
    return Delivery(
        id=id,
        subject_id=subject,
        customer_id=customer_id,
        kind=kind,
        topic=topic,
        channel=channel,
        address=address,
        template=template,
        template_version=version,
        data=decoded(data),
        message_id=message,
        offer=offer,
        decision_id=decision,
        campaign_id=campaign,
        trigger_id=trigger,
        attempts=attempts,
    )


COLUMNS: Final = (
    "id, subject_id, kind, topic, channel, address, template, template_version,"
    " data::text, message_id,"
    " offer, decision_id, campaign_id, trigger_id, attempts"
)


@lru_cache(maxsize=1_000)
def decoded(data: str) -> Mapping[str, Any]:
    """What a message is filled with. The messages of a campaign mostly say the same."""
    found: dict[str, Any] = json.loads(data)
    return found


def _cause(change: Change) -> str:
    until = change.not_before if change.state == DEFERRED else None
    again = f":{until.isoformat()}" if until else ""
    return f"delivery:{change.delivery.id}:{change.state}{again}"


def _more(change: Change) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if change.reason:
        more["reason"] = change.reason
    if change.state == DEFERRED and change.not_before:
        more["until"] = change.not_before.isoformat()
    return more


@cache
def _keyed() -> Keyed:
    return Keyed(sha256(b"touchloop message ids\0" + settings.secret_key().encode()).digest())
