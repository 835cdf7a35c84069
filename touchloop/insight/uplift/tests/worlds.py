"""A randomised experiment of known effect: the young are changed, the old are put off."""

from __future__ import annotations

import numpy as np

from touchloop.insight.uplift.experiment import Experiment, Floats

NAMES = ("age", "orders", "noise")


def drawn(n: int, *, seed: int = 1, effect: float = 0.2) -> tuple[Experiment, Floats]:
    """The experiment and everybody's true effect: +effect below 40, -effect/2 from 60, else 0."""
    chance = np.random.default_rng(seed)
    age, orders = chance.uniform(18, 80, n), chance.poisson(3, n).astype(float)
    treated = chance.random(n) < 0.5
    true = np.select([age < 40, age >= 60], [effect, -effect / 2], 0.0)
    rate = 0.2 + 0.02 * np.minimum(orders, 6) + true * treated
    outcome = (chance.random(n) < rate).astype(float)
    features = np.column_stack([age, orders, chance.normal(size=n)])
    return Experiment("made", features, NAMES, treated, outcome, np.arange(n)), true
