"""What a list of baskets tells: sets, rules and pairs, for anybody's file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.insight.affinity import lift
from touchloop.insight.affinity.baskets import Baskets
from touchloop.insight.affinity.mining import Itemset, itemsets
from touchloop.insight.affinity.rules import surest
from touchloop.insight.affinity.thresholds import least_count, share

FALSE: Final = 0.05  # the share of false discoveries that the correction allows
FORM: Final = "one item follows from one or more others"


@dataclass(frozen=True, slots=True)
class PairFound:
    """Two items in the same baskets; `q` is p after the correction for all pairs looked at."""

    a: str
    b: str
    both: int
    in_a: int
    in_b: int
    lift: float
    low: float
    high: float
    p: float
    q: float


@dataclass(frozen=True, slots=True)
class SetFound:
    """Items that are all in each of so many baskets."""

    items: tuple[str, ...]
    baskets: int


@dataclass(frozen=True, slots=True)
class RuleFound:
    """Who takes `when` takes `then`: in `both` of `whole` baskets."""

    when: tuple[str, ...]
    then: str
    both: int
    whole: int
    confidence: float
    lift: float


@dataclass(frozen=True, slots=True)
class Mined:
    """Counts of everything, the surest pairs and rules, and the lists of all sets and rules.

    `all_sets` are ordered by size, then by baskets; rules by confidence, then by baskets. Where the
    lists were asked to be shorter than what was found, `words` says so.
    """

    baskets: int
    items: int
    entries: int
    support_count: int
    itemsets: int
    by_size: dict[int, int]
    rules: int
    pairs: tuple[PairFound, ...]
    top_rules: tuple[RuleFound, ...]
    words: tuple[str, ...]
    seconds: float
    separator: str = ""
    rule_form: str = FORM
    all_sets: tuple[SetFound, ...] = ()
    all_rules: tuple[RuleFound, ...] = ()


def mine(
    baskets: Baskets,
    *,
    support: str = "1%",
    confidence: str = "50%",
    max_size: int | None = None,
    top: int = 20,
    listed: int = 0,
) -> Mined:
    """Sets of at least `support` (a share, or a number of baskets), rules of at least `confidence`.

    A rule has one consequent and one or more antecedents. Up to `listed` sets and as many rules are
    listed, the first of their order. `pairs` are the `top` pairs whose lift stands out after the
    correction, by how sure their lift is above or below one. Invalid names a threshold that cannot
    be read or is too low.
    """
    started = time.perf_counter()
    least = least_count(support, baskets.n)
    enough = share(confidence, field="confidence")
    sets = itemsets(baskets, least=least, max_size=max_size)
    sizes: dict[int, int] = {}
    for found in sets:
        sizes[len(found)] = sizes.get(len(found), 0) + 1
    many, first = _rules(baskets, sets, enough, max(top, listed))
    pairs = _pairs(baskets, sets, top, frequent=sizes.get(1, 0))
    return Mined(
        baskets.n,
        len(baskets.names),
        baskets.entries,
        least,
        len(sets),
        dict(sorted(sizes.items())),
        many,
        pairs,
        first[:top],
        _words(baskets, least, sizes, pairs) + _cut(len(sets), many, listed),
        round(time.perf_counter() - started, 3),
        baskets.separator,
        all_sets=_sets(baskets, sets, listed),
        all_rules=first[:listed],
    )


def _sets(baskets: Baskets, sets: Mapping[Itemset, int], most: int) -> tuple[SetFound, ...]:
    if not most:
        return ()
    names = baskets.names
    order = sorted(sets, key=lambda found: (len(found), -sets[found], found))[:most]
    return tuple(SetFound(tuple(sorted(names[k] for k in each)), sets[each]) for each in order)


def _rules(
    baskets: Baskets, sets: Mapping[Itemset, int], enough: Fraction, most: int
) -> tuple[int, tuple[RuleFound, ...]]:
    many, kept = surest(sets, least=enough, most=most)
    names, n = baskets.names, baskets.n
    return many, tuple(
        RuleFound(
            tuple(sorted(names[k] for k in rule.when)),
            names[rule.then],
            rule.both,
            rule.whole,
            rule.both / rule.whole,
            rule.both * n / (rule.whole * rule.of),
        )
        for rule in kept
    )


def _cut(sets: int, rules: int, listed: int) -> tuple[str, ...]:
    said = []
    if listed and sets > listed:
        said.append(_("%(n)d sets are counted, the first %(most)d are listed")
                    % {"n": sets, "most": listed})  # fmt: skip
    if listed and rules > listed:
        said.append(_("%(n)d rules are counted, the first %(most)d are listed")
                    % {"n": rules, "most": listed})  # fmt: skip
    return tuple(said)


def _pairs(
    baskets: Baskets, sets: Mapping[Itemset, int], top: int, *, frequent: int
) -> tuple[PairFound, ...]:
    pairs = [found for found in sets if len(found) == 2]
    if not pairs:
        return ()
    both = np.array([sets[pair] for pair in pairs])
    a, b = (baskets.counts[[pair[n] for pair in pairs]] for n in (0, 1))
    found = lift.lifts(both, a, b, baskets.n)
    # Pairs below the support were looked at as well.
    q = lift.corrected(found.p, tests=frequent * (frequent - 1) // 2)
    sure = np.maximum(np.log(np.maximum(found.low, 1e-300)), -np.log(found.high))
    order = np.lexsort((np.arange(len(pairs)), -sure))
    made = []
    for n in order[:top].tolist():
        names = sorted((k, baskets.names[k]) for k in pairs[n])
        (first, a_name), (second, b_name) = sorted(names, key=lambda each: each[1])
        made.append(
            PairFound(
                a_name, b_name, int(both[n]), int(baskets.counts[first]),
                int(baskets.counts[second]), float(found.lift[n]), float(found.low[n]),
                float(found.high[n]), float(found.p[n]), float(q[n]),
            )
        )  # fmt: skip
    return tuple(made)


def _words(
    baskets: Baskets, least: int, sizes: Mapping[int, int], pairs: tuple[PairFound, ...]
) -> tuple[str, ...]:
    said = []
    if baskets.left_out:
        said.append(
            ngettext(
                "%d basket has too many items for one trip and is left out everywhere",
                "%d baskets have too many items for one trip and are left out everywhere",
                baskets.left_out,
            )
            % baskets.left_out
        )
    if baskets.repeats:
        said.append(_("an item that a basket names twice counts once (%d times)") % baskets.repeats)
    if baskets.empty:
        said.append(
            ngettext(
                "%d line holds no item and is no basket",
                "%d lines hold no item and are no baskets",
                baskets.empty,
            )
            % baskets.empty
        )
    if least > baskets.n:
        said.append(_("there are only %d baskets") % baskets.n)
    if least == 1:
        said.append(_("the support is one basket: every set that was bought once is among these"))
    if baskets.n == 1:
        said.append(_("there is one basket: nothing can be compared with chance"))
    if not sizes:
        said.append(_("no item is in %d baskets or more") % least)
    elif 2 not in sizes:
        said.append(_("no two items are together in %d baskets or more") % least)
    elif all(pair.low <= 1 <= pair.high or pair.q > FALSE for pair in pairs):
        said.append(_("no pair stands out from chance after the correction for many tests"))
    return tuple(said)
