"""Contracts, where leaving is seen: sBG for renewals, BG/BB for chances to buy at fixed times.

sBG: Fader and Hardie, Journal of Interactive Marketing 21 (2007), 76-90. Each renewal is a toss
with a chance of leaving ~ Beta(α, β). BG/BB: Fader, Hardie, Shang, Marketing Science 29 (2010),
1086-1108: at each of n opportunities a living customer buys with a chance ~ Beta(α, β), and dies
before the next with a chance ~ Beta(γ, δ).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, hyp2f1

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime.fitting import Objective
from touchloop.insight.scores.lifetime.grouping import Floats, Grouped, grouped_with_index

LONGEST = 10_000  # renewals: daily ones for 27 years


@dataclass(frozen=True, slots=True)
class Tenures:
    """How many left at their t-th renewal, and how many still stay after t of them."""

    left: Floats  # by t - 1
    stay: Floats  # by t; t = 0: not yet asked

    @property
    def n(self) -> float:
        """Customers."""
        return float(self.left.sum() + self.stay.sum())


def tenures(renewals: npt.ArrayLike, churned: npt.ArrayLike) -> Tenures:
    """Count customers: renewals they were asked for, and whether they left at the last."""
    asked = np.asarray(renewals, dtype=np.float64)
    gone = np.asarray(churned, dtype=bool)
    if not len(asked):
        raise Invalid("customers", "nobody has a contract")
    if not np.isfinite(asked).all() or (asked < 0).any() or (asked != np.rint(asked)).any():
        raise Invalid("tenure", "renewals are whole numbers from 0")
    if asked.max() > LONGEST:
        raise Invalid("tenure", f"at most {LONGEST:,} renewals are expected")
    if (asked[gone] < 1).any():
        raise Invalid("tenure", "who left was asked for at least one renewal")
    t, top = asked.astype(np.int64), int(asked.max())
    return Tenures(
        np.bincount(t[gone] - 1, minlength=max(top, 1)).astype(np.float64),
        np.bincount(t[~gone], minlength=top + 1).astype(np.float64),
    )


def sbg(data: Tenures) -> Objective:
    """The log-likelihood and its gradient at theta = ln(α, β)."""
    t = np.arange(1.0, len(data.left) + 1.0)
    n = np.arange(len(data.stay), dtype=np.float64)

    def objective(theta: Floats) -> tuple[float, Floats]:
        a, b = np.exp(theta)
        whole, whole_a, whole_b = betaln(a, b), *_slopes(a, b)
        value = float(data.left @ (betaln(a + 1.0, b + t - 1.0) - whole))
        value += float(data.stay @ (betaln(a, b + n) - whole))
        left_a, left_b = _slopes(a + 1.0, b + t - 1.0)
        stay_a, stay_b = _slopes(a, b + n)
        slope_a = float(data.left @ (left_a - whole_a) + data.stay @ (stay_a - whole_a))
        slope_b = float(data.left @ (left_b - whole_b) + data.stay @ (stay_b - whole_b))
        return value, np.array([slope_a * a, slope_b * b])

    return objective


def survival(alpha: float, beta: float, t: npt.ArrayLike) -> Floats:
    """The share of a cohort that stays after t renewals."""
    when = np.asarray(t, dtype=np.float64)
    return np.asarray(np.exp(betaln(alpha, beta + when) - betaln(alpha, beta)), dtype=np.float64)


def leaving(alpha: float, beta: float, t: npt.ArrayLike) -> Floats:
    """The share of a cohort that leaves at renewal t (from 1)."""
    when = np.asarray(t, dtype=np.float64)
    return np.asarray(
        np.exp(betaln(alpha + 1.0, beta + when - 1.0) - betaln(alpha, beta)), dtype=np.float64
    )


def newcomer_value(alpha: float, beta: float, *, discount: float) -> float:
    """Payments of 1 a period expected of a new customer, discounted; the first is due now."""
    if discount <= 0:
        raise Invalid("discount", "a rate above zero")
    return float(hyp2f1(1.0, beta, alpha + beta, 1.0 / (1.0 + discount)))


def residual_value(alpha: float, beta: float, renewed: npt.ArrayLike, *, discount: float) -> Floats:
    """Payments of 1 still expected of one who renewed so many times; the next renewal is now.

    Fader and Hardie, Marketing Science 29 (2010), 85-93, equation 6.
    """
    if discount <= 0:
        raise Invalid("discount", "a rate above zero")
    n = np.asarray(renewed, dtype=np.float64) + 1.0
    first = (beta + n - 1.0) / (alpha + beta + n - 1.0)
    rest = hyp2f1(1.0, beta + n, alpha + beta + n, 1.0 / (1.0 + discount))
    return np.asarray(first * rest, dtype=np.float64)


class Chances:
    """BG/BB: customers by (x bought, tx last bought, n opportunities), each distinct row once.

    `of` is the row of each customer that was given.
    """

    __slots__ = ("group", "i", "of", "row")

    def __init__(
        self, x: npt.ArrayLike, tx: npt.ArrayLike, n: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
    ) -> None:  # fmt: skip
        if np.asarray(n, dtype=np.float64).max(initial=0.0) > LONGEST:
            raise Invalid("n", f"at most {LONGEST:,} opportunities are expected")
        if weight is not None and not (np.asarray(weight, dtype=np.float64) >= 0).all():
            raise Invalid("weight", "a number of customers is below zero, or none")
        group, self.of = grouped_with_index(x, tx, n, weight=weight)
        whole = all((each == np.rint(each)).all() for each in (group.x, group.tx, group.T))
        if not whole or (group.x > group.tx).any() or ((group.x == 0) & (group.tx > 0)).any():
            raise Invalid("customers", "more purchases than opportunities until the last of them")
        self.group: Grouped = group
        gone = (group.T - group.tx).astype(np.int64)
        self.row = np.repeat(np.arange(len(gone)), gone)
        self.i = np.arange(gone.sum(), dtype=np.float64) - np.repeat(np.cumsum(gone) - gone, gone)

    def weighted(self, weight: Floats) -> Chances:
        """The same rows with other numbers of customers."""
        other = copy(self)
        other.group = self.group.weighted(weight)
        return other


def bg_bb(data: Chances) -> Objective:
    """The log-likelihood and its gradient at theta = ln(α, β, γ, δ)."""

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, slopes = bg_bb_rows(theta, data)
        return float(data.group.weight @ value), data.group.weight @ slopes * np.exp(theta)

    return objective


def bg_bb_rows(theta: Floats, data: Chances) -> tuple[Floats, Floats]:
    """ln L of each row, and its derivatives by α, β, γ, δ."""
    a, b, c, d = np.exp(theta)
    x, tx, n = data.group.x, data.group.tx, data.group.T
    rows = len(x)
    at = np.concatenate([np.arange(rows), data.row])
    bought = x[at]
    missed = np.concatenate([n - x, (tx - x)[data.row] + data.i])
    lived = np.concatenate([n, tx[data.row] + data.i])
    died = np.concatenate([np.zeros(rows), np.ones(len(data.row))])
    part = betaln(a + bought, b + missed) - betaln(a, b)
    part += betaln(c + died, d + lived) - betaln(c, d)
    top = np.full(rows, -np.inf)
    np.maximum.at(top, at, part)
    share = np.exp(part - top[at])
    total = np.bincount(at, weights=share, minlength=rows)
    share /= total[at]
    slopes = []
    buys, buys_all = _slopes(a + bought, b + missed), _slopes(a, b)
    dies, dies_all = _slopes(c + died, d + lived), _slopes(c, d)
    for here, base in zip((*buys, *dies), (*buys_all, *dies_all), strict=True):
        slopes.append(np.bincount(at, weights=share * here, minlength=rows) - base)
    return top + np.log(total), np.stack(slopes, axis=1)


def bg_bb_alive(parameters: Sequence[float], data: Chances) -> Floats:
    """P(alive at the next opportunity) of each row."""
    a, b, c, d = parameters
    g = data.group
    both = betaln(a + g.x, b + g.T - g.x) - betaln(a, b) + betaln(c, d + g.T + 1.0) - betaln(c, d)
    value, _slopes_of = bg_bb_rows(np.log(np.asarray(parameters, dtype=np.float64)), data)
    return np.asarray(np.exp(both - value), dtype=np.float64)


def _slopes(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Derivatives of ln B(a, b)."""
    one, other = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    both = digamma(one + other)
    return digamma(one) - both, digamma(other) - both
