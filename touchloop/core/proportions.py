"""Shares out of samples, each with its interval: never a rate without its n.

Wilson's score interval for one share; Newcombe's hybrid of two of them for a difference
(R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872 and 873-890, methods 3 and 10). Both keep
their coverage at small n and at shares near 0 and 1, where the textbook interval does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """`x` of `n`; `value`, `low` and `high` lie between 0 and 1. Of nobody nothing is known."""

    x: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gain:
    """People gained among `n` treated: what came, beyond what came of itself in the holdout."""

    n: int
    held: int
    people: float
    low: float
    high: float


def share(x: int, n: int, *, z: float = Z95) -> Share:
    """Wilson's interval of `x` out of `n`. Raises ValueError unless 0 <= x <= n."""
    if not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is no share")
    if n == 0:
        return Share(0, 0, 0.0, 0.0, 1.0)
    p, zz = x / n, z * z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = z * sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n)
    return Share(x, n, p, max(0.0, centre - half), min(1.0, centre + half))


def difference(one: Share, other: Share) -> tuple[float, float, float]:
    """`one` less `other`: the difference of the shares, its lower and its upper limit."""
    gap = one.value - other.value
    below = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    above = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return gap, max(-1.0, gap - below), min(1.0, gap + above)


def gain(treated: Share, held: Share) -> Gain | None:
    """People gained by treating, None without anybody to compare."""
    if treated.n == 0 or held.n == 0:
        return None
    gap, low, high = difference(treated, held)
    n = treated.n
    return Gain(n, held.n, n * gap, n * low, n * high)
