"""From columns to a matrix, the same way when learning and when scoring.

A number is one column of the matrix (NaN where unknown, and one more that says so when that was
frequent), a category one for each frequent level. The encoding never looks at the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.scores.learner.columns import Column

Floats = NDArray[np.float64]

LEVELS = 50
LEAST = 5  # rows that a level must have to stand for itself
_MISSING = 0.005


@dataclass(frozen=True, slots=True)
class Part:
    """One column of the matrix: a feature's number, a level of it, or that it is unknown."""

    feature: str
    level: str | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """The columns of the matrix, in their order."""

    parts: tuple[Part, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The features in their order."""
        return tuple(dict.fromkeys(part.feature for part in self.parts))

    def matrix(self, columns: Mapping[str, Column]) -> Floats:
        """Rows × parts; a feature that is not there counts as unknown."""
        n = max((len(one.known) for one in columns.values()), default=0)
        found = np.zeros((n, len(self.parts)))
        for place, part in enumerate(self.parts):
            column = columns.get(part.feature)
            if column is None:
                found[:, place] = 1.0 if part.unknown else 0.0 if part.level is not None else np.nan
            elif part.unknown:
                found[:, place] = ~column.known
            elif part.level is None:
                found[:, place] = column.numbers
            elif part.level in column.levels:
                found[:, place] = column.codes == column.levels.index(part.level)
        return found

    def to_json(self) -> list[list[Any]]:
        """For the parameters that are kept."""
        return [[part.feature, part.level, part.unknown] for part in self.parts]

    @staticmethod
    def from_json(parts: Sequence[Sequence[Any]]) -> Encoding:
        """What `to_json` gave."""
        return Encoding(tuple(Part(*part) for part in parts))


def encode(columns: Sequence[Column]) -> Encoding:
    """The encoding of these columns."""
    return Encoding(tuple(part for column in columns for part in _parts(column)))


def _parts(column: Column) -> list[Part]:
    unknown = float((~column.known).mean())
    asked = [Part(column.name, unknown=True)] if _MISSING < unknown < 1 else []
    if column.kind != "category":
        known = column.numbers[~np.isnan(column.numbers)]
        varies = len(known) > 0 and bool(np.any(known != known[0]))
        return [*([Part(column.name)] if varies else []), *asked]
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
    order = sorted(range(len(counts)), key=lambda i: (-counts[i], column.levels[i]))
    frequent = [i for i in order if counts[i] >= LEAST or len(column.codes) < 20 * LEAST][:LEVELS]
    frequent = [i for i in frequent if counts[i]]
    return [*(Part(column.name, column.levels[i]) for i in sorted(frequent)), *asked]
