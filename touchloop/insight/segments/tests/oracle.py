"""The meaning of the grammar, written down a second time: slow, plain, one customer at a time.

It shares no code with the compiler but the grammar's dataclasses.
"""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from touchloop.insight.segments import grammar as g

SECONDS = {"hours": 3600, "days": 86400, "weeks": 7 * 86400, "months": 30 * 86400}
BITS = {
    "service": 1, "measure": 2, "improve": 4, "personalise": 8,
    "marketing": 16, "profile": 32, "share": 64, "train": 128,
}  # fmt: skip


@dataclass
class Product:
    product_id: str | None = None
    product: str | None = None
    department: str | None = None
    category: str | None = None
    brand: str | None = None
    quantity: float | None = None
    amount: float | None = None


@dataclass
class Happening:
    interaction_id: int
    name: str
    at: datetime  # UTC without a zone
    type: str = "track"
    channel: str | None = None
    location: str | None = None
    value: float | None = None
    properties: dict[str, Any] | None = None
    products: list[Product] = field(default_factory=list)


@dataclass
class Person:
    id: int
    history: list[Happening] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)
    stage: str | None = None
    allowed: int = 0
    segments: set[int] = field(default_factory=set)
    scores: dict[str, float] = field(default_factory=dict)


def holds(rule: g.Rule, person: Person, now: datetime, rules: dict[int, g.Rule]) -> bool:
    """Whether the rule is true of the person at this instant."""
    match rule:
        case g.All(parts):
            return all(holds(part, person, now, rules) for part in parts)
        case g.Any(parts):
            return any(holds(part, person, now, rules) for part in parts)
        case g.Not(part):
            return not holds(part, person, now, rules)
        case g.Trait(name, value):
            return asked(person.traits.get(name), value)
        case g.Stage(values):
            return person.stage in values
        case g.Consent(purpose, allowed):
            return bool(person.allowed & BITS[purpose]) == allowed
        case g.Score(name, op, value):
            return name in person.scores and compare(person.scores[name], op, value)
        case g.InSegment(segment_id, member):
            if segment_id in rules:
                return holds(rules[segment_id], person, now, rules) == member
            return (segment_id in person.segments) == member
        case g.Interactions():
            return interactions(rule, person, now)
        case g.Sequence():
            return sequence(rule, person, now)
        case g.Overdue():
            return overdue(rule, person, now)
    raise TypeError(rule)


def interactions(leaf: g.Interactions, person: Person, now: datetime) -> bool:
    found = meant(leaf.events, leaf.window, person, now, lines=leaf.of in g.LINE_MEASURES)
    if leaf.measure in ("count", "absence"):
        number = float(len({happening.interaction_id for happening, _ in found}))
        return compare(number, "eq" if leaf.measure == "absence" else leaf.op, leaf.value)
    if leaf.measure in ("first", "last"):
        if not found:
            return False
        instants = [happening.at for happening, _ in found]
        age = now - (min(instants) if leaf.measure == "first" else max(instants))
        wanted = round(leaf.value * SECONDS[leaf.unit] * 1_000_000)
        return compare(micros(age), leaf.op, wanted)
    values = [measured(leaf, happening, product) for happening, product in found]
    if leaf.measure == "distinct":
        return compare(len({x for x in values if x is not None}), leaf.op, leaf.value)
    return compare(round(sum(x for x in values if x is not None), 4), leaf.op, leaf.value)


def sequence(leaf: g.Sequence, person: Person, now: datetime) -> bool:
    within = length(leaf.within)
    firsts = [h.at for h, _ in meant(leaf.first, leaf.window, person, now)]
    thens = [h.at for h, _ in meant(leaf.then, None, person, now)]
    for first in firsts:
        followed = any(first < then <= first + within for then in thens)
        if followed and not leaf.negated:
            return True
        if not followed and leaf.negated and first + within <= now:
            return True
    return False


def overdue(leaf: g.Overdue, person: Person, now: datetime) -> bool:
    instants = [h.at for h, _ in meant(leaf.events, leaf.window, person, now)]
    days = sorted({instant.date() for instant in instants})
    if len(days) < leaf.min_days:
        return False
    usual = statistics.median((b - a).days for a, b in zip(days, days[1:], strict=False))
    late = math.floor(usual * (leaf.intervals * 86_400_000_000) + 0.5)
    return micros(now - max(instants)) >= late


def meant(
    events: g.Events, window: g.Window, person: Person, now: datetime, *, lines: bool = False
) -> list[tuple[Happening, Product | None]]:
    found: list[tuple[Happening, Product | None]] = []
    for happening in person.history:
        if not inside(happening.at, window, now) or not fits(events, happening):
            continue
        if not events.lines and not lines:
            found.append((happening, None))
        for product in happening.products if events.lines or lines else ():
            if all(line_fits(line, product) for line in events.lines):
                found.append((happening, product))
    return found


def fits(events: g.Events, happening: Happening) -> bool:
    return (
        happening.type != "system"
        and (not events.names or happening.name in events.names)
        and (not events.type or happening.type == events.type)
        and (not events.channels or happening.channel in events.channels)
        and (not events.locations or happening.location in events.locations)
        and all(asked(under(happening, x.path), x.value) for x in events.where)
    )


def line_fits(line: g.Line, product: Product) -> bool:
    value = getattr(product, line.field)
    if value is None:
        return False
    return value in line.values if line.op == "in" else line.values[0] in value


def measured(leaf: g.Interactions, happening: Happening, product: Product | None) -> Any:
    match leaf.of:
        case "property":
            value = under(happening, leaf.path)
            if leaf.measure == "sum":
                return number(value)
            return None if value is None else text(value)
        case "day":
            return happening.at.date()
        case "week":
            return happening.at.date().isocalendar()[:2]
        case "value" | "channel" | "location":
            return getattr(happening, leaf.of)
        case _:
            return getattr(product, leaf.of)


def under(happening: Happening, path: str) -> Any:
    value: Any = happening.properties
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def asked(found: Any, value: g.Value) -> bool:
    if value.op in ("exists", "missing"):
        return (found is None) == (value.op == "missing")
    if found is None:
        return False
    if value.op in ("contains", "starts"):
        part = value.values[0]
        assert isinstance(part, str)
        return part in text(found) if value.op == "contains" else text(found).startswith(part)
    if value.type == "bool":
        return text(found) == ("true" if value.values[0] is (value.op == "eq") else "false")
    known: Any = {"number": number, "date": date}.get(value.type, text)(found)
    if known is None:
        return False
    if value.op == "in":
        return known in value.values
    return compare(known, value.op, value.values[0])


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) <= 1e300 else None


def date(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found and found.tzinfo else found


def inside(instant: datetime, window: g.Window, now: datetime) -> bool:
    if instant > now:
        return False
    if isinstance(window, g.Last):
        return instant > now - length(window)
    if isinstance(window, g.Between):
        return (window.start is None or window.start <= instant) and (
            window.end is None or instant < window.end
        )
    return True


def length(window: g.Last) -> timedelta:
    return timedelta(seconds=window.n * SECONDS[window.unit])


def micros(age: timedelta) -> int:
    return (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds


def compare(left: Any, op: str, right: Any) -> bool:
    match op:
        case "eq":
            return bool(left == right)
        case "ne":
            return bool(left != right)
        case "gt":
            return bool(left > right)
        case "gte":
            return bool(left >= right)
        case "lt":
            return bool(left < right)
        case _:
            return bool(left <= right)
