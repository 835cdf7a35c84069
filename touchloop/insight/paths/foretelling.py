"""How far back the steps tell what comes next: the order of the chain is chosen on held-out paths.

The first two thirds of the paths teach, the last third is foretold, step by step up to the end of
the path, by the most common successor of the last k steps, with back-off to fewer. The order with
most right answers is taken, the shortest of equals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

ORDERS = (1, 2, 3)
MOST_PATHS = 200_000

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Foretold:
    """Of `n` next steps foretold, the share that was right with each order; `always` is right by
    always saying the most common step."""

    order: int
    shares: dict[int, float]
    always: float
    n: int


def choose(paths: Sequence[Path]) -> Foretold:
    """`paths` in the order in which they began, each with its end as its last step."""
    split = len(paths) * 2 // 3
    learned, held = paths[:split][-MOST_PATHS:], paths[split:][:MOST_PATHS]
    after: dict[Path, Counter[int]] = defaultdict(Counter)
    for path in learned:
        for at in range(len(path)):
            for back in range(0, min(at, max(ORDERS)) + 1):
                after[path[at - back : at]][path[at]] += 1
    likely = {past: min(found, key=lambda x: (-found[x], x)) for past, found in after.items()}
    n = sum(len(path) for path in held)
    if not n or not likely:
        return Foretold(1, {}, 0.0, 0)
    shares = {order: _right(held, likely, order) / n for order in ORDERS}
    best = max(ORDERS, key=lambda order: (round(shares[order], 6), -order))
    return Foretold(best, shares, _right(held, likely, 0) / n, n)


def _right(held: Sequence[Path], likely: dict[Path, int], order: int) -> int:
    right = 0
    for path in held:
        for at, step in enumerate(path):
            back = min(at, order)
            while path[at - back : at] not in likely:
                back -= 1
            right += likely[path[at - back : at]] == step
    return right
