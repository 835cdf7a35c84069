"""Intent as a kind of model: two probabilities for each beginning of a visit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from touchloop.core import arrays, clock
from touchloop.core.errors import Invalid
from touchloop.insight.models.api import Feature, Kind, Metric, Run, Scored, Trained
from touchloop.insight.scores.intent import visits
from touchloop.insight.scores.intent.visits import Drawn
from touchloop.insight.scores.learner.classifier import Classifier
from touchloop.insight.scores.learner.learning import Learned, learn
from touchloop.insight.scores.learner.telling import deciles_of, metrics_of

NAME = "intent"
BUY, LEAVE = "intent_buy", "intent_leave"
CATEGORIES = ("behaviour", "bought")


def train(run: Run) -> Trained | None:
    """Learn from the visits of the last weeks, judged on the latest; None without such visits."""
    run.progress("reading visits", 0.1)
    drawn = visits.draw(visits.read(run), now_us=clock.micros(run.now), seed=run.seed)
    if not len(drawn.customers):
        return None
    learned: dict[str, Learned] = {}
    words: list[str] = []
    for number, (name, outcome) in enumerate(((BUY, drawn.buys), (LEAVE, drawn.leaves))):
        run.progress(f"learning: {name}", 0.3 + number * 0.3)
        try:
            learned[name] = _learn(drawn, outcome, seed=run.seed)
        except Invalid as reason:
            words.append(f"{name}: not learned: {reason}")
    if BUY not in learned:
        return None
    kept = {name: found.classifier.to_parts() for name, found in learned.items()}
    metrics: list[Metric] = []
    for name, found in learned.items():
        metrics += metrics_of(found, of=name)
        words += [f"{name}: {word}" for word in found.words]
    used = dict.fromkeys(name for found in learned.values() for name in found.used)
    return Trained(
        parameters={"models": {name: parameters for name, (parameters, _) in kept.items()}},
        metrics=tuple(metrics),
        features=tuple(
            Feature(name, "pages and events of visits", _category(name)) for name in used
        ),
        n=len(drawn.customers),
        since=clock.from_micros(int(drawn.days.min() * 86_400e6)),
        until=clock.from_micros(int(drawn.days.max() * 86_400e6)),
        words=tuple(words),
        curves={
            "calibration": learned[BUY].models[learned[BUY].chosen].calibration,
            "visits": drawn.visits,
            "bought": drawn.bought,
            "parts": {name: _curves(found) for name, found in learned.items()},
        },
        drift=deciles_of(drawn.inputs),
        blob=json.dumps(
            {name: blob.decode() for name, (_, blob) in kept.items() if blob is not None}
        ).encode(),
    )


def score(run: Run, trained: Trained) -> Iterable[Scored]:
    """Nobody is scored here: the flow does so, step by step. What it must know is renewed: who
    visited and ordered before; and who may not be used any more is forgotten.
    """
    found = visits.read(run)
    ids, before, orders = visits.earlier(found)
    allowed = run.engine.query("SELECT customer_id FROM people").column(0).to_pylist()
    people = arrays.numbers(allowed)
    run.conn.execute(
        "DELETE FROM intent_visits WHERE NOT customer_id = ANY(%s::bigint[])", (people,)
    )
    run.conn.execute(
        "DELETE FROM scores WHERE name = ANY(%s) AND NOT customer_id = ANY(%s::bigint[])",
        ([BUY, LEAVE], people),
    )
    run.conn.execute(
        _SEEN,
        (
            arrays.numbers(ids.tolist()),
            arrays.numbers(before.tolist()),
            arrays.numbers(orders.tolist()),
        ),
    )
    return ()


def classifiers(trained: Trained) -> dict[str, Classifier]:
    """The models by the name of their score."""
    texts = json.loads(trained.blob or b"{}")
    return {
        name: Classifier.from_parts(kept, texts[name].encode() if name in texts else None)
        for name, kept in trained.parameters["models"].items()
    }


def _learn(drawn: Drawn, outcome: Any, *, seed: int) -> Learned:
    return learn(
        drawn.inputs,
        np.asarray(outcome),
        target="",
        # Each is counted up to a step, and the outcome lies behind it.
        keep=drawn.inputs.column_names,
        moments=drawn.days,
        groups=drawn.customers,
        embargo=1.0,
        seed=seed,
    )


def _category(name: str) -> str:
    return "bought" if name == "earlier orders" else "behaviour"


def _curves(found: Learned) -> dict[str, Any]:
    shown = ("rows", "positives", "rate", "validation", "held_out", "models", "chosen", "baseline")
    whole = {key: value for key, value in found.to_json().items() if key in shown}
    return {**whole, "calibration": found.models[found.chosen].calibration}


KIND = Kind(
    name=NAME,
    label="Intent",
    sentence="Whether a visitor means to buy or to leave, within the visit.",
    purpose="profile",
    every_hours=24.0,
    train=train,
    score=score,
    categories=CATEGORIES,
)

# A visit that is on now counts by itself: only what was before it is renewed.
_SEEN = """
INSERT INTO intent_visits (customer_id, visits, orders)
SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[])
ON CONFLICT (customer_id) DO UPDATE
  SET visits = greatest(intent_visits.visits, excluded.visits),
      orders = greatest(intent_visits.orders, excluded.orders)
"""
