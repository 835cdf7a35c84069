"""Rules "who takes X takes y", decided in integers.

All sets of a size are worked on at once. The part that is left of a set when an item goes is found
by a sum of random numbers, one for each item: within a size no two sets may have the same sum (that
is looked at, and other numbers are drawn if they have), so what is found is the part itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.affinity.baskets import Longs
from touchloop.insight.affinity.mining import Itemset

Sums = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Rule:
    """Of `whole` baskets with all of `when`, `both` hold `then` as well; `of` hold it at all."""

    when: Itemset
    then: int
    both: int
    whole: int
    of: int


def rules(sets: Mapping[Itemset, int], *, least: Fraction) -> list[Rule]:
    """Every rule with one consequent and at least one antecedent whose confidence is enough.

    `sets` must hold the parts of its sets, as `itemsets` gives them. Compared as
    both·den >= num·whole: a rule exactly on the threshold is in.
    """
    return surest(sets, least=least, most=None)[1]


def surest(
    sets: Mapping[Itemset, int], *, least: Fraction, most: int | None
) -> tuple[int, list[Rule]]:
    """How many rules there are, and the first `most` by confidence, then by baskets."""
    many = held = 0
    kept: list[list[Longs]] = []
    sized = _by_size(sets)
    for size, found in sized.items():
        if size == 1:
            continue
        both, whole = _counted(found, sized[size - 1], sets)
        row, place = np.nonzero(both[:, None] >= _needed(whole, least))
        many += len(row)
        held += len(row)
        kept.append([both[row], whole[row, place], np.full(len(row), size), row, place])
        if most is not None and held > 2 * most:
            kept, held = [_first(kept, most)], most
    if not many or most == 0:
        return many, []
    return many, [
        _rule(sets, sized[size][row], place, both, whole)
        for both, whole, size, row, place in zip(
            *(part.tolist() for part in _first(kept, most)), strict=True
        )
    ]


def _by_size(sets: Mapping[Itemset, int]) -> dict[int, list[Itemset]]:
    sized: dict[int, list[Itemset]] = defaultdict(list)
    for found in sets:
        sized[len(found)].append(found)
    return {size: sized[size] for size in sorted(sized)}


def _counted(
    found: Sequence[Itemset], parts: Sequence[Itemset], sets: Mapping[Itemset, int]
) -> tuple[Longs, Longs]:
    """The baskets of each set, and of what is left of it without its first item, its second, …"""
    items, smaller = np.array(found, np.int32), np.array(parts, np.int32)
    chance = np.random.default_rng(0)
    while True:
        numbers = chance.integers(1 << 63, size=int(max(items.max(), smaller.max())) + 1)
        sums = _sums(smaller, numbers)
        order = np.argsort(sums)
        if not (sums[order[1:]] == sums[order[:-1]]).any():
            break
    of_parts = np.array([sets[part] for part in parts], np.int64)[order]
    of_set = _sums(items, numbers)
    whole = np.empty(items.shape, np.int64)
    for place in range(items.shape[1]):
        left = of_set - numbers[items[:, place]].astype(np.uint64)
        whole[:, place] = of_parts[np.searchsorted(sums, left, sorter=order)]
    return np.array([sets[each] for each in found], np.int64), whole


def _sums(items: NDArray[np.int32], numbers: Longs) -> Sums:
    found: Sums = numbers.astype(np.uint64)[items].sum(axis=1, dtype=np.uint64)
    return found


def _needed(whole: Longs, least: Fraction) -> Longs:
    """The fewest baskets that are enough of so many; numbers of any length are compared exactly."""
    there, which = np.unique(whole, return_inverse=True)
    needed = [-(-least.numerator * n // least.denominator) for n in there.tolist()]
    return np.array(needed, np.int64)[which].reshape(whole.shape)


def _first(kept: Sequence[Sequence[Longs]], most: int | None) -> list[Longs]:
    joined = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
    both, whole, size, row, place = joined
    order = np.lexsort((place, row, size, -both, -both / whole))[:most]
    return [part[order] for part in joined]


def _rule(sets: Mapping[Itemset, int], found: Itemset, place: int, both: int, whole: int) -> Rule:
    then = found[place]
    return Rule(found[:place] + found[place + 1 :], then, both, whole, sets[(then,)])
