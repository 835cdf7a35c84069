"""How good a matching is where the truth is known: pairs, and people.

Pairwise: each scored pair against all true pairs, so that a pair which never met in a block counts
as missed. Clusters: the pairs that the groups imply, which is what the result is used as.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from touchloop.insight.matching import cleaning
from touchloop.insight.matching.matching import Matched

Ints = NDArray[np.int64]
SIMPLE_RULE = "agree on all but one field"
_DERIVED = ("both_names",)


@dataclass(frozen=True, slots=True)
class Quality:
    """Pairs that were said to be one and are (hits), that are not (false), that were missed."""

    precision: float
    recall: float
    f1: float
    hits: int
    false: int
    missed: int

    def json(self) -> dict[str, Any]:
        """For one JSON object."""
        return asdict(self)


def of_pairs(a: Ints, b: Ints, truth: Ints) -> Quality:
    """Of pairs (each once) against the truth, a number for each record; -1 is not known."""
    known = (truth[a] >= 0) & (truth[b] >= 0)
    same = truth[a[known]] == truth[b[known]]
    return _quality(int(same.sum()), int((~same).sum()), _count(truth[truth >= 0]))


def of_clusters(labels: Ints, truth: Ints) -> Quality:
    """Of the pairs that groups imply against the pairs that the truth implies."""
    labels, truth = labels[truth >= 0], truth[truth >= 0]
    width = int(truth.max(initial=0)) + 1
    hits = _count(labels * width + truth)
    return _quality(hits, _count(labels) - hits, _count(truth))


def simple_rule(conn: duckdb.DuckDBPyConnection, found: Matched) -> tuple[Ints, Ints]:
    """The pairs of a rule that anybody could write, over the cleaned records of a matching.

    A field that is empty agrees with an empty one only. With too many pairs it gives none.
    """
    fields = sorted({c for each in found.comparisons for c in each.columns if c not in _DERIVED})
    fields = [name for name in fields if not name.endswith("_day")]
    limit = max(100_000, 20 * found.records)
    if len(fields) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    joined = [
        f"SELECT l.{cleaning.RECORD} AS a, r.{cleaning.RECORD} AS b FROM hashed AS l"
        f" JOIN hashed AS r ON l.but_{at} = r.but_{at}"
        f" AND l.{cleaning.RECORD} < r.{cleaning.RECORD}"
        for at in range(len(fields))
    ]
    keys = [
        "hash("
        + ", ".join(f"coalesce({name}, '')" for name in fields if name != left)
        + f") AS but_{at}"
        for at, left in enumerate(fields)
    ]
    wide = conn.execute(_WIDE.format(
        hashed=f"SELECT {', '.join(keys)} FROM {cleaning.TABLE}",
        counted=" UNION ALL ".join(
            f"SELECT count(*) AS n FROM hashed GROUP BY but_{at}" for at in range(len(fields))
        ),
    )).fetchall()  # fmt: skip
    if wide[0][0] > limit * len(fields):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    rows = conn.execute(
        f"WITH hashed AS MATERIALIZED (SELECT {cleaning.RECORD}, {', '.join(keys)}"
        f" FROM {cleaning.TABLE}) SELECT a, b FROM ({' UNION '.join(joined)}) LIMIT {limit + 1}"
    ).fetchnumpy()
    a, b = (np.asarray(rows[name], dtype=np.int64) for name in ("a", "b"))
    return (a, b) if len(a) <= limit else (a[:0], b[:0])


def _count(groups: Ints) -> int:
    sizes = np.unique(groups, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _quality(hits: int, false: int, true: int) -> Quality:
    said = hits + false
    precision = hits / said if said else 1.0
    recall = hits / true if true else 1.0
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return Quality(precision, recall, f1, hits, false, true - hits)


# How many pairs the joins would make, before any is made: one group of 30,000 alike is 450 million.
_WIDE = """
WITH hashed AS MATERIALIZED ({hashed}) SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM ({counted})"""
