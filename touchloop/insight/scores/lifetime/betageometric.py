"""BG/NBD and MBG/NBD: Poisson purchases at a rate ~ Gamma(r, α); after each the customer may leave.

He leaves with a chance ~ Beta(a, b). BG/NBD: Fader, Hardie, Lee, Marketing Science 24 (2005),
275-284. MBG/NBD, where he may leave at his first purchase too: Batislam, Denizel, Filiztekin,
International Journal of Research in Marketing 24 (2007), 201-209. Two more with one chance for all:
none at all (NBD: Ehrenberg 1959) and a fixed chance p, the limits into which a fit may run.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import digamma, gammaln

from touchloop.insight.scores.lifetime.grouping import Floats, Grouped

BG, MBG = "bg_nbd", "mbg_nbd"
NODES = 32


def log_likelihood(theta: Floats, data: Grouped, *, modified: bool) -> tuple[float, Floats]:
    """Sum over customers, and its gradient, at theta = ln(r, α, a, b)."""
    r, alpha, a, b = np.exp(theta)
    more = 1.0 if modified else 0.0
    xs, n = data.xs, data.by_x(data.weight)
    total, poisson = _purchases(r, alpha, xs, n)
    stay = b + xs + more
    total += float(n @ (gammaln(a + b) + gammaln(stay) - gammaln(b) - gammaln(a + stay)))
    both = digamma(a + b) - digamma(a + stay)
    grad_a, grad_b = float(n @ both), float(n @ (both + digamma(stay) - digamma(b)))

    power = r + data.x
    till_end, till_last = np.log(alpha + data.T), np.log(alpha + data.tx)
    alive = -power * till_end
    could = stay - 1.0  # x > 0 keeps it above zero in BG/NBD
    leaving = xs + more > 0
    log_odds = np.log(a) - np.log(np.where(leaving, could, 1.0))
    gone = np.where(leaving, log_odds, -np.inf)[data.index] - power * till_last
    either = np.logaddexp(alive, gone)
    left = np.exp(gone - either) * data.weight
    stayed = data.weight - left
    total += float(data.weight @ either)
    grad_r = poisson[0] - float(stayed @ till_end) - float(left @ till_last)
    grad_alpha = poisson[1] - float(
        (power * (stayed / (alpha + data.T) + left / (alpha + data.tx))).sum()
    )
    by_x = data.by_x(left)
    grad_a += float(by_x.sum()) / a
    grad_b -= float((by_x[leaving] / could[leaving]).sum())
    return total, np.array([grad_r * r, grad_alpha * alpha, grad_a * a, grad_b * b])


def nbd(theta: Floats, data: Grouped) -> tuple[float, Floats]:
    """Nobody ever leaves: theta = ln(r, α)."""
    r, alpha = np.exp(theta)
    total, (grad_r, grad_alpha) = _purchases(r, alpha, data.xs, data.by_x(data.weight))
    till_end = np.log(alpha + data.T)
    power = (r + data.x) * data.weight
    total -= float(power @ till_end)
    grad_r -= float(data.weight @ till_end)
    grad_alpha -= float((power / (alpha + data.T)).sum())
    return total, np.array([grad_r * r, grad_alpha * alpha])


def fixed_chance(theta: Floats, data: Grouped, *, modified: bool) -> tuple[float, Floats]:
    """The same chance p of leaving for all: theta = (ln r, ln α, ln odds of p)."""
    r, alpha = np.exp(theta[:2])
    p = 1.0 / (1.0 + np.exp(-theta[2]))
    more = 1.0 if modified else 0.0
    total, (grad_r, grad_alpha) = _purchases(r, alpha, data.xs, data.by_x(data.weight))
    chances = data.x + more
    power = r + data.x
    till_end, till_last = np.log(alpha + data.T), np.log(alpha + data.tx)
    alive = chances * np.log1p(-p) - power * till_end
    before = np.maximum(chances - 1.0, 0.0)
    gone = before * np.log1p(-p) + np.log(p) - power * till_last
    gone = np.where(chances > 0, gone, -np.inf)
    either = np.logaddexp(alive, gone)
    left = np.exp(gone - either) * data.weight
    stayed = data.weight - left
    total += float(data.weight @ either)
    grad_r -= float(stayed @ till_end) + float(left @ till_last)
    grad_alpha -= float((power * (stayed / (alpha + data.T) + left / (alpha + data.tx))).sum())
    # d/d(logit p): survivors lose p each, the one who left gains 1 - p
    odds = float(left.sum()) * (1.0 - p) - p * float(stayed @ chances + left @ before)
    return total, np.array([grad_r * r, grad_alpha * alpha, odds])


def alive(parameters: dict[str, float], data: Grouped, *, modified: bool) -> Floats:
    """P(still a customer) of each history."""
    r, alpha = parameters["r"], parameters["alpha"]
    if "p" not in parameters and "a" not in parameters:
        return np.ones(len(data.x))
    more = 1.0 if modified else 0.0
    chances = data.x + more
    odds: Floats
    if "a" in parameters:
        odds = np.log(parameters["a"]) - np.log(np.maximum(parameters["b"] + chances - 1.0, 1e-300))
    else:
        odds = np.full(len(data.x), np.log(parameters["p"]) - np.log1p(-parameters["p"]))
    odds = odds + (r + data.x) * (np.log(alpha + data.T) - np.log(alpha + data.tx))
    return np.where(chances > 0, 1.0 / (1.0 + np.exp(np.minimum(odds, 700.0))), 1.0)


def to_come(parameters: dict[str, float], data: Grouped, time: float, *, modified: bool) -> Floats:
    """Purchases expected in the next `time` of a customer who is still one, by history.

    The mean over his chance of leaving p ~ Beta(a, b + x) of (1 - (1 + p·t/(α+T))^-(r+x)) / p, by
    Gauss-Jacobi nodes: equal to the paper's 2F1, without its removable pole at a = 1 and without
    the overflow of 2F1 at many purchases.
    """
    r, alpha = parameters["r"], parameters["alpha"]
    power, reach = r + data.x, time / (alpha + data.T)
    if "a" not in parameters:
        return _until_leaving(np.full(len(reach), parameters.get("p", 0.0)), reach, power)
    found = np.zeros(len(data.x))
    more = 1.0 if modified else 0.0
    for place, x in enumerate(data.xs):
        rows = np.flatnonzero(data.index == place) if len(data.xs) > 1 else slice(None)
        p, share = _nodes(parameters["a"], parameters["b"] + float(x) + more)
        found[rows] = _until_leaving(p[None, :], reach[rows][:, None], power[rows][:, None]) @ share
    return found


def of_newcomer(parameters: dict[str, float], time: Floats, *, modified: bool) -> Floats:
    """Repeat purchases expected of a new customer by each time."""
    r, alpha = parameters["r"], parameters["alpha"]
    reach = np.asarray(time, dtype=np.float64) / alpha
    if "a" not in parameters:
        chance = parameters.get("p", 0.0)
        whole = _until_leaving(np.full(len(reach), chance), reach, np.full(len(reach), r))
        return whole * (1.0 - chance) if modified else whole
    p, share = _nodes(parameters["a"], parameters["b"])
    stays = 1.0 - p if modified else np.ones_like(p)
    each = _until_leaving(p[None, :], reach[:, None], np.full((len(reach), 1), r))
    return each @ (share * stays)


def _purchases(r: float, alpha: float, xs: Floats, n: Floats) -> tuple[float, tuple[float, float]]:
    """What depends on x alone: ln Γ(r+x) - ln Γ(r) + r ln α, and its derivatives by r and α."""
    people = float(n.sum())
    total = float(n @ (gammaln(r + xs) - gammaln(r))) + people * r * np.log(alpha)
    by_r = float(n @ (digamma(r + xs) - digamma(r))) + people * np.log(alpha)
    return total, (by_r, people * r / alpha)


def _until_leaving(p: Floats, reach: Floats, power: Floats) -> Floats:
    """(1 - (1 + p·reach)^-power) / p, and its limit power·reach at p = 0."""
    small = p < 1e-12
    safe = np.where(small, 1.0, p)
    value = -np.expm1(-power * np.log1p(safe * reach)) / safe
    return np.where(small, power * reach, value)


@lru_cache(maxsize=4096)
def _nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Points p in (0, 1) and shares that sum to 1, for means under Beta(a, b).

    Golub and Welsch (1969) on Jacobi's recurrence: the shares are squares of the first components,
    so that no Beta function can overflow, however large a and b are.
    """
    n = np.arange(NODES, dtype=np.float64)
    both = a + b - 2.0  # the exponents of (1 - u) and (1 + u) are b - 1 and a - 1
    ends = 2.0 * n + both
    middle = np.empty(NODES)
    middle[0] = (a - b) / (a + b)
    middle[1:] = (a - b) * both / (ends[1:] * (ends[1:] + 2.0))
    m, twice = n[1:], ends[1:]
    beside = 4.0 * m * (m + b - 1.0) * (m + a - 1.0) * (m + both)
    beside[1:] /= twice[1:] ** 2 * (twice[1:] + 1.0) * (twice[1:] - 1.0)
    beside[0] = 4.0 * a * b / ((a + b) ** 2 * (a + b + 1.0))  # the common factor a + b - 1 gone
    at, vectors = eigh_tridiagonal(middle, np.sqrt(beside))
    return np.clip((at + 1.0) / 2.0, 0.0, 1.0), vectors[0] ** 2
