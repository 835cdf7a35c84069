"""Conditions about the order of interactions in time: sequences, and intervals of one's own."""

from __future__ import annotations

import numpy as np

from touchloop.insight.segments import grammar as g
from touchloop.insight.segments.arrays.choosing import Chosen
from touchloop.insight.segments.arrays.columns import Array, Ints, Mask
from touchloop.insight.segments.arrays.counting import rounded
from touchloop.insight.segments.arrays.decisions import Decisions
from touchloop.insight.segments.arrays.plan import Followed
from touchloop.insight.segments.arrays.windows import windows_of
from touchloop.insight.segments.selecting import DAY, bounds

_FAR = 2**62  # later than anything, and a length before or after it is still a number


def follow(followed: Followed, first: Chosen, then: Chosen, decisions: Decisions) -> None:
    """A then B within a time, or A then not B within a time."""
    gap = _next(first, then) - first.t
    inside = windows_of(first, [followed.window], decisions.now).inside(0)
    for number, leaf in followed.leaves:
        near = gap <= leaf.within.micros
        rows = ~near if leaf.negated else near
        if inside is not None:
            rows &= inside
        decide = _not_followed if leaf.negated else _followed
        decide(number, leaf, (first, rows), decisions)


def overdue(number: int, leaf: g.Overdue, chosen: Chosen, decisions: Decisions) -> None:
    """Has not come for so many of its usual intervals."""
    now, size = decisions.now, len(decisions.due)
    inside = windows_of(chosen, [leaf.window], now).inside(0)
    first, known, late = _usual(leaf, chosen, inside, size)
    decisions.set(number, known & (now >= late))
    decisions.wake(late, known)
    length = bounds(leaf.window).length
    if length is not None:
        decisions.wake(first + length, known)


def _next(first: Chosen, then: Chosen) -> Ints:
    """For each first one the instant of the next strictly later one of the same customer."""
    before, after = first.rising(then)
    at = np.searchsorted(after, before, side="right")
    t = np.append(then.t, _FAR)[at]
    same = np.append(then.places, -1)[at] == first.places
    return np.where(same, t, _FAR)


def _followed(
    number: int, leaf: g.Sequence, near: tuple[Chosen, Mask], decisions: Decisions
) -> None:
    held, newest = _newest(*near, len(decisions.due))
    decisions.set(number, held)
    length = bounds(leaf.window).length
    if length is not None:
        decisions.wake(newest + length, held)


def _not_followed(
    number: int, leaf: g.Sequence, alone: tuple[Chosen, Mask], decisions: Decisions
) -> None:
    first, rows = alone
    within, size = leaf.within.micros, len(decisions.due)
    ripe = rows & (first.t + within <= decisions.now)
    held, newest = _newest(first, ripe, size)
    decisions.set(number, held)
    length = bounds(leaf.window).length
    if length is not None:
        decisions.wake(newest + length, held)
    waiting = np.flatnonzero(rows & ~ripe)[::-1]
    oldest = np.full(size, _FAR)
    oldest[first.places[waiting]] = first.t[waiting]
    decisions.wake(oldest + within, ~held & (oldest < _FAR))


def _newest(first: Chosen, rows: Mask, size: int) -> tuple[Mask, Ints]:
    """Who has such rows, and the instant of the last of them."""
    held, newest = np.zeros(size, bool), np.zeros(size, np.int64)
    places = first.places[rows]
    held[places] = True
    newest[places] = first.t[rows]  # of several for the same place the last one stays
    return held, newest


def _usual(
    leaf: g.Overdue, chosen: Chosen, inside: Mask | None, size: int
) -> tuple[Ints, Mask, Ints]:
    """The oldest visit, who has a usual interval, and when the next one is overdue."""
    places, t = chosen.places, chosen.t
    if inside is not None:
        places, t = places[inside], t[inside]
    day = t // DAY
    new = np.ones(len(t), bool)
    new[1:] = (day[1:] != day[:-1]) | (places[1:] != places[:-1])
    days, of = day[new], places[new]
    counts = np.bincount(of, minlength=size)
    known = counts >= leaf.min_days
    first, last = np.zeros(size, np.int64), np.zeros(size, np.int64)
    first[places[::-1]], last[places] = t[::-1], t
    late = np.zeros(size, np.int64)
    micros = rounded(_medians(days, of, counts)[known] * (leaf.intervals * DAY), 1.0)
    late[known] = last[known] + micros.astype(np.int64)
    return first, known, late


def _medians(days: Ints, places: Array, counts: Array) -> Array:
    """The median of the gaps between the days of each customer; 0 for fewer than two days."""
    same = places[1:] == places[:-1]
    gaps, of = np.diff(days)[same], places[1:][same]
    if not len(gaps):
        return np.zeros(len(counts))
    width = int(gaps.max()) + 1
    gaps = np.sort(of * width + gaps) % width
    many = np.maximum(counts - 1, 0)
    start = np.cumsum(many) - many
    start[many == 0] = 0
    middle = np.maximum(many - 1, 0)
    return np.asarray((gaps[start + middle // 2] + gaps[start + (middle + 1) // 2]) / 2)
