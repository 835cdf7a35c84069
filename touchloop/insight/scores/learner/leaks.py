"""What may not be learned from: what is known only after the outcome, and what looks like it.

Refused: a column that the caller says comes after; a date beyond the prediction time; a column that
tells the outcome by itself, or is filled only for one outcome; and a column that is suspiciously
strong while its name says that it is known only at the end ("duration" of the very call). Strong
without such a sign is flagged, with what the model is worth without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.scores.learner import quality
from touchloop.insight.scores.learner.columns import Column, refusal
from touchloop.insight.scores.learner.encoding import encode
from touchloop.insight.scores.learner.fitting import fit_trees

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FLAG, TELLS = 0.9, 0.995
_STRONG, _CARRIES = 0.75, 0.05
_BINS, _SAMPLE, _CANDIDATES, _TREES = 20, 20_000, 3, 60
_AFTERWARDS = re.compile(
    r"durations?$|call[_\W]?length|talk[_\W]?time|handle[_\W]?time|outcome|result|resolution|reason"
    r"|clos(ed|ing)|(^|[_\W])end(ed|[_\W])|cancel|terminat|churn|exit(ed)?[_\W]|left[_\W]|refund"
    r"|win[_\W]?back|label|predict",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")


@dataclass(slots=True)
class Checked:
    """The columns that may be used, and why the others may not; how strong each is alone."""

    used: list[Column] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    flagged: dict[str, str] = field(default_factory=dict)
    alone: dict[str, float] = field(default_factory=dict)

    def refuse(self, name: str, reason: str) -> None:
        """Leave a column out."""
        self.used = [column for column in self.used if column.name != name]
        self.flagged.pop(name, None)
        self.refused[name] = reason


def check(
    columns: Sequence[Column],
    outcome: Bools,
    *,
    target: str,
    after: Sequence[str] = (),
    keep: Sequence[str] = (),
    moments: Floats | None = None,
    seed: int = 0,
) -> Checked:
    """Part the columns. `moments` are the prediction times in days since 1970, one for each row.

    `after` names columns known only after the outcome, `keep` those that the caller vouches for.
    """
    found = Checked()
    for column in columns:
        reason = refusal(column) if column.name not in keep else ""
        if column.name in after:
            reason = "known only after the outcome, as you say"
        elif column.kind == "instant" and moments is not None:
            late = int(np.sum(column.numbers > moments))
            if late:
                reason = f"dated after the prediction in {late:,} rows"
        if reason:
            found.refused[column.name] = reason
        else:
            found.used.append(_before(column, moments) if column.kind == "instant" else column)
    dated = {column.name for column in columns if column.kind == "instant" and moments is None}
    for column in list(found.used):
        found.alone[column.name] = alone(column, outcome, seed=seed)
        if column.name not in keep:
            _judge(found, column, outcome, target=target, unproven=column.name in dated)
    _weigh(found, outcome, keep=keep, seed=seed)
    return found


def alone(column: Column, outcome: Bools, *, seed: int) -> float:
    """AUC of one column by itself: by its order, or by the rate in its bins seen in other rows."""
    return quality.auc(outcome, ranking(column, outcome, seed=seed))


def ranking(column: Column, outcome: Bools, *, seed: int) -> Floats:
    """The rows ranked by one column alone, in whichever of the ways ranks them better."""
    by_rate = _rates(_bins(column), outcome, seed)
    known = column.known
    if column.kind == "category" or not known.any():
        return by_rate
    in_order = np.where(known, column.numbers, np.nanmedian(column.numbers))
    up = quality.auc(outcome, in_order)
    if max(up, 1 - up) < quality.auc(outcome, by_rate):
        return by_rate
    return in_order if up >= 0.5 else -in_order


def _bins(column: Column) -> NDArray[np.int64]:
    if column.kind == "category":
        return column.codes + 1
    known = column.known
    found = np.zeros(len(known), np.int64)
    if known.any():
        cuts = np.linspace(0, 1, _BINS + 1)[1:-1]
        edges = np.unique(np.quantile(column.numbers[known], cuts))
        found[known] = 1 + np.searchsorted(edges, column.numbers[known], side="right")
    return found


def _rates(bins: NDArray[np.int64], outcome: Bools, seed: int) -> Floats:
    """For each row the rate of its bin among the rows of the other half."""
    half = np.random.default_rng(seed).random(len(bins)) < 0.5
    found = np.empty(len(bins))
    for mine in (half, ~half):
        other = ~mine
        size = np.bincount(bins[other], minlength=bins.max() + 1)
        ones = np.bincount(bins[other], weights=outcome[other], minlength=bins.max() + 1)
        prior = outcome[other].mean() if other.any() else 0.5
        found[mine] = ((ones + 5 * prior) / (size + 5))[bins[mine]]
    return found


def _judge(found: Checked, column: Column, outcome: Bools, *, target: str, unproven: bool) -> None:
    strength = found.alone[column.name]
    filled = quality.auc(outcome, column.known.astype(np.float64))
    if max(filled, 1 - filled) > FLAG:
        found.refuse(
            column.name,
            "is filled for one outcome and not for the other:"
            f" known only after the outcome (AUC of being filled {max(filled, 1 - filled):.3f})",
        )
    elif strength > TELLS:
        found.refuse(
            column.name,
            f"tells the outcome by itself (AUC {strength:.3f}): known only after the outcome",
        )
    elif strength > FLAG:
        sign = _sign(column.name, target) or ("nothing says when it was dated" if unproven else "")
        if sign:
            found.refuse(
                column.name,
                f"known only after the outcome: alone it reaches AUC {strength:.3f}, and {sign};"
                f" if it is known in time, say --keep {column.name}",
            )
        else:
            found.flagged[column.name] = (
                f"alone it reaches AUC {strength:.3f}: is it really known before the outcome?"
            )


def _weigh(found: Checked, outcome: Bools, *, keep: Sequence[str], seed: int) -> None:
    """What the model is worth without each of the strongest columns."""
    strong = sorted(
        (c.name for c in found.used if found.alone[c.name] >= _STRONG and c.name not in keep),
        key=lambda name: -found.alone[name],
    )[:_CANDIDATES]
    if not strong or len(found.used) < 2 or min(outcome.sum(), (~outcome).sum()) < 20:
        return
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(outcome))[:_SAMPLE]
    whole = {column.name: column for column in found.used}
    full = _worth(whole, outcome, rows, seed)
    for name in strong:
        rest = {key: column for key, column in whole.items() if key != name}
        without = _worth(rest, outcome, rows, seed)
        if full - without < _CARRIES:
            continue
        weight = f"with it the model reaches AUC {full:.3f}, without it {without:.3f}"
        sign = _sign(name, "")
        if sign:
            found.refuse(
                name,
                f"known only after the outcome: {weight}, and {sign};"
                f" if it is known in time, say --keep {name}",
            )
        else:
            said = found.flagged.get(name, "carries the model")
            found.flagged[name] = f"{said}; {weight}"


def _worth(
    columns: Mapping[str, Column], outcome: Bools, rows: NDArray[np.int64], seed: int
) -> float:
    matrix = encode(list(columns.values())).matrix(columns)
    cut = len(rows) * 2 // 3
    learned, held = rows[:cut], rows[cut:]
    model = fit_trees(matrix[learned], outcome[learned], seed=seed, trees=_TREES)
    return quality.auc(outcome[held], model.margins(matrix[held]))


def _sign(name: str, target: str) -> str:
    """What in a name says that it is known only afterwards."""
    if _AFTERWARDS.search(name):
        return "its name says that it is known only at the end"
    shared = {w.lower() for w in _WORD.findall(target)} & {w.lower() for w in _WORD.findall(name)}
    if shared:
        return f"its name is that of the outcome ({sorted(shared)[0]})"
    return ""


def _before(column: Column, moments: Floats | None) -> Column:
    """A date as days before the prediction; without one, before the newest date of the column."""
    end = moments if moments is not None else np.nanmax(column.numbers)
    return Column(column.name, "number", end - column.numbers, column.codes)
