"""Uplift as a kind of model; what learns is loaded when it learns."""

from __future__ import annotations

from collections.abc import Iterable

from touchloop.insight.models.api import Kind, Run, Scored, Trained


def _train(run: Run) -> Trained | None:
    from touchloop.insight.uplift import learning

    return learning.train(run)


def _score(run: Run, trained: Trained) -> Iterable[Scored]:
    from touchloop.insight.uplift import learning

    return learning.score(run, trained)


UPLIFT = Kind(
    name="uplift",
    label="Uplift",
    sentence="Whom an offer changes: learned from its holdout, for every customer.",
    purpose="profile",
    every_hours=24.0,
    train=_train,
    score=_score,
    categories=("bought",),
)
KINDS: tuple[Kind, ...] = (UPLIFT,)
