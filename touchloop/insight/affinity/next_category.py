"""The kind "next_category": what a household has never bought from us, and may buy next.

Scores `new_category:NAME` are probabilities that the household begins with a category (or a
department) within the horizon; `affinity:NAME` is the share of its lines that fall on it. Lift is
never used to rank: it prefers what hardly anybody buys (precision at 5 of .03 where popularity has
.29).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from touchloop.core.db import Connection
from touchloop.insight.affinity import blending, counting, families, purchases, recipe, steps
from touchloop.insight.affinity.blending import Examined, Weights
from touchloop.insight.affinity.purchases import Shelf
from touchloop.insight.affinity.recipe import FEATURES, History
from touchloop.insight.affinity.steps import Level
from touchloop.insight.models.api import Feature, Kind, Metric, Run, Scored, Trained, deciles

NEW, SHARE = "new_category:", "affinity:"
RANKED: Final[tuple[Level, ...]] = ("category", "department")
HORIZON = 14  # weeks; less where the history is shorter than four of them
LEAST_HORIZON = 2
TOP = 20
NAMES = {
    "popularity": gettext_noop("popularity"),
    "cosine": gettext_noop("item cosine"),
    "ease": gettext_noop("EASE"),
    "als": gettext_noop("implicit ALS"),
    "blend": gettext_noop("the blend"),
}


def train(run: Run) -> Trained | None:
    """Learn the blend of categories, and that of departments; None where there is too little.

    Judged on what followed the last moment that lies a horizon back, with weights that were learned
    from what had followed earlier moments; used with weights that know that outcome as well.
    """
    values = counting.window(run.now)
    sold = run.engine.rows(steps.catalogue().sql(**values))
    families.learn(run.conn, sold)
    found: dict[str, Any] = {}
    main: tuple[Examined, History, int] | None = None
    for n, level in enumerate(RANKED):
        run.progress(_("learning what %s comes next") % level, 0.05 + 0.6 * n)
        on = _shelf(run, level, values)
        history = purchases.read(run.engine, on, values, part=0)
        horizon = min(HORIZON, history.slices // 4)
        if horizon < LEAST_HORIZON or len(on.items) < 2:
            continue
        learned = _learned(run, history, on, horizon)
        if learned is None:
            continue
        weights, examined = learned
        found[level] = {"weights": asdict(weights), "horizon": horizon, "people": on.people}
        if level == "category":
            main = examined, history, horizon
            found[level]["rankers"] = [asdict(each) for each in examined.rankers]
    if main is None:
        return None
    return _trained(run, found, *main)


def _learned(
    run: Run, history: History, on: Shelf, horizon: int
) -> tuple[Weights, Examined] | None:
    common: dict[str, Any] = {"horizon": horizon, "seed": run.seed, "offered": on.offered}
    earlier = blending.learn(history, ago=2 * horizon, **common)
    if earlier is None:
        return None
    examined = blending.examine(history, earlier, ago=horizon, **common)
    weights = blending.learn(history, ago=horizon, **common)
    return (weights, examined) if weights and examined else None


def most_new(conn: Connection, *, limit: int = 20) -> list[tuple[str, int, float]]:
    """(item, customers, mean probability) of what is next for most customers."""
    rows = conn.execute(_MOST_NEW, {"prefix": NEW, "limit": limit}).fetchall()
    return [(name[len(NEW) :], int(n), float(mean)) for name, n, mean in rows]


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """The top of what is new for each household, with reasons; and the shares of what it buys."""
    values = counting.window(run.now)
    taken: set[str] = set()
    for n, level in enumerate(RANKED):
        known = trained.parameters.get(level)
        if known is None:
            continue
        run.progress(_("ranking what %s comes next") % level, 0.7 + 0.15 * n)
        on = _shelf(run, level, values)
        if len(on.items) < 2:
            continue
        kept = _ranked(run, on, values, known)
        names = _names(run, level)
        for item, rows in kept.scored(names, days=7 * int(known["horizon"])):
            # A department that is called like a category is said by the category.
            if item not in taken:
                taken.add(item)
                yield from (Scored(name + item, table) for name, table in rows.items())


@dataclass(slots=True)
class _Kept:
    """By item: households, what is said of them, and why (places of items)."""

    items: tuple[str, ...]
    new: dict[int, list[tuple[Any, Any, list[tuple[int, ...]]]]] = field(default_factory=dict)
    shares: dict[int, list[tuple[Any, Any, Any]]] = field(default_factory=dict)

    def scored(
        self, names: Mapping[str, str], *, days: int
    ) -> Iterator[tuple[str, dict[str, pa.Table]]]:
        """Each item with its tables by the score's prefix."""
        said: dict[tuple[int, ...], str] = {}
        for n, item in enumerate(self.items):
            tables = {}
            if n in self.new:
                people, chances, why = zip(*self.new[n], strict=True)
                inputs = [
                    said.get(each) or said.setdefault(each, self._because(each, names, days))
                    for part in why
                    for each in part
                ]
                tables[NEW] = _table(people, chances, inputs)
            if n in self.shares:
                people, shares, lines = zip(*self.shares[n], strict=True)
                inputs = [f'{{"lines": {each}}}' for part in lines for each in part.tolist()]
                tables[SHARE] = _table(people, shares, inputs)
            yield item, tables

    def _because(self, why: tuple[int, ...], names: Mapping[str, str], days: int) -> str:
        owned = [names.get(self.items[n], self.items[n]) for n in why]
        if len(owned) == 2:
            reason = _("households who buy %(a)s and %(b)s also buy this") % {
                "a": owned[0], "b": owned[1]
            }  # fmt: skip
        elif owned:
            reason = _("households who buy %s also buy this") % owned[0]
        else:
            reason = _("many households buy this")
        return json.dumps({"reasons": [reason], "horizon": days}, ensure_ascii=False)


def _ranked(run: Run, on: Shelf, values: Mapping[str, object], known: Mapping[str, Any]) -> _Kept:
    """All households, part by part, against what the first part says of items."""
    weights = Weights(**{key: _frozen(value) for key, value in known["weights"].items()})
    kept = _Kept(on.items)
    fitted: recipe.Fitted | None = None
    for part in range(on.parts):
        history = purchases.read(run.engine, on, values, part=part)
        if not len(history.people):
            continue
        seen = recipe.world(history, ago=0, horizon=int(known["horizon"]))
        if fitted is None:
            fitted = recipe.fit(seen, seed=run.seed)
        chances = weights.probability(recipe.features(fitted, seen, on.groups))
        chances = np.where(seen.owned | ~on.offered, -1.0, chances)
        _keep_new(kept, fitted, history, seen, chances)
        _keep_shares(kept, history, seen)
    return kept


def _keep_new(
    kept: _Kept, fitted: recipe.Fitted, history: History, seen: recipe.World, chances: recipe.Reals
) -> None:
    first = np.argsort(-chances, axis=1, kind="stable")[:, :TOP]
    rows = np.flatnonzero(seen.known)
    why: dict[int, list[tuple[int, ...]]] = {}
    who: dict[int, list[int]] = {}
    for row in rows.tolist():
        wanted = [item for item in first[row].tolist() if chances[row, item] >= 0]
        for item, reason in zip(
            wanted, recipe.reasons(fitted, seen.owned[row], wanted), strict=True
        ):
            who.setdefault(item, []).append(row)
            why.setdefault(item, []).append(reason)
    for item, people in who.items():
        entry = history.people[people], chances[people, item], why[item]
        kept.new.setdefault(item, []).append(entry)


def _keep_shares(kept: _Kept, history: History, seen: recipe.World) -> None:
    share = seen.lines / np.maximum(seen.lines.sum(axis=1, keepdims=True), 1.0)
    first = np.argsort(-share, axis=1, kind="stable")[:, :TOP]
    row = np.repeat(np.arange(len(share)), first.shape[1])
    item = first.ravel()
    there = share[row, item] > 0
    row, item = row[there], item[there]
    for n in np.unique(item).tolist():
        mine = row[item == n]
        lines = seen.lines[mine, n].astype(np.int64)
        kept.shares.setdefault(n, []).append((history.people[mine], share[mine, n], lines))


def _table(people: Iterable[Any], values: Iterable[Any], inputs: list[str]) -> pa.Table:
    return pa.table(
        {
            "customer_id": np.concatenate(list(people)),
            "value": np.concatenate(list(values)).astype(np.float64),
            "inputs": pa.array(inputs, pa.string()),
        }
    )


def _trained(
    run: Run, found: Mapping[str, Any], examined: Examined, history: History, horizon: int
) -> Trained:
    from datetime import timedelta

    floor, blend = examined.rankers[0], examined.rankers[-1]
    others = [
        Metric(f"P@5 of {NAMES[each.name]}", each.precision, each.low, each.high, examined.people,
               floor.precision, NAMES["popularity"])
        for each in examined.rankers[1:-1]
    ]  # fmt: skip
    metrics = (
        Metric("P@5", blend.precision, blend.low, blend.high, examined.people, floor.precision,
               NAMES["popularity"]),
        Metric("hit@5", blend.hit5, n=examined.people, baseline=floor.hit5,
               baseline_name=NAMES["popularity"]),
        Metric("hit@10", blend.hit10, n=examined.people, baseline=floor.hit10,
               baseline_name=NAMES["popularity"]),
        *others,
    )  # fmt: skip
    words = [
        _("judged on the %(weeks)d weeks that followed, with %(n)d households who began with"
          " %(new).1f categories each")
        % {"weeks": horizon, "n": examined.people, "new": examined.new_each}
    ]  # fmt: skip
    if blend.beyond_low <= 0:
        words.append(_("it is not surely better than popularity"))
    seen = recipe.world(history, ago=0, horizon=horizon)
    inputs = recipe.features(recipe.fit(seen, seed=run.seed), seen, history.groups)
    return Trained(
        parameters=found,
        metrics=metrics,
        features=tuple(Feature(name, counting.EVENT, "bought") for name in FEATURES),
        n=int(found["category"]["people"]),
        since=run.now - timedelta(weeks=history.slices),
        until=run.now,
        words=tuple(words),
        curves={
            "calibration": [list(each) for each in examined.calibration],
            "rankers": [asdict(each) for each in examined.rankers],
        },
        drift={name: deciles(np.asarray(inputs[name]).ravel()) for name in FEATURES},
    )


def _shelf(run: Run, level: Level, values: Mapping[str, object]) -> Shelf:
    return purchases.shelf(
        run.engine, level, values, parent=families.parents(run.conn, level),
        refused=families.not_offered(run.conn, level),
    )  # fmt: skip


def _names(run: Run, level: Level) -> dict[str, str]:
    return {family.key: family.name for family in families.listing(run.conn, level)}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


KIND: Final = Kind(
    name="next_category",
    label=gettext_noop("Next category"),
    sentence=gettext_noop(
        "Tells which category a household never bought from us, and how likely it begins with it."
    ),
    purpose="profile",
    every_hours=24.0,
    train=train,
    score=score,
    categories=("bought",),
)

_MOST_NEW = """
SELECT name, count(*), avg(value) FROM scores
WHERE name >= %(prefix)s AND name < %(prefix)s || chr(1114109)
GROUP BY name ORDER BY 2 DESC, name LIMIT %(limit)s
"""
