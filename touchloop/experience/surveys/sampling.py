"""Who is drawn: by chance, not by anybody's choice, and so that it can be computed again.

A keyed hash of the cause (one visit, one call) gives a number that is uniform on [0, 1); it is in
the sample when the number lies below the share of its touchpoint. Sampling by touchpoint lets a
small store have answers too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

_STEPS = 2.0**64


def draw(seed: bytes, cause: str) -> float:
    """A number on [0, 1), the same for the same seed and cause."""
    digest = hashlib.blake2b(cause.encode(), key=seed, digest_size=8).digest()
    return min(int.from_bytes(digest) / _STEPS, 1.0 - 2.0**-53)


def share_at(
    touchpoint: tuple[str, str], *, shares: Mapping[tuple[str, str], float], otherwise: float
) -> float:
    """The share at a touchpoint: its own, else that of its channel, else the survey's."""
    channel, _ = touchpoint
    return shares.get(touchpoint, shares.get((channel, ""), otherwise))
