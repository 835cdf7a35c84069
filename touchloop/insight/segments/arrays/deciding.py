"""All conditions of a plan, decided for a crowd."""

from __future__ import annotations

import numpy as np

from touchloop.insight.segments.arrays import counting, knowing, ordering
from touchloop.insight.segments.arrays.choosing import Chosen
from touchloop.insight.segments.arrays.crowd import Crowd
from touchloop.insight.segments.arrays.decisions import NEVER, Decisions
from touchloop.insight.segments.arrays.plan import Plan
from touchloop.insight.segments.arrays.rows import Rows
from touchloop.insight.segments.needs import Reading

__all__ = ["NEVER", "decide"]


def decide(plan: Plan, crowd: Crowd) -> Decisions:
    """The bits of the conditions, and when the verdicts may change by themselves."""
    decisions = Decisions(crowd.size, plan.described.words, crowd.now)
    chosen = [Chosen(choice, crowd) for choice in plan.choices]
    numbers = counting.Numbers(plan.limits, crowd.size)
    for counted in plan.counted:
        counting.count(counted, chosen[counted.choice], numbers, crowd.now)
    counting.judge(numbers, decisions)
    for each in plan.followed:
        ordering.follow(each, chosen[each.first], chosen[each.then], decisions)
    for late in plan.late:
        ordering.overdue(late.number, late.leaf, chosen[late.choice], decisions)
    knowing.know(plan.known, crowd, decisions)
    _await(plan, crowd, decisions)
    return decisions


def _await(plan: Plan, crowd: Crowd, decisions: Decisions) -> None:
    """Interactions dated after now are seen when their instant comes."""
    needs = plan.described.needs
    if needs.interactions is not None:
        _await_of(crowd.interactions, needs.interactions, decisions)
    if needs.lines is not None:
        _await_of(crowd.lines, needs.lines, decisions)


def _await_of(rows: Rows, reading: Reading, decisions: Decisions) -> None:
    if rows.future is None:
        return
    meant = rows.future
    if reading.names is not None:
        meant = meant & rows.words("name").among(reading.names, slice(None))
    np.minimum.at(decisions.due, rows.places[meant], rows.t[meant])
