"""What learning leaves behind: from columns to a probability, its interval and its reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.insight.scores.learner import columns
from touchloop.insight.scores.learner.calibrating import Calibration
from touchloop.insight.scores.learner.columns import Column
from touchloop.insight.scores.learner.encoding import Encoding
from touchloop.insight.scores.learner.fitting import Logit, Model, Trees

Floats = NDArray[np.float64]

# How a feature is told of one row: its value (None: not known) and its average or most frequent.
Told = Callable[[float | str | None, float | str | None], str]
REASONS = 3
_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Classifier:
    """A fitted model with the way to its columns and to its probabilities."""

    encoding: Encoding
    model: Model
    calibration: Calibration
    curve: tuple[Mapping[str, Any], ...]  # said against seen on held-out rows
    usual: Mapping[str, float | str | None]  # mean of a number, most frequent level of a category

    def probabilities(self, table: pa.Table | Mapping[str, Column]) -> Floats:
        """The probability of each row; columns that are missing count as unknown."""
        found = self._matrices(table)
        return np.concatenate(
            [self.calibration.probabilities(self.model.margins(each)) for each in found]
            or [np.empty(0)]
        )

    def intervals(self, probabilities: Floats) -> tuple[Floats, Floats]:
        """Wilson's interval of what was seen, on held-out rows, where about the same was said."""
        if not self.curve:
            return np.zeros(len(probabilities)), np.ones(len(probabilities))
        edges = np.array([part["to"] for part in self.curve[:-1]])
        place = np.searchsorted(edges, probabilities, side="left")
        low = np.array([part["low"] for part in self.curve])[place]
        high = np.array([part["high"] for part in self.curve])[place]
        low, high = np.minimum(low, probabilities), np.maximum(high, probabilities)
        # Outwards to four digits: what is kept still holds the probability.
        return np.floor(low * 1e4) / 1e4, np.minimum(np.ceil(high * 1e4) / 1e4, 1.0)

    def reasons(
        self,
        table: pa.Table | Mapping[str, Column],
        *,
        told: Mapping[str, Told] | None = None,
        top: int = REASONS,
    ) -> list[list[str]]:
        """For each row the features that move it most from the average, in words."""
        found = _columns(table)
        features = self.encoding.features
        place = np.array([features.index(part.feature) for part in self.encoding.parts])
        said: list[list[str]] = []
        start = 0
        for matrix in self._matrices(found):
            parts = self.model.contributions(matrix)
            moved = np.zeros((len(matrix), len(features)))
            np.add.at(moved.T, place, parts.T)
            strongest = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :top]
            for row, chosen in enumerate(strongest):
                said.append(
                    [
                        self._say(
                            features[i], found.get(features[i]), start + row, moved[row, i], told
                        )
                        for i in chosen
                        if abs(moved[row, i]) > 1e-9
                    ]
                )
            start += len(matrix)
        return said

    def to_parts(self) -> tuple[dict[str, Any], bytes | None]:
        """Parameters as JSON and, of trees, their text."""
        model = self.model
        kept = {
            "model": model.name,
            "encoding": self.encoding.to_json(),
            "calibration": self.calibration.to_json(),
            "curve": [dict(part) for part in self.curve],
            "usual": dict(self.usual),
        }
        if isinstance(model, Logit):
            return {**kept, "logit": model.to_json()}, None
        assert isinstance(model, Trees)
        return kept, model.text.encode()

    @staticmethod
    def from_parts(kept: Mapping[str, Any], blob: bytes | None) -> Classifier:
        """What `to_parts` gave."""
        model: Model = Trees(blob.decode()) if blob is not None else Logit.from_json(kept["logit"])
        return Classifier(
            Encoding.from_json(kept["encoding"]),
            model,
            Calibration.from_json(kept["calibration"]),
            tuple(kept["curve"]),
            kept["usual"],
        )

    def _matrices(self, table: pa.Table | Mapping[str, Column]) -> list[Floats]:
        matrix = self.encoding.matrix(_columns(table))
        return [matrix[at : at + _AT_ONCE] for at in range(0, len(matrix), _AT_ONCE)]

    def _say(
        self,
        feature: str,
        column: Column | None,
        row: int,
        moved: float,
        told: Mapping[str, Told] | None,
    ) -> str:
        value, usual = _value(column, row), self.usual.get(feature)
        text = told[feature](value, usual) if told and feature in told else _plain(
            feature, value, usual
        )  # fmt: skip
        return f"{text} ({'raises' if moved > 0 else 'lowers'} it)"


def usual(found: Sequence[Column]) -> dict[str, float | str | None]:
    """The mean of each number, the most frequent level of each category."""
    middle: dict[str, float | str | None] = {}
    for column in found:
        known = column.known
        if not known.any():
            middle[column.name] = None
        elif column.kind == "category":
            middle[column.name] = column.levels[int(np.bincount(column.codes[known]).argmax())]
        else:
            middle[column.name] = float(column.numbers[known].mean())
    return middle


def _columns(table: pa.Table | Mapping[str, Column]) -> Mapping[str, Column]:
    if isinstance(table, pa.Table):
        return {name: columns.read(name, table.column(name)) for name in table.column_names}
    return table


def _value(column: Column | None, row: int) -> float | str | None:
    if column is None or not column.known[row]:
        return None
    if column.kind == "category":
        return column.levels[int(column.codes[row])]
    return float(column.numbers[row])


def _plain(feature: str, value: float | str | None, usual: float | str | None) -> str:
    if value is None:
        return f"{feature} is not known"
    if isinstance(value, str):
        return f"{feature} is {value}"
    if isinstance(usual, float | int):
        return f"{feature} is {value:,.4g}, on average {usual:,.4g}"
    return f"{feature} is {value:,.4g}"
