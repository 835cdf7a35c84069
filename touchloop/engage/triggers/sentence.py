"""A trigger in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.engage.triggers.definition import (
    Ask,
    Check,
    Definition,
    Occasion,
    Offer,
    OpenCase,
    Send,
    Step,
    Wait,
)

Names = Mapping[int, str]


def sentence(definition: Definition, *, segments: Names) -> str:
    """What it does, as one would say it; `segments` are names by id."""
    when = _(" or ").join(_occasion(o, segments) for o in definition.when)
    then = ", ".join(_step(step, segments) for step in definition.steps)
    said = _("When a customer %(when)s: %(then)s.") % {"when": when, "then": then}
    if definition.until:
        ends = _(" or ").join(_occasion(o, segments) for o in definition.until)
        said += " " + _("Until the customer %s.") % ends
    return f"{said} {_again(definition.again_days)}"


def _occasion(occasion: Occasion, segments: Names) -> str:
    if occasion.event:
        asked = [f"{w.path} {w.op} {w.value}" for w in occasion.where]
        return _("does “%s”") % occasion.event + (f" ({', '.join(asked)})" if asked else "")
    name = segments.get(occasion.segment_id, str(occasion.segment_id))
    return (_("enters “%s”") if occasion.entered else _("leaves “%s”")) % name


@singledispatch
def _step(step: Step, segments: Names) -> str:
    raise NotImplementedError(type(step).__name__)


@_step.register
def _wait(step: Wait, segments: Names) -> str:
    words = {
        "minutes": ngettext("wait %d minute", "wait %d minutes", step.n),
        "hours": ngettext("wait %d hour", "wait %d hours", step.n),
        "days": ngettext("wait %d day", "wait %d days", step.n),
        "weeks": ngettext("wait %d week", "wait %d weeks", step.n),
    }
    return words[step.unit] % step.n


@_step.register
def _check(step: Check, segments: Names) -> str:
    parts = [_("is in “%s”") % segments.get(id, str(id)) for id in step.inside]
    parts += [_("is not in “%s”") % segments.get(id, str(id)) for id in step.outside]
    if step.rule is not None:
        parts.append(_("fits a rule"))
    return _("go on if the customer %s") % _(" and ").join(parts)


@_step.register
def _offer(step: Offer, segments: Names) -> str:
    return _("bring the best offer by %s") % _(", else ").join(step.channels)


@_step.register
def _send(step: Send, segments: Names) -> str:
    said = {"template": step.template, "channels": _(", else ").join(step.channels)}
    return _("send “%(template)s” by %(channels)s") % said


@_step.register
def _open(step: OpenCase, segments: Names) -> str:
    return _("open a case, “%s”") % step.title


@_step.register
def _ask(step: Ask, segments: Names) -> str:
    return _("ask the survey “%s”") % step.survey


def _again(days: float | None) -> str:
    if days is None:
        return _("Once for each customer.")
    return _("Each time.") if days == 0 else _("At most once in %g days.") % days
