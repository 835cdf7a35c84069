"""Small groups: what fewer than five people said is not shown, nor what tells it by difference.

A table is a tree: a total, its parts, their parts. A part below k is hidden; where the hidden parts
of one whole are a single one, or are fewer than k together, the next larger is hidden too, because
the whole less the parts shown would tell. What lies below a hidden part is hidden with
it. A trend is shown as a whole or not at all, for a hidden month would follow from the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

K = 5

Node = TypeVar("Node", bound=Hashable)
Month = TypeVar("Month", bound=Hashable)


def hidden(
    leaves: Mapping[tuple[Node, ...], int],
    *,
    k: int = K,
    already: Iterable[tuple[Node, ...]] = (),
) -> set[tuple[Node, ...]]:
    """The paths to hide, of a table whose leaves are paths from the total with their counts.

    `()` is the total. All leaves have the same depth; those of count 0 are no cells. `already` are
    paths that are hidden for another reason. Where parts cannot be covered, their whole is hidden.
    """
    counts, children = _tree(leaves)
    found = {path for path in already if path in counts}
    found |= {path for path, n in counts.items() if n < k}
    while True:
        before = len(found)
        for path in sorted(counts, key=len):
            if path in found:
                found |= children[path]
                continue
            ordered = sorted(children[path], key=lambda part: (counts[part], str(part)))
            found |= _cover(ordered, counts, found, k)
            gone = [part for part in ordered if part in found]
            if gone and not _covered(gone, counts, k):
                found.add(path)
        if len(found) == before:
            return found


def hidden_trends(
    cells: Mapping[tuple[Node, ...], Mapping[Month, int]],
    *,
    k: int = K,
    already: Iterable[tuple[Node, ...]] = (),
) -> set[tuple[Node, ...]]:
    """The paths whose trend is hidden, all of it: those in which any month is small, and those that
    would tell them, month by month, by difference.

    `cells` are the leaves; `already` are paths that are hidden for another reason.
    """
    counts, children = _tree({leaf: sum(months.values()) for leaf, months in cells.items()})
    sums = _sums(cells)
    found = {path for path in already if path in counts}
    found |= {path for path, months in sums.items() if _small(months.values(), k)}
    while True:
        before = len(found)
        for path in sorted(counts, key=len):
            if path in found:
                found |= children[path]
                continue
            ordered = sorted(children[path], key=lambda part: (counts[part], str(part)))
            gone = [part for part in ordered if part in found]
            for part in ordered:
                if not gone or _trends_covered(gone, sums, k):
                    break
                if part not in found:
                    found.add(part)
                    gone.append(part)
            if gone and not _trends_covered(gone, sums, k):
                found.add(path)
        if len(found) == before:
            return found


def periods(totals: Iterable[Mapping[Month, int]], *, k: int = K) -> dict[Month, Month]:
    """The period of each month, named by its first: months join until each of the wholes has none
    or at least k answers in it. What is left over at the end joins the period before."""
    wholes = list(totals)
    months = sorted({month for whole in wholes for month in whole}, key=str)
    parts: list[list[Month]] = [[]]
    for month in months:
        parts[-1].append(month)
        if not _small((sum(whole.get(m, 0) for m in parts[-1]) for whole in wholes), k):
            parts.append([])
    rest = parts.pop()
    if rest and parts:
        parts[-1] += rest
    elif rest:
        parts.append(rest)
    return {month: part[0] for part in parts for month in part}


def _tree(
    leaves: Mapping[tuple[Node, ...], int],
) -> tuple[dict[tuple[Node, ...], int], dict[tuple[Node, ...], set[tuple[Node, ...]]]]:
    """The count of every path, and its parts."""
    counts: dict[tuple[Node, ...], int] = defaultdict(int)
    children: dict[tuple[Node, ...], set[tuple[Node, ...]]] = defaultdict(set)
    for leaf, n in leaves.items():
        if n <= 0:
            continue
        for depth in range(len(leaf) + 1):
            counts[leaf[:depth]] += n
            if depth:
                children[leaf[: depth - 1]].add(leaf[:depth])
    return counts, children


def _cover(
    ordered: Sequence[Node], counts: Mapping[Node, int], found: set[Node], k: int
) -> set[Node]:
    """What else of one whole has to go, smallest first, so that its hidden parts tell nothing."""
    gone = [part for part in ordered if part in found]
    if not gone:
        return set()
    more: list[Node] = []
    for part in ordered:
        if _covered(gone + more, counts, k):
            break
        if part not in found:
            more.append(part)
    return set(more)


def _covered(gone: Sequence[Node], counts: Mapping[Node, int], k: int) -> bool:
    """Whether their sum, which can be known, tells of none of them nor of a small group."""
    return len(gone) >= 2 and sum(counts[part] for part in gone) >= k


def _trends_covered(
    gone: Sequence[tuple[Node, ...]],
    sums: Mapping[tuple[Node, ...], Mapping[Month, int]],
    k: int,
) -> bool:
    together: dict[Month, int] = defaultdict(int)
    for path in gone:
        for month, n in sums[path].items():
            together[month] += n
    return len(gone) >= 2 and not _small(together.values(), k)


def _small(counts: Iterable[int], k: int) -> bool:
    return any(0 < n < k for n in counts)


def _sums(
    cells: Mapping[tuple[Node, ...], Mapping[Month, int]],
) -> dict[tuple[Node, ...], dict[Month, int]]:
    sums: dict[tuple[Node, ...], dict[Month, int]] = defaultdict(lambda: defaultdict(int))
    for leaf, by_month in cells.items():
        for depth in range(len(leaf) + 1):
            for month, n in by_month.items():
                if n > 0:
                    sums[leaf[:depth]][month] += n
    return sums
