"""Why a message was set aside, in words, with what mends it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

REASONS = {
    "plan": (
        _("Does not fit the plan"),
        _("Mend the sender, or the source's tracking plan, and replay it."),
    ),
    "id_conflict": (
        _("Another message has this id"),
        _("The sender used one message id for two different messages. Discard the wrong one."),
    ),
    "no_identifier": (
        _("Names nobody"),
        _("Every identifier in it is blocked, like “guest” or “null”. Mend the sender."),
    ),
    "failed": (
        _("Could not be processed"),
        _("A step failed on it several times; the detail says where. Mend that, then replay it."),
    ),
    "worker_died": (
        _("Ended the worker"),
        _("The worker ended while it held this message. Replay it alone and watch its log."),
    ),
    "bad_json": (_("Not readable as JSON"), _("Mend the sender.")),
    "bad_type": (_("Unknown type"), _("Use track, identify, page, screen, group or alias.")),
    "bad_event": (_("No usable event name"), _("A track needs a name of at most 300 characters.")),
    "bad_field": (
        _("A field has the wrong shape"),
        _("Properties, traits and context are objects."),
    ),
    "bad_timestamp": (_("Time not readable"), _("Send ISO 8601 with a time zone.")),
    "missing_id": (_("No user and no visitor"), _("Send userId or anonymousId.")),
    "id_too_long": (_("An id is too long"), _("Mend the sender.")),
    "message_id_too_long": (_("The message id is too long"), _("Use at most 100 characters.")),
    "too_large": (_("Too large"), _("A message has at most 32 KB: send less in it.")),
    "too_deep": (_("Nested too deep"), _("Flatten its properties.")),
    "too_many": (_("Too many in one batch"), _("Send at most 2,500 messages at once.")),
    "nul": (_("Contains the character NUL"), _("Mend the sender.")),
}


def word(reason: str) -> str:
    return str(REASONS[reason][0]) if reason in REASONS else reason


def advice(reason: str) -> str:
    return str(REASONS[reason][1]) if reason in REASONS else ""
