"""A randomised experiment: who was treated, what came of it, what was known of each before.

Uplift is learned on nothing else. What a column says after the treatment would leak its effect into
the features, and it can be told: before a lottery the sides are alike, so a column in which they
differ beyond chance was written afterwards (or the sides were not drawn by lot).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from touchloop.core.errors import Invalid

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[Any]

LEAST = 100  # people on a side
LEAST_OUTCOMES = 10  # of either kind on a side
UNLIKE = 4.5  # standard errors between the sides: chance does that in 7 of a million columns
SAME = gettext_lazy("it is the same for everybody")
TELLING = 0.9  # a single column with this AUC knows the outcome


@dataclass(frozen=True, slots=True)
class Experiment:
    """People in rows: `features` (rows × names, NaN where unknown), `treated`, `outcome`.

    `customers` are their ids, where they are known.
    """

    name: str
    features: Floats
    names: tuple[str, ...]
    treated: Bools
    outcome: Floats
    customers: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = len(self.treated)
        if self.features.shape != (n, len(self.names)) or len(self.outcome) != n:
            raise Invalid("experiment", "features, treatment and outcome differ in length")
        if not np.isfinite(self.outcome).all():
            raise Invalid("outcome", "an outcome is no number")

    @property
    def n(self) -> int:
        """People."""
        return len(self.treated)

    @property
    def share(self) -> float:
        """Of the people, those treated."""
        return float(self.treated.mean())

    @property
    def binary(self) -> bool:
        """Whether the outcome is yes or no."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def only(self, rows: Rows) -> Experiment:
        """Some of the people."""
        ids = None if self.customers is None else self.customers[rows]
        return Experiment(
            self.name, self.features[rows], self.names, self.treated[rows], self.outcome[rows], ids
        )

    def too_small(self) -> str:
        """Why nothing can be learned of it, in words; empty when it can."""
        sides = int(self.treated.sum()), int((~self.treated).sum())
        if min(sides) < LEAST:
            return _("only %(treated)d treated, %(held)d held out; %(least)d are needed") % {
                "treated": sides[0], "held": sides[1], "least": LEAST
            }  # fmt: skip
        if np.ptp(self.outcome) == 0:
            return _("the outcome is the same for everybody")
        if self.binary:
            for side in (self.treated, ~self.treated):
                reached = int(self.outcome[side].sum())
                if min(reached, int(side.sum()) - reached) < LEAST_OUTCOMES:
                    return _("fewer than %d people of a side reached the goal, or missed it") % (
                        LEAST_OUTCOMES
                    )
        return ""


def refused(
    features: Floats, names: tuple[str, ...], arms: Rows, outcome: Floats
) -> dict[str, str]:
    """Columns that must not be learned from, each with the reason in words.

    `arms` says for each person (row) on which of two or more sides he is.
    """
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        column = features[:, place]
        known = np.isfinite(column)
        if not known.any() or np.ptp(column[known]) == 0:
            found[name] = str(SAME)
        elif _unlike(column, arms) > UNLIKE:
            found[name] = _(
                "the sides differ in it: it was written after the treatment, or they were not drawn"
                " by lot"
            )
        elif _telling(column, outcome) > TELLING:
            found[name] = _("it alone tells the outcome: it was written after it")
    return found


def unlike(features: Floats, names: tuple[str, ...], arms: Rows) -> list[str]:
    """The columns in which the sides differ beyond chance."""
    found = []
    for place, name in enumerate(names):
        column = features[:, place]
        known = np.isfinite(column)
        if known.any() and np.ptp(column[known]) > 0 and _unlike(column, arms) > UNLIKE:
            found.append(name)
    return found


def _unlike(column: Floats, arms: Rows) -> float:
    """The largest difference between a side and the others, in standard errors."""
    filled = np.nan_to_num(column, nan=float(np.nanmean(column)))
    values = np.unique(arms)
    largest = 0.0
    for value in values:
        one, other = filled[arms == value], filled[arms != value]
        if len(one) < 2 or len(other) < 2:
            continue
        error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
        gap = abs(one.mean() - other.mean())
        if gap > 0:
            largest = max(largest, gap / error if error > 0 else np.inf)
    return float(largest)


def _telling(column: Floats, outcome: Floats) -> float:
    """AUC of one column for a yes-or-no outcome, either way round; 0 for another outcome."""
    if not np.isin(outcome, (0.0, 1.0)).all() or np.ptp(outcome) == 0:
        return 0.0
    filled = np.nan_to_num(column, nan=float(np.nanmean(column)))
    _values, place, count = np.unique(filled, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    yes = outcome == 1.0
    n1, n0 = int(yes.sum()), int((~yes).sum())
    auc = (rank[yes].sum() - n1 * (n1 + 1) / 2.0) / (n1 * n0)
    return float(max(auc, 1.0 - auc))
