"""Sets of items bought together, each counted exactly.

Depth first (M. Zaki, "Scalable algorithms for association mining", IEEE TKDE 12 (2000): Eclat).
What an item can be extended by is counted in one pass over the rests of its baskets (occurrence
deliver: T. Uno, M. Kiyomi, H. Arimura, "LCM ver. 2", FIMI 2004); from there on sets are bits of
those baskets alone, so that memory is bounded by one item's baskets. Counts are whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray

from touchloop.core.errors import Invalid
from touchloop.insight.affinity.baskets import Baskets, Longs

Itemset = tuple[int, ...]
Words = NDArray[np.uint64]  # a row for each item, a bit for each basket
MOST: Final = 5_000_000  # sets that are still counted
MOST_ENTRIES: Final = 60_000_000  # items named in all of them: what bounds the memory
WIDEST: Final = 1 << 27  # items by baskets that are turned into bits at once


def itemsets(
    baskets: Baskets, *, least: int, max_size: int | None = None, most: int = MOST
) -> dict[Itemset, int]:
    """Every set of up to `max_size` items in at least `least` baskets, with its count.

    Sets are tuples of item numbers, ascending. Invalid when there are more than `most`, or too long
    ones to be held: the support is too low for these baskets.
    """
    if least < 1:
        raise Invalid("support", _("at least one basket is needed"))
    if max_size is not None and max_size < 1:
        raise Invalid("max_size", _("at least one item is needed"))
    frequent = np.flatnonzero(baskets.counts >= least)
    found: dict[Itemset, int] = {(int(k),): int(baskets.counts[k]) for k in frequent}
    if len(frequent) < 2 or max_size == 1:
        return found
    # Items are numbered rarest first, so the frequent ones are those from the first of them on.
    first, k = int(frequent[0]), len(frequent)
    keep = baskets.items >= first
    rows = np.repeat(np.arange(baskets.n), np.diff(baskets.starts))[keep]
    items = (baskets.items[keep] - first).astype(np.int64)
    ends = np.searchsorted(rows, rows, side="right")
    order = np.argsort(items, kind="stable")
    bounds = np.searchsorted(items[order], np.arange(k + 1))
    search = _Search(found, least, max_size, most, left=MOST_ENTRIES)
    for n in range(k - 1):
        at = order[bounds[n] : bounds[n + 1]]
        behind, row = _stretches(at + 1, ends[at])
        extending, counts = _frequent(items[behind], k, least)
        if len(extending):
            search.keep((first + n,), extending + first, counts)
        if len(extending) > 1 and max_size != 2:
            search.branch((first + n,), extending + first, items[behind] + first, row, len(at))
    return found


@dataclass(slots=True)
class _Search:
    found: dict[Itemset, int]
    least: int
    max_size: int | None
    most: int
    left: int  # entries that may still be named

    def keep(self, prefix: Itemset, last: Longs, counts: Longs) -> None:
        """Sets of the prefix and one more item."""
        self.left -= len(last) * (len(prefix) + 1)
        if self.left < 0 or len(self.found) + len(last) > self.most:
            sets = min(len(self.found) + len(last) - 1, self.most)
            where = ngettext(
                "in %d basket or more", "in %d baskets or more", self.least
            ) % self.least  # fmt: skip
            raise Invalid(
                "support",
                _("more than %(sets)d sets are %(where)s: raise it, or limit the size")
                % {"sets": sets, "where": where},
            )
        for item, count in zip(last.tolist(), counts.tolist(), strict=True):
            self.found[*prefix, item] = count

    def branch(
        self, prefix: Itemset, numbers: Longs, items: Longs, rows: Longs, baskets: int
    ) -> None:
        """Every set of the prefix and two or more of the numbers.

        `rows` are the prefix's baskets, 0 to `baskets` - 1. They become bits; if those are too many
        to be held, one item deeper, where there are fewer baskets.
        """
        if len(numbers) * baskets > WIDEST:
            for n in range(len(numbers) - 1):
                inside = np.zeros(baskets, bool)
                inside[rows[items == numbers[n]]] = True
                keep = inside[rows] & (items > numbers[n])
                rest = items[keep]
                counts = np.bincount(rest, minlength=int(numbers[-1]) + 1)
                extending = np.flatnonzero(counts >= self.least)
                longer = (*prefix, int(numbers[n]))
                if len(extending):
                    self.keep(longer, extending, counts[extending])
                if len(extending) > 1 and self.max_size != len(longer) + 1:
                    place = np.cumsum(inside) - 1
                    self.branch(longer, extending, rest, place[rows[keep]], int(inside.sum()))
            return
        place = np.full(int(items.max()) + 1, -1)
        place[numbers] = np.arange(len(numbers))
        known = place[items] >= 0
        wide = -(-baskets // 64) * 64
        bits = np.zeros((len(numbers), wide), bool)
        bits[place[items[known]], rows[known]] = True
        self.grow(prefix, numbers, np.packbits(bits, axis=1).view(np.uint64))

    def grow(self, prefix: Itemset, numbers: Longs, bits: Words) -> None:
        """Every set of the prefix and two or more of the numbers."""
        for n in range(len(numbers) - 1):
            with_n = bits[n]
            inside = with_n != 0
            # Where few of the words hold any of these baskets, the others need not be carried on.
            narrow = inside.sum() * 2 < len(with_n)
            joint = bits[n + 1 :, inside] & with_n[inside] if narrow else bits[n + 1 :] & with_n
            counts = np.bitwise_count(joint).sum(axis=1, dtype=np.int64)
            extending = np.flatnonzero(counts >= self.least)
            if not len(extending):
                continue
            longer = (*prefix, int(numbers[n]))
            last = numbers[n + 1 :][extending]
            self.keep(longer, last, counts[extending])
            if len(extending) > 1 and (self.max_size is None or len(longer) + 2 <= self.max_size):
                self.grow(longer, last, joint[extending])


def _frequent(items: Longs, k: int, least: int) -> tuple[Longs, Longs]:
    """Which of the items 0 to k - 1 are there often enough, ascending, and how often."""
    if len(items) * 8 < k:  # a list of all k for each of k items would take k * k steps
        there, counts = np.unique(items, return_counts=True)
        keep = counts >= least
        return there[keep], counts[keep]
    counts = np.bincount(items, minlength=k)
    extending = np.flatnonzero(counts >= least)
    return extending, counts[extending]


def _stretches(begin: Longs, end: Longs) -> tuple[Longs, Longs]:
    """All numbers from each begin up to before its end, and which stretch each belongs to."""
    lengths = end - begin
    which = np.repeat(np.arange(len(begin)), lengths)
    offsets = begin - np.concatenate(([0], np.cumsum(lengths)[:-1]))
    return np.arange(int(lengths.sum())) + offsets[which], which
