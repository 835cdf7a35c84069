"""Churn as a kind of model: contracts and shoppers, each by what tells of them, in one score."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from touchloop.core.errors import Invalid
from touchloop.insight.models.api import Feature, Kind, Run, Scored, Trained
from touchloop.insight.scores.churn import contract, shopping
from touchloop.insight.scores.churn.cut import Cut
from touchloop.insight.scores.learner.classifier import Classifier, Told
from touchloop.insight.scores.learner.learning import Learned, learn
from touchloop.insight.scores.learner.telling import deciles_of, metrics_of

NAME = "churn"


class Part(NamedTuple):
    """One way of leaving: its past, its present, its words."""

    name: str
    cuts: Callable[[Run], list[Cut]]
    as_of: Callable[[Run, datetime], Cut]
    told: Mapping[str, Told]
    origin: str


PARTS = (
    Part("contract", contract.cuts, contract.as_of, contract.TOLD, "events of contracts and use"),
    Part("shopping", shopping.cuts, shopping.as_of, shopping.TOLD, "Order Completed"),
)


def train(run: Run) -> Trained | None:
    """Learn each way of leaving from past cuts, out of time; None where neither can be learned."""
    learned: dict[str, tuple[Learned, list[Cut]]] = {}
    words: list[str] = []
    for number, part in enumerate(PARTS):
        run.progress(f"reading the past: {part.name}", number / len(PARTS))
        cuts = [cut for cut in part.cuts(run) if len(cut.customers)]
        if not cuts:
            continue
        run.progress(f"learning: {part.name}", (number + 0.4) / len(PARTS))
        try:
            learned[part.name] = _learn(cuts, seed=run.seed), cuts
        except Invalid as reason:
            words.append(f"{part.name}: not learned: {reason}")
    if not learned:
        return None
    largest = max(learned, key=lambda name: learned[name][0].n)
    order = [largest, *(name for name in learned if name != largest)]
    cuts = [cut for _, found in learned.values() for cut in found]
    kept = {name: found.classifier.to_parts() for name, (found, _) in learned.items()}
    texts = {name: blob.decode() for name, (_, blob) in kept.items() if blob is not None}
    return Trained(
        parameters={"parts": {name: parameters for name, (parameters, _) in kept.items()}},
        metrics=tuple(m for name in order for m in metrics_of(learned[name][0], of=name)),
        features=tuple(_features(learned)),
        n=sum(found.n for found, _ in learned.values()),
        since=min(cut.at for cut in cuts),
        until=max(cut.at for cut in cuts),
        words=(*words, *(f"{n}: {w}" for n in order for w in learned[n][0].words)),
        curves={
            "calibration": _calibration(learned[largest][0]),
            "parts": {name: _curves(*learned[name]) for name in order},
        },
        drift={key: value for _, found in learned.values() for key, value in _drift(found)},
        blob=json.dumps(texts).encode(),
    )


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """The probability that each customer leaves within the window, with reasons."""
    texts = json.loads(trained.blob or b"{}")
    done: set[int] = set()
    found: list[pa.Table] = []
    for part in PARTS:
        kept = trained.parameters["parts"].get(part.name)
        if kept is None:
            continue
        run.progress(f"scoring: {part.name}", 0.9)
        text = texts.get(part.name)
        classifier = Classifier.from_parts(kept, text.encode() if text is not None else None)
        rows = _rows(part, classifier, part.as_of(run, run.now), done)
        done.update(rows.column("customer_id").to_pylist())
        found.append(rows)
    if found:
        yield Scored(NAME, pa.concat_tables(found))


def _learn(cuts: Sequence[Cut], *, seed: int) -> Learned:
    return learn(
        pa.concat_tables([cut.inputs for cut in cuts], promote_options="permissive"),
        np.concatenate([cut.gone for cut in cuts]),
        target="gone",
        # What a cut computes is dated before it; nothing here can be known only afterwards.
        keep=cuts[0].inputs.column_names,
        moments=np.concatenate([cut.moments for cut in cuts]),
        groups=np.concatenate([cut.customers for cut in cuts]),
        embargo=np.concatenate([cut.window_days for cut in cuts]),
        seed=seed,
    )


def _rows(part: Part, classifier: Classifier, cut: Cut, done: set[int]) -> pa.Table:
    fresh = np.array([id not in done for id in cut.customers.tolist()], bool)
    inputs, customers = cut.inputs.filter(pa.array(fresh)), cut.customers[fresh]
    probabilities = classifier.probabilities(inputs)
    low, high = classifier.intervals(probabilities)
    reasons = classifier.reasons(inputs, told=part.told)
    said = [
        json.dumps(
            {
                "reasons": why,
                "low": round(float(low[i]), 4),
                "high": round(float(high[i]), 4),
                "horizon": round(float(days)),
                "of": part.name,
            }
        )
        for i, (why, days) in enumerate(zip(reasons, cut.window_days[fresh], strict=True))
    ]
    return pa.table(
        {"customer_id": customers, "value": probabilities, "inputs": pa.array(said, pa.string())}
    )


def _features(learned: Mapping[str, tuple[Learned, list[Cut]]]) -> Iterator[Feature]:
    for part in PARTS:
        if part.name in learned:
            found = learned[part.name][0]
            for name in found.used:
                yield Feature(f"{part.name}: {name}", part.origin, "bought")
            for name, why in found.refused.items():
                yield Feature(f"{part.name}: {name}", part.origin, "bought", why)


def _curves(found: Learned, cuts: Sequence[Cut]) -> dict[str, Any]:
    return {
        **{k: v for k, v in found.to_json().items() if k in _SHOWN},
        "calibration": _calibration(found),
        "cuts": [
            {
                "at": cut.at,
                "n": len(cut.customers),
                "gone": int(cut.gone.sum()),
                "silent": cut.silent,
            }
            for cut in cuts
        ],
    }


def _calibration(found: Learned) -> Sequence[Mapping[str, Any]]:
    return found.models[found.chosen].calibration


def _drift(cuts: Sequence[Cut]) -> Iterator[tuple[str, Any]]:
    yield from deciles_of(cuts[-1].inputs).items()


_SHOWN = ("rows", "positives", "rate", "validation", "held_out", "models", "chosen", "baseline")

KIND = Kind(
    name=NAME,
    label="Churn",
    sentence="How likely each customer leaves within the next weeks, and why.",
    purpose="profile",
    every_hours=24.0,
    train=train,
    score=score,
    categories=("bought",),
)
