"""What was learned, in the words that every model is kept with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from touchloop.insight.models.api import Metric, deciles, shares
from touchloop.insight.scores.learner import columns
from touchloop.insight.scores.learner.learning import Learned


def metrics_of(found: Learned, *, of: str = "") -> Iterator[Metric]:
    """The figures of the model in use, each beside its dumb baseline, then those of the other."""
    more = f", {of}" if of else ""
    single, most = found.baseline["best_single_feature"], found.baseline["majority_class"]
    for name in sorted(found.models, key=lambda name: name != found.chosen):
        one = found.models[name]
        which = f" ({name}{more})" if name != found.chosen else f" ({of})" if of else ""
        yield Metric(
            f"AUC{which}", one.auc, one.auc_low, one.auc_high, found.held,
            single["auc"], f"{single['name']} alone",
        )  # fmt: skip
        yield Metric(
            f"Brier{which}", one.brier, n=found.held, baseline=most["brier"],
            baseline_name="the rate for everybody", better="lower",
        )  # fmt: skip
        yield Metric(
            f"lift at 10 %{which}", one.lift_10, n=found.held, baseline=1.0,
            baseline_name="any tenth",
        )  # fmt: skip
        yield Metric(
            f"average precision{which}", one.ap, n=found.held,
            baseline=found.positives / found.n, baseline_name="by chance",
        )  # fmt: skip


def deciles_of(table: pa.Table) -> dict[str, Any]:
    """How each input lies: deciles of numbers, shares of categories."""
    found: dict[str, Any] = {}
    for name in table.column_names:
        column = columns.read(name, table.column(name))
        if column.kind == "category":
            words = [column.levels[code] if code >= 0 else "unknown" for code in column.codes]
            found[name] = shares(words)
        else:
            found[name] = deciles(column.numbers)
    return found
