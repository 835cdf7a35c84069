"""How captured things and their uses are said."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.insight.motion.reports import REPORTS
from touchloop.console.ui.words import rounded
from touchloop.insight.motion.api import Row, UsedBy

KINDS: dict[str, str | Promise] = {
    "source": gettext_lazy("source"),
    "event": gettext_lazy("event"),
    "property": gettext_lazy("property"),
    "trait": gettext_lazy("trait"),
}
STATES: dict[str, tuple[str | Promise, str]] = {
    "in_use": (gettext_lazy("in use"), "experience"),
    "hibernating": (gettext_lazy("hibernating"), "engage"),
    "never": (gettext_lazy("never used"), ""),
}
WHAT: dict[str, str | Promise] = {
    "segment": gettext_lazy("segment"),
    "score": gettext_lazy("score"),
    "decision": gettext_lazy("decision"),
    "trigger": gettext_lazy("trigger"),
    "campaign": gettext_lazy("campaign"),
    "message": gettext_lazy("message"),
    "survey": gettext_lazy("survey"),
    "report": gettext_lazy("report"),
    "consent": gettext_lazy("consent"),
    "event": gettext_lazy("event"),
    "trait": gettext_lazy("trait"),
}
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def size(value: float) -> str:
    """Bytes in a unit that people read."""
    for limit, unit in _UNITS:
        if value >= limit:
            return f"{rounded(value / limit, 0 if value >= 100 * limit else 1)} {unit}"
    return _("%(n)d bytes") % {"n": value}


def used_by(use: UsedBy) -> tuple[str, str]:
    """Who uses it, in words, and its address ("" when it has no page)."""
    report = REPORTS.get(use.route) if use.what == "report" else None
    name = str(report.label) if report else use.where
    said = _("%(what)s %(name)s") % {"what": WHAT.get(use.what, use.what), "name": name}
    return said, address(use.route, use.arg)


def address(route: str, arg: str) -> str:
    """The page of a use; "" when there is none (any more)."""
    if not route:
        return ""
    try:
        return reverse(route, args=[int(arg) if arg.isdigit() else arg] if arg else [])
    except NoReverseMatch:
        return ""


def own_page(row: Row) -> str:
    """Where the thing itself is looked at."""
    if row.kind in ("source", "event") and row.ref:
        return address(row.kind, str(row.ref))
    return ""
