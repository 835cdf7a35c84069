"""What is known of households and items at one moment: the inputs of "next, and never bought".

A world is who bought what up to a moment. Items nobody of it owns yet are ranked by several simple
methods, none of which is trusted alone (F. Ricci et al., Recommender Systems Handbook, ch. 1-3):
how many own it, how many began with it lately, item cosine (G. Linden, B. Smith, J. York, IEEE
Internet Computing 7 (2003)), implicit ALS (Y. Hu, Y. Koren, C. Volinsky, ICDM 2008), EASE
(H. Steck, WWW 2019).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST_OWNED: Final = 5  # items of a household before its taste can be compared
EASE_WEIGHT: Final = 200.0
# (factors, regularisation, weight of log counts), each fitted with several seeds and averaged.
ALS: Final = ((32, 10.0, 2.0), (16, 1.0, 1.0))
ALS_SEEDS, ALS_ROUNDS = 2, 15
FEATURES: Final = (
    "owners", "began", "began_lately", "cosine", "ease", "als_wide", "als_narrow", "breadth",
    "curious", "department_items", "department_lines",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """Purchases by household, item and slice of time: parallel arrays of places, and lines.

    `ages` are whole slices before the last moment, 0 for the newest. `people` and `items` name the
    places; `groups` has for each item the place of what it belongs to.
    """

    people: NDArray[np.int64]
    items: tuple[str, ...]
    groups: NDArray[np.int64]
    row: NDArray[np.int64]
    item: NDArray[np.int64]
    ages: NDArray[np.int64]
    lines: NDArray[np.int64]

    @property
    def slices(self) -> int:
        return int(self.ages.max()) + 1 if len(self.ages) else 0


@dataclass(frozen=True, slots=True)
class World:
    """Lines by household and item up to a moment, and who began with an item shortly before it."""

    lines: Reals  # households x items
    owned: Flags
    began: Flags  # within the horizon before the moment
    began_lately: Flags  # within a third of it
    before: Flags  # owned before the horizon
    before_lately: Flags

    @property
    def known(self) -> Flags:
        """Households that own enough to be compared."""
        found: Flags = self.owned.sum(axis=1) >= LEAST_OWNED
        return found


def world(history: History, *, ago: int, horizon: int) -> World:
    """The world `ago` slices before the end."""
    lines = _lines(history, ago)
    owned = lines > 0
    before = _lines(history, ago + horizon) > 0
    lately = _lines(history, ago + max(1, horizon // 3)) > 0
    return World(lines, owned, owned & ~before, owned & ~lately, before, lately)


def outcomes(history: History, *, ago: int, horizon: int, owned: Flags) -> Flags:
    """Who began with which item in the horizon that starts `ago` slices before the end."""
    until = _lines(history, ago - horizon) > 0
    return until & ~owned


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a world says of items, to be asked about any household."""

    owners: Reals
    began: Reals
    began_lately: Reals
    cosine: Reals
    ease: Reals
    als: tuple[tuple[Any, ...], ...]


def fit(seen: World, *, seed: int, only: Flags | None = None) -> Fitted:
    """Learn from the households that own enough (or from `only` these)."""
    known = seen.known if only is None else only
    owned = seen.owned[known].astype(np.float64)
    n, owners = len(owned), owned.sum(axis=0)
    together = owned.T @ owned
    size = np.sqrt(np.maximum(owners, 1.0))
    cosine = together / np.outer(size, size)
    np.fill_diagonal(cosine, 0.0)
    inverse = np.linalg.inv(together + EASE_WEIGHT * np.eye(len(owners)))
    ease = -inverse / np.diag(inverse)
    np.fill_diagonal(ease, 0.0)
    return Fitted(
        np.log((owners + 0.5) / (n - owners + 0.5)),
        _rate(seen.began[known], seen.before[known]),
        _rate(seen.began_lately[known], seen.before_lately[known]),
        cosine,
        ease,
        tuple(
            tuple(_als(seen.lines[known], which, seed=seed + 101 * k) for k in range(ALS_SEEDS))
            for which in range(len(ALS))
        ),
    )


def features(fitted: Fitted, seen: World, groups: NDArray[np.int64]) -> dict[str, Reals]:
    """Each of `FEATURES` as a matrix of households by items (columns may be broadcast)."""
    shape = seen.owned.shape
    owned = seen.owned.astype(np.float64)
    belongs = np.zeros((shape[1], int(groups.max()) + 1))
    belongs[np.arange(shape[1]), groups] = 1.0
    share = (owned @ belongs) / np.maximum(belongs.sum(axis=0), 1.0)
    lines = np.log1p(seen.lines @ belongs)

    def of_items(row: Reals) -> Reals:
        return np.broadcast_to(row, shape)

    def of_people(column: NDArray[np.int64]) -> Reals:
        return np.broadcast_to(np.log1p(column)[:, None], shape)

    wide, narrow = (predicted(fitted, seen.lines, which) for which in range(len(ALS)))
    found = (
        of_items(fitted.owners),
        of_items(fitted.began),
        of_items(fitted.began_lately),
        owned @ fitted.cosine,
        owned @ fitted.ease,
        wide,
        narrow,
        of_people(seen.owned.sum(axis=1)),
        of_people(seen.began.sum(axis=1)),
        share[:, groups],
        lines[:, groups],
    )
    return dict(zip(FEATURES, found, strict=True))


def predicted(fitted: Fitted, lines: Reals, which: int) -> Reals:
    """What ALS expects of each household and item: rows of user by item, as implicit has it."""
    from scipy.sparse import csr_matrix

    weight = ALS[which][2]
    rows = csr_matrix(weight * np.log1p(lines), dtype=np.float32)
    total = np.zeros(lines.shape)
    with _one_thread():
        for model in fitted.als[which]:
            total += model.recalculate_user(np.arange(len(lines)), rows) @ model.item_factors.T
    return total / len(fitted.als[which])


def _als(lines: Reals, which: int, *, seed: int) -> Any:
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    factors, regularisation, weight = ALS[which]
    with _one_thread():
        model = AlternatingLeastSquares(
            factors=min(factors, max(2, min(lines.shape) - 1)), regularization=regularisation,
            alpha=1.0, iterations=ALS_ROUNDS, random_state=seed, num_threads=1,
        )  # fmt: skip
        model.fit(csr_matrix(weight * np.log1p(lines), dtype=np.float32), show_progress=False)
    return model


@contextmanager
def _one_thread() -> Iterator[None]:
    """implicit has threads of its own, and those of BLAS are in their way."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(OpenBLAS|MKL).*threadpool.*")
        yield


def _rate(began: Flags, before: Flags) -> Reals:
    """The logarithm of the share of those without an item who began with it."""
    found: Reals = np.log((began.sum(axis=0) + 0.5) / ((~before).sum(axis=0) + 1.0))
    return found


def _lines(history: History, ago: int) -> Reals:
    shape = (len(history.people), len(history.items))
    keep = history.ages >= ago
    found = np.zeros(shape)
    np.add.at(found, (history.row[keep], history.item[keep]), history.lines[keep])
    return found


def reasons(fitted: Fitted, owned: Flags, wanted: Sequence[int]) -> list[tuple[int, ...]]:
    """For each wanted item, the two owned items that speak most for it (fewer if fewer do)."""
    mine = np.flatnonzero(owned)
    if not len(mine):
        return [() for _item in wanted]
    weights = fitted.cosine[np.ix_(mine, np.array(wanted, np.int64))]
    best = np.argsort(-weights, axis=0, kind="stable")[:2]
    return [
        tuple(int(mine[k]) for k in best[:, n] if weights[k, n] > 0) for n in range(len(wanted))
    ]
