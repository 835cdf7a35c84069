"""The default policy: for what may each category of data be used when the person said nothing?

YES: contract or legitimate interest, with the right to object. ASK: only with the person's own
grant. SUM: only in sums over many people, never about one. NEVER: not even with a grant.
Tighten freely; loosen only with a recorded reason.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from touchloop.consent.purposes import PURPOSES


class Rule(StrEnum):
    """What the default policy says about one category and one purpose."""

    YES = "yes"
    ASK = "ask"
    SUM = "sum"
    NEVER = "never"


# service, measure, improve, personalise, marketing, profile, share, train
_ROWS: Final = {
    "told_us":          "yes   yes   yes   yes   ask   ask   ask   ask",
    "bought":           "yes   yes   yes   yes   ask   ask   ask   ask",
    "tickets":          "yes   yes   yes   never never never never ask",
    "survey":           "yes   yes   yes   ask   never never never ask",
    "survey_anonymous": "never sum   sum   never never never never never",
    "behaviour":        "yes   ask   sum   ask   ask   ask   ask   ask",
    "mail_engagement":  "yes   ask   sum   ask   ask   ask   never never",
    "social_login":     "yes   never never ask   ask   ask   never never",
    "enrichment":       "never never sum   ask   ask   ask   never never",
    "coarse_place":     "yes   ask   sum   yes   ask   ask   never never",
    "precise_place":    "yes   ask   sum   ask   ask   ask   never never",
    "presence":         "yes   ask   sum   ask   ask   never never never",
    "inferred":         "never never sum   ask   ask   ask   never never",
    "special":          "ask   never never never never never never never",
}  # fmt: skip

MATRIX: Final[dict[str, dict[str, Rule]]] = {
    category: {purpose: Rule(word) for purpose, word in zip(PURPOSES, row.split(), strict=True)}
    for category, row in _ROWS.items()
}

_STRICTNESS: Final = (Rule.YES, Rule.SUM, Rule.ASK, Rule.NEVER)


def default(category: str, purpose: str) -> Rule:
    """The policy for one pair; an unknown category or purpose is never allowed."""
    return MATRIX.get(category, {}).get(purpose, Rule.NEVER)


def strictest(rules: list[Rule]) -> Rule:
    """What holds for a value made of several: the strictest of its parts."""
    return max(rules, key=_STRICTNESS.index, default=Rule.NEVER)
