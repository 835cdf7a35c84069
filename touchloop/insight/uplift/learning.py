"""Uplift learned from holdouts of offers and campaigns: one experiment after the other.

An experiment with several treatments is as many contrasts with the same people held out, and the
learned choice between the treatments beside them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from touchloop.insight.models.api import Feature, Metric, Run, Scored, Trained, deciles
from touchloop.insight.uplift import asking, comparing, learners, past, policy, reporting, trials
from touchloop.insight.uplift.experiment import (
    LEAST,
    SAME,
    Bools,
    Experiment,
    Floats,
    refused,
    unlike,
)
from touchloop.insight.uplift.learners import Boosted

Texts = npt.NDArray[np.str_]

MOST = 12  # experiments that are learned, those with the most people
COPIES = 8  # models on resampled people that score together; their spread is the interval
EXPLAINED = 20_000  # customers, the most changeable, who are told why


def train(run: Run) -> Trained | None:
    """Effects, subgroups and learners of each experiment that is over; None without any."""
    known = trials.offers(run.conn)[:MOST]
    lessons = []
    for place, (offer, _treated, _held) in enumerate(known):
        run.progress(_("Reading what came of %s") % offer, place / len(known))
        lessons += _learn(run, offer)
    if not lessons:
        return None
    scored = [lesson for lesson in lessons if lesson.texts]
    names = dict.fromkeys(name for lesson in scored for name in lesson.data.names)
    measured = [_metric(lesson.data.name, lesson.found) for lesson in lessons
                if "learners" in lesson.found]  # fmt: skip
    measured.sort(key=lambda pair: -pair[0])
    moments = [lesson.span for lesson in lessons]
    return Trained(
        parameters={"offers": {lesson.data.name: lesson.about for lesson in lessons}},
        metrics=tuple(metric for _rank, metric in measured),
        features=tuple(Feature(name, "Order Completed", "bought") for name in names),
        n=sum(lesson.data.n for lesson in lessons),
        since=min(first for first, _last in moments).replace(tzinfo=UTC),
        until=max(last for _first, last in moments).replace(tzinfo=UTC),
        words=tuple(f"{each.data.name}: {word}" for each in lessons for word in each.words),
        curves={lesson.data.name: lesson.found for lesson in lessons},
        drift={
            f"{lesson.data.name}: {name}": deciles(lesson.data.features[:, column])
            for lesson in scored
            for column, name in enumerate(lesson.data.names)
        },
        blob=zlib.compress(
            json.dumps({lesson.data.name: lesson.texts for lesson in scored}).encode()
        ),
    )


def score(run: Run, trained: Trained) -> Iterator[Scored]:
    """`uplift:OFFER` of everybody, for each offer whose learner beats a lot."""
    texts: dict[str, Any] = json.loads(zlib.decompress(trained.blob)) if trained.blob else {}
    if not texts:
        return
    people = run.engine.query("SELECT customer_id FROM people ORDER BY customer_id")
    now = run.now.astimezone(UTC).replace(tzinfo=None)
    everybody = people.append_column("at", pa.array([now] * people.num_rows, pa.timestamp("us")))
    for offer, copies in texts.items():
        run.progress(_("Scoring for %s") % offer, 0.9)
        about = trained.parameters["offers"][offer]
        before = past.read(run, everybody, departments=about["departments"])
        keep = [before.names.index(name) for name in about["features"]]
        features = before.features[:, keep]
        models = [Boosted.of_texts(about["learner"], each) for each in copies]
        effects = np.stack([model.effects(features) for model in models])
        yield _scored(offer, people.column("customer_id"), effects, models[0], features,
                      about["features"])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What one contrast taught; `texts` are its models, none when nobody is to be picked."""

    data: Experiment
    found: dict[str, Any]
    about: dict[str, Any]
    words: tuple[str, ...]
    texts: list[Any]
    span: tuple[datetime, datetime]


def _learn(run: Run, offer: str) -> list[_Lesson]:
    """A lesson for each treatment of an experiment; none of nobody."""
    given = trials.of_offer(run.conn, offer)
    allowed = run.engine.query("SELECT customer_id FROM people").column(0)
    given = given.filter(pc.is_in(given.column("customer_id"), value_set=allowed))
    if not given.num_rows:
        return []
    before = past.read(run, given)
    treated = given.column("treated").to_numpy(zero_copy_only=False).astype(bool)
    arm = np.asarray(given.column("arm").to_pylist(), dtype=str)
    found = [
        _contrast(run, offer, name, given, before, ~treated | (treated & (arm == name)))
        for name in np.unique(arm[treated]).tolist() or [""]
    ]
    said = _choice(run, given, before, np.where(treated, arm, "")) if len(found) > 1 else ""
    if said and not found[0].found.get("refused"):
        found[0] = replace(found[0], words=(*found[0].words, said))
        found[0].found["words"].append(said)
    return found


def _contrast(
    run: Run, offer: str, arm: str, given: pa.Table, everybody: past.Past, rows: Bools
) -> _Lesson:
    """One treatment against those held out."""
    given, before = given.filter(pa.array(rows)), everybody.only(rows)
    data, away = _experiment(f"{offer}:{arm}" if arm else offer, given, before)
    at = given.column("at")
    span = pc.min(at).as_py(), pc.max(at).as_py()
    about: dict[str, Any] = {
        "features": list(data.names), "departments": past.departments_of(before.names),
        "scored": False,
    }  # fmt: skip
    # All of it was known before the sides parted: no lot leaves them as unlike as this.
    apart = unlike(before.features, before.names, data.treated)
    if apart:
        word = _("Refused: the sides differed before they parted (%s): they were not drawn by lot.")
        words = (word % ", ".join(apart),)
        nothing = {"effect": None, "refused": True, "words": list(words)}
        return _Lesson(data, nothing, about, words, [], span)
    found = reporting.contrast(data, before.groups, names=_names(data), seed=run.seed)
    texts: list[Any] = []
    if found.get("better_than_chance"):
        texts = [
            learners.fit(found["best"], _resampled(data, run.seed + copy), seed=run.seed).texts()
            for copy in range(COPIES)
        ]
    about |= {"learner": found.get("best"), "scored": bool(texts)}
    late = (f"{name}: {reason}." for name, reason in away.items() if reason != str(SAME))
    return _Lesson(data, found, about, (*found["words"], *late), texts, span)


def _choice(run: Run, given: pa.Table, before: past.Past, arm: Texts) -> str:
    """What the learned choice between treatments is worth, in words; "" with too few people."""
    labels, place, n = np.unique(arm, return_inverse=True, return_counts=True)
    outcome = given.column("outcome").to_numpy().astype(np.float64)
    if n.min() < LEAST or np.ptp(outcome) == 0 or not np.isfinite(before.features).any():
        return ""
    named = [str(label) or _("nothing") for label in labels]
    return policy.choose(
        before.features, place.astype(np.int64), outcome, seed=run.seed, labels=named
    ).sentence


def _experiment(
    offer: str, given: pa.Table, before: past.Past
) -> tuple[Experiment, dict[str, str]]:
    treated = given.column("treated").to_numpy(zero_copy_only=False).astype(bool)
    outcome = given.column("outcome").to_numpy().astype(np.float64)
    away = refused(before.features, before.names, treated, outcome)
    keep = [place for place, name in enumerate(before.names) if name not in away]
    data = Experiment(
        offer, before.features[:, keep], tuple(before.names[place] for place in keep), treated,
        outcome, given.column("customer_id").to_numpy(),
    )  # fmt: skip
    return data, away


def _resampled(data: Experiment, seed: int) -> Experiment:
    return data.only(np.random.default_rng(seed).integers(0, data.n, data.n))


def _names(data: Experiment) -> tuple[str, ...]:
    return learners.LEARNERS if data.names else ()


def _metric(offer: str, found: dict[str, Any]) -> tuple[float, Metric]:
    """People gained above a lot among the tested, and how far that stands from chance."""
    best, lot = found["learners"][found["best"]], found["learners"][asking.RANDOM]
    half = 1.96 * comparing.error_of(best["qini_area_sd"], len(best["qini_areas"]))
    metric = Metric(
        _("%s: people gained above a lot") % offer, best["qini_area"],
        best["qini_area"] - half, best["qini_area"] + half,
        found["tested"]["treated"], lot["qini_area"], _("by lot"),
    )  # fmt: skip
    return (best["qini_area"] - lot["qini_area"]) / max(half, 1e-9), metric


def _scored(
    offer: str, ids: pa.ChunkedArray, effects: Floats, model: Boosted, features: Floats,
    names: list[str],
) -> Scored:  # fmt: skip
    value = effects.mean(axis=0)
    spread = effects.std(axis=0, ddof=1)
    told = np.argsort(-value, kind="stable")[:EXPLAINED]
    reasons: dict[int, list[str]] = {}
    parts = model.reasons(features[told])
    if parts is not None:
        for row, part in zip(told.tolist(), parts, strict=True):
            reasons[row] = _reasons(part, features[row], names)
    inputs = [
        json.dumps(
            {
                "reasons": reasons.get(row, []),
                "low": round(float(value[row] - 1.96 * spread[row]), 5),
                "high": round(float(value[row] + 1.96 * spread[row]), 5),
            }
        )
        for row in range(len(value))
    ]
    return Scored(
        f"uplift:{offer}",
        pa.table(
            {
                "customer_id": ids,
                "value": pa.array(np.round(value, 6), pa.float64()),
                "inputs": pa.array(inputs, pa.string()),
            }
        ),
    )


def _reasons(part: Floats, row: Floats, names: list[str]) -> list[str]:
    order = np.argsort(-np.abs(part), kind="stable")[:3]
    more, less = _("%s: is changed more"), _("%s: is changed less")
    return [
        (more if part[place] > 0 else less) % f"{names[place]} {row[place]:,.0f}"
        for place in order
        if part[place] != 0
    ]
