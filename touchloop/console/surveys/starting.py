"""What a form starts with: the usual words of a kind, or a survey as it is; what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from touchloop.console.customers import wording
from touchloop.core.db import Connection
from touchloop.experience.surveys.api import CES, CSAT, NPS, Survey


def filled(kind: str) -> dict[str, Any]:
    """The usual words of a kind; CES in the wording of its second version."""
    texts = _usual().get(kind) or _usual()[NPS]
    return {
        "slug": "",
        "kind": kind if kind in _usual() else NPS,
        "privacy": "identified",
        "why": _("What is the main reason for your score?"),
        "thanks": "",
        "ratings": "",
        "event": "Order Completed",
        "channel": "",
        "share": "100",
        "delay_minutes": "60",
        "fresh_hours": "48",
        "expires_days": "14",
        "quarantine_days": "90",
        "via": ["email"],
        "own_clock": False,
        **texts,
    }


def of(survey: Survey) -> dict[str, Any]:
    """A survey as its form shows it."""
    words = survey.words
    return {
        "slug": survey.slug,
        "name": survey.name,
        "kind": survey.kind,
        "privacy": survey.privacy,
        "question": words.question,
        "low": words.low,
        "high": words.high,
        "why": words.why,
        "thanks": words.thanks,
        "ratings": "\n".join(each.question for each in words.ratings),
        "event": survey.event,
        "channel": survey.channel,
        "share": f"{survey.share * 100:g}",
        "delay_minutes": f"{survey.delay_minutes:g}",
        "fresh_hours": f"{survey.fresh_hours:g}",
        "expires_days": f"{survey.expires_days:g}",
        "quarantine_days": f"{survey.quarantine_days:g}",
        "via": list(survey.via),
        "own_clock": survey.own_clock,
    }


def events(conn: Connection) -> list[str]:
    """Interactions after which one may ask: those that arrive, and the end of a case."""
    rows = conn.execute(
        "SELECT DISTINCT name FROM kinds WHERE type = 'track' ORDER BY 1 LIMIT 200"
    ).fetchall()
    return sorted({row[0] for row in rows} | {"Order Completed", "Case Closed"})


def channels(conn: Connection) -> list[tuple[str, str]]:
    """Channels that have a touchpoint."""
    rows = conn.execute("SELECT DISTINCT channel FROM touchpoints ORDER BY 1").fetchall()
    return [(row[0], wording.channel(row[0])) for row in rows if row[0]]


def _usual() -> Mapping[str, dict[str, str]]:
    return {
        NPS: {
            "name": _("Would you recommend us"),
            "question": _("How likely are you to recommend us to a friend or colleague?"),
            "low": _("not at all likely"),
            "high": _("extremely likely"),
        },
        CSAT: {
            "name": _("How was your visit"),
            "question": _("How satisfied were you with your visit?"),
            "low": _("very dissatisfied"),
            "high": _("very satisfied"),
        },
        CES: {
            "name": _("How easy was it"),
            "question": _("We made it easy for you to get done what you came for."),
            "low": _("strongly disagree"),
            "high": _("strongly agree"),
        },
    }
