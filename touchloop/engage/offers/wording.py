"""Engagement policies as sentences for people."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from touchloop.engage.offers.definition import Comparison, Conditions, Definition

Names = Mapping[int, str]


def sentence(definition: Definition, *, segments: Names) -> str:
    """Whom the offer is for, in one sentence; `segments` gives the names of segments by id."""
    parts = [part for _name, rule in definition.policies for part in parts_of(rule, segments)]
    if not parts:
        return _("For everybody.")
    return _("For those who satisfy: %s.") % "; ".join(parts)


def parts_of(rule: Conditions, segments: Names) -> list[str]:
    """Each condition of a policy in words, in the order in which they are asked."""
    return [
        *(_("the customer is in “%s”") % named(id, segments) for id in rule.required),
        *(_("the customer is not in “%s”") % named(id, segments) for id in rule.forbidden),
        *(_("the trait %s") % compared(each) for each in rule.traits),
        *(_("the request's %s") % compared(each) for each in rule.context),
    ]


def named(id: int, segments: Names) -> str:
    """The name of a segment, or its number."""
    return segments.get(id) or _("number %d") % id


def compared(each: Comparison) -> str:
    """A comparison in words: `city is Berlin`."""
    words = {
        "eq": _("%(name)s is %(value)s"),
        "ne": _("%(name)s is not %(value)s"),
        "in": _("%(name)s is one of %(value)s"),
        "gt": _("%(name)s is more than %(value)s"),
        "gte": _("%(name)s is at least %(value)s"),
        "lt": _("%(name)s is less than %(value)s"),
        "lte": _("%(name)s is at most %(value)s"),
        "there": _("%(name)s is known"),
        "missing": _("%(name)s is not known"),
    }
    value = ", ".join(map(_said, each.value)) if isinstance(each.value, list) else _said(each.value)
    return words[each.op] % {"name": each.name, "value": value}


def _said(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)
