"""Addresses and choices for the demo's households: the retailer's files hold none.

They are made up and say so: a source of their own, the trait `simulated_contact`, addresses under
a domain that cannot exist. Of the households whose demographics are known, some agreed to mail and
to be known by everything they told us, some refused, and most said nothing, as in any list of
customers. So models may look at the size and income of these only; of all others they know what the
loyalty terms allow, purchases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from touchloop.core import clock
from touchloop.core.db import Connection
from touchloop.demo import year
from touchloop.interactions.api import Record, Source, ensure, put

DOMAIN = "household.example"
ZONE = "America/New_York"
ELSEWHERE = 0.5  # share of the addresses in a zone where it was noon when the year was loaded
AGREED, REFUSED = 0.6, 0.15  # shares of the households with an address
SAID_BEFORE = timedelta(days=300)


def source() -> Source:
    """Who says it; its name tells that it is made up."""
    return ensure(
        "demo-contacts", name="Addresses (simulated)", kind="import", trusted=True,
        channel="web", category="told_us",
    )  # fmt: skip


def send(conn: Connection) -> int:
    """Put what the households said into the inbox; again changes nothing. Commits."""
    sent = put(conn, _records(source(), clock.now()))
    conn.commit()
    return sent


def _records(source: Source, now: datetime) -> Iterator[Record]:
    at = (source.created_at - SAID_BEFORE).isoformat()  # the same whenever it is sent again
    awake = _zone_at_noon(source.created_at)
    received = clock.micros(now)
    with year.opened() as files:
        rows = files.execute("select household_id from demographics order by 1").fetchall()
    for (household,) in rows:
        messages = list(_said(str(household), at, awake))
        body = msgspec.json.encode({"batch": messages}).decode()
        yield year.record(source, body, n=len(messages), received_us=received)


def _said(household: str, at: str, awake: str) -> Iterator[dict[str, Any]]:
    who = {"userId": f"household-{household}", "timestamp": at}
    email = f"household-{household}@{DOMAIN}"
    zone = awake if _draw(household, "zone") < ELSEWHERE else ZONE
    yield {
        **who,
        "type": "identify",
        "messageId": f"demo-contact-{household}",
        "traits": {"email": email, "timezone": zone, "simulated_contact": True},
    }
    draw = _draw(household)
    if draw < AGREED:
        agreed = {  # of no category in particular: of what they told us as well
            "purposes": ["marketing", "personalise", "profile"],
            "channels": ["email"],
            "basis": "simulated consent (demo)",
        }
        yield _choice(who, household, "Consent Given", agreed)
    elif draw < AGREED + REFUSED:
        yield _choice(who, household, "Consent Withdrawn", {"channels": ["email"]})


def _choice(
    who: dict[str, str], household: str, event: str, properties: dict[str, Any]
) -> dict[str, Any]:
    return {
        **who,
        "type": "track",
        "event": event,
        "messageId": f"demo-choice-{household}",
        "properties": properties,
    }


def _zone_at_noon(now: datetime) -> str:
    """A zone in which nobody is asleep: whenever somebody looks, some messages go at once."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _draw(household: str, what: str = "demo") -> float:
    """The same number from 0 to 1 for a household, each time."""
    digest = hashlib.blake2b(household.encode(), digest_size=8, person=what.encode()).digest()
    return int.from_bytes(digest) / 2**64
