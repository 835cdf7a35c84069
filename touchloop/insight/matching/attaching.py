"""Records that were left over, given to the one person whom they clearly belong to.

Average linkage asks that a record agrees with a whole group on average. One with half its fields
empty hardly agrees or disagrees with anybody, and stays alone. It is given to a group where its
best pairs say enough and no other group comes near: what is torn between two people stays alone,
and two groups are never joined by it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEFT: Final = 2  # records of a group that counts as left over
GROUP: Final = 3  # and of one that something may be given to
BEST: Final = 3  # pairs between the two that are asked, the strongest
BELOW: Final = 2.0  # bits below the threshold that these may lie on average
AHEAD: Final = 5.0  # bits that the next group must lie behind
AGAINST: Final = 0.1  # share of forbidden pairs among all between the two that is still borne
ROUNDS: Final = 3  # what was given brings pairs for the next


def attached(
    labels: Ints, a: Ints, b: Ints, bits: Floats, against: Bools, *, bar: float, unseen: float
) -> Ints:
    """New labels. `bits` are bounded, forbidden pairs low; a pair that is not there is `unseen`."""
    for _ in range(ROUNDS):
        size = np.bincount(labels)
        left, right = labels[a], labels[b]
        from_ = np.concatenate([left, right])
        to = np.concatenate([right, left])
        kept = np.flatnonzero((size[from_] <= LEFT) & (size[to] >= GROUP))
        if not len(kept):
            break
        which = kept % len(a)
        start, end, score = _scores(
            from_[kept], to[kept], bits[which], against[which], size, unseen
        )
        given = _clear(start, end, score, bar - BELOW)
        if not len(given):
            break
        moved = np.arange(len(size))
        moved[start[given]] = end[given]
        labels = np.unique(moved[labels], return_inverse=True)[1].astype(np.int64)
    return labels


def _scores(
    from_: Ints, to: Ints, bits: Floats, against: Bools, size: Ints, unseen: float
) -> tuple[Ints, Ints, Floats]:
    """Each pair of groups once, and the mean of the strongest pairs between them."""
    order = np.lexsort((-bits, to, from_))
    from_, to, bits, against = from_[order], to[order], bits[order], against[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (from_[1:] != from_[:-1]) | (to[1:] != to[:-1])
    first = np.flatnonzero(new)
    of = np.cumsum(new) - 1
    start, end = from_[first], to[first]
    possible = size[start] * size[end]
    asked = np.minimum(BEST, possible)
    best = np.arange(len(order)) - first[of] < asked[of]
    there = np.bincount(of[best], minlength=len(first))
    total = np.bincount(of[best], weights=bits[best], minlength=len(first))
    score = (total + unseen * (asked - there)) / asked
    forbidden = np.bincount(of, weights=against.astype(np.float64), minlength=len(first))
    return start, end, np.where(forbidden > AGAINST * possible, -np.inf, score)


def _clear(start: Ints, end: Ints, score: Floats, bar: float) -> Ints:
    """Where the best group of each is good enough and the next one far behind."""
    order = np.lexsort((end, -score, start))
    ordered = start[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(new)
    best = score[order[first]]
    after = np.minimum(first + 1, len(order) - 1)
    rival = (after > first) & (ordered[after] == ordered[first])
    second = np.where(rival, score[order[after]], -np.inf)
    enough = (best >= bar) & (best >= second + AHEAD)
    return np.asarray(order[first[enough]], dtype=np.int64)
