"""Every advisory lock of the database, in one place, so that no two jobs mean the same one.

One process at a time holds such a lock, over all machines. PostgreSQL knows two kinds of keys that
never meet: one number, or a pair. The numbers stay as they are: two versions may run at once.
"""

from __future__ import annotations

from typing import Final

Pair = tuple[int, int]

# One number each.
AUDIT_CHAIN: Final = 0x746C_6175  # two entries would share a predecessor
IDENTITY: Final = 0x544C_4944  # links and customers are changed by one at a time
LAKE_EXPORT: Final = 0x746C_6C61_0001
LAKE_REWRITE: Final = 0x746C_6C61_0002
LIKENESS: Final = 7107
MIGRATION: Final = 7105_0002
SEGMENTS: Final = 7108

# A pair each.
FOLD_FIGURES: Final[Pair] = (7105, 1)
WAKE: Final[Pair] = (7105, 2)  # look again at customers whose time has come
SCORES: Final[Pair] = (7105, 3)
SIGNALS: Final[Pair] = (7105, 4)
MOTION: Final[Pair] = (7105, 6)
MATCHING: Final[Pair] = (7105, 7)
OFFER_BOOKS: Final[Pair] = (7105, 31)
FIRST_POLICY: Final[Pair] = (7105, 32)
PROPENSITY: Final[Pair] = (7105, 33)

# Families: the second number says which one is held.
WITHDRAWALS: Final = 7106  # with 0; also in the trigger of channels' second migration
RECIPIENT: Final = 7107  # with a hash of the customer; also in that trigger
CLICKS: Final = 7108  # with a hash of the delivery
MODEL: Final = 7109  # with a hash of the kind of model
TEMPLATE: Final = 7110  # with a hash of the template's name
CAMPAIGN: Final = 7111  # with its number: shared by who feeds from it


def key(pair: Pair) -> str:
    """A pair as the arguments of PostgreSQL's functions, for a statement's text."""
    return f"{pair[0]}, {pair[1]}"
