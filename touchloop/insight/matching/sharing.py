"""What people of one home share says that they live together, not that they are one.

The weights of Fellegi and Sunter add up as if each field spoke for itself. Surname, street,
postcode, town and telephone do not: they agree together for everybody who lives there. So what they
say, the prior included, counts no further than how often those who live together are one; from
there on only what belongs to one person alone decides: the given name, the birth date, the e-mail,
a number. Of the comparison of names the part that the surname brings is taken as shared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.matching import columns, comparing
from touchloop.insight.matching.columns import Field
from touchloop.insight.matching.comparing import Comparison
from touchloop.insight.matching.learning import Model

Floats = NDArray[np.float64]
Levels = NDArray[np.int8]

LEAST: Final = -3.0  # bits that a home alone may reach: where most who live together are several
MOST: Final = 6.0  # and where hardly any are
SAYING: Final = 3.0  # bits from which what is of one person alone says something
_SHARED: Final = frozenset({
    columns.PHONE, columns.POSTCODE, columns.CITY, columns.STATE, columns.STREET, columns.HOUSE,
    columns.TEXT,
})  # fmt: skip


def bounded(
    fields: Sequence[Field],
    comparisons: Sequence[Comparison],
    model: Model,
    bits: Floats,
    parts: Mapping[str, Floats],
    levels: Mapping[str, Levels],
) -> tuple[Floats, dict[str, Floats]]:
    """Scores and their parts, with what a home shares bounded; the parts still add up."""
    shared = {name: parts[name] for name in _names(fields) if name in parts}
    for comparison in comparisons:
        if comparison.name == comparing.NAME:
            shared[comparing.NAME] = _surname(comparison, model)[levels[comparing.NAME]]
    if not shared:
        return bits, dict(parts)
    prior = math.log2(model.prior / (1 - model.prior))
    together = prior + sum(shared.values(), np.zeros_like(bits))
    excess = np.maximum(together - _alone(together, bits - together), 0.0)
    speaking = sum((np.maximum(each, 0.0) for each in shared.values()), np.zeros_like(bits))
    share = np.divide(excess, speaking, out=np.zeros_like(excess), where=speaking > 0)
    told = dict(parts)
    for name, each in shared.items():
        told[name] = parts[name] - np.maximum(each, 0.0) * share
    return bits - np.where(speaking > 0, excess, 0.0), told


def _alone(together: Floats, own: Floats) -> float:
    """The bits that living together may reach by itself: how often those who do are one.

    Told by the pairs that surely share a home and of whom something of their own is known.
    """
    known = (together >= 0) & (np.abs(own) >= SAYING)
    same = int((own[known] > 0).sum())
    odds = (same + 0.5) / (int(known.sum()) - same + 0.5)
    return min(max(math.log2(odds) - 1, LEAST), MOST)


def _names(fields: Sequence[Field]) -> list[str]:
    return [field.name for field in fields if field.kind in _SHARED]


def _surname(comparison: Comparison, model: Model) -> Floats:
    """The bits of each level that come from the surname; the last place is for what is missing."""
    weights = model.weights[comparison.name]
    same = [at for at, level in enumerate(comparison.levels) if level.surname]
    m, u = (sum(getattr(weights[at], which) for at in same) for which in ("m", "u"))
    found = np.zeros(len(weights) + 1)
    found[same] = math.log2(m / u)
    return found
