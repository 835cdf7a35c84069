"""What the comparisons weigh: learned without labels (Fellegi and Sunter 1969), by Splink.

u, how often two different people agree, comes from random pairs under a seed. m, how often the same
person agrees, from expectation maximisation over several blockings, so that each comparison is
learned where it is not the blocking (Enamorado, Fifield, Imai 2019). What could not be learned is
filled in from the guesses of comparing.py, and said.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Final

import duckdb

from touchloop.insight.matching import cleaning
from touchloop.insight.matching.blocking import Rule
from touchloop.insight.matching.comparing import Comparison

Progress = Callable[[str, float], None]

RANDOM_PAIRS: Final = 200_000
EM_PAIRS: Final = 100_000
BLOCKINGS: Final = 3
RECALL: Final = 0.7  # of the near-exact pairs, from which the number of matches is guessed
DENSE: Final = 1e-4  # with so many matches among random pairs u is corrected, m learned again
# There a value is frequent also because one person has many records: frequent values weigh less,
HALF: Final = 0.5  # but only half as much less,
TINY: Final = 0.02  # and in a list of some dozens, where two of the same are a large share,
HARDLY: Final = 0.01  # next to nothing
LEAST_U: Final = 1e-6
NARROW: Final = 4  # pairs for each record, up to which a rule is narrow
PERSONAL: Final = ("national_id", "email", "born", "both names")
OWN: Final = ("national_id", "email", "born", "name")
ALONE: Final = ("national_id", "email")  # names a person without anything beside it
DOUBT: Final = 5.0  # a guess counts as much as so many pairs


@dataclass(frozen=True, slots=True)
class Weight:
    """A level of a comparison as learned. `guessed`: the data never showed it."""

    words: str
    m: float
    u: float
    guessed: bool

    @property
    def bits(self) -> float:
        """What this outcome adds to the score: log2(m / u)."""
        return math.log2(self.m / self.u)


Weights = dict[str, tuple[Weight, ...]]  # by comparison, in the order of its levels
Seen = dict[str, list[float | None]]


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned. `prior` is the share of all pairs that match, guessed from the `near_exact`
    ones; `blockings` are the rules within which m was learned."""

    weights: Weights
    prior: float
    near_exact: int
    blockings: tuple[str, ...]
    words: tuple[str, ...]


def learn(
    conn: duckdb.DuckDBPyConnection,
    comparisons: Sequence[Comparison],
    rules: Sequence[Rule],
    *,
    rows: int,
    seed: int,
    progress: Progress,
) -> Model:
    """Learn the weights over the cleaned table `people` of this connection."""
    everything = max(rows * (rows - 1) / 2, 1)
    near_exact = _near_exact(conn, rules, rows)
    prior = min(max(near_exact / RECALL, 0.5) / everything, 0.5)
    progress("how often different people agree", 0.15)
    sample = min(RANDOM_PAIRS, everything)
    often = _random(conn, comparisons, rules, prior=prior, pairs=sample, seed=seed)
    weights = _joined(comparisons, {}, often, matches=prior * everything, pairs=sample)
    blockings = _blockings(rules, comparisons, prior * everything)
    turns = 2 if prior > DENSE and blockings else 1
    seen: Seen = {}
    failed: set[str] = set()
    learned: list[str] = []
    for turn in range(turns):
        step = partial(_told, progress, blockings, turn / turns, 0.4 / turns)
        linker = open_linker(conn, settings(comparisons, rules, weights, prior=prior))
        while wrong := _maximised(linker, [r for r in blockings if r.name not in failed], step):
            failed.add(wrong.name)  # Splink leaves the model torn: from the start without it
            linker = open_linker(conn, settings(comparisons, rules, weights, prior=prior))
        learned = [rule.name for rule in blockings if rule.name not in failed]
        seen = _read(linker, comparisons, "m_probability") if learned else {}
        weights = _joined(comparisons, seen, often, matches=prior * everything, pairs=sample)
        if prior > DENSE:
            weights = {name: _without_matches(each, prior) for name, each in weights.items()}
    words = tuple(_words(comparisons, seen, near_exact))
    words += tuple(f"nothing to learn among records of the same {name}" for name in sorted(failed))
    return Model(weights, prior, near_exact, tuple(learned), words)


def _told(
    progress: Progress, blockings: Sequence[Rule], begun: float, width: float, rule: Rule
) -> None:
    done = 0.2 + 0.4 * begun + width * list(blockings).index(rule) / len(blockings)
    progress(f"how often the same person agrees, within {rule.name}", done)


def _maximised(linker: Any, rules: Sequence[Rule], step: Callable[[Rule], None]) -> Rule | None:
    """Learn within each rule; gives the first in which there is nothing to learn."""
    for rule in rules:
        step(rule)
        if not _maximise(linker, rule):
            return rule
    return None


def settings(
    comparisons: Sequence[Comparison], rules: Sequence[Rule], weights: Weights | None, *,
    prior: float,
) -> dict[str, Any]:  # fmt: skip
    """Splink's settings, with the weights where they are known."""
    written = [each.settings() for each in comparisons]
    for one, comparison in zip(written, comparisons, strict=True):
        if weights is not None:
            levels = one["comparison_levels"][1:]
            for level, weight in zip(levels, weights[comparison.name], strict=True):
                level |= {"m_probability": weight.m, "u_probability": weight.u}
                if "tf_adjustment_column" in level and prior > DENSE:
                    level["tf_adjustment_weight"] = HALF if prior <= TINY else HARDLY
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": cleaning.RECORD,
        "comparisons": written,
        "blocking_rules_to_generate_predictions": [
            f"l.{rule.column} = r.{rule.column}" for rule in rules
        ],
        "probability_two_random_records_match": prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "em_convergence": 0.001,
        "max_iterations": 20,
    }


def open_linker(conn: duckdb.DuckDBPyConnection, written: dict[str, Any]) -> Any:
    """Splink's linker over `people` in this connection."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    api = DuckDBAPI(connection=conn)
    return Linker(api.register(cleaning.TABLE), written, log_level=None, validate_settings=False)


def _random(
    conn: duckdb.DuckDBPyConnection, comparisons: Sequence[Comparison], rules: Sequence[Rule], *,
    prior: float, pairs: float, seed: int,
) -> Seen:  # fmt: skip
    linker = open_linker(conn, settings(comparisons, rules, None, prior=prior))
    linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed, num_chunks=1)
    return _read(linker, comparisons, "u_probability")


def _near_exact(conn: duckdb.DuckDBPyConnection, rules: Sequence[Rule], rows: int) -> int:
    """Pairs that agree on two keys which have nothing in common.

    Both keys are of a person (name, birth date, e-mail, number) where there are two such: people of
    one home agree on the others, and those must be narrow. A number or an e-mail says enough alone.
    """
    used = [rule for rule in rules if rule.name in PERSONAL]
    if len({rule.uses for rule in used}) < 2:
        used = [rule for rule in rules if rule.name in PERSONAL or rule.pairs <= NARROW * rows]
    both = [
        f"SELECT l.{cleaning.RECORD} AS a, r.{cleaning.RECORD} AS b"
        f" FROM {cleaning.TABLE} AS l JOIN {cleaning.TABLE} AS r"
        f" ON l.{one.column} = r.{one.column} AND l.{other.column} = r.{other.column}"
        f" AND l.{cleaning.RECORD} < r.{cleaning.RECORD}"
        for one, other in combinations(used, 2)
        if not set(one.uses) & set(other.uses)
    ]
    if not both:
        return max((rule.pairs for rule in rules if rule.name in ALONE), default=0)
    found = conn.execute(f"SELECT count(*) FROM ({' UNION '.join(both)})").fetchall()
    return int(found[0][0])


def _blockings(
    rules: Sequence[Rule], comparisons: Sequence[Comparison], expected: float
) -> list[Rule]:
    """Some rules of one comparison each, of what belongs to a person.

    Among records of one address or telephone the match that would be learned is the family.
    """
    if len(comparisons) < 2:
        return []  # inside a block of the only one there is nothing left to learn
    usable = [
        rule
        for rule in rules
        if len(rule.uses) == 1 and rule.uses[0] in OWN
        and rule.pairs >= 20 and rule.pairs <= 50 * expected + 1_000
    ]  # fmt: skip
    usable.sort(key=lambda rule: (OWN.index(rule.uses[0]), rule.pairs))
    chosen: list[Rule] = []
    for rule in usable:
        if all(rule.uses != other.uses for other in chosen) and len(chosen) < BLOCKINGS:
            chosen.append(rule)
    return chosen


def _maximise(linker: Any, rule: Rule) -> bool:
    """False where nothing among the pairs of a rule looks like a match: there is nothing to learn.

    Splink refuses such a block as a probability of zero.
    """
    # The plain keys stand beside the limited one: Splink sees by them what is certain here.
    same = [f"l.{rule.column} = r.{rule.column}"]
    same += [f"{_of('l', key)} = {_of('r', key)}" for key in rule.keys]
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            " AND ".join(same),
            estimate_without_term_frequencies=True,
            max_pairs=EM_PAIRS if rule.pairs > EM_PAIRS else None,
            record_sample_proportion=0.5,
        )
    except ValueError:
        return False
    return True


def _of(side: str, key: str) -> str:
    import sqlglot

    tree = sqlglot.parse_one(key, read="duckdb")
    for column in tree.find_all(sqlglot.exp.Column):
        column.set("table", sqlglot.exp.to_identifier(side))
    return tree.sql(dialect="duckdb")


def _read(linker: Any, comparisons: Sequence[Comparison], what: str) -> Seen:
    """What Splink learned, None where it saw nothing of a level."""
    written = {
        each["output_column_name"]: each["comparison_levels"]
        for each in linker.misc.save_model_to_json()["comparisons"]
    }
    found: Seen = {}
    for comparison in comparisons:
        levels = [each for each in written[comparison.name] if not each.get("is_null_level")]
        found[comparison.name] = [
            value if isinstance(value := level.get(what), float) else None for level in levels
        ]
    return found


def _joined(
    comparisons: Sequence[Comparison], same: Seen, different: Seen, *, matches: float, pairs: float
) -> Weights:
    """m and u with the guesses mixed in, which matters where little was seen; each sums to one."""
    made: Weights = {}
    for comparison in comparisons:
        levels = comparison.levels
        last = len(levels) - 1
        guesses = [0.002] * last + [1 - 0.002 * last]
        u = _mixed(different[comparison.name], guesses, pairs)
        seen = same.get(comparison.name) or [None] * len(levels)
        trained = any(each is not None for each in seen)
        m = _mixed(seen, [level.guess for level in levels], matches if trained else 0.0)
        made[comparison.name] = tuple(
            Weight(level.words, one, max(other, LEAST_U), not trained or seen[at] is None)
            for at, (level, one, other) in enumerate(zip(levels, m, u, strict=True))
        )
    return made


def _mixed(seen: Sequence[float | None], guesses: Sequence[float], n: float) -> list[float]:
    n = min(n, 10_000.0)
    mixed = [
        (n * (value or 0.0) + DOUBT * guess) / (n + DOUBT)
        for value, guess in zip(seen, guesses, strict=True)
    ]
    return [value / sum(mixed) for value in mixed]


def _without_matches(weights: Sequence[Weight], prior: float) -> tuple[Weight, ...]:
    """u where random pairs hold matches: what is left of it when those are taken away."""
    left = [max(each.u - prior * each.m, 0.03 * each.u, LEAST_U) for each in weights]
    return tuple(
        Weight(each.words, each.m, u / sum(left), each.guessed)
        for each, u in zip(weights, left, strict=True)
    )


def _words(comparisons: Sequence[Comparison], seen: Seen, near_exact: int) -> Iterable[str]:
    if not near_exact:
        yield (
            "no two records agree on two things at once: how many match is not known, and taken to"
            " be next to none"
        )
    for comparison in comparisons:
        values = seen.get(comparison.name) or [None]
        if all(value is None for value in values):
            yield f"{comparison.name}: nothing could be learned about it; usual weights are used"
        elif None in values:
            levels = [
                level.words
                for level, value in zip(comparison.levels, values, strict=True)
                if value is None
            ]
            unseen = "; ".join(levels)
            yield f"{comparison.name}: never seen while learning, usual weights: {unseen}"
