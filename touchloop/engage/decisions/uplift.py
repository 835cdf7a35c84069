"""What an offer is worth: the people gained over its holdout, with an interval.

The interval of a difference of two rates is Newcombe's hybrid score interval (R. G. Newcombe,
"Interval estimation for the difference between independent proportions", Statistics in Medicine
17, 1998, method 10, without continuity correction): from the Wilson limits of both rates. It covers
well where the usual one fails, with few successes or a small holdout.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from touchloop.core.db import Connection
from touchloop.core.proportions import Z95, difference, share
from touchloop.engage.decisions.holding import EVERYTHING
from touchloop.engage.decisions.memory import LATER, REFUSED, SHOWN, TAKEN


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two rates with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an offer (0: of all that sells).

    `exposed` and `held` count people who came to the point where it would have been shown,
    `…_reached` those of them who reached the goal in time. `gained` are people: the difference of
    the rates times `exposed`; None while one of the sides is empty.
    """

    offer_id: int
    shown: int
    taken: int
    refused: int
    later: int
    exposed: int
    exposed_reached: int
    held: int
    held_reached: int
    difference: Difference | None
    gained: Difference | None

    @property
    def sentence(self) -> str:
        """The finding in words, never without its interval."""
        if self.gained is None:
            return _("Nobody to compare with yet: %(exposed)d exposed, %(held)d held out.") % {
                "exposed": self.exposed, "held": self.held
            }  # fmt: skip
        words = {
            "value": f"{self.gained.value:,.0f}", "low": f"{self.gained.low:,.0f}",
            "high": f"{self.gained.high:,.0f}", "exposed": self.exposed, "held": self.held,
        }  # fmt: skip
        return (
            _(
                "%(value)s people gained (95 %% interval %(low)s to %(high)s),"
                " of %(exposed)d exposed against %(held)d held out."
            )
            % words
        )


def report(conn: Connection, offer_id: int = EVERYTHING) -> Report:
    """What came of one offer, or (0) of all offers against the holdout of everything."""
    counted: dict[int, int] = dict(conn.execute(_ANSWERS, {"offer": offer_id}).fetchall())
    sides = {held: (n, x) for held, n, x in conn.execute(_SIDES, (offer_id,)).fetchall()}
    n1, x1 = sides.get(False, (0, 0))
    n0, x0 = sides.get(True, (0, 0))
    gap = newcombe(x1, n1, x0, n0) if n1 and n0 else None
    return Report(
        offer_id,
        counted.get(SHOWN, 0),
        counted.get(TAKEN, 0),
        counted.get(REFUSED, 0),
        counted.get(LATER, 0),
        n1,
        x1,
        n0,
        x0,
        gap,
        people(gap, n1) if gap else None,
    )


def people(gap: Difference, exposed: int) -> Difference:
    """A difference of rates as people among those exposed."""
    return Difference(gap.value * exposed, gap.low * exposed, gap.high * exposed)


def newcombe(x1: int, n1: int, x0: int, n0: int, *, z: float = Z95) -> Difference:
    """x1 of n1 against x0 of n0. Both n must be positive."""
    return Difference(*difference(share(x1, n1, z=z), share(x0, n0, z=z)))


_ANSWERS = """
SELECT outcome, count(*) FROM offer_outcomes
WHERE %(offer)s = 0 OR offer_id = %(offer)s GROUP BY outcome
"""
_SIDES = """
SELECT held, count(*), count(reached_at) FROM offer_exposures WHERE offer_id = %s GROUP BY held
"""
