"""From scored pairs to people, with guards against joining too much.

Connected components spread one wrong pair over everybody it reaches, and joining two people costs
more than missing a record. So a component is only where to look: inside it records are joined from
the closest on, as long as those of both sides agree *on average* (group average linkage, Sokal and
Michener 1958), where a pair that no rule brought together speaks against, and a forbidden pair
strongly so. What is left over then is given to the one group it clearly belongs to (attaching.py).
The strongest pair across each cut is kept: the bridge that would have joined them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.matching.attaching import attached

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST: Final = 10.0  # bits that a single pair may say for or against
UNSEEN: Final = -4.0  # bits of a pair that no rule brought together, or that scored next to nothing
NEVER: Final = -20.0  # bits of a forbidden pair: one may be outvoted, several may not
SLACK: Final = 2.0  # bits below the threshold that the average may lie: records of one are dirty
LARGEST: Final = 1_000  # records of a component that are looked at together
STRICTER: Final = 2.0  # bits by which the threshold rises inside a component that is larger


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scored pairs: records a < b, the bits (log2 odds that they are one), and the forbidden."""

    a: Ints
    b: Ints
    bits: Floats
    against: Bools

    def at(self, which: Ints | Bools) -> Pairs:
        """Some of them."""
        return Pairs(self.a[which], self.b[which], self.bits[which], self.against[which])


@dataclass(frozen=True, slots=True)
class Bridge:
    """The strongest pair between two groups that were kept apart, and how large they are."""

    a: int
    b: int
    bits: float
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Clustered:
    """`labels`: a number for each record, the same for records of one person."""

    labels: Ints
    bridges: tuple[Bridge, ...]
    words: tuple[str, ...]


def clusters(pairs: Pairs, *, rows: int, threshold: float) -> Clustered:
    """Join records whose pairs reach `threshold` bits, guarded. `rows` is how many records."""
    good = pairs.at((pairs.bits >= threshold) & ~pairs.against)
    labels = components(good.a, good.b, rows)
    labels, tightened = _bounded(labels, good, threshold)
    held = np.bincount(labels[good.a[labels[good.a] == labels[good.b]]], minlength=labels.max() + 1)
    sizes = np.bincount(labels)
    open_ = held < sizes * (sizes - 1) // 2  # complete groups need no look
    inside = np.flatnonzero((labels[pairs.a] == labels[pairs.b]) & open_[labels[pairs.a]])
    found = labels.copy()
    _split(found, labels, pairs.at(inside), open_, threshold - SLACK)
    found = np.unique(found, return_inverse=True)[1].astype(np.int64)
    found = attached(found, pairs.a, pairs.b, _bounded_bits(pairs), pairs.against,
                     bar=threshold, unseen=UNSEEN)  # fmt: skip
    bridges = _bridges(found, good)
    words = []
    if tightened:
        words.append(
            f"{tightened} groups of more than {LARGEST} records hung together by weak pairs and"
            " were taken apart at a stricter threshold"
        )
    return Clustered(
        np.unique(found, return_inverse=True)[1].astype(np.int64), bridges, tuple(words)
    )


def _bounded_bits(pairs: Pairs) -> Floats:
    return np.where(pairs.against, NEVER, np.clip(pairs.bits, -MOST, MOST))


def components(a: Ints, b: Ints, rows: int) -> Ints:
    """The connected component of each of `rows` records."""
    from scipy.sparse import coo_matrix  # a second to load, for every process of the product
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _bounded(labels: Ints, good: Pairs, threshold: float) -> tuple[Ints, int]:
    """Take components that are too large apart at ever stricter thresholds; how many there were."""
    sizes = np.bincount(labels)
    large = sizes > LARGEST
    tightened = int(large.sum())
    bar, top = threshold, float(good.bits.max(initial=threshold))
    while large.any() and bar < top:
        bar += STRICTER
        inside = large[labels]
        kept = good.at(inside[good.a] & (good.bits >= bar))
        apart = components(kept.a, kept.b, len(labels))
        labels = np.where(inside, len(sizes) + apart, labels)
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        sizes = np.bincount(labels)
        large = sizes > LARGEST
    return labels, tightened


def _split(found: Ints, labels: Ints, pairs: Pairs, open_: Bools, cut: float) -> None:
    """Group average linkage inside each open component; writes new labels into `found`."""
    sizes = np.bincount(labels)
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - np.repeat(starts[:-1], sizes)
    sorted_ = np.argsort(labels[pairs.a], kind="stable")
    pairs = pairs.at(sorted_)
    bounds = np.searchsorted(labels[pairs.a], np.arange(len(sizes) + 1))
    bits = _bounded_bits(pairs)
    fresh = len(sizes)
    for one in np.flatnonzero(open_ & (sizes > 2) & (sizes <= LARGEST)):
        these = slice(bounds[one], bounds[one + 1])
        apart = _linked(int(sizes[one]), place[pairs.a[these]], place[pairs.b[these]],
                        bits[these], cut)  # fmt: skip
        if apart.max() > 1:
            found[order[starts[one] : starts[one + 1]]] = fresh + apart
            fresh += int(apart.max()) + 1


def _linked(size: int, a: Ints, b: Ints, bits: Floats, cut: float) -> Ints:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    near = np.full((size, size), UNSEEN)
    near[a, b] = near[b, a] = bits
    np.fill_diagonal(near, MOST)
    tree = linkage(squareform(MOST - near, checks=False), "average")
    return np.asarray(fcluster(tree, MOST - cut, "distance"), dtype=np.int64)


def _bridges(found: Ints, good: Pairs) -> tuple[Bridge, ...]:
    """The strongest pair between any two groups that pairs above the threshold still join."""
    across = good.at(found[good.a] != found[good.b])
    if not len(across.a):
        return ()
    sizes = np.bincount(found)
    low = np.minimum(found[across.a], found[across.b])
    high = np.maximum(found[across.a], found[across.b])
    order = np.lexsort((-across.bits, high, low))
    across, low, high = across.at(order), low[order], high[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    made = [
        Bridge(int(a), int(b), float(bits), int(sizes[found[a]]), int(sizes[found[b]]))
        for a, b, bits in zip(across.a[first], across.b[first], across.bits[first], strict=True)
    ]
    return tuple(sorted(made, key=lambda bridge: (-bridge.bits, bridge.a, bridge.b)))
