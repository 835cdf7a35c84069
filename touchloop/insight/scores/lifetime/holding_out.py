"""Was it right? What a fit on the past expected of the time that followed, beside the dumb guess.

The dumb guess is the customer's own rate: as many purchases a week as he made so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from touchloop.insight.scores.lifetime import judging, worth
from touchloop.insight.scores.lifetime.grouping import Floats, Grouped
from touchloop.insight.scores.lifetime.history import Histories

TOP = 0.1
LAST = 7  # frequencies from here on are one point


@dataclass(frozen=True, slots=True)
class Judged:
    """Purchases of each customer in the held-out time, expected and real."""

    expected: Floats
    actual: Floats
    naive: Floats
    low: Floats
    high: Floats


def judge(
    fits: judging.Fits, data: Grouped, of: np.ndarray[Any, Any], seen: Histories, actual: Floats,
    *, days: float, seed: int = 1,
) -> Judged:  # fmt: skip
    """Compare the fit that is used with what came in the `days` after it."""
    used, time = fits.used, days / seen.unit
    expected = judging.alive(used.model, used.parameters, data)
    expected = expected * judging.to_come(used.model, used.parameters, data, time)
    low, high = worth.range_of_orders(used.model, used.parameters, data, time=time, seed=seed)
    naive = seen.x / np.maximum(seen.T, 1.0 / seen.unit) * time
    return Judged(expected[of], actual, naive, low[of], high[of])


def figures(judged: Judged) -> dict[str, Any]:
    """Sums, correlation, mean absolute error, and the share that fell in its range of 8 in 10."""
    inside = (judged.actual >= judged.low) & (judged.actual <= judged.high)
    return {
        "customers": len(judged.actual),
        "actual": float(judged.actual.sum()),
        "expected": float(judged.expected.sum()),
        "correlation": _correlation(judged.expected, judged.actual),
        "mae": float(np.abs(judged.expected - judged.actual).mean()),
        "caught_by_top_tenth": _caught(judged.expected, judged.actual),
        "within_range_of_8_in_10": float(inside.mean()),
        "naive_own_rate": {
            "expected": float(judged.naive.sum()),
            "correlation": _correlation(judged.naive, judged.actual),
            "mae": float(np.abs(judged.naive - judged.actual).mean()),
            "caught_by_top_tenth": _caught(judged.naive, judged.actual),
        },
    }


def by_frequency(judged: Judged, x: Floats) -> list[dict[str, float]]:
    """Means in the held-out time by the number of repeat purchases before it."""
    rows = []
    bins = np.minimum(x, LAST).astype(np.int64)
    for number in range(LAST + 1):
        there = bins == number
        if not there.any():
            continue
        n = int(there.sum())
        spread = float(judged.actual[there].std(ddof=1)) if n > 1 else 0.0
        mean = float(judged.actual[there].mean())
        half = float(1.96 * spread / np.sqrt(n))
        rows.append(
            {
                "frequency": number, "n": n, "actual": mean,
                "low": max(mean - half, 0.0), "high": mean + half,
                "expected": float(judged.expected[there].mean()),
                "naive": float(judged.naive[there].mean()),
            }
        )  # fmt: skip
    return rows


def by_week(
    fits: judging.Fits, data: Grouped, seen: Histories, actual: Floats, until: int
) -> list[dict[str, float]]:
    """Cumulative repeat purchases week by week from the first purchase: real, expected, own rate.

    Until the end of the calibration expected of newcomers, by their first day; after it expected
    of each customer, given his history.
    """
    used, start = fits.used, int(seen.first.min())
    days, newcomers = np.unique(seen.first, return_counts=True)
    ends = np.minimum(start + 7 * np.arange(1, len(actual) + 1) - 1, until)
    ages = np.maximum(ends[:, None] - days[None, :], 0) / seen.unit
    curve = judging.of_newcomer(used.model, used.parameters, ages.ravel()).reshape(ages.shape)
    before = curve @ newcomers
    at_end = np.maximum(seen.end - days, 0) / seen.unit
    base = float(judging.of_newcomer(used.model, used.parameters, at_end) @ newcomers)
    alive = judging.alive(used.model, used.parameters, data) * data.weight
    rate = float((data.weight * data.x / np.maximum(data.T, 1.0 / seen.unit)).sum())
    rows, total = [], np.cumsum(actual)
    done = float(seen.x.sum())
    for week, end in enumerate(ends):
        row = {"week": float(week + 1), "actual": float(total[week])}
        if end <= seen.end:
            row |= {"expected": float(before[week])}
        else:
            ahead = (end - seen.end) / seen.unit
            come = judging.to_come(used.model, used.parameters, data, float(ahead))
            row |= {"expected": base + float(alive @ come), "naive": done + rate * float(ahead)}
        rows.append(row)
    return rows


def _correlation(one: Floats, other: Floats) -> float | None:
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _caught(ranking: Floats, actual: Floats) -> float | None:
    if not actual.sum():
        return None
    top = np.argsort(-ranking, kind="stable")[: max(1, round(len(ranking) * TOP))]
    return float(actual[top].sum() / actual.sum())
