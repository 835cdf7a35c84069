"""Words of surveys: what is asked of whom, and why somebody was not asked."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.console.customers import wording
from touchloop.console.messages import words as messages
from touchloop.console.ui.words import rounded
from touchloop.experience.surveys.api import Survey

KINDS = {
    "nps": gettext_lazy("Recommend (NPS)"),
    "csat": gettext_lazy("Satisfied (CSAT)"),
    "ces": gettext_lazy("Easy (CES 2.0)"),
}
PRIVACY = {
    "identified": gettext_lazy("Identified: staff see whose answer it is"),
    "confidential": gettext_lazy("Confidential: staff see groups of five and more"),
}
STATES = {
    "invited": gettext_lazy("Asked, no answer yet"),
    "answered": gettext_lazy("Answered"),
    "expired": gettext_lazy("Did not answer in time"),
    "not_asked": gettext_lazy("Not asked"),
}
_REASONS = {
    "sampled_out": gettext_lazy("Not drawn: only a share is asked"),
    "case_open": gettext_lazy("Has an open case"),
    "case_reopened": gettext_lazy("The case was opened again"),
    "pending": gettext_lazy("Has another question waiting"),
    "quarantine": gettext_lazy("Was asked this not long ago"),
    "quarantine_all": gettext_lazy("Was asked something else not long ago"),
    "unknown": gettext_lazy("Nobody we know"),
}


def reason(word: str) -> str:
    """Why somebody was not asked: our own reasons, else those of the contact policy."""
    known = _REASONS.get(word)
    if known is not None:
        return str(known)
    outcome, colon, why = word.partition(":")
    return f"{messages.reason(outcome)}: {messages.reason(why)}" if colon else messages.reason(word)


def sentence(survey: Survey) -> str:
    """What the survey does, as one would say it."""
    if not survey.event:
        return _("Asks whoever scans its code at a place.")
    where = (
        _("on the channel %s") % wording.channel(survey.channel)
        if survey.channel
        else _("at any touchpoint")
    )
    return _(
        "After “%(event)s” %(where)s, %(share)s are asked by %(via)s %(delay)s later;"
        " the same customer not again within %(quarantine)s."
    ) % {
        "event": survey.event,
        "where": where,
        "share": _("all customers")
        if survey.share >= 1
        else _("%s of customers") % share(survey.share),
        "via": ", ".join(wording.channel(each).lower() for each in survey.via),
        "delay": minutes(survey.delay_minutes),
        "quarantine": days(survey.quarantine_days),
    }


def share(value: float) -> str:
    """A share of customers."""
    if value >= 1:
        return _("all")
    percent = 100 * value
    return _("%s %%") % rounded(percent, 0 if percent.is_integer() else 1)


def minutes(value: float) -> str:
    """A delay."""
    if value < 120:
        return ngettext("%d minute", "%d minutes", round(value)) % round(value)
    hours = round(value / 60)
    if hours < 72:
        return ngettext("%d hour", "%d hours", hours) % hours
    return days(value / 1440)


def days(value: float) -> str:
    """A time in days."""
    return ngettext("%d day", "%d days", round(value)) % round(value)
