"""Lifetime value and RFM as kinds of models; what learns is loaded when it learns."""

from __future__ import annotations

from collections.abc import Iterable

from touchloop.insight.models.api import Kind, Run, Scored, Trained

CATEGORIES = ("bought",)


def _train(run: Run) -> Trained | None:
    from touchloop.insight.scores.lifetime import learning

    return learning.train(run)


def _score(run: Run, trained: Trained) -> Iterable[Scored]:
    from touchloop.insight.scores.lifetime import scoring

    return scoring.score(run, trained)


def _train_rfm(run: Run) -> Trained | None:
    from touchloop.insight.scores.lifetime import rfm

    return rfm.train(run)


def _score_rfm(run: Run, trained: Trained) -> Iterable[Scored]:
    from touchloop.insight.scores.lifetime import rfm

    return rfm.score(run, trained)


def _train_contracts(run: Run) -> Trained | None:
    from touchloop.insight.scores.lifetime import contract_learning

    return contract_learning.train(run)


def _score_contracts(run: Run, trained: Trained) -> Iterable[Scored]:
    from touchloop.insight.scores.lifetime import contract_scoring

    return contract_scoring.score(run, trained)


LIFETIME_VALUE = Kind(
    name="lifetime_value",
    label="Lifetime value",
    sentence="What each customer will spend in the next 12 months, whether he is still one, and"
    " when he orders next.",
    purpose="profile",
    every_hours=24.0,
    train=_train,
    score=_score,
    categories=CATEGORIES,
)
RFM = Kind(
    name="rfm",
    label="RFM",
    sentence="How recently, how often and for how much each customer bought, in fifths.",
    purpose="profile",
    every_hours=24.0,
    train=_train_rfm,
    score=_score_rfm,
    categories=CATEGORIES,
)
CONTRACTS = Kind(
    name="contracts",
    label="Contracts",
    sentence="How likely each contract (a subscription, a policy) still stands in 12 months, and"
    " what it will have brought.",
    purpose="profile",
    every_hours=24.0,
    train=_train_contracts,
    score=_score_contracts,
    categories=CATEGORIES,
)
KINDS: tuple[Kind, ...] = (LIFETIME_VALUE, RFM, CONTRACTS)
