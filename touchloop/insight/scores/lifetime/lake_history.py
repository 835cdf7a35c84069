"""Purchases out of the lake, as the models want them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from touchloop.insight.models.api import Run
from touchloop.insight.scores.lifetime import steps
from touchloop.insight.scores.lifetime.grouping import Floats, Ints
from touchloop.insight.scores.lifetime.history import WEEK, Histories

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days (from 1970) of the first and last purchase, and how many days of purchase there are."""

    first: int
    last: int
    n: int


def span(run: Run) -> Span | None:
    """None before anybody bought."""
    first, last, n = run.engine.rows(
        steps.SPAN.sql(purchase=steps.PURCHASE, until=_naive(run.now))
    )[0]
    return None if first is None else Span((first - EPOCH).days, (last - EPOCH).days, int(n))


def read(run: Run, *, end: int) -> tuple[Histories, Floats]:
    """Histories until the day `end`, and what each customer bought after it, until now."""
    found = run.engine.query(
        steps.HISTORY.sql(purchase=steps.PURCHASE, until=_naive(run.now), end=moment(end))
    )
    first, last = _days(found, "first"), _days(found, "last")
    priced = _floats(found, "priced")
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(priced > 0, _floats(found, "spent") / priced, np.nan)
    seen = Histories(
        found.column("customer_id").to_numpy().astype(np.int64), first,
        _floats(found, "bought") - 1.0, (last - first) / WEEK, (end - first) / WEEK, z, priced, end,
    )  # fmt: skip
    return seen, _floats(found, "later")


def repeats_by_week(run: Run, seen: Histories, until: int) -> Floats:
    """Repeat purchases of the customers of `seen` in each week from the first purchase of all."""
    found = run.engine.query(
        steps.REPEATS.sql(purchase=steps.PURCHASE, until=_naive(run.now), end=moment(seen.end))
    )
    start = int(seen.first.min())
    weeks = (until - start) // 7 + 1
    day = _days(found, "day")
    there = day <= until
    return np.bincount(
        (day[there] - start) // 7, weights=_floats(found, "n")[there], minlength=weeks
    ).astype(np.float64)


def moment(day: int) -> datetime:
    """Midnight of a day, as the lake's literals want it."""
    return datetime(1970, 1, 1) + timedelta(days=day)


def _naive(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(tzinfo=None)


def _days(found: pa.Table, name: str) -> Ints:
    days = found.column(name).cast(pa.date32()).cast(pa.int32())
    return np.asarray(days.to_numpy(), dtype=np.int64)


def _floats(found: pa.Table, name: str) -> Floats:
    return np.asarray(found.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)
