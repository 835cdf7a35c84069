"""The stored words of the outbox, said to people."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

STATES: Final = {
    "queued": noop("waits"),
    "deferred": noop("held back for now"),
    "claimed": noop("on its way out"),
    "handed": noop("handed over"),
    "confirmed": noop("arrived"),
    "uncertain": noop("in doubt"),
    "bounced": noop("came back"),
    "complained": noop("complained about"),
    "suppressed": noop("suppressed"),
    "dropped": noop("not sent"),
}
REASONS: Final = {
    "refused": noop("the customer does not want this"),
    "not_asked": noop("the customer was not asked whether we may"),
    "no_address": noop("there is no address for this channel"),
    "nobody": noop("there is no such customer"),
    "no_template": noop("there is no such template"),
    "template": noop("the template could not be filled in"),
    "not_rendered": noop("the message could not be made; it is tried again"),
    "quiet_hours": noop("it is quiet time where the customer is"),
    "gap": noop("the last message is too recent"),
    "paused": noop("the customer wants a pause"),
    "complaint_open": noop("a complaint is open"),
    "detractor_open": noop("a bad answer is being followed up"),
    "return_running": noop("goods are on their way back"),
    "expired": noop("it waited longer than it may"),
    "gave_up": noop("it failed too often"),
    "lost": noop("the worker that was sending it ended; nobody knows whether it went out"),
    "uncertain": noop("the line broke; nobody knows whether it was taken over"),
    "no_answer": noop("there was no answer; nobody knows whether it was taken over"),
    "temporary": noop("the other side could not take it now"),
    "bounced": noop("the address does not work"),
    "complained": noop("somebody reported our mail as unwanted"),
    "unsubscribed": noop("the customer left"),
    "erased": noop("the person was erased and must not be written to"),
    "legal": noop("there is a legal reason"),
    "minor": noop("this is a child"),
    "deceased": noop("this person has died"),
    "staff": noop("staff decided so"),
    "address_not_allowed": noop("the address is not on the public Internet"),
    "redirect": noop("the other side sends us elsewhere, where we do not follow"),
}
_UNTIL: Final = "_until_expiry"


def state_text(word: str) -> str:
    """A state, for people."""
    return _(STATES.get(word, word))


def reason_text(word: str) -> str:
    """A reason, for people; a word of a channel's own is given as it is."""
    if word.endswith(_UNTIL):
        inner = reason_text(word.removesuffix(_UNTIL))
        return _("%s, for longer than the message may wait") % inner
    if word.startswith("cap_"):
        return _cap(word)
    return _(REASONS[word]) if word in REASONS else word.replace("_", " ")


def _cap(word: str) -> str:
    kind, _dash, window = word.removeprefix("cap_").rpartition("_")
    hours = int(window.removesuffix("h"))
    often = _("%d hours") % hours if hours % 24 or hours == 24 else _("%d days") % (hours // 24)
    if kind == "all":
        return _("there were enough messages within %s") % often
    if kind == "survey":
        return _("there were enough questions within %s") % often
    return _("there were enough offers within %s") % often
