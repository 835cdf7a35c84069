"""One customer's latest way round: what happened, and what each station made of it.

Begins at the last message that was wanted for the customer and goes back from there to the
decision, the segment and the interaction, and on to the answer, the case and what holds now. Where
the record names the cause, that is the step; else the last thing of its kind before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.channels import api as channels
from touchloop.channels.api import Shown
from touchloop.console import nav
from touchloop.console.customers import events
from touchloop.console.customers.sight import Sight
from touchloop.console.messages import origins
from touchloop.console.messages import words as spoken
from touchloop.core.access import Actor
from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.experience.surveys import api as surveys
from touchloop.profiles import api as profiles
from touchloop.profiles.api import Customer
from touchloop.records.cases import api as cases

LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `at` is None for what holds now."""

    label: str
    text: str
    icon: str
    tone: str
    at: datetime | None = None
    url: str = ""
    note: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class _Asks:
    """For whom the way is told, and where they may go."""

    conn: Connection
    customer: Customer
    subjects: list[int]
    sees: Sight
    rooms: dict[str, str]
    actor: Actor


def way(
    conn: Connection, customer: Customer, subjects: list[int], *, sees: Sight, actor: Actor
) -> list[Step]:
    """The steps that there are, in their order round the circle."""
    rooms = {link.route: link.url for link in nav.links(actor)}
    asks = _Asks(conn, customer, subjects, sees, rooms, actor)
    delivery = _last_delivery(asks)
    segment = _segment(asks, delivery)
    until = segment.at if segment and segment.at else delivery.created_at if delivery else None
    steps = [
        _interaction(asks, until),
        segment,
        _decision(asks, delivery),
        _delivery(asks, delivery) if delivery else None,
        _answer(asks),
        _case(asks),
        _now(asks),
    ]
    return [step for step in steps if step is not None]


def _last_delivery(asks: _Asks) -> Shown | None:
    which = channels.Which(customer_id=asks.customer.id)
    return next(iter(channels.deliveries(asks.conn, which, limit=1)), None)


def _interaction(asks: _Asks, until: datetime | None) -> Step | None:
    """The last thing the customer did before; news of our own are not theirs."""
    items = profiles.timeline(asks.conn, asks.subjects, limit=LOOKED_AT).items
    theirs = [item for item in items if not item.outgoing and item.type != "system"]
    theirs = [item for item in theirs if item.source_id != _own(asks.conn)]
    before = [item for item in theirs if until is None or item.occurred_at <= until]
    found = next(iter(before or theirs), None)
    if found is None:
        return None
    told = events.entry(found, asks.sees).told
    return Step(
        _("What happened"), told.title, icon="radio", tone="record", at=found.occurred_at,
        url=reverse("customer", args=[asks.customer.id]), note=found.place or found.channel,
    )  # fmt: skip


def _segment(asks: _Asks, delivery: Shown | None) -> Step | None:
    """The segment that the campaign wrote to, though it may be left since; else the one that was
    entered last before the message."""
    wanted = None
    if delivery is not None and delivery.campaign_id is not None:
        wanted = campaigns.get(asks.conn, delivery.campaign_id).plan.get("segment")
    row: tuple[Any, ...] | None = asks.conn.execute(
        _SEGMENTS,
        {
            "customer": asks.customer.id,
            "wanted": wanted,
            "before": delivery.created_at if delivery else None,
        },
    ).fetchone()
    if row is None:
        return None
    id, name, since, inside = row
    said = _("In “%s”") if inside else _("Was in “%s”")
    return Step(
        _("Which segment"), said % name[:80], icon="chart-pie", tone="record", at=since,
        url=reverse("segment_why", args=[id, asks.customer.id]),
    )  # fmt: skip


def _decision(asks: _Asks, delivery: Shown | None) -> Step | None:
    """What decided: the decision itself, else the campaign or the trigger that wanted it."""
    row = asks.conn.execute(
        "SELECT id, at, channel FROM decisions WHERE subject_id = ANY(%s)"
        " AND (%s::timestamptz IS NULL OR at <= %s) ORDER BY at DESC LIMIT 1",
        (asks.subjects, *([delivery.created_at if delivery else None] * 2)),
    ).fetchone()
    plain = delivery is None or delivery.offer or delivery.decision_id is not None
    if row is not None and plain:
        text = _("Offers weighed for %s") % spoken.channel(row[2])
        if delivery is not None and delivery.offer:
            text = _("Offer “%s” chosen") % delivery.offer[:60]
        return Step(
            _("What was decided"), text, icon="git-branch", tone="engage", at=row[1],
            url=origins.decision(row[0], asks.actor),
        )  # fmt: skip
    if delivery is None:
        return None
    found = origins.of(asks.conn, delivery, asks.actor)
    for origin in found:
        if "messages" in asks.rooms and origin.url and origin.label != _("Template"):
            return Step(
                _("What was decided"), f"{origin.label}: {origin.text}", icon="git-branch",
                tone="engage", at=delivery.created_at, url=origin.url,
            )  # fmt: skip
    return None


def _delivery(asks: _Asks, one: Shown) -> Step:
    word = str(spoken.OUTCOMES.get(one.state, one.state))
    said = {"channel": spoken.channel(one.channel), "word": word}
    held = one.state in ("deferred", "dropped", "suppressed") and one.reason
    return Step(
        _("What was brought"),
        _("Message by %(channel)s: %(word)s") % said,
        icon="send", tone="engage", at=one.handed_at or one.created_at,
        url=reverse("delivery", args=[one.id]) if "messages" in asks.rooms else "",
        note=spoken.reason(one.reason) if held else "",
    )  # fmt: skip


def _answer(asks: _Asks) -> Step | None:
    places = None if asks.sees.locations is None else frozenset(asks.sees.locations)
    given = surveys.answers(asks.conn, customer_id=asks.customer.id, locations=places, limit=1)
    for one in given:
        return Step(
            _("What was felt"),
            f"{one.kind.upper()} {one.score}" + (f": “{one.text[:80]}”" if one.text else ""),
            icon="gauge", tone="experience", at=one.answered_at,
            url=reverse("survey", args=[one.survey_id]) if "surveys" in asks.rooms else "",
            note=one.survey, simulated=one.simulated,
        )  # fmt: skip
    return None


def _case(asks: _Asks) -> Step | None:
    places = None if asks.sees.locations is None else frozenset(asks.sees.locations)
    where = cases.Filter(customer_id=asks.customer.id)
    for one in cases.listing(asks.conn, where=where, locations=places, limit=1):
        return Step(
            _("What was done"), _("Case: %s") % one.title[:80], icon="life-buoy",
            tone="experience", at=one.closed_at or one.opened_at,
            url=reverse("case", args=[one.id]) if "cases" in asks.rooms else "",
            note=_("closed") if one.closed_at else _("open"),
        )  # fmt: skip
    return None


def _now(asks: _Asks) -> Step:
    """What holds for the next decision."""
    muted = cases.selling_muted(asks.conn, [asks.customer.id]).get(asks.customer.id)
    if muted:
        text = _("Nothing is sold: %s") % spoken.reason(muted).lower()
    else:
        text = _("Open to the next offer that fits")
    return Step(
        _("What holds now"), text, icon="refresh-cw", tone="",
        url=reverse("customer", args=[asks.customer.id]),
    )  # fmt: skip


def _own(conn: Connection) -> int:
    row = conn.execute("SELECT id FROM sources WHERE slug = 'touchloop'").fetchone()
    return int(row[0]) if row else 0


_SEGMENTS = """
SELECT s.id, s.name, coalesce(m.since, %(before)s), m.since IS NOT NULL
  FROM segments s LEFT JOIN segment_members m
    ON m.segment_id = s.id AND m.customer_id = %(customer)s
 WHERE m.since IS NOT NULL OR s.id = %(wanted)s
 ORDER BY (s.id = %(wanted)s) DESC NULLS LAST,
          (m.since <= %(before)s) DESC NULLS LAST, m.since DESC, s.id LIMIT 1
"""
