"""Where the nodes of the network stand: the same at every look, none on another's name.

What hangs together is drawn together by springs along its links (T. Fruchterman and E. Reingold,
Software: Practice and Experience 21 (1991) 1129-1164), then each node goes to a cell of its own,
so that all move as little as can be; the parts are packed into columns, the large ones first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, sqrt
from typing import Any, Final, NamedTuple

import numpy as np

STEPS: Final = 150
NEAREST: Final = 1e-3
GAP: Final = 0.6  # rows between two parts

Links = tuple[tuple[int, int], ...]


class _Part(NamedTuple):
    """Nodes that hang together, and the cells they take."""

    nodes: list[int]
    columns: int
    rows: int


@lru_cache(maxsize=64)
def places(n: int, links: Links, *, columns: int) -> tuple[tuple[float, float], ...]:
    """x and y from 0 to 1 for nodes 0 to n - 1, which stand in so many columns."""
    found = np.zeros((n, 2))
    filled = [0.0] * columns
    for part in _parts(n, links, columns):
        left = min(
            range(columns - part.columns + 1),
            key=lambda first: (max(filled[first : first + part.columns]), first),
        )
        top = max(filled[left : left + part.columns])
        found[part.nodes] = _cells(part, links) + (left, top)
        for column in range(left, left + part.columns):
            filled[column] = top + part.rows + GAP
    found /= (max(columns - 1, 1), max(float(found[:, 1].max(initial=0.0)), 1.0))
    return tuple((float(x), float(y)) for x, y in found)


def _parts(n: int, links: Links, columns: int) -> list[_Part]:
    """The largest first."""
    leads = list(range(n))

    def lead(node: int) -> int:
        while leads[node] != node:
            node = leads[node]
        return node

    for a, b in links:
        leads[max(lead(a), lead(b))] = min(lead(a), lead(b))
    together: dict[int, list[int]] = {}
    for node in range(n):
        together.setdefault(lead(node), []).append(node)
    parts = []
    for nodes in together.values():
        across = min(columns, max(1, round(sqrt(len(nodes) / 2))))
        parts.append(_Part(nodes, across, ceil(len(nodes) / across)))
    return sorted(parts, key=lambda part: (-len(part.nodes), part.nodes))


def _cells(part: _Part, links: Links) -> Any:
    """A column and a row for each node of the part."""
    from scipy.optimize import linear_sum_assignment

    size = (part.columns, part.rows)
    cells = np.array([(x, y) for y in range(part.rows) for x in range(part.columns)], float)
    at = _sprung(part.nodes, links) * (np.array(size) - 1.0)
    apart = ((at[:, None] - cells[None]) ** 2).sum(axis=2)
    return cells[linear_sum_assignment(apart)[1]]


def _sprung(nodes: Sequence[int], links: Links) -> Any:
    """Positions from 0 to 1, near along the links."""
    place = {node: k for k, node in enumerate(nodes)}
    ends = [(place[a], place[b]) for a, b in links if a in place]
    a, b = np.array(ends, np.int64).reshape(-1, 2).T
    ideal = 1 / sqrt(len(nodes))
    at = np.random.default_rng(0).random((len(nodes), 2))
    for step in range(STEPS):
        apart = at[:, None] - at[None]
        far = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), NEAREST)
        move = (apart * ((ideal / far) ** 2)[..., None]).sum(axis=1)
        pull = (at[a] - at[b]) * (far[a, b] / ideal)[:, None]
        np.subtract.at(move, a, pull)
        np.add.at(move, b, pull)
        length = np.maximum(np.hypot(move[:, 0], move[:, 1]), NEAREST)
        most = 0.15 * (1 - step / STEPS)
        at = np.clip(at + move * (np.minimum(length, most) / length)[:, None], 0, 1)
    return at
