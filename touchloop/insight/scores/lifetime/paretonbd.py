"""Pareto/NBD: Poisson purchases at a rate ~ Gamma(r, α), a lifetime ~ exponential, Gamma(s, β).

Schmittlein, Morrison, Colombo, Management Science 33 (1987), 1-24. The part of the likelihood that
the papers write with two 2F1 is here the integral it comes from,

    s · ∫ from tx to T of (α+y)^-(r+x) · (β+y)^-(s+1) dy,

by Gauss-Legendre in ln(m+y), m = min(α, β), over the stretch where the integrand is more than
e^-40 of its start. It has no case distinction, no overflow, and a gradient under the integral.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from touchloop.insight.scores.lifetime.grouping import Floats, Grouped

NODES = 40
_AT, _SHARE = np.polynomial.legendre.leggauss(NODES)
_ROWS = 8_192  # histories at a time: bounds the memory of the integral


def log_likelihood(theta: Floats, data: Grouped) -> tuple[float, Floats]:
    """Sum over customers, and its gradient, at theta = ln(r, α, s, β)."""
    r, alpha, s, beta = np.exp(theta)
    xs, n = data.xs, data.by_x(data.weight)
    people = data.n
    total = float(n @ (gammaln(r + xs) - gammaln(r)))
    total += people * (r * np.log(alpha) + s * np.log(beta))
    grad = np.array(
        [
            float(n @ (digamma(r + xs) - digamma(r))) + people * np.log(alpha),
            people * r / alpha,
            people * np.log(beta),
            people * s / beta,
        ]
    )
    for start in range(0, len(data.x), _ROWS):
        rows = slice(start, start + _ROWS)
        value, slopes = _either(r, alpha, s, beta, data.x[rows], data.tx[rows], data.T[rows])
        total += float(data.weight[rows] @ value)
        grad += data.weight[rows] @ slopes
    return total, grad * np.array([r, alpha, s, beta])


def alive(parameters: dict[str, float], data: Grouped) -> Floats:
    """P(still a customer) of each history."""
    r, alpha, s, beta = (parameters[name] for name in ("r", "alpha", "s", "beta"))
    found = []
    for start in range(0, len(data.x), _ROWS):
        rows = slice(start, start + _ROWS)
        x, tx, T = data.x[rows], data.tx[rows], data.T[rows]
        gone, *_ = _integral(r, alpha, s, beta, x, tx, T)
        stays = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
        found.append(1.0 / (1.0 + np.exp(np.minimum(gone - stays, 700.0))))
    return np.concatenate(found)


def to_come(parameters: dict[str, float], data: Grouped, time: float) -> Floats:
    """Purchases expected in the next `time` of a customer who is still one, by history."""
    r, alpha, s, beta = (parameters[name] for name in ("r", "alpha", "s", "beta"))
    rate = (r + data.x) / (alpha + data.T)
    return rate * (beta + data.T) * _living(s, np.log1p(time / (beta + data.T)))


def of_newcomer(parameters: dict[str, float], time: Floats) -> Floats:
    """Repeat purchases expected of a new customer by each time."""
    r, alpha, s, beta = (parameters[name] for name in ("r", "alpha", "s", "beta"))
    return r / alpha * beta * _living(s, np.log1p(np.asarray(time, dtype=np.float64) / beta))


def _living(s: float, stretch: Floats) -> Floats:
    """(1 - e^-(s-1)u) / (s-1), with its limit u at s = 1."""
    if abs(s - 1.0) < 1e-9:
        return stretch
    return -np.expm1(-(s - 1.0) * stretch) / (s - 1.0)


def _either(
    r: float, alpha: float, s: float, beta: float, x: Floats, tx: Floats, T: Floats
) -> tuple[Floats, Floats]:
    """ln(alive + gone) of each history, and its derivatives by r, α, s, β (four columns)."""
    to_alpha, to_beta = np.log(alpha + T), np.log(beta + T)
    stays = -(r + x) * to_alpha - s * to_beta
    gone, mean_a, mean_b, inverse_a, inverse_b = _integral(r, alpha, s, beta, x, tx, T)
    value = np.logaddexp(stays, gone)
    left = np.exp(gone - value)
    stayed = 1.0 - left
    slopes = np.stack(
        [
            -stayed * to_alpha - left * mean_a,
            -(r + x) * (stayed / (alpha + T) + left * inverse_a),
            -stayed * to_beta + left * (1.0 / s - mean_b),
            -stayed * s / (beta + T) - left * (s + 1.0) * inverse_b,
        ],
        axis=1,
    )
    return value, slopes


def _integral(
    r: float, alpha: float, s: float, beta: float, x: Floats, tx: Floats, T: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """ln of the integral; means under its integrand of ln(α+y), ln(β+y), 1/(α+y), 1/(β+y)."""
    low = min(alpha, beta)
    end = np.minimum(
        (alpha + tx) * np.exp(np.minimum(40.0 / (r + x), 300.0)) - alpha,
        (beta + tx) * np.exp(min(40.0 / s, 300.0)) - beta,
    )
    end = np.minimum(T, end)
    start = np.log(low + tx)
    width = np.maximum(np.log(low + end) - start, 1e-300)
    u = start[:, None] + width[:, None] * ((_AT + 1.0) / 2.0)
    reach = np.exp(u)
    a, b = reach + (alpha - low), reach + (beta - low)
    log_a, log_b = np.log(a), np.log(b)
    height = u - (r + x)[:, None] * log_a - (s + 1.0) * log_b
    top = height.max(axis=1)
    part = np.exp(height - top[:, None]) * _SHARE
    area = part.sum(axis=1)
    part /= area[:, None]
    total = np.log(s) + top + np.log(area) + np.log(width / 2.0)
    return (
        total,
        (part * log_a).sum(axis=1),
        (part * log_b).sum(axis=1),
        (part / a).sum(axis=1),
        (part / b).sum(axis=1),
    )
