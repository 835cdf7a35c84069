"""What could be done with pairs, and what it may bring.

For A and B, with R baskets (or households) that hold A and not B, the gain of letting R meet B is
R · (P(B|A) - P(B)) = R · P(B) · (lift - 1): as many more of them take B as baskets with A do beyond
chance today. Its interval is that of the lift. This assumes that those who are reached are like
those who buy both already, which only a test can tell: an association is no effect. Where the
interval of the lift includes one there is no idea, however good the story.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from touchloop.insight.affinity.counting import Counted, Figure, Pair

Kind = Literal["shelf", "bundle", "message"]
KINDS: tuple[Kind, ...] = ("shelf", "bundle", "message")
MOST = 100  # of each kind
STRONG, SLOW = 0.75, 0.5  # where in the order of baskets a strong and a slow seller stand


@dataclass(frozen=True, slots=True)
class Idea:
    """`strong` carries `slow`. `open_to` baskets (message: households) hold the one and not the
    other; `gain` of them, between `low` and `high`, may take it; each is worth `amount`."""

    kind: Kind
    level: str
    strong: str
    slow: str
    open_to: int
    gain: float
    low: float
    high: float
    amount: float
    words: str


def ideas(
    counted: Counted,
    *,
    relation: Mapping[tuple[str, str], str],
    parent: Mapping[str, str],
    worth: Mapping[str, float],
    refused: Collection[str],
) -> list[Idea]:
    """The best of each kind, by the lower limit of what they may bring.

    `relation` by pair is "together", "instead" or "", `parent` what an item belongs to, `worth`
    what a basket with it brings of it on average; `refused` are never proposed.

    shelf: different families, bought on the same trips more than the trips' size gives: side by
    side. bundle: the same with one strong and one slow seller, the strong one in front. message:
    the same homes but not the same trips: written, not shelved.
    """
    found: dict[Kind, list[Idea]] = {kind: [] for kind in KINDS}
    strong, slow = _strength(counted.pairs)
    for pair in counted.pairs:
        if pair.a in refused or pair.b in refused:
            continue
        a, b = (pair.a, pair.b) if pair.in_a >= pair.in_b else (pair.b, pair.a)
        kind = _kind(pair, relation.get((pair.a, pair.b), ""), parent, a in strong and b in slow)
        if kind is None:
            continue
        if kind == "message":  # told to homes, so the one that more of them buy carries the other
            a, b = (pair.a, pair.b) if pair.home_a >= pair.home_b else (pair.b, pair.a)
        idea = _idea(kind, counted, pair, a, b, worth.get(b, 0.0))
        if idea.low >= 1:
            found[kind].append(idea)
    for kind in KINDS:
        found[kind].sort(
            key=lambda idea: (-idea.low * max(idea.amount, 0.01), idea.strong, idea.slow)
        )
    return [idea for kind in KINDS for idea in found[kind][:MOST]]


def _kind(
    pair: Pair, relation: str, parent: Mapping[str, str], strong_and_slow: bool
) -> Kind | None:
    if relation == "together" and pair.trip.stands_out and pair.trip.low > 1:
        if strong_and_slow:
            return "bundle"
        return "shelf" if parent.get(pair.a) != parent.get(pair.b) else None
    not_on_trips = pair.trip.low <= 1 <= pair.trip.high or pair.trip.high < 1
    if relation != "instead" and not_on_trips and pair.home.stands_out and pair.home.low > 1:
        return "message"
    return None


def _strength(pairs: Iterable[Pair]) -> tuple[frozenset[str], frozenset[str]]:
    """The quarter of the items in most baskets, and the half in fewest."""
    sizes = {name: n for pair in pairs for name, n in ((pair.a, pair.in_a), (pair.b, pair.in_b))}
    order = sorted(sizes, key=lambda name: (sizes[name], name))
    return frozenset(order[int(STRONG * len(order)) :]), frozenset(order[: int(SLOW * len(order))])


def _idea(kind: Kind, counted: Counted, pair: Pair, a: str, b: str, amount: float) -> Idea:
    if kind == "message":
        of_a, of_b = (pair.home_a, pair.home_b) if a == pair.a else (pair.home_b, pair.home_a)
        both, n, figure = pair.home_both, counted.households, pair.home
    else:
        of_a, of_b = (pair.in_a, pair.in_b) if a == pair.a else (pair.in_b, pair.in_a)
        both, n, figure = pair.both, counted.baskets, pair.trip
    gain, low, high = gain_of(of_a - both, of_b / n, figure)
    words = _WORDS[kind]() % {"a": a, "b": b, "lift": figure.lift}
    return Idea(kind, counted.level, a, b, of_a - both, gain, low, high, amount, words)


def gain_of(reached: int, rate: float, figure: Figure) -> tuple[float, float, float]:
    """R · P(B) · (lift - 1) and its limits; never more than all that are reached."""
    found: Sequence[float] = [
        min(float(reached), max(0.0, reached * rate * (lift - 1)))
        for lift in (figure.lift, figure.low, figure.high)
    ]
    return found[0], found[1], found[2]


_WORDS = {
    "shelf": lambda: _(
        "Put %(b)s beside %(a)s: on the same trips %(lift).1f times as often as chance."
    ),
    "bundle": lambda: _(
        "Let %(a)s carry %(b)s: on the same trips %(lift).1f times as often as chance."
    ),
    "message": lambda: _(
        "Tell homes that buy %(a)s of %(b)s: the same homes %(lift).2f times as often as chance,"
        " but not on the same trips, so the shelf is not the place."
    ),
}
