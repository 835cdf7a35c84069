"""How models are said: states, figures with their spread, drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.console.ui.words import DASH, rounded
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Kind, Metric, RunInfo, VersionInfo

SCORES = 24  # named on a card

STATES: dict[str, tuple[str | Promise, str]] = {
    "in_use": (gettext_lazy("in use"), "experience"),
    "kept": (gettext_lazy("stands by"), ""),
    "rolled_back": (gettext_lazy("rolled back"), "engage"),
    "failed": (gettext_lazy("may not be used"), "danger"),
}
OUTCOMES: dict[str, str | Promise] = {
    "done": gettext_lazy("learned"),
    "nothing": gettext_lazy("nothing to learn from"),
    "cancelled": gettext_lazy("cancelled"),
    "stopped": gettext_lazy("stopped with the process; taken up again"),
    "failed": gettext_lazy("failed"),
    "lost": gettext_lazy("its process went away"),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """The most moved input or score, and a word for it."""

    word: str
    tone: str
    name: str = ""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A kind as the list shows it: the version in use, else the newest."""

    kind: Kind
    version: VersionInfo | None
    in_use: bool
    run: RunInfo | None

    @property
    def id(self) -> str:
        return self.kind.name


def drift(version: VersionInfo) -> Drift:
    """What moved most since it learned: its inputs at the last training, its scores ever since."""
    found = moved(version.drift)
    if not found:
        return Drift(_("not known yet"), "")
    name, value = max(found.items(), key=lambda pair: pair[1])
    if value >= models.MOVED_MUCH:
        return Drift(_("moved much"), "danger", name, value)
    if value >= models.MOVED:
        return Drift(_("moved a little"), "engage", name, value)
    return Drift(_("stable"), "experience", name, value)


def moved(drift: Mapping[str, Any]) -> dict[str, float]:
    """The stability index of every input and score that was compared."""
    return {**drift.get("inputs", {}), **drift.get("scores", {})}


def moved_of(moved: Mapping[str, float], name: str) -> float | None:
    """The index of one input; a kind may name it without the part of the model it belongs to."""
    return moved.get(name, moved.get(name.partition(": ")[2]))


def value(number: float | None) -> str:
    """Four telling digits."""
    if number is None or number != number:
        return DASH
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 100 else 2
    digits = 3 if abs(number) < 10 else digits
    return rounded(number, digits, grouped=True)


def spread(metric: Metric) -> str:
    """The 95 % interval in words; "" when there is none."""
    if metric.low is None or metric.high is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": value(metric.low), "high": value(metric.high)}


def beside(metric: Metric) -> str:
    """The baseline in words; "" when there is none."""
    if metric.baseline is None:
        return ""
    name = metric.baseline_name or _("baseline")
    return _("%(name)s %(value)s") % {"name": name, "value": value(metric.baseline)}


def every(hours: float) -> str:
    """How often it is trained."""
    if hours >= 48:
        return _("every %(n)d days") % {"n": round(hours / 24)}
    if hours >= 2:
        return _("every %(n)d hours") % {"n": round(hours)}
    return _("every %(n)d minutes") % {"n": max(1, round(hours * 60))}


def scored(version: VersionInfo) -> list[tuple[str, str]]:
    """The scores it gives, each with the list of the customers that have it."""
    customers = reverse("customers")
    return [
        (name, f"{customers}?{urlencode({'score': name})}") for name in version.score_names[:SCORES]
    ]


def status(version: VersionInfo) -> tuple[str, str]:
    """The word and tone of its state."""
    word, tone = STATES[version.state]
    return str(word), tone
