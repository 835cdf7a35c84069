"""The whole way from a table of people to who is the same: one code for files and customers."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.core.errors import Invalid
from touchloop.insight.matching import (
    blocking,
    cleaning,
    clustering,
    columns,
    comparing,
    guarding,
    learning,
    sharing,
)
from touchloop.insight.matching.blocking import Rule
from touchloop.insight.matching.clustering import Clustered, Pairs
from touchloop.insight.matching.columns import Field
from touchloop.insight.matching.comparing import Comparison
from touchloop.insight.matching.learning import Model

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Levels = NDArray[np.int8]
Progress = Callable[[str, float], None]

SEED: Final = 5
LIKELY: Final = 0.5  # the probability from which two records are taken for one
KEPT: Final = clustering.UNSEEN  # bits below which a pair is as good as never seen
CHUNK: Final = 4_000_000  # pairs that are scored at a time
MEMORY: Final = "2500MB"


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found. `parts` are the bits of each pair by comparison, term frequencies included;
    `levels` the number of the level that held, -1 where something was missing."""

    records: int
    threshold: float
    fields: tuple[Field, ...]
    comparisons: tuple[Comparison, ...]
    rules: tuple[Rule, ...]
    model: Model | None
    pairs: Pairs
    parts: dict[str, Floats]
    levels: dict[str, Levels]
    clustered: Clustered
    words: tuple[str, ...]

    @property
    def linked(self) -> Pairs:
        """The pairs that reach the threshold and are not forbidden."""
        return self.pairs.at((self.pairs.bits >= bits_of(self.threshold)) & ~self.pairs.against)


def bits_of(probability: float) -> float:
    """Log2 odds of a probability."""
    return math.log2(probability / (1 - probability))


def probability_of(bits: float) -> float:
    """The probability of log2 odds."""
    return 1 / (1 + math.pow(2.0, -max(min(bits, 500.0), -500.0)))


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of bounded memory; what does not fit goes among temporary files."""
    spill = Path(tempfile.gettempdir()) / f"touchloop-matching-{os.getpid()}"
    return duckdb.connect(
        config={"memory_limit": MEMORY, "threads": "2", "temp_directory": str(spill)}
    )


def match(
    conn: duckdb.DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    *,
    rows: int,
    now: datetime,
    threshold: float = LIKELY,
    seed: int = SEED,
    fields: Sequence[Field] = (),
    model: Model | None = None,
    progress: Progress = lambda words, done: None,
) -> Matched:
    """Match the records of a table (numbered from 0 by `record`, `rows` of them) by its columns
    `names`: neither their id nor the truth. `fields` says what the columns are; else it is found
    out. `model` is one that was learned before; else it is learned here. Invalid where no column
    says anything about a person, or where the model compares other things."""
    if rows < 2:
        raise Invalid("file", "has fewer than two records: there is nothing to compare")
    progress("what the columns are", 0.0)
    what = cleaning.seen(conn, table, names)
    words: tuple[str, ...] = ()
    if not fields:
        fields, words = columns.fields_of(what, rows)
    if not fields:
        raise Invalid("columns", f"none of them tells people apart: {'; '.join(words)[:300]}")
    progress("one written form", 0.05)
    cleaned = cleaning.clean(conn, table, fields, what, now=now)
    progress("counting pairs", 0.1)
    rules, more = blocking.rules_of(conn, fields, cleaned, rows=rows)
    words += more
    comparisons = comparing.comparisons_of(fields, cleaned)
    if [each.name for each in comparisons if each.name not in learning.ALONE] and not comparisons[
        1:
    ]:
        words += (f"{comparisons[0].name} alone does not say who somebody is: nothing is joined",)
        return _nobody(rows, threshold, fields, comparisons, words)
    if not rules:
        words += ("no two records agree on anything that could bring them together",)
        return _nobody(rows, threshold, fields, comparisons, words)
    blocking.write_keys(conn, rules)
    if model is None:
        model = learning.learn(conn, comparisons, rules, rows=rows, seed=seed, progress=progress)
    elif not _fits(model, comparisons):
        raise Invalid("version", "compares other things than this version of Touchloop does")
    progress("scoring", 0.65)
    pairs, parts, levels = _score(conn, comparisons, rules, model)
    bits, parts = sharing.bounded(fields, comparisons, model, pairs.bits, parts, levels)
    pairs = Pairs(pairs.a, pairs.b, bits, pairs.against)
    guards = guarding.guards_of(fields, cleaned)
    progress("what must not be joined", 0.85)
    against, said = _guarded(conn, guards, pairs, parts, rows=rows, bar=bits_of(threshold))
    pairs = Pairs(pairs.a, pairs.b, pairs.bits, against)
    progress("grouping", 0.9)
    clustered = clustering.clusters(pairs, rows=rows, threshold=bits_of(threshold))
    words += model.words + said + clustered.words
    progress("done", 1.0)
    return Matched(rows, threshold, tuple(fields), comparisons, rules, model, pairs, parts, levels,
                   clustered, words)  # fmt: skip


def _fits(model: Model, comparisons: Sequence[Comparison]) -> bool:
    """Does it know each level of each comparison?"""
    known = {name: [each.words for each in levels] for name, levels in model.weights.items()}
    return known == {each.name: [level.words for level in each.levels] for each in comparisons}


def _score(
    conn: duckdb.DuckDBPyConnection,
    comparisons: Sequence[Comparison],
    rules: Sequence[Rule],
    model: Model,
) -> tuple[Pairs, dict[str, Floats], dict[str, Levels]]:
    linker = learning.open_linker(
        conn, learning.settings(comparisons, rules, model.weights, prior=model.prior)
    )
    chunks = max(1, math.ceil(sum(rule.pairs for rule in rules) / CHUNK))
    scored = linker.inference.predict(
        threshold_match_weight=KEPT,
        num_chunks_left=chunks,
        num_chunks_right=1,
        warning_mode="never",
    )
    frequent = {c.name for c in comparisons if any(level.common for level in c.levels)}
    listed = ", ".join(
        f"mw_{c.name} AS w_{c.name}, "
        + (f"mw_tf_adj_{c.name}" if c.name in frequent else "CAST(0 AS DOUBLE)")
        + f" AS t_{c.name}"
        for c in comparisons
    )
    left, right = f"{cleaning.RECORD}_l", f"{cleaning.RECORD}_r"
    found = conn.execute(
        f"SELECT least({left}, {right}) AS a, greatest({left}, {right}) AS b,"
        f" match_weight AS bits, {listed} FROM {scored.physical_name} ORDER BY 1, 2"
    ).fetchnumpy()
    a, b = (np.asarray(found[name], dtype=np.int64) for name in ("a", "b"))
    bits = np.asarray(found["bits"], dtype=np.float64)
    parts: dict[str, Floats] = {}
    levels: dict[str, Levels] = {}
    for each in comparisons:
        weight = np.asarray(found[f"w_{each.name}"], dtype=np.float64)
        parts[each.name] = weight + np.asarray(found[f"t_{each.name}"], dtype=np.float64)
        levels[each.name] = _level(weight, [one.bits for one in model.weights[each.name]])
    return Pairs(a, b, bits, np.zeros(len(a), dtype=bool)), parts, levels


def _level(weight: Floats, bits: Sequence[float]) -> Levels:
    """Which level a weight is of: Splink gives the weight, and each level has its own."""
    level = np.full(len(weight), -1, dtype=np.int8)
    for at, one in enumerate(bits):
        level[np.isclose(weight, one, rtol=0, atol=1e-6)] = at
    return level


def _guarded(
    conn: duckdb.DuckDBPyConnection,
    guards: Sequence[guarding.Guard],
    pairs: Pairs,
    parts: dict[str, Floats],
    *,
    rows: int,
    bar: float,
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    if not guards or not len(pairs.a):
        return pairs.against, ()
    listed = pa.table({"n": np.arange(len(pairs.a)), "a": pairs.a, "b": pairs.b})
    conn.register("scored_pairs", listed)
    found = guarding.conflicts(conn, guards, "scored_pairs")
    conn.unregister("scored_pairs")
    return guarding.forbidden(guards, found, pairs, parts, rows=rows, bar=bar)


def _nobody(
    rows: int,
    threshold: float,
    fields: Sequence[Field],
    comparisons: tuple[Comparison, ...],
    words: tuple[str, ...],
) -> Matched:
    none = np.empty(0, dtype=np.int64)
    pairs = Pairs(none, none, np.empty(0), np.empty(0, dtype=bool))
    alone = Clustered(np.arange(rows, dtype=np.int64), (), ())
    return Matched(rows, threshold, tuple(fields), comparisons, (), None, pairs, {}, {}, alone,
                   words)  # fmt: skip
