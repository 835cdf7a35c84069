"""Whether what a model sees still looks like what it learned from.

The population stability index (Siddiqi, "Credit Risk Scorecards", 2006): the sum over the bins of
the reference of (now - then) * ln(now / then). Below 0.1 nothing moved, from 0.25 on much did.
Inputs are compared between trainings, by their deciles; scores at every scoring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOVED, MOVED_MUCH = 0.1, 0.25
LEAST = 1e-4  # an empty bin counts as this share: the index stays finite


def deciles(values: Sequence[float] | NDArray[Any]) -> list[float]:
    """11 ascending numbers: least, 10 %, ..., greatest; empty when there is no finite value."""
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return []
    return [float(x) for x in np.quantile(numbers, np.linspace(0, 1, 11))]


def shares(values: Sequence[Any] | NDArray[Any], *, most: int = 20) -> dict[str, float]:
    """The share of each value, the `most` frequent ones; the others as `other`."""
    words, counts = np.unique(np.asarray([str(value) for value in values]), return_counts=True)
    total = int(counts.sum())
    order = np.argsort(-counts, kind="stable")
    found = {str(words[n]): float(counts[n] / total) for n in order[:most]}
    if len(order) > most:
        found["other"] = float(counts[order[most:]].sum() / total)
    return found


def index(then: Any, now: Any) -> float | None:
    """The stability index of two inputs, each deciles or shares; None when they do not compare."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        keys = sorted({*then, *now})
        return _index([_number(then.get(k)) for k in keys], [_number(now.get(k)) for k in keys])
    old, new = _ascending(then), _ascending(now)
    if old is None or new is None:
        return None
    edges = np.unique(old)
    if len(edges) == 1:  # a constant: what is below, at and above it
        return _index([0.0, 1.0, 0.0], _around(new, float(edges[0])))
    reference = np.diff(_reached(old, edges), prepend=0.0)
    found = np.diff(_reached(new, edges), prepend=0.0)
    above = max(0.0, 1.0 - float(found.sum()))
    return _index([*reference, 0.0], [*found, above])


def compared(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, float]:
    """The index of each name that both have, the most moved first."""
    found = {
        name: value for name in then if (value := index(then[name], now.get(name))) is not None
    }
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _index(then: Sequence[float], now: Sequence[float]) -> float:
    return round(
        sum(
            (max(b, LEAST) - max(a, LEAST)) * math.log(max(b, LEAST) / max(a, LEAST))
            for a, b in zip(then, now, strict=True)
        ),
        4,
    )


def _reached(quantiles: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share at or below each edge, read off evenly spaced quantiles."""
    at = np.linspace(0, 1, len(quantiles))
    values, first = np.unique(quantiles, return_index=True)
    last = np.r_[first[1:], len(quantiles)] - 1
    found = np.interp(edges, values, at[last], left=0.0, right=1.0)
    return np.asarray(found, np.float64)


def _around(quantiles: NDArray[np.float64], edge: float) -> list[float]:
    below = float(np.mean(quantiles < edge))
    above = float(np.mean(quantiles > edge))
    return [below, max(0.0, 1.0 - below - above), above]


def _ascending(found: Any) -> NDArray[np.float64] | None:
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) < 3:
        return None
    try:
        numbers = np.asarray(found, np.float64)
    except (TypeError, ValueError):
        return None
    fine = numbers.ndim == 1 and np.isfinite(numbers).all() and (np.diff(numbers) >= 0).all()
    return numbers if fine else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
