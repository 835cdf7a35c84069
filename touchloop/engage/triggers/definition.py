"""What a trigger says: when it starts, its steps, what ends it, for whom and how often.

The JSON of a definition is exactly these structs. Each kind of step is one struct here and one
function in `acting.py` or `walking.py`; a journey is more steps of the same kinds, and new kinds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec
from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid, TouchloopError
from touchloop.insight.segments import api as segments

ENTERED, LEFT = "Segment Entered", "Segment Left"
OWN_TYPE = "system"
STEPS_AT_MOST = 50
DAYS_AT_MOST = 366

Op = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "starts", "exists", "missing"]
Name = Literal["minutes", "hours", "days", "weeks"]
_SECONDS = {"minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a definition: what it does not know is refused."""


class Where(_Part, frozen=True):
    """A question to a property of an event; `path` goes down by dots."""

    path: str
    op: Op = "eq"
    value: Any = None


class Occasion(_Part, frozen=True):
    """An event by its name and properties, or a segment entered or left: one of the three.

    `source` is the slug of the only source that is believed; none: any source.
    """

    event: str = ""
    entered: int = 0
    left: int = 0
    where: tuple[Where, ...] = ()
    source: str = ""

    @property
    def name(self) -> str:
        """The name of the interaction by which it is seen."""
        return self.event or (ENTERED if self.entered else LEFT)

    @property
    def segment_id(self) -> int:
        return self.entered or self.left


class Wait(_Part, frozen=True, tag_field="do", tag="wait"):
    """Let time pass."""

    n: int
    unit: Name = "hours"

    @property
    def time(self) -> timedelta:
        return timedelta(seconds=self.n * _SECONDS[self.unit])


class Check(_Part, frozen=True, tag_field="do", tag="check"):
    """Go on only for those who are, now, in all of these segments and none of those, and fit."""

    inside: tuple[int, ...] = ()
    outside: tuple[int, ...] = ()
    rule: dict[str, Any] | None = None


class Offer(_Part, frozen=True, tag_field="do", tag="offer"):
    """Ask the decision engine for the best offer on the first channel that has one, and bring it.

    `context` is given to the decision; the offers' own rules read it. Of the kind service, only
    what helps is brought, and the choices about marketing are not asked.
    """

    kind: Literal["marketing", "service"] = "marketing"
    channels: tuple[str, ...] = ("email", "store")
    placement: str = ""
    template: str = ""  # where a treatment names none
    topic: str = "offers"
    context: dict[str, str] = {}
    days: float = 14.0  # after which it is no longer brought


class Send(_Part, frozen=True, tag_field="do", tag="send"):
    """Bring a message from a template, on the first channel that the customer's choices allow."""

    template: str
    channels: tuple[str, ...] = ("email",)
    kind: Literal["marketing", "service"] = "marketing"
    topic: str = "offers"
    data: dict[str, Any] = {}
    days: float = 7.0


class OpenCase(_Part, frozen=True, tag_field="do", tag="case"):
    """Open a case for a person to act on."""

    kind: Literal["complaint", "detractor", "request"] = "request"
    title: str = ""
    hours: float = 48.0
    story: str = ""


class Ask(_Part, frozen=True, tag_field="do", tag="ask"):
    """Say that this customer should be asked; the surveys sample, and keep their quarantine."""

    survey: str


Act = Offer | Send | OpenCase | Ask
Step = Wait | Check | Offer | Send | OpenCase | Ask


class Goal(_Part, frozen=True):
    """What it is for: this event, within so many days of the act (or of the act held out)."""

    event: str
    days: int = 14


class Definition(_Part, frozen=True):
    """A whole trigger.

    `again_days`: None is once for each customer, 0 each time, n once in n days. What happened more
    than `fresh_days` ago starts nothing; a step more than `late_days` overdue is not done.
    """

    when: tuple[Occasion, ...]
    steps: tuple[Step, ...]
    until: tuple[Occasion, ...] = ()
    again_days: float | None = None
    holdout: float = 0.0
    goal: Goal | None = None
    fresh_days: float = 7.0
    late_days: float = 7.0

    @property
    def sells(self) -> bool:
        """Does any of its acts sell?"""
        return any(
            isinstance(step, Offer | Send) and step.kind == "marketing" for step in self.steps
        )

    @property
    def segment_ids(self) -> frozenset[int]:
        """The segments it names."""
        found = {o.segment_id for o in (*self.when, *self.until)}
        for step in self.steps:
            if isinstance(step, Check):
                found |= {*step.inside, *step.outside}
        return frozenset(found - {0})


def parse(data: Any) -> Definition:
    """A definition from its JSON. Raises Invalid, which names the field."""
    try:
        found = msgspec.convert(data, Definition)
    except msgspec.ValidationError as error:
        said, _at, where = str(error).partition(" - at `$")
        raise Invalid(where.rstrip("`").lstrip(".") or "definition", said) from None
    _check(found)
    return found


def to_json(definition: Definition) -> dict[str, Any]:
    """The inverse of `parse`."""
    found = msgspec.to_builtins(definition)
    assert isinstance(found, dict)
    return found


def _check(found: Definition) -> None:
    if not found.when:
        raise Invalid("when", _("say what starts it"))
    for field, occasions in (("when", found.when), ("until", found.until)):
        for place, occasion in enumerate(occasions):
            _check_occasion(occasion, f"{field}[{place}]")
    if not 0 <= found.holdout < 1:
        raise Invalid("holdout", _("a share from 0 up to 1 is expected"))
    if not 1 <= len(found.steps) <= STEPS_AT_MOST:
        raise Invalid("steps", _("1 to %d steps are expected") % STEPS_AT_MOST)
    if not any(isinstance(step, Act) for step in found.steps):
        raise Invalid("steps", _("say what is to be done"))
    for name in ("again_days", "fresh_days", "late_days"):
        if not 0 <= (getattr(found, name) or 0) <= 10 * DAYS_AT_MOST:
            raise Invalid(name, _("a number of days is expected"))
    if found.goal is not None and (not found.goal.event or not 1 <= found.goal.days <= 366):
        raise Invalid("goal", _("an event, and 1 to 366 days are expected"))
    for place, step in enumerate(found.steps):
        _check_step(step, f"steps[{place}]")


def _check_occasion(occasion: Occasion, at: str) -> None:
    if sum(map(bool, (occasion.event, occasion.entered, occasion.left))) != 1:
        raise Invalid(at, _("an event, or a segment entered or left is expected"))
    for place, asked in enumerate(occasion.where):
        if not asked.path or (asked.op == "in") != isinstance(asked.value, list):
            raise Invalid(f"{at}.where[{place}]", _("a path, and a list for `in`, are expected"))


def _check_step(step: Step, at: str) -> None:
    if isinstance(step, Wait) and not timedelta() <= step.time <= timedelta(days=DAYS_AT_MOST):
        raise Invalid(f"{at}.n", _("a wait of at most %d days is expected") % DAYS_AT_MOST)
    if isinstance(step, Check) and step.rule is not None:
        try:
            segments.parse(step.rule)
        except TouchloopError as error:
            raise Invalid(f"{at}.rule", str(error)) from None
    if isinstance(step, Offer | Send) and not step.channels:
        raise Invalid(f"{at}.channels", _("at least one channel is needed"))
    if isinstance(step, Send) and not step.template:
        raise Invalid(f"{at}.template", _("a template is needed"))
    if isinstance(step, OpenCase) and not step.title.strip():
        raise Invalid(f"{at}.title", _("a title is needed"))
    if isinstance(step, Ask) and not step.survey:
        raise Invalid(f"{at}.survey", _("a survey is needed"))
