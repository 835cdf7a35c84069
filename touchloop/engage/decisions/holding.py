"""Holdouts: who never gets an offer, or any, so that it can be seen what offers are worth.

The place of a customer between 0 and 1 is a keyed hash of customer and offer: the same for ever,
independent between offers, and nobody outside can tell or choose it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

EVERYTHING: Final = 0  # in place of an offer's number: the holdout of all that sells


def customer_hash(salt: bytes, customer_id: int) -> int:
    """64 bits for a customer, from which the places of all offers follow."""
    key = blake2b(b"customer:%d" % customer_id, key=salt, digest_size=8)
    return int.from_bytes(key.digest(), "big")


def offer_hash(salt: bytes, offer_id: int) -> int:
    """64 bits for an offer."""
    key = blake2b(b"offer:%d" % offer_id, key=salt, digest_size=8)
    return int.from_bytes(key.digest(), "big")


def place(customer: int, offer: int) -> float:
    """Where the customer stands for the offer: uniform in [0, 1). Below the share is held out.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) mixes the two keyed hashes; a keyed hash
    for each pair would cost a decision more than all the rest.
    """
    x = (customer ^ offer) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


_MASK: Final = (1 << 64) - 1
