"""Contracts as of an instant: how many renewals each was asked for, whether it ended at the last.

A period is the contract's `term` ("month", "year", "12": months), else what most renewals are
apart, else a month. A renewal is a question put at the end of each period; who ends in the middle
of one has answered the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from touchloop.insight.models.api import Run
from touchloop.insight.scores.lifetime import contract_steps
from touchloop.insight.scores.lifetime.grouping import Floats

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MONTH, YEAR = 30.4375, 365.25
PERIODS = {"week": 7.0, "month": MONTH, "quarter": 3 * MONTH, "half-year": 6 * MONTH, "year": YEAR}
GRACE = 0.1  # of a period: so long after it a contract may still end as not renewed
LAPSED = 2.0  # periods without a word, where renewals are told
SKIPPING = 0.05  # of those who renewed at all: more is no accident of the data
NEAR = 0.2  # of a period: so far from a usual one it is still that one
_WORDS = {
    "weekly": 7.0, "monthly": MONTH, "month-to-month": MONTH, "quarterly": 3 * MONTH,
    "semi-annual": 6 * MONTH, "semiannual": 6 * MONTH, "annual": YEAR, "annually": YEAR,
    "yearly": YEAR, "one year": YEAR, "two year": 2 * YEAR, **PERIODS,
}  # fmt: skip
_UNITS = {"d": 1.0, "w": 7.0, "m": MONTH, "y": YEAR, "": MONTH}
_NUMBER = re.compile(r"(\d{1,3})[\s_-]*(d|w|m|y|)\w*\Z")


@dataclass(frozen=True, slots=True)
class Contracts:
    """Rows are contracts; days since 1970, NaN in `end` while it runs, in `price` when unknown."""

    keys: list[tuple[int, str, int]]
    customers: Ints
    start: Floats
    last: Floats  # when it was told of last, its end aside
    end: Floats
    renewals: Floats  # that were told
    price: Floats
    period: Floats  # NaN where nothing tells it
    at: float
    unknown: int  # contracts without a start, left out

    def only(self, rows: Bools) -> Contracts:
        """Some of the contracts."""
        return self.only_rows(np.flatnonzero(rows))

    def only_rows(self, rows: npt.NDArray[np.intp]) -> Contracts:
        """The contracts in these rows, in this order."""
        return Contracts(
            [self.keys[row] for row in rows.tolist()], self.customers[rows], self.start[rows],
            self.last[rows], self.end[rows], self.renewals[rows], self.price[rows],
            self.period[rows], self.at, self.unknown,
        )  # fmt: skip

    @property
    def running(self) -> Bools:
        """Those that no end was told of."""
        return np.isnan(self.end)

    @property
    def opportunities(self) -> Floats:
        """Whole periods that are over, with the time of grace."""
        age = (self.at - self.start) / self.period
        return np.maximum(np.floor(age - GRACE), 0.0)

    def tells_renewals(self) -> bool:
        """Whether renewals are told of most contracts that had one to tell of."""
        due = self.running & (self.opportunities >= 1)
        return bool(due.any() and (self.renewals[due] > 0).mean() >= 0.5)

    def skips(self) -> bool:
        """Whether some came back after a renewal that they had let pass."""
        last = np.rint((self.last - self.start) / self.period)
        told = self.renewals > 0
        return bool(told.any() and (last[told] > self.renewals[told]).mean() >= SKIPPING)

    def lapsed(self) -> Bools:
        """Those that run on paper, though nothing was told of them when their renewals were due."""
        silent = self.at - self.last > LAPSED * self.period
        return self.running & silent if self.tells_renewals() else np.zeros(len(self.start), bool)

    def asked(self) -> tuple[Floats, Bools]:
        """Renewals that each was asked for, and who left at the last of them."""
        lapsed = self.lapsed()
        until = np.where(self.running, self.at, self.end)
        age = (until - self.start) / self.period
        left = ~self.running | lapsed
        stayed = self.opportunities
        gone = np.maximum(np.ceil(age - GRACE), 1.0)
        silent = np.floor((self.last - self.start) / self.period + 0.5) + 1.0
        return np.where(lapsed, silent, np.where(left, gone, stayed)), left


def read(run: Run, at: datetime) -> Contracts:
    """Everything told of contracts until an instant."""
    plain = at.astimezone(UTC).replace(tzinfo=None)
    found = run.engine.query(contract_steps.SPELLS.sql(at=plain))
    start, first = _days(found, "start_t"), _days(found, "first_t")
    known = np.isfinite(start) & (start <= first)
    last, end = _days(found, "last_t"), _days(found, "end_t")
    keys = list(
        zip(*(found.column(name).to_pylist() for name in ("customer_id", "contract", "spell")),
            strict=True)
    )  # fmt: skip
    whole = Contracts(
        keys, found.column("customer_id").to_numpy().astype(np.int64), start, last, end,
        _numbers(found, "renewals"), _numbers(found, "price"), _periods(found.column("term")),
        at.timestamp() / 86_400.0, int((~known).sum()),
    )  # fmt: skip
    return whole.only(known)


def usual_period(told: Contracts) -> float | None:
    """How far apart renewals are where no term says it; None when nothing tells."""
    there = np.isnan(told.period) & (told.renewals > 0)
    if not there.any():
        return None
    apart = float(np.median((told.last[there] - told.start[there]) / told.renewals[there]))
    near = min(PERIODS.values(), key=lambda days: abs(np.log(max(apart, 1e-3) / days)))
    return near if abs(apart / near - 1.0) <= NEAR else max(apart, 1.0)


def with_period(told: Contracts, days: float) -> Contracts:
    """The same, with a period for those of which nothing tells it."""
    return replace(told, period=np.where(np.isnan(told.period), days, told.period))


def called(days: float) -> str:
    """A period in words."""
    return next(
        (word for word, each in PERIODS.items() if abs(each - days) < 0.5), f"{days:g} days"
    )


def _periods(terms: pa.ChunkedArray) -> Floats:
    texts = terms.to_pylist()
    known = {text: _period(text) for text in set(texts)}
    return np.array([known[text] for text in texts], dtype=np.float64)


def _period(text: str | None) -> float:
    plain = (text or "").strip().lower()
    if plain in _WORDS:
        return _WORDS[plain]
    found = _NUMBER.match(plain)
    return float(found[1]) * _UNITS[found[2]] if found and int(found[1]) else float("nan")


def _days(found: pa.Table, name: str) -> Floats:
    return _numbers(found, name) / 86_400_000_000.0


def _numbers(found: pa.Table, name: str) -> Floats:
    column: Any = found.column(name).cast(pa.float64()).fill_null(float("nan"))
    return np.asarray(column.to_numpy(), dtype=np.float64)
