"""When a new version takes the place of the one in use.

It does when it may be used at all, when its key figure is not worse than the dumb baseline's, and
when it is better than the version in use or not significantly worse: the difference of the two key
figures is not more than 1.96 standard errors to the bad side, the errors read off their 95 %
intervals. Without intervals nobody can tell, and the newer data decides. A training without a
figure (a rule, not a model) always does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from touchloop.insight.models.seam import Feature, Kind, Metric, Trained

SURE = 1.96


@dataclass(frozen=True, slots=True)
class Judgement:
    """`state` is in_use, kept or failed; `word` says why, where there is something to say."""

    state: str
    word: str = ""


def judge(kind: Kind, trained: Trained, *, current: Sequence[Metric] | None) -> Judgement:
    """What becomes of a training; `current` are the metrics of the version in use, if any."""
    forbidden = _forbidden(kind, trained)
    if forbidden:
        return Judgement("failed", forbidden)
    key = next(iter(trained.metrics), None)
    if key is None:
        return Judgement("in_use")
    if not math.isfinite(key.value):
        return Judgement("kept", f"its {key.name} could not be computed")
    if key.baseline is not None and _gain(key, key.value, key.baseline) < 0:
        return Judgement("kept", _worse(key, key.baseline, key.baseline_name or "the baseline"))
    before = next((one for one in current or () if one.name == key.name), None)
    if before is not None and _significantly_worse(key, before):
        return Judgement("kept", _worse(key, before.value, "the version in use"))
    return Judgement("in_use", _doubt(key))


def key_metric(metrics: Iterable[Metric]) -> Metric | None:
    """The one by which a version is judged."""
    return next(iter(metrics), None)


def _forbidden(kind: Kind, trained: Trained) -> str:
    if trained.simulated and not kind.learns_from_answers:
        return "it learned from simulated answers, which it must not"
    declared = kind.categories and (*kind.categories, *kind.optional)
    for feature in trained.features:
        if feature.refused:
            continue
        if declared and feature.category not in declared:
            return f"it uses {feature.name} ({feature.category}), which it does not declare"
        if feature.category.startswith("survey") and not kind.learns_from_answers:
            return f"it uses {feature.name}, an answer to a survey, and must not learn from answers"
    return ""


def refused(features: Iterable[Feature], vetted: Iterable[Feature]) -> str:
    """Why a training that uses what the policy never allows may not be used; "" when it may."""
    for asked, found in zip(features, vetted, strict=True):
        if found.refused and not asked.refused:
            return f"it uses {asked.name}: {found.refused}"
    return ""


def _significantly_worse(new: Metric, old: Metric) -> bool:
    errors = [_error(new), _error(old)]
    spread = math.hypot(*(error for error in errors if error is not None))
    if None in errors or spread == 0 or not math.isfinite(old.value):
        return False
    return _gain(new, new.value, old.value) / spread < -SURE


def _error(metric: Metric) -> float | None:
    if metric.low is None or metric.high is None:
        return None
    return (metric.high - metric.low) / (2 * SURE)


def _gain(metric: Metric, value: float, other: float) -> float:
    return value - other if metric.better == "higher" else other - value


def _doubt(key: Metric) -> str:
    bound = key.low if key.better == "higher" else key.high
    if key.baseline is None or bound is None or _gain(key, bound, key.baseline) > 0:
        return ""
    name = key.baseline_name or "the baseline"
    return f"not surely better than {name}: {_figure(key.baseline)} lies within its interval"


def _worse(key: Metric, other: float, name: str) -> str:
    return f"its {key.name} of {_figure(key.value)} is worse than {_figure(other)} of {name}"


def _figure(value: float) -> str:
    return f"{value:.4g}"
