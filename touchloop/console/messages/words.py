"""Words of messages: outcomes, reasons, kinds and channels, as staff read them."""

from __future__ import annotations

import re
from typing import Final

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.channels import api as channels
from touchloop.console.ui import words

Words = dict[str, str | Promise]

OUTCOMES: Final[Words] = {
    "queued": gettext_lazy("queued"),
    "deferred": gettext_lazy("deferred"),
    "claimed": gettext_lazy("being handed over"),
    "handed": gettext_lazy("handed"),
    "confirmed": gettext_lazy("confirmed"),
    "uncertain": gettext_lazy("uncertain"),
    "bounced": gettext_lazy("bounced"),
    "complained": gettext_lazy("complained"),
    "suppressed": gettext_lazy("suppressed"),
    "dropped": gettext_lazy("dropped"),
}
OUTCOME_TONES: Final = {
    "queued": "engage", "deferred": "engage", "claimed": "engage", "handed": "record",
    "confirmed": "experience", "bounced": "danger", "complained": "danger",
}  # fmt: skip
EXPLAINED: Final[Words] = {
    "queued": gettext_lazy("It goes out as soon as its channel comes to it."),
    "deferred": gettext_lazy("It waits for the next moment at which the customer may be reached."),
    "claimed": gettext_lazy("It is being handed over just now."),
    "handed": gettext_lazy("The other side took it over. Whether it was seen is not known."),
    "confirmed": gettext_lazy("It is known to have arrived."),
    "uncertain": gettext_lazy(
        "The line broke while it was handed over: it may have arrived. It is never sent again."
    ),
    "bounced": gettext_lazy("The other side refused it, or sent it back."),
    "complained": gettext_lazy("The customer complained about it. The address is suppressed."),
    "suppressed": gettext_lazy(
        "The address or the person must not be contacted; nothing was sent."
    ),
    "dropped": gettext_lazy("It was not sent and never will be."),
}
KINDS: Final[Words] = {
    "marketing": gettext_lazy("marketing"),
    "service": gettext_lazy("service"),
    "survey": gettext_lazy("survey"),
}
CAMPAIGN_STATES: Final[Words] = {
    "draft": gettext_lazy("draft"),
    "running": gettext_lazy("running"),
    "paused": gettext_lazy("paused"),
    "done": gettext_lazy("done"),
    "aborted": gettext_lazy("aborted"),
}
TRIGGER_STATES: Final[Words] = {
    "draft": gettext_lazy("draft"),
    "live": gettext_lazy("live"),
    "paused": gettext_lazy("paused"),
    "ended": gettext_lazy("ended"),
}
STATE_TONES: Final = {"running": "experience", "live": "experience", "paused": "engage"}
RUN_STATES: Final[Words] = {
    "waiting": gettext_lazy("waiting"),
    "done": gettext_lazy("done"),
    "exited": gettext_lazy("exited"),
    "skipped": gettext_lazy("skipped"),
    "failed": gettext_lazy("failed"),
}
RUN_TONES: Final = {"waiting": "engage", "done": "experience", "failed": "danger"}
MEMBER_STATES: Final[Words] = {
    "waiting": gettext_lazy("waiting"),
    "asked": gettext_lazy("in the outbox"),
    "held": gettext_lazy("held back"),
    "holdout": gettext_lazy("holdout"),
    "left": gettext_lazy("left"),
    "cancelled": gettext_lazy("cancelled"),
}
_REASONS: Final[Words] = {
    "no_address": gettext_lazy("No address for this channel"),
    "refused": gettext_lazy("Refused this purpose, topic or channel"),
    "not_asked": gettext_lazy("Has not agreed to this yet"),
    "unsubscribed": gettext_lazy("Unsubscribed"),
    "bounced": gettext_lazy("The address bounced before"),
    "complained": gettext_lazy("Complained before"),
    "erased": gettext_lazy("Was erased, the refusal stays"),
    "legal": gettext_lazy("Suppressed for a legal reason"),
    "minor": gettext_lazy("A minor"),
    "deceased": gettext_lazy("Deceased"),
    "staff": gettext_lazy("Staff"),
    "quiet_hours": gettext_lazy("Quiet hours where the customer is"),
    "gap": gettext_lazy("Too soon after the last contact"),
    "paused": gettext_lazy("The customer asked for a pause"),
    "return_running": gettext_lazy("A return is under way"),
    "complaint_open": gettext_lazy("A complaint is open"),
    "detractor_open": gettext_lazy("A bad experience is being mended"),
    "expired": gettext_lazy("Its time was over"),
    "nobody": gettext_lazy("The identifier is nobody's any more"),
    "template": gettext_lazy("The message could not be written"),
    "address": gettext_lazy("No mail server takes this address"),
    "not_rendered": gettext_lazy("The message could not be made; tried again"),
    "temporary": gettext_lazy("The other side asked to come again"),
    "no_answer": gettext_lazy("The other side gave no answer"),
    "gave_up": gettext_lazy("Given up after ten tries"),
    "lost": gettext_lazy("The worker died while handing it over"),
    "uncertain": gettext_lazy("Nobody knows whether it arrived"),
    "left the segment": gettext_lazy("Left the segment before"),
    "same customer": gettext_lazy("Is the same customer as another member"),
    "campaign paused": gettext_lazy("The campaign was paused"),
    "campaign aborted": gettext_lazy("The campaign was aborted"),
    "campaign finished": gettext_lazy("The campaign was finished"),
    "trigger ended": gettext_lazy("The trigger was ended"),
    "left the trigger": gettext_lazy("Something happened that ends the trigger"),
    "condition": gettext_lazy("The condition no longer held"),
    "nothing to offer": gettext_lazy("No offer fitted"),
    "holdout of everything": gettext_lazy("In the holdout of all offers"),
    "holdout": gettext_lazy("Held out, for comparison"),
    "too late": gettext_lazy("Too late to be of use"),
}
_CAP: Final = re.compile(r"cap_(marketing|survey|service|all)_(\d+)h")
_UNTIL: Final = "_until_expiry"
_CODE: Final = re.compile(r"[a-z][a-z0-9_ ]{0,60}")


def reason(word: str) -> str:
    """A stored reason in words; what is not one of ours stays as it was said."""
    if not word:
        return ""
    if word.endswith(_UNTIL):
        return _("%s, for longer than it may wait") % reason(word.removesuffix(_UNTIL))
    cap = _CAP.fullmatch(word)
    if cap:
        return _cap(cap[1], int(cap[2]))
    known = _REASONS.get(word)
    if known is not None:
        return str(known)
    return word.replace("_", " ").capitalize() if _CODE.fullmatch(word) else word[:200]


def channel(name: str) -> str:
    """What a channel is called."""
    found = channels.channels().get(name)
    return _(found.label) if found else name


def stretch(hours: int) -> str:
    """24 -> 24 hours, 168 -> 7 days."""
    if hours % 24 or hours == 24:
        return ngettext("%d hour", "%d hours", hours) % hours
    days = hours // 24
    return ngettext("%d day", "%d days", days) % days


def percent(share: float) -> str:
    """0.25 -> 25 %, 0.1429 -> 14.3 %."""
    tenths = round(share * 100, 1)
    return f"{formats.number_format(tenths, 0 if tenths.is_integer() else 1)} %"


def span(low: float, high: float) -> str:
    """An interval of shares: 0.101, 0.148 -> 10.1 to 14.8 %."""
    return _("%(low)s to %(high)s") % {"low": _tenths(low), "high": percent(high)}


def people(value: float) -> str:
    """People gained, with their sign."""
    whole = round(value)
    sign = "+" if whole > 0 else "−" if whole < 0 else ""
    return f"{sign}{words.figure(abs(whole))}"


def _tenths(value: float) -> str:
    return percent(value).removesuffix(" %")


def _cap(kind: str, hours: int) -> str:
    time = stretch(hours)
    if kind == "marketing":
        return _("Enough marketing within %s") % time
    if kind == "survey":
        return _("Asked often enough within %s") % time
    return _("Contacted often enough within %s") % time
