"""A rule over the verdicts of its conditions: a few comparisons of words of bits.

The same tree is written as SQL, where everybody is asked about, and worked out on arrays, for the
customers just touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from touchloop.insight.segments import grammar as g

WORD = 60  # bits used of a BIGINT


@dataclass(frozen=True, slots=True)
class Bits:
    """Some bits of one word are as wanted."""

    word: int
    mask: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Member:
    """Another segment of the same set was decided for the customer, or against."""

    segment_id: int
    member: bool


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; with none: true."""

    parts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """The part does not hold."""

    part: Verdict


Verdict = Bits | Member | Every | Opposite
NEVER = Opposite(Every(()))


def decide(
    rule: g.Rule, numbers: Mapping[g.Condition, int], otherwise: Callable[[g.Condition], bool]
) -> Verdict:
    """A rule as comparisons. A bit that is not set means the verdict `otherwise`."""
    masks: dict[int, tuple[int, int]] = {}
    others: list[Verdict] = []
    for part in _flat(rule):
        leaf, positive = _leaf(part)
        if leaf is None:
            others.append(_branch(part, numbers, otherwise))
        elif leaf not in numbers:
            assert isinstance(leaf, g.InSegment)
            others.append(Member(leaf.segment_id, leaf.member == positive))
        else:
            word, place = divmod(numbers[leaf], WORD)
            mask, wanted = masks.get(word, (0, 0))
            bit = int(positive != otherwise(leaf))
            if mask >> place & 1 and wanted >> place & 1 != bit:
                return NEVER
            masks[word] = (mask | 1 << place, wanted | bit << place)
    bits = tuple(Bits(word, mask, wanted) for word, (mask, wanted) in sorted(masks.items()))
    found = (*bits, *others)
    return found[0] if len(found) == 1 else Every(found)


def as_sql(verdict: Verdict) -> str:
    """An expression over w0, w1, … and s<id>, never NULL."""
    match verdict:
        case Bits(word, mask, wanted):
            return f"(w{word} & {mask}) = {wanted}"
        case Member(segment_id, member):
            return f"s{segment_id}" if member else f"NOT s{segment_id}"
        case Every(parts):
            return " AND ".join(map(as_sql, parts)) or "TRUE"
        case Opposite(part):
            return f"NOT ({as_sql(part)})"


def on_arrays(verdict: Verdict, words: list[Any], decided: Mapping[int, Any]) -> Any:
    """The same on arrays of words, a value for each customer."""
    match verdict:
        case Bits(word, mask, wanted):
            return (words[word] & mask) == wanted
        case Member(segment_id, member):
            return decided[segment_id] if member else ~decided[segment_id]
        case Every(parts):
            found = words[0] == words[0]
            for part in parts:
                found &= on_arrays(part, words, decided)
            return found
        case Opposite(part):
            return ~on_arrays(part, words, decided)


def _branch(
    part: g.Rule, numbers: Mapping[g.Condition, int], otherwise: Callable[[g.Condition], bool]
) -> Verdict:
    """Any, or not all: the opposite of "none holds", which is again words of bits."""
    if isinstance(part, g.Any):
        none = g.All(tuple(g.Not(x) for x in part.parts))
        return Opposite(decide(none, numbers, otherwise))
    if isinstance(part, g.Not):
        return Opposite(decide(part.part, numbers, otherwise))
    return decide(part, numbers, otherwise)


def _flat(rule: g.Rule) -> Iterable[g.Rule]:
    """The parts that must all hold."""
    match rule:
        case g.All(parts):
            for part in parts:
                yield from _flat(part)
        case g.Not(g.Any(parts)):
            for part in parts:
                yield from _flat(g.Not(part))
        case g.Not(g.Not(part)):
            yield from _flat(part)
        case _:
            yield rule


def _leaf(part: g.Rule) -> tuple[g.Condition | None, bool]:
    positive = True
    while isinstance(part, g.Not):
        part, positive = part.part, not positive
    return (None, True) if isinstance(part, g.All | g.Any) else (part, positive)
