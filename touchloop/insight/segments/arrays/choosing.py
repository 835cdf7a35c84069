"""Which rows a condition means, and where in them the window of each customer lies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments import selecting
from touchloop.insight.segments.arrays.columns import Array, Floats, Ints, Mask, Words
from touchloop.insight.segments.arrays.crowd import Crowd
from touchloop.insight.segments.arrays.plan import Choice
from touchloop.insight.segments.arrays.questions import Documents, answers, summands
from touchloop.insight.segments.arrays.rows import Rows, moments
from touchloop.insight.segments.selecting import BOTH, INTERACTIONS


class Chosen:
    """The rows of one choice, by customer and time, none of them in the future."""

    def __init__(self, choice: Choice, crowd: Crowd) -> None:
        self._crowd = crowd
        self._lines = choice.source != INTERACTIONS
        self._rows = crowd.lines if self._lines else crowd.interactions
        self.index = self._find(choice)
        self.places = self._rows.places[self.index]
        self.t = self._rows.t[self.index]

    @cached_property
    def edges(self) -> Array:
        """Where the rows of each customer begin, and where those of the last one end."""
        return np.searchsorted(self.places, np.arange(self._crowd.size + 1))

    def rising(self, other: Chosen) -> tuple[Ints, Ints]:
        """The instants of the rows of both, as numbers that rise by customer and time."""
        if self._lines == other._lines:
            return self._rows.moments[self.index], self._rows.moments[other.index]
        places = np.concatenate([self.places, other.places])
        t = np.concatenate([self.t, other.t])
        order = np.lexsort((t, places))
        found = np.empty(len(order), np.int64)
        found[order] = moments(places[order], t[order])
        return found[: len(self.t)], found[len(self.t) :]

    def numbers(self, of: str, path: str) -> Floats:
        """What is added up."""
        if of == "property":
            return summands(self._under(path))
        if of == "value":
            return self._crowd.interactions.numbers(of)[self._context]
        return self._rows.numbers(of)[self.index]

    def kinds(self, of: str, path: str) -> Array:
        """What is told apart, as codes; -1 where there is nothing."""
        match of:
            case "property":
                return self._under(path).codes
            case "interaction_id":
                return np.unique(self._rows.integers(of)[self.index], return_inverse=True)[1]
            case "channel" | "location":
                return self._crowd.interactions.words(of).codes[self._context]
            case _:
                return self._rows.words(of).codes[self.index]

    def _under(self, path: str) -> Words:
        return self._crowd.properties.under(tuple(path.split(".")), self._context)

    @property
    def _context(self) -> Array:
        """The rows of interactions in which the chosen rows happened."""
        return self._crowd.beside[self.index] if self._lines else self.index

    def _find(self, choice: Choice) -> Array:
        """Cheap questions first: what stands in JSON is read of the rows that are left."""
        events, crowd = choice.events, self._crowd
        index = self._rows.named(events.names)
        if choice.back is not None:
            recent = self._rows.t[index] > crowd.now - choice.back
            index = index if recent.all() else index[recent]
        for line in events.lines:
            index = index[_line(line, self._rows, index)]
        if choice.source == INTERACTIONS:
            return index[_fitting(choice, crowd, index)]
        if choice.source == BOTH:
            index = index[crowd.beside[index] >= 0]
            index = index[_fitting(choice, crowd, crowd.beside[index])]
        return index


def _line(line: g.Line, lines: Rows, index: Array) -> Mask:
    words = lines.words(line.field)
    if line.op == "in":
        return words.among(line.values, index)
    return words.containing(line.values[0], index)


def _fitting(choice: Choice, crowd: Crowd, rows: Array) -> Array | slice:
    """Which of these rows of interactions answer every question beside name and time."""
    asked = _questions(choice, crowd)
    if not asked:
        return slice(None)
    kept = np.arange(len(rows))
    for question in asked:
        kept = kept[question(rows[kept])]
    return kept


def _questions(choice: Choice, crowd: Crowd) -> list[Callable[[Array], Mask]]:
    events, held = choice.events, crowd.interactions
    named = {
        "type": (events.type,) if events.type else (),
        "channel": events.channels,
        "location": events.locations,
    }
    asked: list[Callable[[Array], Mask]] = [
        partial(held.words(x).among, values) for x, values in named.items() if values
    ]
    own = choice.source == INTERACTIONS and not events.type and selecting.may_be_own(events)
    if own and held.mentions("type", g.OWN_TYPE):
        asked.append(lambda rows: ~held.words("type").among((g.OWN_TYPE,), rows))
    return asked + [partial(_property, x, crowd.properties) for x in events.where]


def _property(asked: g.Property, properties: Documents, rows: Array) -> Mask:
    return answers(asked.value, properties.under(tuple(asked.path.split(".")), rows))
