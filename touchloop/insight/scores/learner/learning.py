"""Learning itself: check the columns, fit both models, judge them, choose, say what was found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.core.errors import Invalid
from touchloop.insight.scores.learner import columns, leaks, quality, validating
from touchloop.insight.scores.learner.classifier import Classifier, usual
from touchloop.insight.scores.learner.columns import Column
from touchloop.insight.scores.learner.encoding import Encoding, encode
from touchloop.insight.scores.learner.fitting import Model, fit_logit, fit_trees
from touchloop.insight.scores.learner.validating import LEAST, Fit, Held, Parts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOGIT, TREES = "logit", "lightgbm"
FOLDS = 10
INNER_FOLDS = 5  # of the earlier rows, to calibrate


@dataclass(frozen=True, slots=True)
class Quality:
    """One model on rows that it has not seen; `fold_spread` is the spread of AUC over folds."""

    auc: float
    auc_low: float
    auc_high: float
    fold_spread: float | None
    ap: float
    lift_10: float
    brier: float
    brier_uncalibrated: float
    log_loss: float
    calibrated_by: str
    calibration: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """The model in use, and everything that a person should know of it."""

    classifier: Classifier
    chosen: str
    models: Mapping[str, Quality]
    baseline: Mapping[str, Mapping[str, Any]]
    used: tuple[str, ...]
    refused: Mapping[str, str]
    flagged: Mapping[str, str]
    n: int
    positives: int
    held: int
    validation: str
    words: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """For people and programs; without the model itself."""
        return {
            "rows": self.n,
            "positives": self.positives,
            "rate": self.positives / self.n,
            "validation": self.validation,
            "held_out": self.held,
            "models": {name: asdict(found) for name, found in self.models.items()},
            "chosen": self.chosen,
            "baseline": {name: dict(found) for name, found in self.baseline.items()},
            "features": {
                "used": list(self.used),
                "refused": [{"name": n, "reason": why} for n, why in self.refused.items()],
                "flagged": [{"name": n, "reason": why} for n, why in self.flagged.items()],
            },
            "words": list(self.words),
            "seconds": round(self.seconds, 3),
        }


def learn(
    table: pa.Table,
    outcome: Bools,
    *,
    target: str = "",
    after: Sequence[str] = (),
    keep: Sequence[str] = (),
    moments: Floats | None = None,
    groups: NDArray[np.int64] | None = None,
    embargo: Floats | float = 0.0,
    folds: int = FOLDS,
    seed: int = 0,
) -> Learned:
    """Fit a logit and trees on a table of inputs and a boolean outcome for each row.

    `moments`: prediction time of each row in days since 1970; with it the models are judged on the
    last quarter of time, otherwise by stratified folds; `embargo` is how many days the outcome (of
    each row) takes to be known. `groups`: rows of one group (a customer at several times) are never
    on both sides of a fold. `after`, `keep`: see `leaks.check`.
    Raises Invalid where nothing can be learned: too few rows of an outcome, or no usable column.
    """
    start = time.perf_counter()
    _enough(outcome)
    found = [columns.read(name, table.column(name)) for name in table.column_names]
    checked = leaks.check(
        found, outcome, target=target, after=after, keep=keep, moments=moments, seed=seed
    )
    encoding = _encoding(checked)
    matrix = encoding.matrix({column.name: column for column in checked.used})
    parts = _parts(moments, outcome, embargo)
    fits: dict[str, Fit] = {LOGIT: _logit, TREES: _trees(seed)}

    def judged(fit: Fit) -> Held:
        if parts is None:
            return validating.by_folds(fit, matrix, outcome, folds=folds, seed=seed, groups=groups)
        return validating.by_time(
            fit, matrix, outcome, parts, folds=INNER_FOLDS, seed=seed, groups=groups
        )

    held = {name: judged(fit) for name, fit in fits.items()}
    qualities = {name: _quality(each) for name, each in held.items()}
    chosen, words = _choose(held, qualities)
    baseline = _baselines(held[chosen], checked, outcome, parts, seed=seed)
    curve = qualities[chosen].calibration
    model = fits[chosen](matrix, outcome)
    return Learned(
        Classifier(encoding, model, held[chosen].calibration, curve, usual(checked.used)),
        chosen,
        qualities,
        baseline,
        encoding.features,
        {**checked.refused, **_empty(checked.used, encoding)},
        checked.flagged,
        len(outcome),
        int(outcome.sum()),
        len(held[LOGIT].outcome),
        _validation(parts, held[LOGIT], seed),
        (*words, *_words(qualities[chosen], baseline, checked, moments, parts)),
        time.perf_counter() - start,
    )


def _encoding(checked: leaks.Checked) -> Encoding:
    encoding = encode(checked.used)
    if not encoding.parts:
        said = "; ".join(f"{name} {why}" for name, why in list(checked.refused.items())[:5])
        raise Invalid("columns", f"no column is left to learn from: {said or 'there is none'}")
    return encoding


def _parts(moments: Floats | None, outcome: Bools, embargo: Floats | float) -> Parts | None:
    if moments is None:
        return None
    return validating.by_moment(moments, outcome, embargo=embargo)


def _logit(matrix: Floats, outcome: Bools) -> Model:
    return fit_logit(matrix, outcome)


def _trees(seed: int) -> Fit:
    def fit(matrix: Floats, outcome: Bools) -> Model:
        return fit_trees(matrix, outcome, seed=seed)

    return fit


def _enough(outcome: Bools) -> None:
    n, ones = len(outcome), int(outcome.sum())
    if n == 0:
        raise Invalid("rows", "there are none to learn from")
    if ones == 0 or ones == n:
        raise Invalid("target", f"all {n:,} rows have the same outcome: nothing to tell apart")
    if min(ones, n - ones) < LEAST:
        raise Invalid(
            "target",
            f"{ones:,} rows have the outcome and {n - ones:,} do not:"
            f" at least {LEAST} of each are needed to learn",
        )


def _quality(held: Held) -> Quality:
    area = quality.auc_interval(held.outcome, held.margins)
    spread = float(np.std(held.folds, ddof=1)) if len(held.folds) > 1 else None
    raw = 1 / (1 + np.exp(-np.clip(held.margins, -30, 30)))
    return Quality(
        area.value,
        area.low,
        area.high,
        spread,
        quality.average_precision(held.outcome, held.margins),
        quality.lift(held.outcome, held.margins),
        quality.brier(held.outcome, held.probabilities),
        quality.brier(held.outcome, raw),
        quality.log_loss(held.outcome, held.probabilities),
        held.way,
        tuple(quality.calibration(held.outcome, held.probabilities)),
    )


def _choose(held: Mapping[str, Held], found: Mapping[str, Quality]) -> tuple[str, list[str]]:
    """The trees only where they are better beyond chance: the logit is simpler to explain."""
    gap, low, high = quality.auc_difference(
        held[TREES].outcome, held[TREES].margins, held[LOGIT].margins
    )
    between = f"{gap:+.4f} AUC, {low:+.4f} to {high:+.4f}"
    if low > 0:
        return TREES, [f"the trees beat the logit ({between})"]
    return LOGIT, [f"the trees are no better than the logit ({between}): the simpler one is used"]


def _baselines(
    held: Held, checked: leaks.Checked, outcome: Bools, parts: Parts | None, *, seed: int
) -> dict[str, Mapping[str, Any]]:
    """Always saying what is usual, and the best single column, on the rows that were held out."""
    rate = float(outcome.mean())
    often = float(max(held.outcome.mean(), 1 - held.outcome.mean()))
    best = max(checked.used, key=lambda column: checked.alone[column.name])
    score = leaks.ranking(best, outcome, seed=seed)
    score = score[parts.later] if parts is not None else score
    gap, low, high = quality.auc_difference(held.outcome, held.margins, score)
    return {
        "majority_class": {
            "auc": 0.5,
            "accuracy": often,
            "brier": quality.brier(held.outcome, np.full(len(held.outcome), rate)),
            "log_loss": quality.log_loss(held.outcome, np.full(len(held.outcome), rate)),
        },
        "best_single_feature": {
            "name": best.name,
            "auc": quality.auc(held.outcome, score),
            "model_better_by": gap,
            "low": low,
            "high": high,
        },
    }


def _empty(used: Sequence[Column], encoding: Encoding) -> dict[str, str]:
    kept = set(encoding.features)
    return {c.name: "no value is frequent enough" for c in used if c.name not in kept}


def _validation(parts: Parts | None, held: Held, seed: int) -> str:
    if parts is not None:
        later, past = int(parts.later.sum()), int(parts.past.sum())
        return f"out of time: learned from {past:,} earlier rows, judged on the {later:,} latest"
    return f"{len(held.folds)}-fold, stratified, seed {seed}"


def _words(
    best: Quality,
    baseline: Mapping[str, Mapping[str, Any]],
    checked: leaks.Checked,
    moments: Floats | None,
    parts: Parts | None,
) -> list[str]:
    words = []
    single = baseline["best_single_feature"]
    if best.auc_low <= 0.5:
        words.append(
            f"nothing was found: AUC {best.auc:.3f} ({best.auc_low:.3f} to {best.auc_high:.3f})"
            " includes pure chance"
        )
    else:
        by = f"{single['model_better_by']:+.4f} AUC, {single['low']:+.4f} to {single['high']:+.4f}"
        if single["low"] > 0:
            words.append(f"better than {single['name']} alone ({by})")
        else:
            words.append(f"not surely better than {single['name']} alone ({by})")
    if moments is None:
        words.append("no time was given: folds mix past and future, and flatter")
    elif parts is None:
        words.append("time is too short to hold out the end of it: judged by folds, which flatter")
    words += [f"{name}: {why}" for name, why in checked.flagged.items()]
    return words
