"""The rule tree. Frozen values only: equal conditions are one condition wherever they stand.

Truth has two values. A condition about something that is not known (no such trait, no such score,
no interaction) is false, whatever its operator; only `missing` and the lower sides of counts
(`lt`, `lte`, `eq 0`, absence) are true of nothing. `not` then turns false into true.

Time: an interaction at t is inside `last w` while now - w < t <= now, and inside `from`/`to` while
from <= t < to and t <= now. What lies in the future is not seen until its instant comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MAX_DEPTH = 8
MAX_CONDITIONS = 50
MAX_WINDOW_DAYS = 3_653
MAX_VALUES = 200
MAX_TEXT = 300

SECONDS = {"hours": 3_600, "days": 86_400, "weeks": 604_800, "months": 30 * 86_400}

Unit = Literal["hours", "days", "weeks", "months"]
Type = Literal["text", "number", "date", "bool"]
Scalar = str | float | bool | datetime
Compare = Literal["eq", "ne", "gt", "gte", "lt", "lte"]

COMPARES = ("eq", "ne", "gt", "gte", "lt", "lte")
VALUE_OPS = (*COMPARES, "in", "contains", "starts", "exists", "missing")
LINE_FIELDS = ("department", "category", "brand", "product_id", "product")
MEASURES = ("count", "sum", "distinct", "first", "last", "absence")
SUM_OF = ("value", "property", "amount", "quantity")
DISTINCT_OF = (
    "property", "location", "channel", "day", "week", "product_id", "category", "department",
)  # fmt: skip
# What Touchloop itself notes about a customer is of this type, and no event of a customer's.
OWN_TYPE = "system"
OWN_NAMES = frozenset({"Segment Entered", "Segment Left"})
LINE_MEASURES = frozenset({"amount", "quantity", "product_id", "category", "department"})


@dataclass(frozen=True, slots=True)
class Last:
    """A length of time before now."""

    n: int
    unit: Unit

    @property
    def micros(self) -> int:
        return self.n * SECONDS[self.unit] * 1_000_000


@dataclass(frozen=True, slots=True)
class Between:
    """A fixed stretch of time: from the first instant up to, and without, the second."""

    start: datetime | None
    end: datetime | None


Window = Last | Between | None


@dataclass(frozen=True, slots=True)
class Value:
    """A typed question to one value: a trait's or a property's."""

    type: Type
    op: str
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """A question to what stands under a path of an interaction's properties."""

    path: str
    value: Value


@dataclass(frozen=True, slots=True)
class Line:
    """A question to a product in an order; several questions are asked of the same line."""

    field: str
    op: Literal["in", "contains"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Which interactions are meant. No names: any but Touchloop's own; every part must hold."""

    names: tuple[str, ...] = ()
    type: str = ""
    channels: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    where: tuple[Property, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Trait:
    """What is known about the customer."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Interactions:
    """A number made of the customer's interactions, compared.

    `first` and `last` are ages (now minus the earliest or latest), with `value` in `unit`;
    `absence` compares nothing.
    """

    events: Events
    measure: str
    of: str = ""
    path: str = ""
    op: str = "gte"
    value: float = 1.0
    unit: Unit = "days"
    window: Window = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """One, and after it, strictly later and within a time, the other; or, negated, not the other.

    `not` is decided when the time has passed without the other. `window` is where the first lies.
    """

    first: Events
    then: Events
    within: Last
    negated: bool = False
    window: Window = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """Has not come for a number of its own usual intervals.

    The usual interval is the median gap, in days, between the distinct days (UTC) on which it came;
    it takes at least `min_days` such days to have one.
    """

    events: Events
    intervals: float
    min_days: int = 4
    window: Window = None


@dataclass(frozen=True, slots=True)
class InSegment:
    """Is, or is not, in another segment."""

    segment_id: int
    member: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """A number that a model gave the customer, compared."""

    name: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the customer's choices allow a purpose."""

    purpose: str
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """The stage of the relationship."""

    values: tuple[str, ...]


Condition = Trait | Interactions | Sequence | Overdue | InSegment | Score | Consent | Stage


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; with no part: everybody."""

    parts: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Rule


Rule = Condition | All | Any | Not


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by segment id, to be decided together."""

    rules: tuple[tuple[int, Rule], ...] = field(default=())
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Plans are looked up by it for every batch, and the trees are large.
        object.__setattr__(self, "_hash", hash(self.rules))

    def __hash__(self) -> int:
        return self._hash

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(key for key, _ in self.rules)


def conditions(rule: Rule) -> list[Condition]:
    """The leaves, left to right."""
    if isinstance(rule, All | Any):
        return [leaf for part in rule.parts for leaf in conditions(part)]
    if isinstance(rule, Not):
        return conditions(rule.part)
    return [rule]


def depth(rule: Rule) -> int:
    """How many levels the tree has."""
    if isinstance(rule, All | Any):
        return 1 + max((depth(part) for part in rule.parts), default=0)
    return 1 + depth(rule.part) if isinstance(rule, Not) else 1


def needs_segments(rule: Rule) -> frozenset[int]:
    """The other segments this rule asks about."""
    return frozenset(leaf.segment_id for leaf in conditions(rule) if isinstance(leaf, InSegment))
