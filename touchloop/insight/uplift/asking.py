"""What other rooms ask of uplift; LightGBM is loaded when somebody does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

S, T, TRANSFORMED, FOREST, RANDOM = "s", "t", "transformed", "causal_forest", "random"
LABELS: dict[str, str | Promise] = {
    S: _("one model (S)"),
    T: _("two models (T)"),
    TRANSFORMED: _("transformed outcome"),
    FOREST: _("causal forest"),
    RANDOM: _("by lot"),
}


def fit_uplift_file(
    path: Path,
    *,
    treatment: str,
    outcome: str,
    control: str,
    by: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    forest: bool = False,
    seeds: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Whom a randomised treatment changes, from a CSV file: effects, learners, the learned choice.

    `by` names columns whose combinations are the subgroups; `ignore` leaves columns out; `forest`
    adds a causal forest. Gives plain values. Raises Invalid for a file that cannot be used.
    """
    from touchloop.insight.uplift import reporting

    return reporting.of_file(
        path, treatment=treatment, outcome=outcome, control=control, by=by, ignore=ignore,
        forest=forest, seeds=seeds, seed=seed,
    )  # fmt: skip
