"""What a list of baskets tells: sets, rules and pairs, for anybody's file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchloop.insight.affinity import lift
from touchloop.insight.affinity.baskets import Baskets
from touchloop.insight.affinity.mining import Itemset, itemsets
from touchloop.insight.affinity.rules import Rule, rules
from touchloop.insight.affinity.thresholds import least_count, share

FALSE = 0.05  # the share of false discoveries that the correction allows


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
    """Counts of everything, and the first few of pairs and rules."""

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


def mine(
    baskets: Baskets,
    *,
    support: str = "1%",
    confidence: str = "50%",
    max_size: int | None = None,
    top: int = 20,
) -> Mined:
    """Sets of at least `support` (a share, or a number of baskets), rules of at least `confidence`.

    `pairs` are the `top` pairs whose lift stands out after the correction, by how sure their lift
    is above or below one. Invalid names a threshold that cannot be read or is too low.
    """
    started = time.perf_counter()
    least = least_count(support, baskets.n)
    enough = share(confidence, field="confidence")
    sets = itemsets(baskets, least=least, max_size=max_size)
    sizes: dict[int, int] = {}
    for found in sets:
        sizes[len(found)] = sizes.get(len(found), 0) + 1
    many, first = _rules(baskets, sets, enough, top)
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
        first,
        _words(baskets, least, sizes, pairs),
        round(time.perf_counter() - started, 3),
    )


def _rules(
    baskets: Baskets, sets: Mapping[Itemset, int], enough: Fraction, top: int
) -> tuple[int, tuple[RuleFound, ...]]:
    many = 0
    kept: list[Rule] = []

    def rank(rule: Rule) -> tuple[float, int, Itemset, int]:
        return (-rule.both / rule.whole, -rule.both, rule.when, rule.then)

    for rule in rules(sets, least=enough):
        many += 1
        kept.append(rule)
        if len(kept) > 20 * top + 1_000:
            kept = sorted(kept, key=rank)[:top]
    names = baskets.names
    return many, tuple(
        RuleFound(
            tuple(sorted(names[k] for k in rule.when)),
            names[rule.then],
            rule.both,
            rule.whole,
            rule.both / rule.whole,
            rule.both * baskets.n / (rule.whole * rule.of),
        )
        for rule in sorted(kept, key=rank)[:top]
    )


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
