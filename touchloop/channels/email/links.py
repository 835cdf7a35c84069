"""Links in messages: their addresses stay here, a signed number travels.

A token is over (delivery, link); it opens nothing but the address that a template of ours led to.
Following it changes nothing but the record of the click, and that is only kept of people who agreed
to be measured. Programs that follow links before the reader does are told apart and kept as what
they are: they count as no one's interest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, LiteralString

from touchloop.channels.email import tokens
from touchloop.consent import api as consent
from touchloop.core import clock, db, locks
from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.interactions.api import News, tell

PERSON, SCANNER = "person", "scanner"
# Nobody reads a mail and clicks in less; filters follow links when the mail comes in.
TOO_SOON = timedelta(seconds=5)
# So many different links of one message within so little time is a program going through it.
MANY_LINKS, AT_ONCE = 3, timedelta(seconds=10)
LONGEST_ADDRESS: Final = 2_000
_OPEN: Final = re.compile(r"https?://[^\s/\\?#@]+(?:[/?#][^\s\\]*)?", re.I)
_PROGRAMS: Final = re.compile(
    r"bot\b|crawl|spider|scan|proofpoint|mimecast|barracuda|safelinks|urlscan|headless|"
    r"python|curl|wget|go-http|java/|okhttp|preview|fetch",
    re.I,
)
_KEPT: Final = 20_000
_numbers: dict[str, int] = {}
_day: list[date] = []  # of which day these are: an address in use is noted once a day


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of whoever followed a link."""

    at: datetime
    method: str = "GET"
    agent: str = ""


def may_lead_to(address: str) -> bool:
    """Whether a message may lead there: an absolute address of the web, without a user's name."""
    return len(address) <= LONGEST_ADDRESS and bool(_OPEN.fullmatch(address))


def numbers_of(addresses: Collection[str]) -> Mapping[str, int]:
    """The number of each address; new ones are given one.

    On a connection of its own, which commits: a number without a message does no harm, and whoever
    renders must not write.
    """
    today = clock.now().date()
    if _day != [today]:
        _numbers.clear()
        _day[:] = [today]
    missing = sorted({one for one in addresses if one not in _numbers})
    if missing:
        if len(_numbers) + len(missing) > _KEPT:
            _numbers.clear()
            missing = sorted(set(addresses))
        with db.connect(autocommit=True, application="touchloop links") as conn:
            rows = conn.execute(
                _NUMBER,
                {
                    "addresses": missing,
                    "digests": [hashlib.sha256(one.encode()).digest() for one in missing],
                    "at": clock.now(),
                },
            ).fetchall()
        _numbers.update(rows)
    return _numbers


def forget_numbers() -> None:
    """Empty what this process keeps (another database is read from now on)."""
    _numbers.clear()


def click(conn: Connection, token: str, visit: Visit) -> str | None:
    """Where a link leads, the click recorded when it may be; None when there is no such link."""
    numbers = tokens.read(tokens.CLICK, token, numbers=2)
    if numbers is None:
        return None
    delivery_id, link_id = numbers
    row = conn.execute("SELECT address FROM message_links WHERE id = %s", (link_id,)).fetchone()
    if row is None or not may_lead_to(row[0]):
        return None
    _touch(conn, delivery_id, link_id, visit)
    return str(row[0])


def opening(conn: Connection, token: str, visit: Visit) -> bool:
    """Whether this is the picture of a message of ours; the opening is recorded when it may be."""
    numbers = tokens.read(tokens.OPENING, token, numbers=1)
    if numbers is None:
        return False
    _touch(conn, numbers[0], 0, visit)
    return True


def by_whom(
    visit: Visit, *, handed_at: datetime | None, others: Collection[tuple[int, datetime]]
) -> tuple[str, str]:
    """(person or scanner, why so). `others`: (link, when) of the same message, clicks only."""
    if visit.method == "HEAD":
        return SCANNER, "asked for the head only"
    if not visit.agent or _PROGRAMS.search(visit.agent):
        return SCANNER, "a program by its own name"
    if handed_at is not None and visit.at - handed_at < TOO_SOON:
        return SCANNER, "sooner than anybody reads"
    together = {link for link, at in others if abs(visit.at - at) <= AT_ONCE}
    if len(together) >= MANY_LINKS:
        return SCANNER, "many links at once"
    return PERSON, ""


def _touch(conn: Connection, delivery_id: int, link_id: int, visit: Visit) -> None:
    """Record a click (or an opening, link 0) if consent says yes; tell it when a person did it."""
    row = conn.execute(_DELIVERY, (delivery_id,)).fetchone()
    if row is None or not measured(conn, [row[0]]).get(row[0], False):
        return
    subject_id, handed_at, campaign_id, offer, template = row
    conn.execute("SELECT pg_advisory_xact_lock(%s, hashint8(%s))", (locks.CLICKS, delivery_id))
    others = conn.execute(_OTHERS, (delivery_id, visit.at - AT_ONCE)).fetchall()
    mine = [(link_id, visit.at)] if link_id else []
    by, reason = by_whom(visit, handed_at=handed_at, others=[*others, *mine])
    conn.execute(_RECORD, (delivery_id, subject_id, link_id, by, reason, visit.at))
    if reason == "many links at once":  # those just before were the same program
        conn.execute(_FLAG, (SCANNER, reason, delivery_id, visit.at - AT_ONCE, PERSON))
    if by == PERSON:
        word = "Message Clicked" if link_id else "Message Opened"
        properties = {"delivery_id": delivery_id, "template": template}
        properties |= {"campaign_id": campaign_id} if campaign_id else {}
        properties |= {"offer": offer} if offer else {}
        properties |= {"link_id": link_id} if link_id else {}
        cause = f"delivery:{delivery_id}:{word}:{link_id}"
        tell(conn, [News(word, subject_id, cause, visit.at, properties, "email")])


def measured(conn: Connection, subject_ids: Collection[int]) -> dict[int, bool]:
    """Of which of these people clicks and openings may be kept."""
    customers = identity.customers_of(conn, list(subject_ids))
    people = consent.read(conn, sorted(set(customers.values())))
    return {
        subject: consent.decide(
            people.get(customer, consent.NOBODY_SAID_ANYTHING),
            purpose="measure",
            categories=("mail_engagement",),
        ).allowed
        for subject, customer in customers.items()
    }


_NUMBER: Final[LiteralString] = """
INSERT INTO message_links (address, digest, made_at)
SELECT address, digest, %(at)s
  FROM unnest(%(addresses)s::text[], %(digests)s::bytea[]) AS wanted(address, digest)
ON CONFLICT (digest) DO UPDATE SET made_at = greatest(message_links.made_at, excluded.made_at)
RETURNING address, id
"""
_DELIVERY: Final[LiteralString] = """
SELECT subject_id, handed_at, campaign_id, offer, template FROM deliveries WHERE id = %s
"""
_OTHERS: Final[LiteralString] = """
SELECT link_id, at FROM message_touches WHERE delivery_id = %s AND at >= %s AND link_id <> 0
"""
_RECORD: Final[LiteralString] = """
INSERT INTO message_touches (delivery_id, subject_id, link_id, by, reason, at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_FLAG: Final[LiteralString] = """
UPDATE message_touches SET by = %s, reason = %s WHERE delivery_id = %s AND at >= %s AND by = %s
"""
