"""Gamma-Gamma: what a purchase is worth, from the mean z of the x purchases seen.

A customer's purchases vary as Gamma(p, ν), his ν as Gamma(q, v) among customers; value and
frequency are taken to be independent, so their correlation is printed beside every fit. Fader,
Hardie, Lee, Journal of Marketing Research 42 (2005), 415-430; Fader and Hardie, note 025 (2013).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime.grouping import Floats


class Spending:
    """Repeaters: x > 0 purchases of mean z > 0; each array of one length, `weight` their number."""

    __slots__ = ("index", "weight", "x", "xs", "z")

    def __init__(
        self, x: npt.ArrayLike, z: npt.ArrayLike, weight: npt.ArrayLike | None = None
    ) -> None:
        self.x = np.ascontiguousarray(x, dtype=np.float64)
        self.z = np.ascontiguousarray(z, dtype=np.float64)
        if not len(self.x):
            raise Invalid("customers", "no repeat purchase has a known value")
        if not (np.isfinite(self.z).all() and (self.z > 0).all() and (self.x > 0).all()):
            raise Invalid("customers", "a mean value is not above zero")
        given = np.ones(len(self.x)) if weight is None else weight
        self.weight = np.ascontiguousarray(given, dtype=np.float64)
        self.xs, self.index = np.unique(self.x, return_inverse=True)

    @property
    def n(self) -> float:
        """Customers."""
        return float(self.weight.sum())

    def weighted(self, weight: Floats) -> Spending:
        """The same rows with other numbers of customers."""
        return Spending(self.x, self.z, weight)


def coarse(data: Spending) -> Spending:
    """Customers grouped by x and by z to half a percent: where a fit starts."""
    step = np.rint(np.log(data.z) * 200.0).astype(np.int64)
    low = int(step.min())
    size = int(step.max()) - low + 1
    code = data.index.astype(np.int64) * size + (step - low)
    distinct, place = np.unique(code, return_inverse=True)
    weight = np.bincount(place, weights=data.weight)
    return Spending(data.xs[distinct // size], np.exp((distinct % size + low) / 200.0), weight)


def log_likelihood(theta: Floats, data: Spending) -> tuple[float, Floats]:
    """Sum over repeaters, and its gradient, at theta = ln(p, q, v)."""
    p, q, v = np.exp(theta)
    n = np.bincount(data.index, weights=data.weight)
    px, people = p * data.xs, data.n
    total = float(n @ (gammaln(px + q) - gammaln(px) + px * np.log(data.xs)))
    total += people * (q * np.log(v) - gammaln(q))
    both = digamma(px + q)
    grad_p = float(n @ (data.xs * (both - digamma(px) + np.log(data.xs))))
    grad_q = float(n @ both) + people * (np.log(v) - digamma(q))
    log_z, scale = np.log(data.z), v + data.x * data.z
    log_scale = np.log(scale)
    power = p * data.x + q
    total += float(data.weight @ ((p * data.x - 1.0) * log_z - power * log_scale))
    grad_p += float(data.weight @ (data.x * (log_z - log_scale)))
    grad_q -= float(data.weight @ log_scale)
    grad_v = people * q / v - float(data.weight @ (power / scale))
    return total, np.array([grad_p * p, grad_q * q, grad_v * v])


def worth(parameters: dict[str, float], x: Floats, z: Floats) -> Floats:
    """Expected mean value of a customer's purchases; of one who never repeated, that of all."""
    p, q, v = (parameters[name] for name in ("p", "q", "v"))
    seen = (x > 0) & np.isfinite(z)
    count, total = np.where(seen, x, 0.0), np.where(seen, x * np.where(seen, z, 0.0), 0.0)
    return p * (v + total) / (p * count + q - 1.0)
