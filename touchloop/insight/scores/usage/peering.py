"""Each customer beside people like them: the same traits, about as long and as frequent a customer.

The nearest group that has enough people counts: all traits and tenure, then the first trait and
tenure, then how often they came and tenure, then tenure, then everybody who has the service. A gap
is a use below half of the lower quartile of the peers, where even that quartile is worth a word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchloop.insight.scores.usage.reading import Use

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

ENOUGH = 20
FAR = 0.5  # of the lower quartile
WORTH = 1.0  # a month: below, a quartile says nothing
_KNOWN = 0.05  # share of customers for whom a trait must be known to part peers


@dataclass(frozen=True, slots=True)
class Compared:
    """One row for each row of the use: its peers and where it stands among them."""

    rows: Places
    peers: Places  # place in `words`
    words: tuple[str, ...]  # who peers are; "" for everybody
    n: Places
    quartile: Floats
    median: Floats
    above: Floats  # share of the peers who use more
    gap: NDArray[np.bool_]


def traits_of(use: Use) -> tuple[str, ...]:
    """The traits that part peers: known of some customers, and not the same for all."""
    found = []
    for name, values in use.traits.items():
        known = values != ""
        if len(values) and known.mean() >= _KNOWN and len(np.unique(values[known])) > 1:
            found.append(name)
    return tuple(found[:2])


def compare(use: Use, service: str, act: str) -> Compared:
    """Those who have a service, each beside its peers."""
    rows = np.flatnonzero((use.services == service) & (use.acts == act))
    monthly = use.monthly[rows]
    n, peers = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    quartile, median, above = (np.zeros(len(rows)) for _ in range(3))
    words = [""]
    waiting = np.ones(len(rows), bool)
    for parts in _levels(use):
        group, known = _groups([part[rows] for part in parts.values()], len(rows))
        for number in np.unique(group[waiting & known]):
            inside = np.flatnonzero((group == number) & known)
            if len(inside) < ENOUGH and parts:
                continue
            taken = inside[waiting[inside]]
            values = np.sort(monthly[inside])
            n[taken] = len(values)
            quartile[taken], median[taken] = np.quantile(values, [0.25, 0.5])
            more = len(values) - np.searchsorted(values, monthly[taken], side="right")
            above[taken] = more / len(values)
            peers[taken] = len(words)
            words.append(_words(parts, rows[inside[0]]))
            waiting[taken] = False
    gap = (quartile >= WORTH) & (monthly < FAR * quartile) & (n >= ENOUGH)
    return Compared(rows, peers, tuple(words), n, quartile, median, above, gap)


def _levels(use: Use) -> list[dict[str, NDArray[np.str_]]]:
    """What peers share, the nearest first."""
    traits = traits_of(use)
    tenure = {"": use.tenure}
    found = [{name: use.traits[name] for name in traits} | tenure] if traits else []
    if len(traits) > 1:
        found.append({traits[0]: use.traits[traits[0]]} | tenure)
    return [*found, {"": use.tenure, " ": use.pace}, tenure, {}]


def _groups(parts: list[NDArray[np.str_]], n: int) -> tuple[Places, NDArray[np.bool_]]:
    """A number for each combination of values, and where all of them are known."""
    group, known = np.zeros(n, np.int64), np.ones(n, bool)
    for part in parts:
        _, codes = np.unique(part, return_inverse=True)
        group = group * (int(codes.max(initial=0)) + 1) + codes
        known &= part != ""
    return group, known


def _words(parts: dict[str, NDArray[np.str_]], row: int) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {v[row]}".strip() for name, v in parts.items())
