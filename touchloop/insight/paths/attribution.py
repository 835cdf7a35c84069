"""What a step is worth: a Markov chain with one step taken away, solved exactly.

States are the last `order` steps of a path; rows are weighted by paths, self-loops are kept. `p` is
the probability to reach the goal from the start, by a linear solve. The removal effect of a step is
the share of `p` that goes when every path that meets the step is given up there, and its credit is
its share of all effects, in goals (Anderl et al., Int. J. Research in Marketing 33 (2016) 457-474).
No simulation. Credit is a description, not a cause: only a hold-out says what a step brought about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MOST_STATES = 600


@dataclass(frozen=True, slots=True)
class Credit:
    """One step: its removal effect, the goals credited to it, beside three plain rules."""

    step: str
    effect: float
    credit: float
    first: float
    last: float
    linear: float
    paths: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """`probability` to reach the goal from the start; `order` of the chain that was solved."""

    probability: float
    order: int
    credits: tuple[Credit, ...]


def attribute(ways: Iterable[tuple[Sequence[str], int, int]], *, order: int = 1) -> Attribution:
    """Of ways as (steps, reached, given up). A chain of too many states is taken of order 1."""
    given = [(tuple(steps), reached, lost) for steps, reached, lost in ways if steps]
    chain = _Chain(given, order)
    if len(chain.states) > MOST_STATES and order > 1:
        return attribute(given, order=1)
    steps = list(dict.fromkeys(step for path, _r, _l in given for step in path))
    goals = sum(reached for _path, reached, _lost in given)
    whole = chain.probability()
    effects = [1 - chain.probability(without=step) / whole if whole else 0.0 for step in steps]
    total = sum(effects)
    plain = _plain(given)
    found = [
        Credit(step, effect, goals * effect / total if total else 0.0, *plain[step])
        for step, effect in zip(steps, effects, strict=True)
    ]
    return Attribution(whole, order, tuple(sorted(found, key=lambda one: -one.credit)))


class _Chain:
    """Transitions among the last steps; the start is state 0."""

    def __init__(self, ways: Sequence[tuple[tuple[str, ...], int, int]], order: int) -> None:
        self.states: dict[tuple[str, ...], int] = {(): 0}
        weights: dict[tuple[int, int], float] = defaultdict(float)
        goals: dict[int, float] = defaultdict(float)
        total: dict[int, float] = defaultdict(float)
        for steps, reached, lost in ways:
            here = 0
            for at in range(len(steps)):
                key = steps[max(0, at + 1 - order) : at + 1]
                there = self.states.setdefault(key, len(self.states))
                weights[here, there] += reached + lost
                total[here] += reached + lost
                here = there
            goals[here] += reached
            total[here] += reached + lost
        size = len(self.states)
        self.moves = np.zeros((size, size))
        for (one, other), weight in weights.items():
            self.moves[one, other] = weight / total[one] if total[one] else 0.0
        self.goals = np.zeros(size)
        for state, weight in goals.items():
            self.goals[state] = weight / total[state] if total[state] else 0.0

    def probability(self, without: str | None = None) -> float:
        """To reach the goal from the start; with a step away, whoever meets it is lost."""
        moves, goals = self.moves, self.goals
        if without is not None:
            met = [at for key, at in self.states.items() if key and key[-1] == without]
            moves, goals = moves.copy(), goals.copy()
            moves[met], goals[met] = 0.0, 0.0
        try:
            solved = np.linalg.solve(np.eye(len(goals)) - moves, goals)
        except np.linalg.LinAlgError:  # a loop without a way out reaches nothing
            solved = np.linalg.lstsq(np.eye(len(goals)) - moves, goals, rcond=None)[0]
        return float(solved[0])


def _plain(
    ways: Iterable[tuple[tuple[str, ...], int, int]],
) -> dict[str, tuple[float, float, float, int]]:
    """Goals by the first step, by the last, in equal parts; and how many paths hold the step."""
    first: dict[str, float] = defaultdict(float)
    last: dict[str, float] = defaultdict(float)
    linear: dict[str, float] = defaultdict(float)
    paths: dict[str, int] = defaultdict(int)
    for steps, reached, lost in ways:
        first[steps[0]] += reached
        last[steps[-1]] += reached
        for step in steps:
            linear[step] += reached / len(steps)
        for step in set(steps):
            paths[step] += reached + lost
    return {step: (first[step], last[step], linear[step], n) for step, n in paths.items()}
