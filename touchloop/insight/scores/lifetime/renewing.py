"""How long contracts stay: sBG or BG/BB with its fallback, and what follows for one contract.

sBG where contracts end once; BG/BB where no end is told and some come back after a pause. A fit at
a boundary is named, and one chance of leaving for all is used instead of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _
from scipy.special import betaln

from touchloop.insight.scores.lifetime import contractual, fitting, judging, spread
from touchloop.insight.scores.lifetime.contractual import Chances, Tenures
from touchloop.insight.scores.lifetime.grouping import Floats

SBG, ONE_CHANCE, BG_BB = "sbg", "one_chance", "bg_bb"
LABELS = {SBG: "sBG", ONE_CHANCE: _("one chance of leaving for all"), BG_BB: "BG/BB"}
REPLICATES = 40


@dataclass(frozen=True, slots=True)
class Renewing:
    """A fit. `parameters` are those of the model that is used; `draws` bootstrapped ones (rows).

    `boundary` says in words why a richer model is not used.
    """

    model: str
    parameters: tuple[float, ...]
    log_likelihood: float
    boundary: str = ""
    draws: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def named(self) -> dict[str, float]:
        """The parameters by name."""
        names = {SBG: ("alpha", "beta"), ONE_CHANCE: ("p",)}.get(
            self.model, ("alpha", "beta", "gamma", "delta")
        )
        return dict(zip(names, self.parameters, strict=True))


def of_ends(data: Tenures, *, seed: int = 1, replicates: int = 0) -> Renewing:
    """sBG, or one chance for all where customers cannot be seen to differ."""
    peak = fitting.climb(contractual.sbg(data), [[0.0, 0.0], [-0.5, 1.0], [1.0, 2.0]])
    alpha, beta = map(float, np.exp(peak.theta))
    left = float(data.left.sum())
    stayed = float(np.arange(len(data.left)) @ data.left + np.arange(len(data.stay)) @ data.stay)
    p = left / (left + stayed)
    single = left * np.log(p) + (stayed * np.log1p(-p) if stayed else 0.0)
    said = ""
    if not peak.sure or max(alpha, beta) > judging.HUGE or min(alpha, beta) < judging.TINY:
        said = _("sBG: the fit ran to an edge; all customers leave with about the same chance.")
    elif peak.value - single < judging.NEAR:
        said = _("sBG: one chance of leaving for all fits as well.")
    if said:
        chance = np.random.default_rng(seed)
        draws = chance.beta(left + 1.0, stayed + 1.0, (replicates, 1))
        return Renewing(ONE_CHANCE, (p,), float(single), said, draws)
    found = np.empty((0, 2))
    if replicates:
        cut = len(data.left)
        found = spread.around(
            lambda weight: contractual.sbg(Tenures(weight[:cut], weight[cut:])),
            np.concatenate([data.left, data.stay]), peak, seed=seed, replicates=replicates,
        )  # fmt: skip
    return Renewing(SBG, (alpha, beta), float(peak.value), "", np.exp(found))


def of_silence(data: Chances, *, seed: int = 1, replicates: int = 0) -> Renewing:
    """BG/BB; the boundary is named, and there is nothing to fall back on."""
    starts = [[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, -0.5, 1.0]]
    peak = fitting.climb(contractual.bg_bb(data), starts)
    named = np.exp(peak.theta)
    said, found = "", np.empty((0, 4))
    if not peak.sure or named.max() > judging.HUGE or named.min() < judging.TINY:
        said = _("BG/BB: the fit ran to an edge; its parameters say nothing.")
    elif replicates:
        found = spread.around(
            lambda weight: contractual.bg_bb(data.weighted(weight)), data.group.weight, peak,
            seed=seed, replicates=replicates,
        )  # fmt: skip
    return Renewing(BG_BB, tuple(map(float, named)), float(peak.value), said, np.exp(found))


def stays(
    model: str, parameters: npt.ArrayLike, renewed: npt.ArrayLike, more: npt.ArrayLike
) -> Floats:
    """The chance that one who renewed so often does so `more` times again (sBG, one chance)."""
    n, k = np.asarray(renewed, dtype=np.float64), np.asarray(more, dtype=np.float64)
    given = np.asarray(parameters, dtype=np.float64)
    if model == ONE_CHANCE:
        return np.asarray((1.0 - given[0]) ** k, dtype=np.float64)
    alpha, beta = given
    return np.asarray(np.exp(betaln(alpha, beta + n + k) - betaln(alpha, beta + n)), np.float64)


def renews(parameters: npt.ArrayLike, x: Floats, tx: Floats, n: Floats, k: Floats) -> Floats:
    """BG/BB: the chance that the opportunity k from now (from 1) is taken."""
    return _at(parameters, x, tx, n, k, taken=1.0)


def lives(parameters: npt.ArrayLike, x: Floats, tx: Floats, n: Floats, k: Floats) -> Floats:
    """BG/BB: the chance to be alive at the opportunity k from now; 0: at the last that was."""
    return _at(parameters, x, tx, n, k, taken=0.0)


def _at(
    parameters: npt.ArrayLike, x: Floats, tx: Floats, n: Floats, k: Floats, *, taken: float
) -> Floats:
    theta = np.log(np.asarray(parameters, dtype=np.float64))
    a, b, c, d = np.exp(theta)
    data = Chances(x, tx, n)
    whole = contractual.bg_bb_rows(theta, data)[0][data.of]
    both = betaln(a + x + taken, b + n - x) - betaln(a, b)
    both = both + betaln(c, d + n + k) - betaln(c, d)
    return np.asarray(np.exp(both - whole), dtype=np.float64)
