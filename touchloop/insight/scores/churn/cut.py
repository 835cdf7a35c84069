"""Customers as of an instant: what was known of them then, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.insight.scores.learner.classifier import Told

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cut:
    """Those looked at as of an instant: inputs, the window after it, and who was gone by its end.

    `silent` counts those left out because they had been gone for longer than the window already.
    """

    at: datetime
    customers: NDArray[np.int64]
    inputs: pa.Table
    window_days: Floats
    gone: NDArray[np.bool_]
    silent: int

    @property
    def moments(self) -> Floats:
        """The instant for each row, in days since 1970."""
        return np.full(len(self.customers), self.at.timestamp() / 86_400)


def plain(at: datetime) -> datetime:
    """As the lake has instants: UTC without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def numbers(found: pa.Table, name: str) -> Floats:
    """A column as numbers, NaN where there is none."""
    values = found.column(name).cast(pa.float64()).fill_null(np.nan).to_numpy()
    return np.array(values, np.float64)


def said(text: str) -> Told:
    """Words with the customer's number and that of the average customer."""

    def told(value: float | str | None, usual: float | str | None) -> str:
        if isinstance(value, float) and isinstance(usual, float):
            return text % (value, usual)
        return text.split(" (")[0].replace("%.0f", "?").replace("%.1f", "?").replace("%.2f", "?")

    return told
