"""What another policy would have got, from what was logged: IPS, SNIPS and DR, beside the baseline.

Each decision has the probability of what it showed first, so that policies can be compared without
trying them (Horvitz and Thompson 1952; Swaminathan and Joachims 2015 for the self-normalised;
Dudik, Langford and Li 2011 for the doubly robust). The effective sample size (Kish) says how much
of the log speaks of a policy at all. The dumb baseline, the best single offer for all, is always
among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.engage.decisions.choosing import arbitrated
from touchloop.engage.decisions.deciding import newest, replayed
from touchloop.engage.decisions.memory import TAKEN
from touchloop.engage.decisions.propensity import Model, bucket_of, of_customer, propensities

Floats = NDArray[np.float64]
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's rate (what is taken, of 1) with its standard error, and how much speaks of it."""

    name: str
    ips: float
    ips_error: float
    snips: float
    snips_error: float
    dr: float
    dr_error: float
    effective: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % around the doubly robust estimate."""
        return self.dr - Z95 * self.dr_error, self.dr + Z95 * self.dr_error


@dataclass(frozen=True, slots=True)
class Logged:
    """One decision that was shown: the candidates, what was first and how likely, what came."""

    candidates: tuple[int, ...]
    shown: int
    probability: float
    reward: float
    expected: Mapping[int, float]  # by the newest model: the reward of each candidate
    learned: int  # what the newest model would put first


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The logged rate, and what the learned policy and the best single offer would have got."""

    decisions: int
    logged: float
    learned: Estimate | None
    single: Estimate | None
    single_offer: int | None


def evaluate(
    conn: Connection, *, since: datetime, until: datetime, limit: int = 10_000
) -> Evaluation:
    """Over settled decisions of a time, the latest `limit` of them. Reads only."""
    model = newest(conn).model
    rows = conn.execute(
        _LOGGED,
        {"since": since, "until": until, "limit": limit, "taken": TAKEN},
    ).fetchall()
    return compared([_logged(conn, row, model) for row in rows])


def compared(log: Sequence[Logged]) -> Evaluation:
    """Both policies over a log."""
    if not log:
        return Evaluation(0, 0.0, None, None, None)
    best = best_single(log)
    learned = [{each.learned: 1.0} for each in log]
    single = [{best: 1.0} if best in each.candidates else {} for each in log]
    return Evaluation(
        len(log),
        float(np.mean([each.reward for each in log])),
        estimate("learned", log, learned),
        estimate("best single offer", log, single),
        best,
    )


def best_single(log: Sequence[Logged]) -> int:
    """The offer that would have got most if everybody for whom it was open had got it (by IPS)."""
    got: dict[int, float] = {}
    for each in log:
        got[each.shown] = got.get(each.shown, 0.0) + each.reward / each.probability
    return max(sorted(got), key=lambda offer: got[offer])


def estimate(name: str, log: Sequence[Logged], policy: Sequence[Mapping[int, float]]) -> Estimate:
    """A policy that gives each decision the probabilities of its candidates; what it leaves out
    shows nothing, and gets nothing.
    """
    reward = np.array([each.reward for each in log])
    weight = np.array(
        [p.get(each.shown, 0.0) / each.probability for each, p in zip(log, policy, strict=True)]
    )
    direct = np.array(
        [
            sum(chance * each.expected.get(offer, 0.0) for offer, chance in p.items())
            for each, p in zip(log, policy, strict=True)
        ]
    )
    expected = np.array([each.expected.get(each.shown, 0.0) for each in log])
    covered = np.array([sum(p.values()) for p in policy])
    ips = weight * reward
    dr = direct + weight * (reward - expected)
    share = float(covered.mean())
    total = float(weight.sum())
    snips = float(ips.sum()) / total if total else 0.0
    residual = weight * (reward - snips)
    return Estimate(
        name,
        float(ips.mean()),
        _error(ips),
        snips * share,
        float(np.sqrt((residual**2).sum())) / total * share if total else 0.0,
        float(dr.mean()),
        _error(dr),
        effective(weight),
    )


def effective(weight: Floats) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2."""
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square if square else 0.0


def _error(values: Floats) -> float:
    return float(values.std(ddof=1)) / float(np.sqrt(len(values))) if len(values) > 1 else 0.0


def _logged(conn: Connection, row: tuple[Any, ...], model: Model) -> Logged:
    """The candidates are found by deciding once more; the newest model weighs them anew."""
    *stored, first, taken = row
    anatomy, compiled = replayed(conn, tuple(stored))
    facts = anatomy.facts
    bucket = bucket_of(facts, compiled.policy.settings.facts)
    offers = compiled.book.offers
    words = of_customer(
        model, offers, bucket, learned=propensities(model, offers, bucket), scores=facts.scores
    )
    open_places = arbitrated(compiled, facts, words)
    open_to = tuple(compiled.offers[n].id for n in open_places)
    expected = {compiled.offers[n].id: words[n] for n in open_places}
    chance = next(each.probability for each in anatomy.decision.offers if each.offer_id == first)
    return Logged(open_to, first, chance, float(taken), expected, open_to[0])


_LOGGED = """
SELECT d.id, d.book_id, d.policy_version, d.model_version, d.inputs, d.propensities, d.first_offer,
       EXISTS (SELECT FROM offer_outcomes o WHERE o.decision_id = d.id AND o.outcome = %(taken)s
                AND o.offer_id = d.first_offer)
FROM decisions d
WHERE d.learning = 1 AND d.at >= %(since)s AND d.at < %(until)s
  AND EXISTS (SELECT FROM offer_outcomes o
               WHERE o.decision_id = d.id AND o.offer_id = d.first_offer)
ORDER BY d.at DESC LIMIT %(limit)s
"""
