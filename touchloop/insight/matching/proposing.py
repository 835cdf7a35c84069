"""What a run says of pairs of customers: suggestions for a person, and pairs worth a label."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.insight.matching.matching import Matched, probability_of

Ints = NDArray[np.int64]

SUGGESTED: Final = 2_000  # at most so many at a time, the surest first: people decide them
SHOWN: Final = 3_000  # pairs that are kept to be looked at, spread over the scores
LOWEST: Final = -4.0  # bits from which a pair is worth a look
TOLD: Final = 5  # pieces of evidence that a suggestion tells


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing compared: its name, how it came out, and the bits it added."""

    about: str
    words: str
    bits: float


def propose(conn: Connection, found: Matched, ids: Ints, *, run_id: int, now: datetime) -> int:
    """Keep the pairs to look at, and bring the open suggestions in line; gives how many are open.

    Inside a group of records only the pairs that hold it together are suggested, the surest first.
    """
    suggested = _holding(found)[:SUGGESTED]
    shown = np.union1d(suggested, _spread(found))
    conn.execute("DELETE FROM matching_pairs")
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for at in shown.tolist():
            a, b = sorted((int(ids[found.pairs.a[at]]), int(ids[found.pairs.b[at]])))
            told = [[e.about, e.words, round(e.bits, 2)] for e in evidence(found, at)]
            bits, against = float(found.pairs.bits[at]), bool(found.pairs.against[at])
            copy.write_row((a, b, bits, against, json.dumps(told), run_id))
    return identity.suggest_alike(conn, list(_alike(found, ids, suggested)), now=now)


def evidence(found: Matched, at: int) -> list[Evidence]:
    """What speaks for and against one scored pair, by how much it says; what is missing is not."""
    told = []
    if found.model is None:
        return []
    for name, weights in found.model.weights.items():
        level = int(found.levels[name][at])
        if level >= 0:
            told.append(Evidence(name, weights[level].words, float(found.parts[name][at])))
    return sorted(told, key=lambda each: -abs(each.bits))


def _alike(found: Matched, ids: Ints, which: Ints) -> Iterator[identity.Alike]:
    for at in which.tolist():
        told = evidence(found, at)
        words = [each.words for each in told if each.bits > 0][:TOLD]
        against = [each.words for each in told if each.bits < -1][:2]
        yield identity.Alike(
            int(ids[found.pairs.a[at]]),
            int(ids[found.pairs.b[at]]),
            probability_of(float(found.pairs.bits[at])),
            tuple(words),
            tuple(against),
        )


def _holding(found: Matched) -> Ints:
    """The surest pairs that hold each group together: a spanning forest, the surest first."""
    pairs, labels = found.pairs, found.clustered.labels
    within = np.flatnonzero(
        (labels[pairs.a] == labels[pairs.b]) & (pairs.bits > 0) & ~pairs.against
    )
    order = within[np.argsort(-pairs.bits[within], kind="stable")]
    root = np.arange(found.records)

    def top(record: int) -> int:
        while root[record] != record:
            root[record] = root[root[record]]
            record = int(root[record])
        return record

    kept = []
    for at in order.tolist():
        a, b = top(int(pairs.a[at])), top(int(pairs.b[at]))
        if a != b:
            root[a] = b
            kept.append(at)
    return np.array(kept, dtype=np.int64)


def _spread(found: Matched) -> Ints:
    """Pairs spread evenly over the scores, by number and not by chance: the same each time."""
    bits = np.clip(found.pairs.bits, LOWEST, 30)
    bins = np.floor(bits / 2).astype(np.int64)
    each = max(SHOWN // max(len(np.unique(bins)), 1), 1)
    chosen: list[Ints] = []
    for one in np.unique(bins):
        inside = np.flatnonzero(bins == one)
        chosen.append(inside[np.linspace(0, len(inside) - 1, min(each, len(inside))).astype(int)])
    return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)


def told(rows: Sequence[Sequence[object]]) -> tuple[Evidence, ...]:
    """Evidence as it was kept."""
    return tuple(Evidence(str(about), str(words), float(str(bits))) for about, words, bits in rows)


_COPY = "COPY matching_pairs (a_id, b_id, bits, forbidden, evidence, run_id) FROM STDIN"
