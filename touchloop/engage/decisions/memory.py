"""What a customer's earlier answers to an offer do to it now: rest, limits, a weight that returns.

Outcome memory as data: every answer stands in `offer_outcomes`; how long it counts is the offer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from touchloop.core import clock
from touchloop.engage.decisions import asking as words
from touchloop.engage.decisions.asking import Held
from touchloop.engage.decisions.compiled import Ready, Said

SHOWN, TAKEN, REFUSED, LATER = 1, 2, 3, 4
DAY: Final = 86_400_000_000
Answer = tuple[int, int]  # outcome, microseconds

ALWAYS: Final = 1.0


def remembered(ready: Ready, answers: Sequence[Answer], at: int, *, said: Said) -> Held | float:
    """What holds the offer back, or the weight that it has after these answers (at most 1).

    Mandatory offers ignore all of it, service offers are not counted against impressions.
    """
    if ready.mandatory:
        return ALWAYS
    memory = ready.offer.memory
    last: dict[int, int] = {}
    refusals = shown = 0
    shown_since = at - int(ready.offer.impressions.days * DAY) if ready.offer.impressions else at
    for outcome, then in answers:
        if then > at:  # a decision for an earlier moment does not know the later
            continue
        last[outcome] = max(then, last.get(outcome, then))
        if outcome == REFUSED and at - then < memory.refused_days * DAY:
            refusals += 1
        elif outcome == SHOWN and then > shown_since:
            shown += 1
    if TAKEN in last and at - last[TAKEN] < memory.taken_days * DAY:
        return _held(ready, words.TAKEN, said.taken, last[TAKEN])
    if refusals >= memory.refusals and refusals:
        return _held(ready, words.REFUSED, said.refused, last[REFUSED])
    if LATER in last and memory.later_days:
        age = (at - last[LATER]) / (memory.later_days * DAY)
        if age < 1:
            return _held(ready, words.LATER, said.later, last[LATER])
    limit = ready.offer.impressions
    if ready.shown_enough is not None and limit is not None and shown >= limit.most:
        return ready.shown_enough
    if LATER in last and memory.later_days:
        return float(1 - 0.5 ** ((at - last[LATER]) / (memory.later_days * DAY)))
    return ALWAYS


def _held(ready: Ready, stage: str, sentence: str, then: int) -> Held:
    day = f"{clock.from_micros(then):%Y-%m-%d}"
    return Held(ready.offer.id, ready.offer.slug, stage, sentence % day)
