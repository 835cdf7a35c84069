"""Rules "who takes X takes y", decided in integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from touchloop.insight.affinity.mining import Itemset
from touchloop.insight.affinity.thresholds import reaches


@dataclass(frozen=True, slots=True)
class Rule:
    """Of `whole` baskets with all of `when`, `both` hold `then` as well; `of` hold it at all."""

    when: Itemset
    then: int
    both: int
    whole: int
    of: int


def rules(sets: Mapping[Itemset, int], *, least: Fraction) -> Iterator[Rule]:
    """Every rule with one consequent and at least one antecedent whose confidence is enough.

    `sets` must hold the parts of its sets, as `itemsets` gives them. Compared as
    both·den >= num·whole: a rule exactly on the threshold is in.
    """
    for found, both in sets.items():
        if len(found) < 2:
            continue
        for n, then in enumerate(found):
            when = found[:n] + found[n + 1 :]
            if reaches(both, sets[when], least):
                yield Rule(when, then, both, sets[when], sets[(then,)])
