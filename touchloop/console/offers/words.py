"""Words of offers: what they are, and how they are now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.customers import wording
from touchloop.console.ui import words as written
from touchloop.console.ui.words import rounded
from touchloop.core.proportions import Gain, Share
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Definition, Offer, Treatment

KINDS = {
    "default": gettext_lazy("Sells"),
    "mandatory": gettext_lazy("Mandatory"),
    "service": gettext_lazy("Serves"),
}
STATES = {
    "now": gettext_lazy("now"),
    "soon": gettext_lazy("soon"),
    "paused": gettext_lazy("paused"),
    "draft": gettext_lazy("draft"),
    "ended": gettext_lazy("ended"),
}
TONES = {"now": "experience", "soon": "record", "paused": "engage", "draft": "", "ended": ""}
POLICIES = {
    "eligibility": (
        gettext_lazy("Eligibility"),
        gettext_lazy("May they have it at all: what the law and the contract allow."),
    ),
    "applicability": (
        gettext_lazy("Applicability"),
        gettext_lazy("Does it make sense for them: what they have, and where they are."),
    ),
    "suitability": (
        gettext_lazy("Suitability"),
        gettext_lazy("Is it good for them: would an honest friend propose it?"),
    ),
}
ANSWERS = {
    "shown": gettext_lazy("Shown"),
    "accepted": gettext_lazy("Taken"),
    "rejected": gettext_lazy("Refused"),
    "deferred": gettext_lazy("Maybe later"),
}
OPERATORS = {
    "eq": gettext_lazy("is"),
    "ne": gettext_lazy("is not"),
    "in": gettext_lazy("is one of"),
    "gt": gettext_lazy("is more than"),
    "gte": gettext_lazy("is at least"),
    "lt": gettext_lazy("is less than"),
    "lte": gettext_lazy("is at most"),
    "there": gettext_lazy("is known"),
    "missing": gettext_lazy("is not known"),
}


def state_of(offer: Offer, now: datetime) -> str:
    """How it is at this moment: a live offer can be still to come, or over."""
    if offer.state != "live":
        return offer.state
    if offer.ends_at and now >= offer.ends_at:
        return "ended"
    return "soon" if offer.starts_at and now < offer.starts_at else "now"


def validity(offer: Definition) -> str:
    """When it may be proposed, in words."""
    begins, ends = (_moment(at) for at in (offer.starts_at, offer.ends_at))
    if begins and ends:
        return _("From %(from)s to %(to)s") % {"from": begins, "to": ends}
    if begins:
        return _("From %s on") % begins
    return _("Until %s") % ends if ends else _("At any time")


def rate(share: Share) -> str:
    """A share with its interval: 12.0 % (9.1 to 15.4)."""
    if not share.n:
        return written.DASH
    return _("%(rate)s (%(low)s to %(high)s)") % {
        "rate": written.percent(share.value),
        "low": plain(share.low * 100),
        "high": plain(share.high * 100),
    }


def gained(gain: Gain | None) -> str:
    """People gained with the interval: +12 (-3 to 27)."""
    if gain is None:
        return written.DASH
    return _("%(people)s (%(low)s to %(high)s)") % {
        "people": signed(gain.people), "low": signed(gain.low), "high": signed(gain.high),
    }  # fmt: skip


def signed(people: float) -> str:
    """+12, -3, 0: whole people, except where there are few."""
    shown = round(people) if abs(people) >= 10 else round(people, 1)
    figure = written.figure(abs(shown))
    if not shown:
        return "0"
    return f"+{figure}" if shown > 0 else f"−{figure}"


def policies(definition: Definition, names: Mapping[int, str]) -> list[tuple[Any, Any, list[str]]]:
    """Each policy with its name, what it is for, and its conditions in words."""
    return [(*POLICIES[name], offers.parts_of(rule, names)) for name, rule in definition.policies]


def where(treatment: Treatment) -> str:
    """The place of a treatment: Store, receipt."""
    channel = wording.channel(treatment.channel)
    return f"{channel}, {treatment.placement}" if treatment.placement else channel


def changes(
    before: Definition, after: Definition, *, names: tuple[str, str], segments: Mapping[int, str]
) -> list[tuple[str, str | None, str | None]]:
    """What differs, in words: (what, before, after); None where there was nothing."""
    found: list[tuple[str, str | None, str | None]] = []
    if names[0] != names[1]:
        found.append((_("Name"), *names))
    for field, label in _LABELS.items():
        one, other = getattr(before, field), getattr(after, field)
        if one != other:
            found.append((str(label), _said(field, one), _said(field, other)))
    for (policy, old), (_policy, new) in zip(before.policies, after.policies, strict=True):
        if old != new:
            was, becomes = ("; ".join(offers.parts_of(rule, segments)) for rule in (old, new))
            found.append(
                (str(POLICIES[policy][0]), was or _("everybody"), becomes or _("everybody"))
            )
    return found + _treatments(before, after)


def _treatments(before: Definition, after: Definition) -> list[tuple[str, str | None, str | None]]:
    old, new = ({where(each): _look(each) for each in one.treatments} for one in (before, after))
    return [
        (_("Treatment: %s") % place, old.get(place), new.get(place))
        for place in dict.fromkeys((*old, *new))
        if old.get(place) != new.get(place)
    ]


def _look(treatment: Treatment) -> str:
    texts = treatment.texts
    parts = [texts[name] for name in sorted(texts, key=lambda each: (each != "title", each))]
    if treatment.template:
        parts.append(_("template %s") % treatment.template)
    return " · ".join(filter(None, parts)) or _("without words")


def _said(field: str, value: Any) -> str:
    if field == "kind":
        return str(KINDS[value])
    if field in _SHARES:
        return written.percent(value)
    if isinstance(value, datetime):
        return _moment(value)
    if field == "impressions" and value is not None:
        return _("%(most)d within %(days)g days") % {"most": value.most, "days": value.days}
    if field == "memory":
        return _(
            "taken: rests %(taken)g days; refused %(n)d times: %(refused)g days;"
            " maybe later: %(later)g days"
        ) % {
            "taken": value.taken_days, "n": value.refusals, "refused": value.refused_days,
            "later": value.later_days,
        }  # fmt: skip
    return written.figure(value) if value not in (None, "") else _("none")


def _moment(at: datetime | None) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else ""


def plain(number: float) -> str:
    """A number with one place, without its unit."""
    return rounded(number, 1)


_SHARES = frozenset({"starting_propensity", "explore", "holdout"})
_LABELS = {
    "kind": gettext_lazy("Kind"),
    "topic": gettext_lazy("Topic"),
    "value": gettext_lazy("Value when taken"),
    "lever": gettext_lazy("Lever, percent"),
    "starts_at": gettext_lazy("Starts"),
    "ends_at": gettext_lazy("Ends"),
    "holdout": gettext_lazy("Holdout"),
    "impressions": gettext_lazy("Shown at most"),
    "memory": gettext_lazy("After an answer"),
    "starting_propensity": gettext_lazy("Starting propensity"),
    "starting_evidence": gettext_lazy("Starting evidence"),
    "starting_score": gettext_lazy("Starting score"),
    "explore": gettext_lazy("Exploration"),
    "goal": gettext_lazy("Goal"),
    "goal_days": gettext_lazy("Days to reach the goal"),
}
