"""One figure of the loop: today so far, beside what is usual by this hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

DAYS = 28
SHOWN_DAYS = 14
LEAST_DAYS = 3  # before that, nothing is usual


@dataclass(frozen=True, slots=True)
class Series:
    """One figure: today so far, the usual by this time of day, and whole days before."""

    today: int
    usual: float | None
    days: Sequence[int]


def series(by_day: Mapping[int, Sequence[int]], *, so_far: int, whole: int) -> Series:
    """Of counts by day; `by_day` counts back from 0, which is today."""
    began = min((day for day, row in by_day.items() if row[whole]), default=0)
    before = [by_day[day][so_far] for day in range(began, 0) if day in by_day]
    days = [by_day[day][whole] if day in by_day else 0 for day in range(1 - SHOWN_DAYS, 1)]
    return Series(
        today=by_day[0][so_far] if 0 in by_day else 0,
        usual=median(before) if len(before) >= LEAST_DAYS else None,
        days=days,
    )
