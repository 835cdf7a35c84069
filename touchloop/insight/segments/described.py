"""A set of rules as both executions read it: numbered conditions, and verdicts over their bits.

A condition is a bit that is set when its verdict differs from the verdict on a customer of whom
nothing is known. A rule is then a few comparisons of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import limits
from touchloop.insight.segments.deciding import WORD, Verdict, decide
from touchloop.insight.segments.needs import Needs, needs


@dataclass(frozen=True, slots=True)
class Described:
    """`verdicts` are in an order in which each asks only about segments before it."""

    rules: g.RuleSet
    needs: Needs
    numbers: tuple[tuple[g.Condition, int], ...]
    verdicts: tuple[tuple[int, Verdict], ...]

    @property
    def words(self) -> int:
        """How many words hold the bits."""
        return max(1, -(-len(self.numbers) // WORD))


def describe(rules: g.RuleSet) -> Described:
    """Invalid when segments of the set depend on each other in a circle."""
    leaves = dict.fromkeys(leaf for _id, rule in rules.rules for leaf in g.conditions(rule))
    inner = frozenset(rules.ids)
    outer = [x for x in leaves if not (isinstance(x, g.InSegment) and x.segment_id in inner)]
    numbers = {leaf: number for number, leaf in enumerate(outer)}
    by_id = dict(rules.rules)
    verdicts = tuple((key, decide(by_id[key], numbers, _otherwise)) for key in order(rules))
    return Described(rules, needs(rules), tuple(numbers.items()), verdicts)


def order(rules: g.RuleSet) -> list[int]:
    """The segments of the set such that each comes after those that it asks about."""
    inner = frozenset(rules.ids)
    graph = {key: g.needs_segments(rule) & inner for key, rule in rules.rules}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(str(x) for x in error.args[1])
        raise Invalid("rule", _("segments ask about each other in a circle: %s") % circle) from None


def _otherwise(leaf: g.Condition) -> bool:
    """The verdict when the bit is not set."""
    if isinstance(leaf, g.Interactions):
        return limits.otherwise(leaf)
    return isinstance(leaf, g.InSegment) and not leaf.member
