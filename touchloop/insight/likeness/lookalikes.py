"""Who resembles the members of a segment: a logistic model over everybody who may be profiled.

The members are the examples, everybody else the contrast (learning from positive and unlabelled
people: Elkan & Noto, KDD 2008: the ranking is that of the true resemblance). What the segment's own
rule asks about is refused as an input: it would only find the members again. How well it ranks is
the area under the ROC curve over five folds, each scored by a model that has not seen it, beside
the area when people are ranked by the number of their orders alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.likeness import people
from touchloop.insight.likeness.logit import (
    Floats,
    Labels,
    area,
    area_interval,
    fitted,
    out_of_fold,
)
from touchloop.insight.likeness.people import Column, Material
from touchloop.insight.likeness.refusing import refusals
from touchloop.insight.likeness.saying import clause, says
from touchloop.insight.models import api as models
from touchloop.insight.models.api import (
    Feature,
    Kind,
    Metric,
    Run,
    Scored,
    Trained,
    deciles,
)
from touchloop.insight.segments import api as segments

PREFIX = "lookalike:"
EVERY_HOURS = 168.0
FEWEST = 20  # members, and others
FOLDS = 5
MOST_ROWS = 200_000
RIDGE = 3.0  # on standardised inputs
REASONS = 3


def kind_of(segment_id: int, name: str) -> Kind:
    """The kind of model that has this segment as its seed; its score is `lookalike:<id>`."""
    return Kind(
        name=f"{PREFIX}{segment_id}",
        label=_("Like “%s”") % name,
        sentence=_("How much a customer resembles the members of “%s”.") % name,
        purpose="profile",
        every_hours=EVERY_HOURS,
        train=partial(train, segment_id),
        score=partial(score, segment_id),
    )


def kinds(conn: Connection) -> tuple[Kind, ...]:
    """The kinds for which somebody ever asked, and whose segment is still there."""
    rows = conn.execute(
        "SELECT DISTINCT s.id, s.name FROM model_runs r"
        " JOIN segments s ON r.kind = %s || s.id::text ORDER BY s.id",
        (PREFIX,),
    ).fetchall()
    return tuple(kind_of(id, name) for id, name in rows)


def retire(conn: Connection) -> dict[str, list[int]]:
    """Take out what was said of the like of segments that are no more.

    Gives the customers by the score's name. Commits with the caller.
    """
    gone: dict[str, list[int]] = {}
    for (kind,) in conn.execute(_ORPHANS, (PREFIX, PREFIX)).fetchall():
        gone |= models.retire(conn, kind, _("its segment was deleted"))
    return gone


def train(segment_id: int, run: Run) -> Trained:
    """Learn. Invalid when too few members or others may be profiled."""
    segment = segments.get(segment_id, conn=run.conn)
    material = people.read(run)
    members = _members(run, segment_id)
    labels = np.isin(material.ids, members, assume_unique=True)
    if labels.sum() < FEWEST or (~labels).sum() < FEWEST:
        raise Invalid("segment", _("it takes %(n)d members, and as many others, who may be"
                                   " profiled") % {"n": FEWEST})  # fmt: skip
    refused = refusals(run, segment.rule, material)
    columns = people.usual(material, without=frozenset(refused))
    if not columns:
        raise Invalid("segment", _("nothing is left to learn from besides what its rule asks"))
    run.progress("learning", 0.6)
    rows = _sample(labels, run.seed)
    x, y = material.matrix(columns)[rows], labels[rows]
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = (x - mean) / spread
    weights, intercept = fitted(scaled, y, ridge=RIDGE)
    run.progress("how well it ranks", 0.8)
    held = out_of_fold(scaled, y, ridge=RIDGE, folds=FOLDS, seed=run.seed)
    metric = _metric(held, y, material, rows, refused)
    shift = log(labels.sum() / (~labels).sum()) - log(y.sum() / (~y).sum())
    return Trained(
        parameters={
            "segment": segment_id,
            "columns": [[column.kind, column.value] for column in columns],
            "mean": mean, "spread": spread, "weights": weights, "intercept": intercept + shift,
            "members": int(labels.sum()),
        },
        metrics=(metric,),
        features=_features(columns, refused),
        n=len(rows),
        since=run.now - people.WINDOW,
        until=run.now,
        words=_words(metric, refused, segment.members - int(labels.sum())),
        curves={"weights": _strongest(columns, weights)},
        drift={
            clause(column): deciles(x[:, place])
            for place, column in enumerate(columns) if column.kind == "habit"
        },
    )  # fmt: skip


def score(segment_id: int, run: Run, trained: Trained) -> Iterable[Scored]:
    """Everybody's resemblance, 0 to 1, with the three strongest reasons for it in words."""
    given = trained.parameters
    columns = [Column(*each) for each in given["columns"]]
    material = people.read(run)
    x = (material.matrix(columns) - np.asarray(given["mean"])) / np.asarray(given["spread"])
    parts = x * np.asarray(given["weights"])
    values = 1 / (1 + np.exp(-(parts.sum(axis=1) + given["intercept"])))
    best = np.argsort(-parts, axis=1)[:, :REASONS]
    said = [(says(column, True), says(column, False)) for column in columns]
    inputs = [
        json.dumps({"reasons": [said[at][0] if x[row, at] > 0 else said[at][1]
                                for at in places if parts[row, at] > 0.05]})
        for row, places in enumerate(best)
    ]  # fmt: skip
    rows = pa.table({"customer_id": material.ids, "value": values, "inputs": inputs})
    yield Scored(f"{PREFIX}{segment_id}", rows)


def _members(run: Run, segment_id: int) -> people.Ids:
    found = run.engine.query(
        "SELECT customer_id FROM members WHERE segment_id = " + str(int(segment_id))
    )
    return np.asarray(found.column(0).to_numpy(), np.int64)


def _sample(labels: Labels, seed: int) -> people.Ids:
    """Everybody, or so many of them that learning takes seconds: members first."""
    if len(labels) <= MOST_ROWS:
        return np.arange(len(labels))
    random = np.random.default_rng(seed)
    members, others = np.flatnonzero(labels), np.flatnonzero(~labels)
    some = random.permutation(members)[: MOST_ROWS // 2]
    rest = random.permutation(others)[: MOST_ROWS - len(some)]
    return np.sort(np.concatenate([some, rest]))


def _metric(
    scores: Floats, y: Labels, material: Material, rows: people.Ids, refused: Iterable[Column]
) -> Metric:
    value = area(scores, y)
    low, high = area_interval(value, int(y.sum()), int((~y).sum()))
    alone, name = 0.5, _("chance")
    orders = Column("habit", "orders")
    if orders not in set(refused) and orders in material.counts:
        one = area(material.matrix([orders])[rows][:, 0], y)
        alone, name = max(one, 1 - one), _("the number of orders alone")
    return Metric("AUC", value, low, high, len(y), alone, name)


def _features(columns: Sequence[Column], refused: dict[Column, str]) -> tuple[Feature, ...]:
    used = [Feature(clause(each), _origin(each), each.category) for each in columns]
    left = [
        Feature(clause(each), _origin(each), each.category, why) for each, why in refused.items()
    ]
    return (*used, *left)


def _origin(column: Column) -> str:
    if column.kind == "trait":
        return f"trait {column.value.partition('=')[0]}"
    return column.value if column.kind == "event" else "Order Completed"


def _strongest(columns: Sequence[Column], weights: Floats) -> list[dict[str, Any]]:
    """Weights on standardised inputs, the strongest first: why anybody resembles the members."""
    order = np.argsort(-np.abs(weights))[:20]
    return [
        {"says": says(columns[at], weights[at] > 0), "name": clause(columns[at]),
         "weight": float(weights[at])}
        for at in order
    ]  # fmt: skip


def _words(metric: Metric, refused: dict[Column, str], unseen: int) -> tuple[str, ...]:
    found = []
    if refused:
        found.append(
            _("Left out because the segment's own rule asks about it: %s.")
            % ", ".join(clause(column) for column in list(refused)[:8])
        )
    if unseen > 0:
        found.append(_("%d members may not be profiled and are not among the examples.") % unseen)
    if metric.baseline is not None and (metric.low or 0) <= metric.baseline:
        found.append(_("It ranks no better than %s.") % metric.baseline_name)
    return tuple(found)


_ORPHANS = """
SELECT DISTINCT v.kind FROM model_versions v
WHERE starts_with(v.kind, %s) AND NOT v.let_go
  AND NOT EXISTS (SELECT FROM segments s WHERE v.kind = %s || s.id::text)
"""
