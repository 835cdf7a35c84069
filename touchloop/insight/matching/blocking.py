"""Which pairs of records are compared at all: those that agree on a key of one of some rules.

All pairs of a million records are 500,000,000,000. Each rule is a key; its pairs are counted from
the sizes of its groups before anything is compared. A group that is too large (one popular first
name is a quadratic block) is left to the narrower rules, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from touchloop.insight.matching import cleaning, columns
from touchloop.insight.matching.columns import Field

PER_RECORD: Final = 12  # pairs that one rule may bring for each record, of a short list
MOST: Final = 1_500_000  # and for a long one, beyond one for each record
LARGEST: Final = 2_000  # records that may share one key: beyond, the group is left to other rules
TOGETHER: Final = 2  # such shares that all rules together may bring, the narrowest first
FEW: Final = 600_000  # with fewer pairs than this, no rule is too wide, however short the list


@dataclass(frozen=True, slots=True)
class Rule:
    """Records that agree on all `keys` (SQL over a cleaned record) are compared."""

    name: str
    keys: tuple[str, ...]
    uses: tuple[str, ...]  # the comparisons that these keys make certain
    pairs: int = 0
    limit: int = 0  # the largest group that is used; 0: all

    @property
    def column(self) -> str:
        """The column of the table that holds the key."""
        return "key_" + "".join(letter if letter.isalnum() else "_" for letter in self.name)


def rules_of(
    conn: duckdb.DuckDBPyConnection, fields: Sequence[Field], cleaned: Sequence[str], *, rows: int
) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules to use, each counted, and words on groups and rules that are left out."""
    words: list[str] = []
    kept: list[Rule] = []
    cap = max(FEW, min(PER_RECORD * rows, MOST + rows))
    for rule in sorted(_candidates(fields, set(cleaned)), key=lambda rule: len(rule.keys)):
        if any(not other.limit and set(other.keys) < set(rule.keys) for other in kept):
            continue  # a wider rule brings all of these
        key = _key(rule)
        sizes = conn.execute(
            f"SELECT n, count(*) FROM (SELECT count(*) AS n FROM {cleaning.TABLE}"
            f" WHERE {key} IS NOT NULL GROUP BY {key}) WHERE n > 1 GROUP BY n ORDER BY n"
        ).fetchall()
        limit, pairs, left, groups, kept_groups = _fit(sizes, cap)
        if not pairs or groups > kept_groups:  # not some popular values: it is wide as a whole
            if left:
                words.append(_too_wide(rule, left, groups, whole=True))
            continue
        if left:
            words.append(_too_wide(rule, left, groups, whole=False))
        kept.append(Rule(rule.name, rule.keys, rule.uses, pairs, limit if left else 0))
    kept, more = _affordable(kept, max(4 * FEW, TOGETHER * cap - rows))
    return tuple(kept), (*words, *more)


def _affordable(rules: list[Rule], budget: int) -> tuple[list[Rule], list[str]]:
    """The narrowest rules whose pairs together stay within the budget, in their order."""
    spent, words = 0, list[str]()
    kept: set[str] = set()
    for rule in sorted(rules, key=lambda rule: rule.pairs):
        spent += rule.pairs
        if spent <= budget or not kept:
            kept.add(rule.name)
        else:
            words.append(_too_wide(rule, rule.pairs, 0, whole=True))
    return [rule for rule in rules if rule.name in kept], words


def write_keys(conn: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    """Add the key of each rule as a column of `people`; NULL where its group is too large."""
    if not rules:
        return
    made = []
    for rule in rules:
        key = f"CASE WHEN {_key(rule)} IS NOT NULL THEN hash({_key(rule)}) END"
        if rule.limit:
            size = f"count(*) OVER (PARTITION BY {_key(rule)})"
            key = f"CASE WHEN {size} <= {rule.limit} THEN {key} END"
        made.append(f"{key} AS {rule.column}")
    conn.execute(
        f"CREATE OR REPLACE TABLE {cleaning.TABLE} AS SELECT *, {', '.join(made)}"
        f" FROM (SELECT * FROM {cleaning.TABLE}) ORDER BY {cleaning.RECORD}"
    )


def _fit(sizes: Sequence[tuple[Any, ...]], cap: int) -> tuple[int, int, int, int, int]:
    """The largest group that fits, the pairs up to it; pairs and groups left out; groups kept."""
    limit = pairs = left = groups = kept = 0
    for size, count in sizes:
        more = count * size * (size - 1) // 2
        if not left and size <= LARGEST and pairs + more <= cap:
            limit, pairs, kept = size, pairs + more, kept + count
        else:
            left, groups = left + more, groups + count
    return limit, pairs, left, groups, kept


def _too_wide(rule: Rule, left: int, groups: int, *, whole: bool) -> str:
    what = "the rule" if whole else f"{groups:,} groups"
    return (
        f"blocking on {rule.name}: {what} left out, {left:,} pairs are too many;"
        " narrower rules look there"
    )


def _key(rule: Rule) -> str:
    return rule.keys[0] if len(rule.keys) == 1 else f"{_joined(rule.keys)}"


def _joined(keys: Sequence[str]) -> str:
    return "(" + " || '|' || ".join(f"CAST({key} AS VARCHAR)" for key in keys) + ")"


def _candidates(fields: Sequence[Field], cleaned: set[str]) -> list[Rule]:
    """From the most telling key to the widest."""
    found: list[Rule] = []
    named = {field.name: field.kind for field in fields}

    def add(name: str, keys: Sequence[str], uses: Sequence[str]) -> None:
        found.append(Rule(name, tuple(keys), tuple(uses)))

    both = {"given", "surname"} <= cleaned
    name_of = "name" if both else ""
    for name, kind in named.items():
        if kind in (columns.NATIONAL_ID, columns.EMAIL, columns.PHONE, columns.BORN):
            add(name, (name,), (name,))
        if kind == columns.EMAIL:
            add(f"{name} before the @", (f"nullif(split_part({name}, '@', 1), '')",), (name,))
    if both:
        add("both names", ("both_names",), ("name",))
    for part in ("surname", "given"):
        if part in cleaned:
            add(part, (part,), (name_of or part,))
    born = next((name for name, kind in named.items() if kind == columns.BORN), "")
    letters = "substr({}, 1, 3)"
    for part in ("surname", "given"):
        if part in cleaned and born:
            add(f"start of {part} and birth month", (letters.format(part), f"substr({born}, 1, 6)"),
                (name_of or part, born))  # fmt: skip
    places = [
        name
        for name, kind in named.items()
        if kind in (columns.POSTCODE, columns.CITY, columns.STREET, columns.TEXT, columns.STATE)
    ]
    for place in places:
        if named[place] != columns.STATE:
            add(place, (place,), (place,))
        for part in ("surname", "given"):
            if part in cleaned:
                add(f"{part} and {place}", (part, place), (name_of or part, place))
        if born:
            add(f"birth year and {place}", (f"substr({born}, 1, 4)", place), (born, place))
    return found
