"""The form of choices: what it shows, and what was sent with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from touchloop.channels.api import email

_WORDS: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    "marketing": (
        _("Write to me about what fits me"),
        _("Chosen by what you told us and bought. A no ends all topics above."),
    ),
    "personalise": (
        _("Show me what fits me"),
        _("On our pages, in the app and at the till, by what you bought and looked at."),
    ),
    "profile": (
        _("Work out what I may like"),
        _("Groups and scores that we make from what you bought and did."),
    ),
    "measure": (
        _("Measure how it goes"),
        _("Whether messages are opened and links followed, and how our pages are used."),
    ),
    "share": (
        _("Share with partners for advertising"),
        _("What we know of you would be shown to companies that advertise."),
    ),
    "train": (
        _("Teach our models"),
        _("What you bought and did would help programs of ours to learn."),
    ),
}
# As customers say it; the console's names of channels are for staff.
_WHERE: Final[dict[str, str | Promise]] = {
    "email": _("By e-mail"),
    "store": _("At the till"),
    "call_centre": _("On the phone"),
}
_ANSWERS: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Question:
    """Something to say yes or no to. `said` is "" until the person has said something."""

    name: str
    label: str | Promise
    said: str
    sentence: str | Promise = ""
    about: str = ""


def shown(choices: email.Choices) -> dict[str, Any]:
    """What the page needs."""
    topics = [
        (
            row,
            [
                Question(
                    _contact_name(cell.channel, row.slug),
                    _WHERE.get(cell.channel, cell.label),
                    cell.said,
                    about=row.name,
                )
                for cell in row.cells
            ],
        )
        for row in choices.rows
    ]
    uses = [
        Question(f"use:{use.purpose}", _WORDS[use.purpose][0], use.said, _WORDS[use.purpose][1])
        for use in choices.uses
    ]
    pace = choices.pace
    return {
        "topics": topics,
        "uses": uses,
        "no_marketing": any(u.purpose == "marketing" and u.said == "no" for u in choices.uses),
        "signalled": choices.gpc,
        "paused_until": pace.paused_until,
        "pauses": email.PAUSES,
        "per_week": pace.per_week,
        "limits": email.PER_WEEK,
        "own_limit": pace.per_week if pace.per_week not in (None, *email.PER_WEEK) else None,
    }


def told(form: Mapping[str, Any], held: email.Choices) -> email.Said:
    """What was said. One answer for everything (`all`) answers every question on the page."""
    everything = _ANSWERS.get(str(form.get("all", "")))

    def answer(name: str) -> bool | None:
        return everything if everything is not None else _ANSWERS.get(str(form.get(name, "")))

    contact = {
        (cell.channel, row.slug): said
        for row in held.rows
        for cell in row.cells
        if (said := answer(_contact_name(cell.channel, row.slug))) is not None
    }
    uses = {
        use.purpose: said for use in held.uses if (said := answer(f"use:{use.purpose}")) is not None
    }
    return email.Said(
        contact,
        uses,
        _number(form, "pause", (0, *email.PAUSES)),
        _number(form, "per_week", (0, *email.PER_WEEK)),
    )


def _contact_name(channel: str, topic: str) -> str:
    return f"contact:{channel}:{topic}"


def _number(form: Mapping[str, Any], name: str, allowed: tuple[int, ...]) -> int | None:
    text = str(form.get(name, ""))
    return int(text) if text in map(str, allowed) else None
