"""Where the nodes of the network stand: the same at every look, spread over the whole frame.

Springs along the links, near nodes push one another off, ever smaller steps, nothing beyond the
frame (T. Fruchterman and E. Reingold, Software: Practice and Experience 21 (1991) 1129-1164, with
their limit to near nodes, so that what hangs together by no link is not driven to the edge).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

STEPS: Final = 150
NEAREST: Final = 1e-3
FARTHEST: Final = 2.0  # of the ideal distance, at which two nodes still mind each other


@lru_cache(maxsize=64)
def places(
    n: int, links: tuple[tuple[int, int], ...], *, wide: float
) -> tuple[tuple[float, float], ...]:
    """x from 0 to `wide` and y from 0 to 1 for nodes 0 to n - 1. Links are pairs of them."""
    chance = np.random.default_rng(0)
    frame = np.array([wide, 1.0])
    ideal = float(np.sqrt(wide / max(n, 1)))
    at = chance.random((n, 2)) * frame
    a, b = np.array(links, np.int64).reshape(-1, 2).T
    for step in range(STEPS):
        apart = at[:, None] - at[None]
        far = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), NEAREST)
        push = np.where(far < FARTHEST * ideal, (ideal / far) ** 2, 0.0)
        move = (apart * push[..., None]).sum(axis=1)
        pull = (at[a] - at[b]) * (far[a, b] / ideal)[:, None]
        np.subtract.at(move, a, pull)
        np.add.at(move, b, pull)
        length = np.maximum(np.hypot(move[:, 0], move[:, 1]), NEAREST)
        most = 0.15 * (1 - step / STEPS)
        at = np.clip(at + move * (np.minimum(length, most) / length)[:, None], 0, frame)
    return tuple((float(x), float(y)) for x, y in at)
