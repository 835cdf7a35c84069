"""Published sets: the figures that the same settings gave elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from touchloop.insight.scores.churn.from_file import fit_file
from touchloop.insight.scores.learner import columns, leaks, quality, reading, validating
from touchloop.insight.scores.learner.encoding import encode
from touchloop.insight.scores.learner.fitting import fit_logit

TELCO = Path(__file__).parent / "data" / "telco-customer-churn.csv.gz"


def test_telco_by_the_logit_reaches_the_published_area() -> None:
    table = reading.read_csv(TELCO)
    outcome, known, positive = reading.outcome_of(table, "Churn", None)
    assert (len(outcome), int(outcome.sum()), positive) == (7_043, 1_869, "Yes")
    assert known.all()
    inputs = reading.without(table, ["Churn"])
    checked = leaks.check(
        [columns.read(name, inputs.column(name)) for name in inputs.column_names],
        outcome,
        target="Churn",
    )
    assert list(checked.refused) == ["customerID"] and not checked.flagged
    used = {column.name: column for column in checked.used}
    assert used["TotalCharges"].kind == "number", "blanks of new customers are unknown numbers"
    matrix = encode(checked.used).matrix(used)
    held = validating.by_folds(fit_logit, matrix, outcome, folds=10, seed=0, groups=None)
    assert quality.auc(outcome, held.margins) >= 0.845
    assert quality.average_precision(outcome, held.margins) == pytest.approx(0.653, abs=0.002)
    assert quality.lift(outcome, held.margins) == pytest.approx(2.87, abs=0.02)
    assert quality.brier(outcome, held.probabilities) == pytest.approx(0.1353, abs=0.0003)
    assert np.ptp(held.folds) < 0.1


needs_sets = pytest.mark.skipif(
    "TOUCHLOOP_DATASETS" not in os.environ,
    reason="TOUCHLOOP_DATASETS does not name a folder with the published sets",
)


def _set(name: str) -> Path:
    return Path(os.environ["TOUCHLOOP_DATASETS"]) / name


@needs_sets
def test_online_shoppers_by_trees_reach_the_published_area() -> None:
    file = _set("online_shoppers_intention/online_shoppers_intention.csv")
    found = fit_file(file, target="revenue")
    assert found["chosen"] == "lightgbm"
    trees, logit = found["models"]["lightgbm"], found["models"]["logit"]
    assert trees["auc"] >= 0.93 and trees["brier"] == pytest.approx(0.0679, abs=0.0005)
    assert logit["auc"] == pytest.approx(0.894, abs=0.002)


@needs_sets
def test_the_duration_of_the_call_itself_is_no_input() -> None:
    found = fit_file(_set("bank_marketing/bank-additional-full.csv.gz"), target="y")
    refused = {each["name"]: each["reason"] for each in found["features"]["refused"]}
    assert "known only after the outcome" in refused["duration"]
    assert found["models"]["lightgbm"]["auc"] == pytest.approx(0.806, abs=0.003)
