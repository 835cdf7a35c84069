"""Which pairs must not be joined, however much else agrees: what a family shares names nobody.

Weights add up as if each field spoke for itself; within a home they do not: surname, address and
telephone agree for all who live there, the birth date for twins, the whole name for a father and a
son. So what tells family members apart may not be outvoted by what they share, unless something
that belongs to one person alone agrees.

A difference may be a slip, too. It is a person of its own where it is *supported*: several records
agree on either side of it. Slips are alone. Where supported differences are the rule, the list is
one of families, and a difference between two single records keeps them apart as well; where slips
are the rule it does not. A column that is often wrong forbids nothing; that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from touchloop.insight.matching import cleaning, columns
from touchloop.insight.matching.clustering import Pairs
from touchloop.insight.matching.columns import Field

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SURE: Final = 3.0  # bits that a pair has without a column, to judge by it how often that one errs
FEW: Final = 10  # with fewer pairs to judge by than this, a column is judged by the sure ones
OFTEN: Final = 0.15  # conflicts among them, from which a column is too often wrong to forbid
MOSTLY: Final = 0.5  # where more than this differ they are not slips: another person lives there
FEW_SURE: Final = 30  # and with fewer sure ones it is trusted
OFTEN_SURE: Final = 0.3  # families are among the sure ones


@dataclass(frozen=True, slots=True)
class Guard:
    """Why a pair may not be joined, as SQL over two cleaned records l and r."""

    words: str
    comparison: str
    column: str
    conflict: str
    unless: str


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Of each pair: the guard sees a difference; something overrules it; the values are equal."""

    differ: Bools
    unless: Bools
    equal: Bools


def guards_of(fields: Sequence[Field], cleaned: Sequence[str]) -> tuple[Guard, ...]:
    """The guards that these columns allow."""
    first = {field.kind: field.name for field in reversed(fields)}
    number = _same(first.get(columns.NATIONAL_ID), near=True)
    email = _same(first.get(columns.EMAIL))
    born = _same(first.get(columns.BORN), near=True)
    found = []
    both = {"given", "surname"} <= set(cleaned)
    if "given" in cleaned:
        found.append(
            Guard("another given name", "name" if both else "given", "given", _given(both),
                  f"{number} OR ({email} AND {born})")
        )  # fmt: skip
    kept = f"NOT {_given(both)}" if "given" in cleaned else "true"
    if columns.BORN in first:
        found.append(
            Guard("another birth date", first[columns.BORN], first[columns.BORN],
                  _born(first[columns.BORN]),
                  f"{number} OR ({email} AND {kept})")
        )  # fmt: skip
    if columns.NATIONAL_ID in first:
        name = first[columns.NATIONAL_ID]
        found.append(
            Guard("another personal number", name, name,
                  f"coalesce(NOT match_slips(l.{name}, r.{name}, 2), false)",
                  f"({born} AND {kept}) OR ({email} AND {_same('both_names' if both else None)})")
        )  # fmt: skip
    return tuple(found)


def conflicts(
    conn: duckdb.DuckDBPyConnection, guards: Sequence[Guard], pairs: str
) -> list[Conflicts]:
    """What each guard says of the pairs (a, b) of a table, in the order of its n."""
    listed = ", ".join(
        f"{guard.conflict} AS c{at}, {guard.unless} AS u{at},"
        f" coalesce(l.{guard.column} = r.{guard.column}, false) AS e{at}"
        for at, guard in enumerate(guards)
    )
    found = conn.execute(
        f"SELECT {listed} FROM {pairs} AS p"
        f" JOIN {cleaning.TABLE} AS l ON l.{cleaning.RECORD} = p.a"
        f" JOIN {cleaning.TABLE} AS r ON r.{cleaning.RECORD} = p.b ORDER BY p.n"
    ).fetchnumpy()
    return [
        Conflicts(*(np.asarray(found[f"{what}{at}"], dtype=bool) for what in "cue"))
        for at in range(len(guards))
    ]


def forbidden(
    guards: Sequence[Guard],
    found: Sequence[Conflicts],
    pairs: Pairs,
    own: Mapping[str, Floats],
    *,
    rows: int,
    bar: float,
) -> tuple[Bools, tuple[str, ...]]:
    """Which pairs may not be joined, and words on what was decided.

    `own` is the part of each pair's score by comparison, `bar` the bits from which pairs link.
    """
    against = np.zeros(len(pairs.a), dtype=bool)
    words: list[str] = []
    for guard, seen in zip(guards, found, strict=True):
        linked = pairs.bits >= bar
        sure, few, often = seen.unless & linked, FEW, OFTEN
        if sure.sum() < few:
            sure, few, often = pairs.bits - own[guard.comparison] >= SURE, FEW_SURE, OFTEN_SURE
        wrong = float(seen.differ[sure].mean()) if sure.any() else 0.0
        if sure.sum() >= few and often < wrong <= MOSTLY:
            words.append(
                f"{guard.words}: {wrong:.0%} of the pairs that match anyway differ there, so it is"
                " no reason to keep two records apart"
            )
            continue
        differ = seen.differ & ~seen.unless
        supported = _marked(pairs, seen.equal & linked, rows)
        both = supported[pairs.a] & supported[pairs.b]
        either = supported[pairs.a] | supported[pairs.b]
        people = int(_marked(pairs, differ & linked & both, rows).sum())
        slips = int((_marked(pairs, differ & linked & either, rows) & ~supported).sum())
        against |= differ if people >= slips else differ & both
    return against, tuple(words)


def _marked(pairs: Pairs, which: Bools, rows: int) -> Bools:
    """The records that stand in some of the pairs."""
    found = np.zeros(rows, dtype=bool)
    found[pairs.a[which]] = found[pairs.b[which]] = True
    return found


def _same(name: str | None, *, near: bool = False) -> str:
    if name is None:
        return "false"
    if near:
        return f"coalesce(match_slips(l.{name}, r.{name}, 1), false)"
    return f"coalesce(l.{name} = r.{name}, false)"


def _given(both: bool) -> str:
    crossed = (
        " AND NOT match_alike(l.given, r.surname, 0.85)"
        " AND NOT match_alike(l.surname, r.given, 0.85)"
    )
    return (
        "(coalesce(jaro_winkler_similarity(l.given, r.given) < 0.75"
        " AND NOT starts_with(l.given, r.given) AND NOT starts_with(r.given, l.given)"
        f", false){crossed if both else ''})"
    )


def _born(name: str) -> str:
    left, right = f"l.{name}", f"r.{name}"
    return (
        f"coalesce(NOT match_slips({left}, {right}, 1) AND match_parts({left}, {right}) < 2"
        f" AND {left} <> match_turned({right}), false)"
    )
