"""The churn learner on any CSV, so that anybody can hold it against a published table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from touchloop.core.errors import Invalid
from touchloop.insight.scores.learner import columns, reading
from touchloop.insight.scores.learner.learning import FOLDS, learn

EXAMPLES = 3


def fit_file(
    path: Path,
    *,
    target: str,
    positive: str | None = None,
    id: str | None = None,
    time: str | None = None,
    after: Sequence[str] = (),
    keep: Sequence[str] = (),
    folds: int = FOLDS,
    seed: int = 0,
) -> dict[str, Any]:
    """Learn `target` from the other columns of a file; what was found, for JSON.

    `id` names whose the row is (its rows never part over folds), `time` the prediction time (then
    the last quarter is held out), `after` columns known only after the outcome, `keep` columns that
    the caller vouches for. Raises Invalid with one clear sentence for what cannot be learned from.
    """
    table = reading.read_csv(path)
    for what, name in (("id", id), ("time", time)):
        if name == target:
            raise Invalid(what, f"{target} is the target itself")
    outcome, known, positive = reading.outcome_of(table, target, positive)
    for name in (*after, *keep):
        reading.column(table, name)
    if folds < 2:
        raise Invalid("folds", "at least two are needed")
    words = []
    if not known.all():
        words.append(f"{int((~known).sum()):,} rows without {target} were left out")
        table, outcome = table.filter(pa.array(known)), outcome[known]
    moments = reading.moments_of(table, time) if time else None
    groups = None
    if id:
        groups = columns.read(id, pa.chunked_array([_as_text(table, id)])).codes
        if len(np.unique(groups)) == len(groups):
            groups = None
    inputs = reading.without(table, [target, id, time])
    learned = learn(
        inputs,
        outcome,
        target=target,
        after=after,
        keep=keep,
        moments=moments,
        groups=groups,
        folds=folds,
        seed=seed,
    )
    found = learned.to_json()
    return {
        "file": path.name,
        "target": target,
        "positive": positive,
        **found,
        "words": [*words, *found["words"]],
        "examples": _examples(learned.classifier, inputs),
    }


def _as_text(table: pa.Table, name: str) -> pa.Array:
    # A letter before it: ids that are digits are names, not numbers.
    found = [f"i{value}" for value in reading.column(table, name).to_pylist()]
    return pa.array(found, pa.string())


def _examples(classifier: Any, inputs: pa.Table) -> list[dict[str, Any]]:
    """The rows at greatest risk, each with its reasons."""
    probabilities = classifier.probabilities(inputs)
    rows = np.argsort(-probabilities, kind="stable")[:EXAMPLES]
    some = inputs.take(pa.array(rows))
    low, high = classifier.intervals(probabilities[rows])
    reasons = classifier.reasons(some)
    return [
        {
            "row": int(row) + 1,
            "probability": float(probabilities[row]),
            "low": float(low[i]),
            "high": float(high[i]),
            "reasons": reasons[i],
        }
        for i, row in enumerate(rows)
    ]
