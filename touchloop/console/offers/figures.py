"""What came of offers: shown and taken, and people gained against the holdout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from touchloop.core import arrays, proportions
from touchloop.core.db import Connection
from touchloop.core.proportions import Gain, Share
from touchloop.engage.decisions import api as decisions


@dataclass(frozen=True, slots=True)
class Figures:
    """Answers by word, and both sides of the holdout: (people, of them reached the goal)."""

    answers: dict[str, int] = field(default_factory=dict)
    treated: tuple[int, int] = (0, 0)
    held: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> int:
        """Showings that were reported, or that an answer proves."""
        return max(self.answers.get("shown", 0), self.taken)

    @property
    def taken(self) -> int:
        return self.answers.get("accepted", 0)

    @property
    def rate(self) -> Share:
        return proportions.share(self.taken, self.shown)

    @property
    def share_treated(self) -> Share:
        return _share(self.treated)

    @property
    def share_held(self) -> Share:
        return _share(self.held)

    @property
    def gain(self) -> Gain | None:
        return proportions.gain(self.share_treated, self.share_held)


def of_offers(conn: Connection, ids: Sequence[int]) -> dict[int, Figures]:
    """The figures of these offers, for two queries however many they are."""
    word_of = {code: word for word, code in decisions.WORDS.items()}
    answers: dict[int, dict[str, int]] = {id: {} for id in ids}
    wanted = {"ids": arrays.numbers(ids)}
    for offer_id, outcome, n in conn.execute(_ANSWERS, wanted).fetchall():
        answers[offer_id][word_of.get(outcome, "")] = n
    sides: dict[tuple[int, bool], tuple[int, int]] = {
        (offer_id, held): (n, reached)
        for offer_id, held, n, reached in conn.execute(_SIDES, wanted).fetchall()
    }
    return {
        id: Figures(answers[id], sides.get((id, False), (0, 0)), sides.get((id, True), (0, 0)))
        for id in ids
    }


def _share(side: tuple[int, int]) -> Share:
    n, reached = side
    return proportions.share(reached, n)


_ANSWERS = """
SELECT offer_id, outcome, count(*)::int FROM offer_outcomes
WHERE offer_id = ANY(%(ids)s::int[]) GROUP BY 1, 2
"""
_SIDES = """
SELECT offer_id, held, count(*)::int, count(reached_at)::int FROM offer_exposures
WHERE offer_id = ANY(%(ids)s::int[]) GROUP BY 1, 2
"""
