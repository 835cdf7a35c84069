"""The kind that models run and keep: what is counted of all paths, for pages to read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from touchloop.core import clock
from touchloop.core.proportions import share
from touchloop.insight.models.api import Kind, Metric, Run, Scored, Trained
from touchloop.insight.paths.attribution import attribute
from touchloop.insight.paths.foretelling import Foretold, choose
from touchloop.insight.paths.walking import GIVEN_UP, GOAL, START, Walk, Walked, walk
from touchloop.lake.api import Analysis, Step

NAME = "paths"
GOALS = ("Order Completed", "Subscription Started", "Signed Up", "Lead Generated")
WINDOW = timedelta(days=180)
SILENCE = timedelta(days=30)
FEWEST = 5  # paths behind anything that is shown
MOST_ROWS = 4_000_000
MOST_STEPS = 40
MOST_EDGES, MOST_WAYS = 120, 60
ENDS = {START: "start", GOAL: "goal", GIVEN_UP: "given up"}
# What a customer says about data is no step towards a purchase.
NO_STEPS = ("Consent Given", "Consent Withdrawn", "Consent Changed", "Consent Preferences Changed")


def train(run: Run) -> Trained | None:
    """Count the paths to each goal that occurs. None when no goal was ever reached."""
    since, words = _window(run)
    instants = {"since": since.replace(tzinfo=None), "now": run.now.replace(tzinfo=None)}
    goals = {row[0]: int(row[1]) for row in run.engine.rows(REACHED.sql(**instants, **_NAMES))}
    found: dict[str, Any] = {}
    metrics: list[Metric] = []
    paths = 0
    for place, goal in enumerate(goal for goal in GOALS if goals.get(goal)):
        run.progress(goal, place / len(goals))
        counted, foretold = _counted(run, goal, instants)
        found[goal] = counted
        paths += counted["paths"]
        if foretold.n:
            metrics.append(_metric(goal, foretold))
    if not found:
        return None
    return Trained(
        parameters={"silence_days": SILENCE.days, "window_days": (run.now - since).days},
        metrics=tuple(metrics),
        features=(),
        n=paths,
        since=since,
        until=run.now,
        words=words,
        curves={"goals": found},
    )


def score(run: Run, trained: Trained) -> Iterable[Scored]:
    """Paths are about many: nobody is scored."""
    return ()


KIND = Kind(
    name=NAME,
    label="Paths to purchase",
    sentence="Which steps customers take before they buy, and what each is worth.",
    purpose="improve",
    every_hours=24.0,
    train=train,
    score=score,
)


def _window(run: Run) -> tuple[datetime, tuple[str, ...]]:
    """Half a year, or as much of it as fits in memory."""
    window = WINDOW
    while window > timedelta(days=1):
        since = run.now - window
        values = {"since": since.replace(tzinfo=None), "now": run.now.replace(tzinfo=None)}
        if int(run.engine.rows(COUNT.sql(**values))[0][0]) <= MOST_ROWS:
            break
        window /= 2
    if window == WINDOW:
        return since, ()
    return since, (_("Counted over the last %d days: more does not fit.") % window.days,)


def _counted(run: Run, goal: str, instants: dict[str, datetime]) -> tuple[dict[str, Any], Foretold]:
    rows = run.engine.query(TOUCHES.sql(**instants, goal=goal, **_NAMES))
    names = np.asarray(rows.column("step").to_pylist(), object)
    steps, codes = _coded(names)
    found = walk(
        Walk(
            rows.column("customer_id").to_numpy().astype(np.int64),
            rows.column("t").to_numpy().astype(np.int64),
            codes,
            np.asarray(rows.column("is_goal").to_numpy(zero_copy_only=False), bool),
        ),
        now=clock.micros(run.now),
        silence=SILENCE // timedelta(microseconds=1),
    )
    foretold = choose(found.ended())
    return _told(found, steps, foretold), foretold


def _told(found: Walked, steps: list[str], foretold: Foretold) -> dict[str, Any]:
    names = {**dict(enumerate(steps)), **ENDS}
    made = attribute(
        [([names[x] for x in way.steps], way.reached, way.given_up) for way in found.ways],
        order=foretold.order,
    )
    shown = [way for way in found.ways if way.taken >= FEWEST]
    return {
        "paths": sum(way.taken for way in found.ways),
        "reached": sum(way.reached for way in found.ways),
        "direct": found.direct,
        "under_way": found.under_way,
        "ways_in_all": len(found.ways),
        "edges": [
            {"from": names[edge.one], "to": names[edge.other], "n": edge.count,
             "seconds": edge.seconds}
            for edge in found.edges[:MOST_EDGES] if edge.count >= FEWEST
        ],
        "ways": [
            {"steps": [names[x] for x in way.steps], "reached": way.reached,
             "given_up": way.given_up, "seconds": way.seconds}
            for way in shown[:MOST_WAYS]
        ],
        "probability": made.probability,
        "order": made.order,
        "shares": {str(order): value for order, value in foretold.shares.items()},
        "credits": [
            {"step": one.step, "effect": one.effect, "credit": one.credit, "first": one.first,
             "last": one.last, "linear": one.linear, "paths": one.paths}
            for one in made.credits if one.paths >= FEWEST
        ],
    }  # fmt: skip


def _coded(names: np.ndarray[Any, Any]) -> tuple[list[str], np.ndarray[Any, np.dtype[np.int64]]]:
    """Steps as numbers, the most common first; the rare ones are one step, "other"."""
    if not len(names):
        return [], np.empty(0, np.int64)
    values, codes, counts = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    named = [str(values[at]) for at in np.argsort(rank)]
    if len(named) <= MOST_STEPS:
        return named, rank[codes].astype(np.int64)
    return [*named[: MOST_STEPS - 1], _("other")], np.minimum(rank[codes], MOST_STEPS - 1)


def _metric(goal: str, found: Foretold) -> Metric:
    right = found.shares[found.order]
    part = share(round(right * found.n), found.n)
    return Metric(
        _("next step foretold, %s") % goal, right, part.low, part.high, found.n,
        found.always, _("always the most common step"),
    )  # fmt: skip


_NAMES: dict[str, object] = {"a": GOALS[0], "b": GOALS[1], "c": GOALS[2], "d": GOALS[3]}
_HAPPENED = Step(
    "happened",
    "SELECT i.customer_id, i.interaction_id, i.name, i.channel, i.occurred_at\n"
    "  FROM interactions AS i JOIN people AS p ON p.customer_id = i.customer_id\n"
    "  WHERE i.occurred_at > {since} AND i.occurred_at <= {now}"
    " AND i.type IN ('track', 'page', 'screen') AND i.name <> ''\n"
    "  AND i.name NOT IN (" + ", ".join(f"'{name}'" for name in NO_STEPS) + ")",
)
_SEVERAL = Step(
    "several",
    "SELECT name FROM happened GROUP BY name HAVING COUNT(DISTINCT COALESCE(channel, '')) > 1",
)
COUNT = Analysis("paths_count", (_HAPPENED,), "SELECT COUNT(*) AS n FROM happened")
REACHED = Analysis(
    "paths_goals",
    (_HAPPENED,),
    "SELECT name, COUNT(*) AS n FROM happened WHERE name IN ({a}, {b}, {c}, {d})"
    " GROUP BY name ORDER BY name",
)
TOUCHES = Analysis(
    "paths_touches",
    (_HAPPENED, _SEVERAL),
    "SELECT h.customer_id, EPOCH_US(h.occurred_at) AS t, h.name = {goal} AS is_goal,\n"
    "  CASE WHEN s.name IS NOT NULL AND COALESCE(h.channel, '') <> ''"
    " THEN CONCAT(h.name, ' (', h.channel, ')') ELSE h.name END AS step\n"
    "FROM happened AS h LEFT JOIN several AS s ON s.name = h.name\n"
    "WHERE h.name = {goal} OR h.name NOT IN ({a}, {b}, {c}, {d})\n"
    "ORDER BY h.customer_id, h.occurred_at, h.interaction_id",
)
