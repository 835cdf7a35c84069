"""Conditions about what is known of a customer beside interactions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from touchloop.consent.api import PURPOSES
from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.arrays.columns import Array, Mask
from touchloop.insight.segments.arrays.counting import holds
from touchloop.insight.segments.arrays.crowd import Crowd
from touchloop.insight.segments.arrays.decisions import Decisions
from touchloop.insight.segments.arrays.questions import answers
from touchloop.insight.segments.limits import compared


def know(conditions: Iterable[tuple[int, g.Condition]], crowd: Crowd, decisions: Decisions) -> None:
    """Decide the conditions that no interaction is needed for."""
    for number, leaf in conditions:
        decisions.set(number, _differs(leaf, crowd))


def _differs(leaf: g.Condition, crowd: Crowd) -> Mask:
    """Of whom the verdict is another than of a customer of whom nothing is known."""
    match leaf:
        case g.Trait(name, value):
            return answers(value, crowd.trait(name))
        case g.Stage(values):
            held = crowd.customers
            return _spread(held.places[held.words("stage").among(values, slice(None))], crowd)
        case g.Consent(purpose, allowed):
            bit = 1 << PURPOSES.index(purpose)
            return np.asarray(((crowd.allowed & bit) != 0) == allowed)
        case g.InSegment(segment_id):
            held = crowd.members
            return _spread(held.places[held.integers("segment_id") == segment_id], crowd)
        case g.Score(name, op, value):
            held = crowd.scores
            meant = held.words("name").among((name,), slice(None)) & held.known("value")
            seen = holds(compared(op, value), held.numbers("value"))
            return _spread(held.places[meant & seen], crowd)
        case _:
            raise TypeError(leaf)


def _spread(places: Array, crowd: Crowd) -> Mask:
    found = np.zeros(crowd.size, bool)
    found[places] = True
    return found
