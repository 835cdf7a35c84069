"""Surveys to begin with: one of each kind, and one that asks again after a case. They do not ask
until somebody says so."""

from __future__ import annotations

from datetime import datetime

from touchloop.core.db import Connection
from touchloop.experience.surveys import designing
from touchloop.experience.surveys.designing import CES, CSAT, NPS, Design, Rating, Survey, Words

VISIT, CHECKOUT, SERVICE, RECOVERY = "visit", "checkout", "service", "recovery"
_WHY = "What is the main reason for your answer?"

DESIGNS = (
    Design(
        VISIT,
        "After a visit",
        NPS,
        Words(
            "How likely is it that you would recommend us to a friend or a colleague?",
            "not at all likely",
            "extremely likely",
            _WHY,
        ),
        event="Order Completed",
        channel="store",
        share=0.1,
    ),
    Design(
        CHECKOUT,
        "At the checkout",
        CSAT,
        Words(
            "How satisfied are you with your visit today?",
            "very dissatisfied",
            "very satisfied",
            _WHY,
            (
                Rating("people", "The people"),
                Rating("queue", "The time in the queue"),
                Rating("choice", "The choice"),
                Rating("order", "Order and cleanliness"),
            ),
        ),
        share=0.0,  # asked by a code at the till, not by a message
    ),
    Design(
        SERVICE,
        "After a call",
        CES,
        Words(
            "You made it easy for me to handle my request.",
            "strongly disagree",
            "strongly agree",
            _WHY,
        ),
        event="Call Ended",
        share=0.5,
        delay_minutes=15.0,
    ),
    Design(
        RECOVERY,
        "After we put it right",
        CSAT,
        Words(
            "How satisfied are you with how we dealt with it?",
            "very dissatisfied",
            "very satisfied",
            _WHY,
        ),
        event="Case Closed",
        own_clock=True,
        quarantine_days=14.0,
    ),
)


def ensure(conn: Connection, *, now: datetime) -> dict[str, Survey]:
    """The surveys to begin with, made where they are missing; by slug. Does not commit."""
    there = {survey.slug: survey for survey in designing.listing(conn)}
    for design in DESIGNS:
        if design.slug not in there:
            there[design.slug] = designing.create(conn, design, by=None, now=now)
    return {design.slug: there[design.slug] for design in DESIGNS}
