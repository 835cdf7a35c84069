"""What a customer chooses without signing in: topics by channel, how often, and what is used.

The page behind it shows choices and nothing else that we hold, because a mail may be forwarded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from touchloop.channels.email import templates, tokens
from touchloop.channels.pace import Pace, paces, set_pace
from touchloop.channels.registry import channels
from touchloop.channels.seam import Channel
from touchloop.consent import api as consent
from touchloop.consent.api import ContactGrant, PersonConsent, UseGrant
from touchloop.core import arrays
from touchloop.core.db import Connection
from touchloop.identity.api import customers_of
from touchloop.interactions.api import News, own_id, tell

LINK_DAYS: Final = 400  # how long the link in a message leads here
PAUSES: Final = (30, 90)
PER_WEEK: Final = (1, 3)
USES: Final = ("marketing", "personalise", "profile", "measure", "share", "train")
# What a yes to a topic lets us use to choose what we write: the page says so beside it.
_WITH_A_TOPIC: Final = ("told_us", "bought")
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Cell:
    """One topic on one channel; `said` is yes, no, or "" when nothing was said."""

    channel: str
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    """One topic."""

    slug: str
    name: str
    sentence: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose that needs or takes the person's word."""

    purpose: str
    said: str


@dataclass(frozen=True, slots=True)
class Choices:
    """All that a customer chose."""

    subject_id: int
    rows: tuple[Row, ...]
    uses: tuple[Use, ...]
    pace: Pace
    gpc: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer says on the page; what is left out stays as it is.

    `pause_days` 0 ends a pause; `per_week` 0 ends a limit.
    """

    contact: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    uses: Mapping[str, bool] = field(default_factory=dict)
    pause_days: int | None = None
    per_week: int | None = None


def link(subject_id: int, *, url: str, now: datetime) -> str:
    """The address of a customer's page, as messages carry it."""
    return f"{url}/c/p/{tokens.make(tokens.PREFERENCES, subject_id, now.date().toordinal())}"


def whose(conn: Connection, token: str, *, now: datetime) -> int | None:
    """The subject whose page a token opens; None for a wrong, an old and an erased one alike."""
    numbers = tokens.read(tokens.PREFERENCES, token, numbers=2)
    if numbers is None or not 0 <= now.date().toordinal() - numbers[1] <= LINK_DAYS:
        return None
    return numbers[0] if customers_of(conn, [numbers[0]]) else None


def choices(conn: Connection, subject_id: int, *, now: datetime) -> Choices:
    """What holds for the customer that a subject belongs to."""
    customer = customers_of(conn, [subject_id])[subject_id]
    person = consent.read(conn, [customer]).get(customer, consent.NOBODY_SAID_ANYTHING)
    there = _channels(conn, customer)
    rows = tuple(
        Row(
            topic.slug,
            topic.name,
            topic.sentence,
            tuple(
                Cell(one.name, _(one.label), _contact(person, one.name, topic.slug))
                for one in there
            ),
        )
        for topic in templates.topics(conn)
    )
    pace = paces(conn, [customer]).get(customer, Pace())
    if pace.paused_until is not None and pace.paused_until <= now:
        pace = Pace(None, pace.per_week)
    gpc = any(choice.basis == "gpc" for choice in person.use.values())
    uses = tuple(Use(purpose, _use(person, purpose)) for purpose in USES)
    return Choices(subject_id, rows, uses, pace, gpc)


def keep(conn: Connection, subject_id: int, said: Said, *, at: datetime) -> int:
    """Keep what a customer said, in the caller's transaction; returns how many things changed.

    Only what differs from what holds is written. A yes to a topic is also a yes to choosing what we
    write about it from what the person told us and bought, unless marketing was refused.
    """
    held = choices(conn, subject_id, now=at)
    holds = {(cell.channel, row.slug): cell.said for row in held.rows for cell in row.cells}
    contact = {
        key: yes for key, yes in said.contact.items() if key in holds and holds[key] != _word(yes)
    }
    now_used = {use.purpose: use.said for use in held.uses}
    uses = {
        (purpose, ""): yes
        for purpose, yes in said.uses.items()
        if purpose in now_used and now_used[purpose] != _word(yes)
    }
    if any(contact.values()) and not now_used["marketing"] and "marketing" not in said.uses:
        uses |= {("marketing", category): True for category in _WITH_A_TOPIC}
    _record(conn, subject_id, contact, uses, at)
    return len(contact) + len(uses) + _pace(conn, subject_id, held.pace, said, at)


def _record(
    conn: Connection,
    subject_id: int,
    contact: Mapping[tuple[str, str], bool],
    uses: Mapping[tuple[str, str], bool],
    at: datetime,
) -> None:
    source, evidence = own_id(conn), {"by": "preference page"}
    consent.record_contact(
        conn,
        [
            ContactGrant(subject_id, channel, topic, _state(yes), source, at, evidence)
            for (channel, topic), yes in contact.items()
        ],
    )
    consent.record_use(
        conn,
        [
            UseGrant(
                subject_id, purpose, _state(yes), source, at, category=category, evidence=evidence
            )
            for (purpose, category), yes in uses.items()
        ],
    )
    left = [key for key, yes in contact.items() if not yes]
    tell(
        conn,
        [
            News(
                "Unsubscribed",
                subject_id,
                f"preferences:{subject_id}:{channel}:{topic}:{at.isoformat()}",
                at,
                {"channel": channel, "topic": topic, "by": "preference page"},
                channel,
            )
            for channel, topic in left
        ],
    )


def _pace(conn: Connection, subject_id: int, held: Pace, said: Said, at: datetime) -> int:
    paused, week = held.paused_until, held.per_week
    if said.pause_days is not None:
        paused = at + timedelta(days=said.pause_days) if said.pause_days else None
    if said.per_week is not None:
        week = said.per_week or None
    if (paused, week) == (held.paused_until, held.per_week):
        return 0
    set_pace(conn, subject_id, paused_until=paused, per_week=week, at=at)
    return 1


def _channels(conn: Connection, customer: int) -> list[Channel]:
    """The channels on which this customer can be reached by name; the tills are for everybody."""
    namespaces = {
        row[0]
        for row in conn.execute(
            "SELECT DISTINCT namespace FROM identifiers WHERE customer_id = ANY(%s::bigint[])",
            (arrays.numbers([customer]),),
        ).fetchall()
    }
    found = [
        one for one in channels().values() if one.pulled or one.address_namespace in namespaces
    ]
    return sorted(found, key=lambda one: (one.pulled, one.name != "store", one.name))


def _contact(person: PersonConsent, channel: str, topic: str) -> str:
    """The person's last word: of the topic, or of the channel when that ended all topics."""
    own, whole = person.contact.get((channel, topic)), person.contact.get((channel, ""))
    ended = whole is not None and own is not None and whole.state == "denied"
    choice = whole if own is None or (ended and whole and whole.at >= own.at) else own
    return _said(choice.state if choice else "")


def _use(person: PersonConsent, purpose: str) -> str:
    choice = person.use.get((purpose, ""))
    if choice is None and purpose == "marketing":  # said with a topic
        choices = [person.use.get((purpose, category)) for category in _WITH_A_TOPIC]
        refused = [one for one in choices if one is not None and one.state != "granted"]
        choice = next(iter(refused), choices[0] if all(choices) else None)
    return _said(choice.state if choice else "")


def _said(state: str) -> str:
    return {"granted": YES, "denied": NO, "objected": NO}.get(state, "")


def _word(yes: bool) -> str:
    return YES if yes else NO


def _state(yes: bool) -> str:
    return "granted" if yes else "denied"
