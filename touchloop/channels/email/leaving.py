"""Unsubscribing by one click (RFC 8058), and asking for a fresh link to one's choices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from touchloop.channels.email import templates, tokens
from touchloop.channels.outcomes import delivery as delivery_of
from touchloop.channels.requesting import Wanted, request
from touchloop.consent.api import ContactGrant, record_contact
from touchloop.core.db import Connection
from touchloop.identity.api import customers_of, normalise
from touchloop.interactions.api import News, own_id, tell

FRESH_LINK: Final = "preference-link"
_SUBJECT: Final = "Your link to what we send and use"
_BODY: Final = """<!doctype html><html><head><meta charset="utf-8"></head><body>
<p>Somebody, most likely you, asked us for the page where you choose what we send you and what we \
use.</p>
<p><a href="{{ touchloop.preferences }}">Open my choices</a></p>
<p>If it was not you, there is nothing to do.</p>
</body></html>"""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a message's unsubscribe link is about."""

    delivery_id: int
    subject_id: int
    topic: str


def subscription(conn: Connection, token: str) -> Subscription | None:
    """What this token unsubscribes from; None when it is none of ours. Changes nothing."""
    numbers = tokens.read(tokens.UNSUBSCRIBE, token, numbers=2)
    if numbers is None:
        return None
    delivery_id, subject_id = numbers
    if not customers_of(conn, [subject_id]):
        return None  # erased since: nothing is left to leave
    found = delivery_of(conn, delivery_id)
    return Subscription(delivery_id, subject_id, found.topic if found else "")


def unsubscribe(conn: Connection, token: str, *, at: datetime, by: str) -> Subscription | None:
    """End what the message belongs to, from the commit of this transaction on; None for a token
    that is none of ours. `by` goes into the evidence: "one-click", "page". Once is enough: again
    changes nothing that counts."""
    found = subscription(conn, token)
    if found is None:
        return None
    evidence = {"by": by, "delivery_id": found.delivery_id}
    record_contact(
        conn,
        [
            ContactGrant(
                found.subject_id, "email", found.topic, "denied", own_id(conn), at, evidence
            )
        ],
    )
    told = {"channel": "email", "topic": found.topic, "delivery_id": found.delivery_id, "by": by}
    cause = f"delivery:{found.delivery_id}:unsubscribed"
    tell(conn, [News("Unsubscribed", found.subject_id, cause, at, told, "email")])
    return found


def send_fresh_link(conn: Connection, address: str, *, at: datetime) -> None:
    """Send the link to one's choices to an address that we know; at most once an hour.

    Gives no sign whether we know it: whoever asks on a page gets one answer for all.
    """
    written = normalise("email", address)
    row = conn.execute(
        "SELECT id FROM identifiers WHERE namespace = 'email' AND value = %s", (written or "",)
    ).fetchone()
    if not templates.newest(conn, [FRESH_LINK]):
        templates.save(
            conn, slug=FRESH_LINK, name="Link to one's choices", kind="service",
            subject=_SUBJECT, body=_BODY, markup="html",
        )  # fmt: skip
    if row is None:
        return
    cause = f"{FRESH_LINK}:{row[0]}:{at:%Y%m%d%H}"
    wanted = Wanted(row[0], "service", "", FRESH_LINK, cause, ("email",), {})
    request(conn, [wanted], now=at)
