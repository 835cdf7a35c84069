"""What other rooms may call."""

from __future__ import annotations

from typing import Final

from touchloop.insight.affinity.baskets import Baskets, of_codes, of_lists
from touchloop.insight.affinity.counting import FALSE, Cut, Figure, Pair
from touchloop.insight.affinity.families import Family, FamilyChange
from touchloop.insight.affinity.families import change as change_family
from touchloop.insight.affinity.families import changes as family_changes
from touchloop.insight.affinity.families import get as family
from touchloop.insight.affinity.families import listing as families
from touchloop.insight.affinity.ideas import Idea
from touchloop.insight.affinity.keeping import (
    CountInfo,
    KeptPair,
    cuts,
    ideas,
    info,
    pair,
    pairs,
    places,
)
from touchloop.insight.affinity.lift import Lifts, lifts
from touchloop.insight.affinity.mined import Mined, PairFound, RuleFound, mine
from touchloop.insight.affinity.mining import itemsets
from touchloop.insight.affinity.next_category import KIND as NEXT_CATEGORY
from touchloop.insight.affinity.next_category import NAMES as RANKERS
from touchloop.insight.affinity.next_category import NEW, SHARE, most_new
from touchloop.insight.affinity.reading import read as read_baskets
from touchloop.insight.affinity.rules import Rule, rules
from touchloop.insight.affinity.steps import ANALYSES, Level
from touchloop.insight.affinity.steps import together as pair_steps
from touchloop.insight.affinity.thresholds import least_count
from touchloop.insight.affinity.together import KIND as TOGETHER
from touchloop.insight.models.api import Kind

KINDS: Final[tuple[Kind, ...]] = (TOGETHER, NEXT_CATEGORY)

__all__ = [
    "ANALYSES", "FALSE", "KINDS", "NEW", "NEXT_CATEGORY", "SHARE", "TOGETHER", "Baskets",
    "CountInfo", "Cut", "Family", "FamilyChange", "Figure", "Idea", "KeptPair", "Lifts", "Mined",
    "RANKERS", "Level", "Pair", "PairFound", "Rule", "RuleFound", "change_family", "cuts",
    "families", "family", "family_changes", "ideas", "info", "itemsets", "least_count", "lifts",
    "mine", "most_new", "of_codes", "of_lists", "pair", "pair_steps", "pairs", "places",
    "read_baskets", "rules",
]  # fmt: skip
