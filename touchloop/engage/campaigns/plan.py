"""What a campaign says: to whom, what, when, how fast, and what it is for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid

VARIANTS_AT_MOST = 10


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a plan: what it does not know is refused."""


class Variant(_Part, frozen=True):
    """One way to say it, and the weight with which members are drawn into it."""

    name: str
    template: str
    weight: float = 1.0
    data: dict[str, Any] = {}


class Window(_Part, frozen=True):
    """When it may send: from one hour of the day up to another, on some weekdays (Monday is 0).

    A window that ends before it begins goes over midnight; its hours belong to the day they lie on.
    The customer's own quiet hours hold besides.
    """

    since: int
    until: int
    zone: str = "UTC"
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)

    def open(self, now: datetime) -> bool:
        """May it send at this instant?"""
        local = now.astimezone(ZoneInfo(self.zone))
        if local.weekday() not in self.weekdays:
            return False
        if self.since < self.until:
            return self.since <= local.hour < self.until
        return local.hour >= self.since or local.hour < self.until


class Goal(_Part, frozen=True):
    """What it is for: this event, within so many days of joining the audience."""

    event: str
    days: int = 14


class Plan(_Part, frozen=True):
    """A whole campaign. `per_minute`: at most so many in any sixty seconds; None: no throttle."""

    segment: int
    variants: tuple[Variant, ...]
    audience: Literal["fixed", "following"] = "fixed"
    channels: tuple[str, ...] = ("email",)
    kind: Literal["marketing", "service"] = "marketing"
    topic: str = "offers"
    purpose: str = "marketing"
    holdout: float = 0.1
    window: Window | None = None
    per_minute: int | None = None
    goal: Goal | None = None
    days: float = 3.0  # after which a message that still waits is dropped

    @property
    def arms(self) -> tuple[list[str], list[float]]:
        """Names, the holdout ("") first, and where between 0 and 1 each but the last one ends."""
        total = sum(variant.weight for variant in self.variants)
        ends, at = [self.holdout], self.holdout
        for variant in self.variants:
            at += (1 - self.holdout) * variant.weight / total
            ends.append(at)
        return ["", *(variant.name for variant in self.variants)], ends[:-1]


def parse(data: Any) -> Plan:
    """A plan from its JSON. Raises Invalid, which names the field."""
    try:
        plan = msgspec.convert(data, Plan)
    except msgspec.ValidationError as error:
        said, _at, where = str(error).partition(" - at `$")
        raise Invalid(where.rstrip("`").lstrip(".") or "plan", said) from None
    _check(plan)
    return plan


def to_json(plan: Plan) -> dict[str, Any]:
    """The inverse of `parse`."""
    found = msgspec.to_builtins(plan)
    assert isinstance(found, dict)
    return found


def _check(plan: Plan) -> None:
    names = [variant.name for variant in plan.variants]
    if not 1 <= len(names) <= VARIANTS_AT_MOST or len(set(names)) < len(names) or not all(names):
        raise Invalid("variants", _("one to ten variants with names of their own are expected"))
    for place, variant in enumerate(plan.variants):
        if not variant.template:
            raise Invalid(f"variants[{place}].template", _("a template is needed"))
        if not 0 < variant.weight <= 1_000_000:
            raise Invalid(f"variants[{place}].weight", _("a weight above nought is expected"))
    if not plan.channels:
        raise Invalid("channels", _("at least one channel is needed"))
    if not 0 <= plan.holdout < 1:
        raise Invalid("holdout", _("a share from 0 up to 1 is expected"))
    if plan.per_minute is not None and not 1 <= plan.per_minute <= 10_000_000:
        raise Invalid("per_minute", _("at least one a minute is expected"))
    if plan.goal is not None and (not plan.goal.event or not 1 <= plan.goal.days <= 366):
        raise Invalid("goal", _("an event, and 1 to 366 days are expected"))
    if not 0 < plan.days <= 366:
        raise Invalid("days", _("a number of days is expected"))
    if plan.window is not None:
        _check_window(plan.window)


def _check_window(window: Window) -> None:
    if not (0 <= window.since <= 23 and 0 <= window.until <= 24 and window.since != window.until):
        raise Invalid("window", _("hours of the day are expected"))
    if not window.weekdays or not set(window.weekdays) <= set(range(7)):
        raise Invalid("window.weekdays", _("weekdays from 0 to 6 are expected"))
    try:
        ZoneInfo(window.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("window.zone", _("there is no time zone %s") % window.zone) from None
