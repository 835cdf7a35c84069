"""The kind "together": what goes with what, counted anew on a schedule and kept for the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from touchloop.insight.affinity import counting, families, keeping, steps
from touchloop.insight.affinity import ideas as proposing
from touchloop.insight.affinity.counting import Counted, Pair
from touchloop.insight.affinity.steps import Level
from touchloop.insight.models.api import Feature, Kind, Run, Scored, Trained

COUNTED: Final[tuple[Level, ...]] = ("category", "product")
MUCH: Final = 1.25  # a smaller ratio, or one nearer to one from below, is no reason to act


def train(run: Run) -> Trained | None:
    """Count pairs of categories and of products; None where nobody bought anything."""
    values = counting.window(run.now)
    run.progress(_("reading what was sold"), 0.0)
    sold = run.engine.rows(steps.catalogue().sql(**values))
    if not sold:
        return None
    families.learn(run.conn, sold)
    worth = _worth(run, values)
    found: dict[Level, Counted] = {}
    for n, level in enumerate(COUNTED):
        run.progress(_("counting pairs of %s") % level, 0.1 + 0.45 * n)
        counted = counting.count(run.engine, level, values)
        if counted is None:
            continue
        found[level] = counted
        parent = families.parents(run.conn, level)
        relation = related(counted.pairs, parent)
        proposed = proposing.ideas(
            counted, relation=relation, parent=parent, worth=worth[level],
            refused=families.not_offered(run.conn, level),
        )  # fmt: skip
        keeping.write(
            run.conn, counted, parent=parent, relation=relation, ideas=proposed, now=run.now
        )
    if not found:
        return None
    return _trained(found)


def related(pairs: Iterable[Pair], parent: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """How the two of a pair relate, where that is sure.

    "together": at least `MUCH` times as often on the same trips as their homes' trips of that size
    give. "instead": homes that buy the one buy the other more than chance, but that much less on
    the same trips, and both belong to the same family.
    """
    found = {}
    for pair in pairs:
        same = parent.get(pair.a, "") == parent.get(pair.b, "")
        if pair.ratio_low is not None and pair.ratio_low > MUCH:
            found[pair.a, pair.b] = "together"
        elif pair.ratio_high is None or pair.ratio_high * MUCH > 1:
            continue
        elif same and pair.home.low > 1:
            found[pair.a, pair.b] = "instead"
    return found


def _worth(run: Run, values: Mapping[str, object]) -> dict[Level, dict[str, float]]:
    """What a basket with an item brings of it on average; and the sizes of the families."""
    found: dict[Level, dict[str, float]] = {}
    for level in steps.LEVELS:
        rows = run.engine.rows(steps.sold(level).sql(**values))
        families.size(run.conn, level, [(key, int(n), int(homes)) for key, n, homes, _a in rows])
        found[level] = {key: float(amount or 0) / n for key, n, _homes, amount in rows if n}
    return found


def _trained(found: Mapping[Level, Counted]) -> Trained:
    first = next(iter(found.values()))
    words = [word for counted in found.values() for word in counted.words]
    sums = {
        level: {
            "baskets": c.baskets, "households": c.households, "tested": c.tested,
            "pairs": len(c.pairs), "stand_out": sum(pair.trip.stands_out for pair in c.pairs),
        }
        for level, c in found.items()
    }  # fmt: skip
    return Trained(
        parameters={"levels": sums, "false": counting.FALSE},
        metrics=(),
        features=(Feature("lines of orders", counting.EVENT, "bought"),),
        n=first.baskets,
        since=first.since,
        until=first.until,
        words=tuple(dict.fromkeys(words)),
    )


def _score(run: Run, trained: Trained) -> Iterable[Scored]:
    """It says nothing of single customers."""
    return ()


KIND: Final = Kind(
    name="together",
    label=gettext_noop("What goes with what"),
    sentence=gettext_noop(
        "Tells which categories and products are bought on the same trips and in the same homes."
    ),
    purpose="improve",
    every_hours=24.0,
    train=train,
    score=_score,
    categories=("bought",),
)
