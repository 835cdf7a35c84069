"""Baskets as sorted whole numbers: what all counting works on.

Items are numbered in the order of how often they are bought, rarest first, so that a basket's rest
behind an item is what that item can still be combined with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
LARGEST = 1_000  # distinct items of a basket that is still one customer's trip


@dataclass(frozen=True, slots=True)
class Baskets:
    """`items[starts[i]:starts[i + 1]]` are the distinct items of basket i, ascending by number.

    `names[k]` is the name of item k and `counts[k]` the baskets it is in. `left_out` baskets had
    more than the allowed number of items, `repeats` entries said an item twice, `empty` lines of a
    file said none, and `separator` stood between its items.
    """

    starts: Longs
    items: Ints
    names: tuple[str, ...]
    counts: Longs
    left_out: int = 0
    repeats: int = 0
    empty: int = 0
    separator: str = ""

    @property
    def n(self) -> int:
        return len(self.starts) - 1

    @property
    def entries(self) -> int:
        return len(self.items)


def of_lists(lists: Iterable[Sequence[str]], *, largest: int | None = LARGEST) -> Baskets:
    """Baskets of names; those with more than `largest` distinct items are left out and counted."""
    numbers: dict[str, int] = {}
    flat: list[int] = []
    sizes: list[int] = []
    left_out = repeats = 0
    for names in lists:
        distinct = set(names)
        repeats += len(names) - len(distinct)
        if largest is not None and len(distinct) > largest:
            left_out += 1
            continue
        flat += [numbers.setdefault(name, len(numbers)) for name in distinct]
        sizes.append(len(distinct))
    return of_codes(
        np.repeat(np.arange(len(sizes)), sizes),
        np.array(flat, np.int64),
        names=tuple(numbers),
        n=len(sizes),
        left_out=left_out,
        repeats=repeats,
    )


def of_codes(
    basket: NDArray[np.integer],
    item: NDArray[np.integer],
    *,
    names: Sequence[str],
    n: int,
    left_out: int = 0,
    repeats: int = 0,
) -> Baskets:
    """Baskets 0..n-1 of distinct (basket, item) entries; items are numbered anew by frequency."""
    counts = np.bincount(item, minlength=len(names)).astype(np.int64)
    used = np.flatnonzero(counts)
    # Equally frequent items stand in the order of their names: any order of reading gives the same.
    order = sorted(used.tolist(), key=lambda k: (counts[k], names[k]))
    place = np.zeros(len(names), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    items = place[item]
    sort = np.lexsort((items, basket))
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(basket, minlength=n), out=starts[1:])
    return Baskets(
        starts,
        items[sort].astype(np.int32),
        tuple(names[k] for k in order),
        counts[order],
        left_out,
        repeats,
    )
