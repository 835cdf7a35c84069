"""Three triggers that come with the demo, with the offers and messages that they bring.

A regular household that has never bought from a department that comparable households buy from is
invited there; one that has stayed away for three of its own intervals is asked back; after a
complaint is settled somebody makes good. Texts say what the customer did with us, never what was
inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from touchloop.channels.api import email
from touchloop.core.db import Connection
from touchloop.engage.offers import api as offers
from touchloop.engage.triggers import keeping
from touchloop.engage.triggers.keeping import LIVE, SELLING, Trigger
from touchloop.insight.segments import api as segments

DELI, OVERDUE = "weekly-never-deli", "overdue-three-intervals"
TOPIC = "offers"


@dataclass(frozen=True, slots=True)
class Example:
    """An offer, the message that brings it by mail, and the trigger that decides when."""

    slug: str
    name: str
    segment: str  # by slug; empty: none is needed
    kind: str  # of the offer
    value: float
    subject: str
    heading: str
    text: str
    why: str


EXAMPLES = (
    Example(
        "deli-invitation",
        _("Invitation to the deli counter"),
        DELI,
        "default",
        4.0,
        _("Something to taste at the deli counter"),
        _("Taste our deli counter"),
        _("On your next visit the first 100 grams from the deli counter are on us."),
        _("You shop with us nearly every week."),
    ),
    Example(
        "come-back",
        _("Welcome back"),
        OVERDUE,
        "default",
        6.0,
        _("We kept something for you"),
        _("It is good to see you again"),
        _("Five off your next basket of thirty or more, within two weeks."),
        _("You have shopped with us before."),
    ),
    Example(
        "making-good",
        _("Making good after a complaint"),
        "",
        "service",
        1.0,
        _("Thank you for telling us"),
        _("Thank you for telling us"),
        _("What went wrong is settled. Should anything still be open, answer this message."),
        _("You told us that something went wrong, and we closed your case."),
    ),
)

_DAY = {"do": "wait", "n": 1, "unit": "days"}
_COMPLAINT = {"path": "kind", "op": "in", "value": ["complaint", "detractor"]}


def install_examples(conn: Connection, *, now: datetime, actor: int | None = None) -> list[Trigger]:
    """Make those that are not there yet, live, with their offers and messages. Does not commit.

    What needs a segment that is not there, or was made for another purpose, is left out. `enrol`
    starts those who are inside already.
    """
    known = {
        segment.slug: segment.id
        for segment in segments.listing(conn=conn)
        if segment.purpose in SELLING
    }
    there = {trigger.slug for trigger in keeping.listing(conn)}
    made = []
    for example in EXAMPLES:
        if example.slug in there or (example.segment and example.segment not in known):
            continue
        segment = known.get(example.segment)
        _message(conn, example, actor)
        _offer(conn, example, segment, now, actor)
        made.append(
            keeping.create(
                conn,
                name=example.name,
                slug=example.slug,
                definition=_definition(example, segment),
                now=now,
                actor=actor,
                state=LIVE,
            )
        )
    return made


def _definition(example: Example, segment: int | None) -> dict[str, Any]:
    act = {"do": "offer", "channels": ["email", "store"], "topic": TOPIC, "placement": ""}
    if segment is None:
        return {
            "when": [{"event": "Case Closed", "source": "touchloop", "where": [_COMPLAINT]}],
            "steps": [_DAY, act | {"kind": "service", "channels": ["email", "store"]}],
            "until": [
                {"event": name, "source": "touchloop"} for name in ("Case Opened", "Case Reopened")
            ],
            "again_days": 30,
        }
    return {
        "when": [{"entered": segment}],
        "steps": [
            {"do": "wait", "n": 1, "unit": "hours"},
            {"do": "check", "inside": [segment]},
            act,
        ],
        "until": [{"left": segment}],
        "again_days": 90,
        "holdout": 0.1,
        "goal": {"event": "Order Completed", "days": 14},
    }


def _offer(
    conn: Connection, example: Example, segment: int | None, now: datetime, actor: int | None
) -> None:
    if any(offer.slug == example.slug for offer in offers.listing(conn=conn)):
        return
    said = {"heading": example.heading, "text": example.text, "why": example.why}
    treatments = [
        {"channel": "email", "template": example.slug, "texts": said},
        {"channel": "store", "texts": said},
        {"channel": "call_centre", "texts": said},
    ]
    rule: dict[str, Any] = (
        {"eligibility": {"required": [segment]}}
        if segment is not None
        else {"applicability": {"context": [{"name": "trigger", "value": example.slug}]}}
    )
    offers.create(
        example.name,
        slug=example.slug,
        definition={
            "kind": example.kind,
            "topic": TOPIC if example.kind != "service" else "",
            "value": example.value,
            "treatments": treatments,
            **rule,
        },
        actor=actor,
        now=now,
        state="live",
        conn=conn,
    )


def _message(conn: Connection, example: Example, actor: int | None) -> None:
    if any(template.slug == example.slug for template in email.listing(conn)):
        return
    email.save(
        conn,
        slug=example.slug,
        name=example.name,
        kind="service" if example.kind == "service" else "marketing",
        topic="" if example.kind == "service" else TOPIC,
        subject=example.subject,
        body=_BODY,
        by=actor,
    )


_BODY = """
<mjml><mj-body>
  <mj-section><mj-column>
    <mj-text font-size="22px">{{ offer.heading }}</mj-text>
    <mj-text>{{ offer.text }}</mj-text>
  </mj-column></mj-section>
</mj-body></mjml>
"""
