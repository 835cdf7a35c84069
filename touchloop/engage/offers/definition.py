"""What an offer is, and what may be said in it.

A definition is one JSON object; msgspec reads it into these frozen structs and names by its path
whatever is wrong. Rules are small on purpose: segments carry the logic about people, so that what
an offer asks can be read at a glance.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from touchloop.core.errors import Invalid

Kind = Literal["default", "mandatory", "service"]
Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "there", "missing"]
Word = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Share = Annotated[float, Meta(ge=0, le=0.9)]
Days = Annotated[float, Meta(ge=0, le=36_500)]
Value = str | float | bool | None | list[str | float | bool]

STATES = ("draft", "live", "paused", "ended")
# A segment for any other purpose must not drive selling, not even by exclusion.
SELLING_PURPOSES = frozenset({"personalise", "marketing", "profile"})


class Comparison(Struct, frozen=True, forbid_unknown_fields=True):
    """A trait of the customer, or a value of the request, compared with a fixed value."""

    name: Name
    op: Operator = "eq"
    value: Value = None


class Conditions(Struct, frozen=True, forbid_unknown_fields=True):
    """One engagement policy: all of it must hold. Segments are ids; membership is the live one."""

    required: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()
    traits: tuple[Comparison, ...] = ()
    context: tuple[Comparison, ...] = ()

    @property
    def personal(self) -> bool:
        """Whether it asks what is known of the person."""
        return bool(self.required or self.forbidden or self.traits)


class Treatment(Struct, frozen=True, forbid_unknown_fields=True):
    """How the offer looks on one channel, at one placement or ("") at any."""

    channel: Word
    placement: str = ""
    template: str = ""
    texts: dict[str, str] = {}


class Impressions(Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many showings to one customer in any so many days."""

    most: Annotated[int, Meta(ge=1, le=1_000)]
    days: Annotated[float, Meta(gt=0, le=730)] = 7.0


class Memory(Struct, frozen=True, forbid_unknown_fields=True):
    """What an answer does to the next decisions about this offer.

    Taken rests it for `taken_days`; refused `refusals` times within `refused_days` rests it until
    those are over; after "maybe later" it rests for `later_days`, and then returns with the weight
    1 - 2^(-age/later_days), which grows to one.
    """

    taken_days: Days = 365.0
    refusals: Annotated[int, Meta(ge=1, le=100)] = 1
    refused_days: Days = 30.0
    later_days: Days = 3.0


class Definition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an offer that changes keep versions of.

    `value` is money when it is taken; `lever` is percent, added to 100. `starting_propensity` with
    `starting_evidence` (as many imagined showings) smooths a new offer; where the customer has a
    score named `starting_score` (a probability: `new_category:DELI`), that stands in for
    `starting_propensity`. `explore` is its share in exploration, `holdout` the share of customers
    who never get it. `goal` is the event that counts as success for the comparison with the
    holdout, within `goal_days` of the exposure.
    """

    kind: Kind = "default"
    topic: str = ""
    value: Annotated[float, Meta(ge=0, le=1e9)] = 1.0
    lever: Annotated[float, Meta(ge=-99, le=10_000)] = 0.0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    eligibility: Conditions = Conditions()
    applicability: Conditions = Conditions()
    suitability: Conditions = Conditions()
    treatments: tuple[Treatment, ...] = ()
    starting_propensity: Annotated[float, Meta(gt=0, lt=1)] = 0.05
    starting_evidence: Annotated[float, Meta(gt=0, le=1e6)] = 20.0
    starting_score: Annotated[str, Meta(max_length=200)] = ""
    explore: Annotated[float, Meta(ge=0, le=0.5)] = 0.05
    holdout: Share = 0.0
    impressions: Impressions | None = Impressions(most=5, days=7.0)
    memory: Memory = Memory()
    goal: str = "Order Completed"
    goal_days: Annotated[float, Meta(gt=0, le=365)] = 14.0

    @property
    def selling(self) -> bool:
        """Service offers help; the others sell."""
        return self.kind != "service"

    @property
    def policies(self) -> tuple[tuple[str, Conditions], ...]:
        """The three engagement policies with their names, in the order in which they are asked."""
        return (
            ("eligibility", self.eligibility),
            ("applicability", self.applicability),
            ("suitability", self.suitability),
        )

    @property
    def segments(self) -> frozenset[int]:
        """Every segment that it asks about."""
        return frozenset(
            id for _name, rule in self.policies for id in (*rule.required, *rule.forbidden)
        )


class Offer(Definition, frozen=True, kw_only=True):
    """An offer as it stands, or as it stood in one of its versions."""

    id: int
    slug: str
    name: str
    sentence: str
    state: str
    version: int
    created_at: datetime
    updated_at: datetime

    def definition(self) -> Definition:
        """What of it is versioned."""
        return Definition(**{name: getattr(self, name) for name in FIELDS})


FIELDS = Definition.__struct_fields__


def read(data: Mapping[str, Any]) -> Definition:
    """The definition that this JSON object means; Invalid names the part that is wrong."""
    try:
        found = msgspec.convert(dict(data), Definition)
    except msgspec.ValidationError as error:
        said, _sep, path = str(error).partition(" - at `$")
        raise Invalid(path.rstrip("`").lstrip(".") or "offer", said) from None
    _check(found)
    return found


def write(definition: Definition) -> dict[str, Any]:
    """The JSON object of a definition; `read` gives the same back."""
    plain: dict[str, Any] = msgspec.to_builtins(definition)
    return plain


def _check(found: Definition) -> None:
    for name, at in (("starts_at", found.starts_at), ("ends_at", found.ends_at)):
        if at is not None and at.tzinfo is None:
            raise Invalid(name, _("the time zone is missing"))
    if found.starts_at and found.ends_at and found.ends_at <= found.starts_at:
        raise Invalid("ends_at", _("it must end after it starts"))
    if found.kind == "mandatory" and found.holdout:
        raise Invalid("holdout", _("what is mandatory is held back from nobody"))
    if not found.starting_score.isprintable():
        raise Invalid("starting_score", _("the name of a score is expected"))
    places = [(treatment.channel, treatment.placement) for treatment in found.treatments]
    if len(set(places)) < len(places):
        raise Invalid("treatments", _("one treatment for each channel and placement"))
    for name, rule in found.policies:
        if set(rule.required) & set(rule.forbidden):
            raise Invalid(name, _("a segment cannot be both required and forbidden"))
        for part, comparisons in (("traits", rule.traits), ("context", rule.context)):
            for index, each in enumerate(comparisons):
                _check_comparison(each, f"{name}.{part}[{index}]")


def _check_comparison(each: Comparison, at: str) -> None:
    number = isinstance(each.value, int | float) and not isinstance(each.value, bool)
    if each.op in ("gt", "gte", "lt", "lte") and not number:
        raise Invalid(f"{at}.value", _("a number is expected"))
    if (each.op == "in") != isinstance(each.value, list):
        raise Invalid(f"{at}.value", _("“in” takes a list, every other comparison one value"))
    if each.op in ("there", "missing") and each.value is not None:
        raise Invalid(f"{at}.value", _("no value is compared here"))
    if each.op in ("eq", "ne") and each.value is None:
        raise Invalid(f"{at}.value", _("a value is needed"))
