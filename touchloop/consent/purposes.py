"""Why data is used, what kind it is: the words of the policy, and their bits."""

from __future__ import annotations

from typing import Final

PURPOSES: Final = (
    "service",
    "measure",
    "improve",
    "personalise",
    "marketing",
    "profile",
    "share",
    "train",
)
BIT: Final = {purpose: 1 << number for number, purpose in enumerate(PURPOSES)}
ALL_BITS: Final = (1 << len(PURPOSES)) - 1

CATEGORIES: Final = (
    "told_us",
    "bought",
    "tickets",
    "survey",
    "survey_anonymous",
    "behaviour",
    "mail_engagement",
    "social_login",
    "enrichment",
    "coarse_place",
    "precise_place",
    "presence",
    "inferred",
    "special",
)

# What other systems call their consent categories. A name that is not here grants nothing.
FOREIGN: Final[dict[str, tuple[str, ...]]] = {
    **{purpose: (purpose,) for purpose in PURPOSES},
    "functional": ("service",),
    "necessary": ("service",),
    "analytics": ("measure", "improve"),
    "performance": ("measure", "improve"),
    "statistics": ("measure", "improve"),
    "personalization": ("personalise",),
    "personalisation": ("personalise",),
    "preferences": ("personalise",),
    "advertising": ("marketing", "share"),
    "targeting": ("marketing", "profile"),
    "marketing": ("marketing",),
    "profiling": ("profile",),
    "sale": ("share",),
    "data_sharing": ("share",),
}


def bits(purposes: set[str]) -> int:
    """The bitmask of some purposes."""
    return sum(BIT[purpose] for purpose in purposes)


def names(mask: int) -> tuple[str, ...]:
    """The purposes in a bitmask, in their order."""
    return tuple(purpose for purpose in PURPOSES if mask & BIT[purpose])
