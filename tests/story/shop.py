"""The shop of the story: what its staff set up before anybody comes, and its customers.

Everything here is written through the rooms' own functions, over a connection to the database of
the installation that serves.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.core.db import Connection
from touchloop.engage.offers import api as offers
from touchloop.engage.triggers import api as triggers
from touchloop.experience.surveys import api as surveys
from touchloop.insight.segments import api as segments

OFFER, STORE = "deli-invitation", "330"
_SAID = {
    "heading": "Taste our deli counter",
    "text": "The first 100 grams are on us.",
    "why": "You shop with us and have not been at the deli counter.",
}
_BODY = """<mjml><mj-body><mj-section><mj-column>
<mj-text>{{ offer.heading }}</mj-text><mj-text>{{ offer.text }}</mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def noon(now: datetime) -> str:
    """A time zone in which it is about noon: nobody's night is disturbed, whenever this runs."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def set_up(conn: Connection, *, now: datetime) -> None:
    """A segment, an offer to whoever is in it by mail or at the till, a survey after a visit."""
    rule = {
        "all": [
            {"interactions": {"events": ["Order Completed"], "value": 1}},
            {"not": {"interactions": {"events": ["Order Completed"],
             "lines": [{"field": "department", "value": "DELI"}], "value": 1}}},
        ]
    }  # fmt: skip
    inside = segments.create(
        "Never at the deli counter", rule=rule, purpose="marketing", actor=None, now=now,
        slug="never-deli", conn=conn,
    )  # fmt: skip
    email.save_topic(conn, slug="offers", name="Offers", sentence="What is new.", place=1)
    email.save_topic(conn, slug="surveys", name="Questions", sentence="How was it?", place=2)
    email.save(
        conn, slug=OFFER, name="The deli", kind="marketing", topic="offers",
        subject="Something to taste", body=_BODY,
    )  # fmt: skip
    offers.create(
        "Invitation to the deli counter",
        slug=OFFER,
        definition={
            "topic": "offers",
            "value": 4.0,
            "explore": 0.0,
            "eligibility": {"required": [inside.id]},
            "treatments": [
                {"channel": "email", "template": OFFER, "texts": _SAID},
                {"channel": "store", "texts": _SAID},
            ],
        },
        actor=None, now=now, state="live", conn=conn,
    )  # fmt: skip
    triggers.create(
        conn, name="To the deli counter", slug="to-the-deli", now=now, state="live",
        definition={
            "when": [{"entered": inside.id}],
            "steps": [{"do": "offer", "channels": ["email", "store"], "topic": "offers"}],
            "until": [{"left": inside.id}],
            "again_days": 90,
        },
    )  # fmt: skip
    surveys.ensure_letter(conn)
    made = surveys.ensure_starting_surveys(conn, now=now)
    for name in ("visit", "recovery"):
        surveys.change(
            conn, made[name].id, by=None, now=now, live=True, share=1.0, delay_minutes=0.0
        )
    # A story is shorter than a life: offer, question and the question after the case on one day.
    policy = replace(channels.stored_policy(conn), gap_hours=0.0, caps=())
    channels.change_policy(conn, policy, by=None, at=now)


def agreed(*, mail: bool) -> dict[str, Any]:
    """What a customer signs at the counter."""
    said: dict[str, Any] = {
        "purposes": ["service", "measure", "improve", "personalise", "profile", "marketing"],
        "categories": ["bought", "told_us"],
    }
    return said | ({"channels": ["email"]} if mail else {})


def basket(number: int) -> dict[str, Any]:
    """A basket without anything of the deli counter."""
    products = [{"product_id": "82", "department": "GROCERY", "price": 4.2, "quantity": 1}]
    return {"order_id": f"o-{number}", "total": 4.2, "products": products}
