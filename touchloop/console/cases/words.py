"""Words of cases: what kind, how they stand, what was done, what is muted meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.ui import cells, words
from touchloop.records.cases.api import Case, Event

KINDS = {
    "complaint": gettext_lazy("complaint"),
    "detractor": gettext_lazy("detractor"),
    "request": gettext_lazy("request"),
}
KIND_TONES = {"complaint": "danger", "detractor": "danger", "request": ""}
STATES = {
    "open": gettext_lazy("open"),
    "waiting": gettext_lazy("waiting"),
    "closed": gettext_lazy("closed"),
}
STATE_TONES = {"open": "engage", "waiting": "", "closed": "experience"}


@dataclass(frozen=True, slots=True)
class Act:
    """What an act is called, and its mark."""

    label: str | Promise
    icon: str


def kind(case_kind: str) -> str:
    return str(KINDS.get(case_kind, case_kind))


def kind_badge(case: Case) -> SafeString:
    return cells.badge(kind(case.kind), tone=KIND_TONES.get(case.kind, ""))


def state_badge(case: Case) -> SafeString:
    return cells.badge(STATES.get(case.state, case.state), tone=STATE_TONES.get(case.state, ""))


def clock_words(case: Case, now: datetime) -> str:
    """How the clock stands, in a few words."""
    if case.state == "closed" and case.closed_at is not None:
        return _("closed %(when)s") % {"when": words.ago(case.closed_at, now=now)}
    if case.state == "waiting":
        return _("clock stands")
    return _("due %(when)s") % {"when": _distance(case.due_at, now)}


def _distance(moment: datetime, now: datetime) -> str:
    """In hours up to three days: a clock of 48 hours is not told in days."""
    hours = (moment - now).total_seconds() / 3600
    if not 1 <= abs(hours) < 72:
        return words.ago(moment, now=now)
    return _("in %d h") % hours if hours > 0 else _("%d h ago") % -hours


def clock_cell(case: Case, now: datetime) -> SafeString:
    """The clock in a table: what is overdue stands out by word and colour."""
    if case.overdue(now):
        return cells.badge(_("overdue, %s") % clock_words(case, now), tone="danger")
    shape = "quiet" if case.state != "open" else ""
    return format_html(
        '<time class="{}" datetime="{}">{}</time>',
        shape,
        (case.closed_at or case.due_at).isoformat(),
        clock_words(case, now),
    )


def what_was_done(event: Event, names: Mapping[int, str]) -> str:
    """One act in the history of a case."""
    said = _ACTS.get(event.act)
    if event.act == "assigned":
        to = event.detail.get("to")
        if to is None:
            return _("Given back: nobody owns it")
        return _("Given to %s") % names.get(to, _("somebody who left"))
    if event.act == "closed":
        in_time = event.detail.get("in_time") is True
        return _("Closed in time") if in_time else _("Closed after its time")
    return str(said.label) if said else event.act


def icon_of(event: Event) -> str:
    """The mark of an act."""
    known = _ACTS.get(event.act)
    return known.icon if known else "circle-dot"


def muted_because(reason: str) -> str:
    """Why selling is muted."""
    known = _MUTED.get(reason)
    return str(known) if known else reason.replace("_", " ")


_ACTS = {
    "opened": Act(gettext_lazy("Opened"), icon="life-buoy"),
    "assigned": Act(gettext_lazy("Given to somebody"), icon="user-round"),
    "noted": Act(gettext_lazy("Note"), icon="notebook-pen"),
    "waiting": Act(gettext_lazy("Waits for the customer: the clock stands"), icon="pause"),
    "resumed": Act(gettext_lazy("Goes on: the clock runs again"), icon="play"),
    "closed": Act(gettext_lazy("Closed"), icon="circle-check"),
    "reopened": Act(gettext_lazy("Opened again"), icon="rotate-ccw"),
}
_MUTED = {
    "complaint_open": gettext_lazy("a complaint is open"),
    "detractor_open": gettext_lazy("a poor answer is being looked into"),
}
