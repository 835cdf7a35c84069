"""Risk as the console shows it: stored results, each mark leading to its customers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest
from django.test import Client

from touchloop.console.conftest import Send
from touchloop.core import clock, db
from touchloop.insight.models import api as models

HOSTILE = "<script>alert(1)</script>"
POINT = {"said": 0.1, "seen": 0.12, "low": 0.08, "high": 0.2, "n": 400, "from": 0.0, "to": 0.3}
AUC = {"auc": 0.8, "auc_low": 0.77, "auc_high": 0.83}
PART = {
    "models": {"logit": AUC, "lightgbm": {**AUC, "auc": 0.79}},
    "chosen": "logit",
    "baseline": {
        "best_single_feature": {"name": "days since last purchase", "auc": 0.74, "low": 0.02}
    },
    "held_out": 800,
    "validation": "out of time",
    "calibration": [POINT, {**POINT, "said": 0.5, "seen": 0.45, "from": 0.3, "to": 0.9}],
    "cuts": [{"at": "2026-01-01", "n": 800, "gone": 60, "silent": 9}],
}
SERVICE = {
    "service": "MILK", "act": "bought", "n": 3, "quartile": 2.0, "words": "",
    "below": {"x": 4, "n": 20, "value": 0.2, "low": 0.1, "high": 0.4},
    "above": {"x": 5, "n": 100, "value": 0.05, "low": 0.02, "high": 0.1},
    "difference": [0.15, 0.02, 0.3],
}  # fmt: skip


def test_before_anything_is_learned_the_page_says_what_it_waits_for(admin: Client) -> None:
    page = admin.get("/insight/risk/")
    assert page.status_code == 200
    assert "Nobody" in page.text and "Order Completed" in page.text


def test_risk_shows_what_was_stored_and_leads_to_the_customers(
    admin: Client, learned: None
) -> None:
    text = admin.get("/insight/risk/").text
    assert "leave with a probability of 25" in text or "leaves with a probability of 25" in text
    assert "score=churn" in text and "score_from=0.6" in text
    assert "0.800" in text and "days since last purchase alone" in text
    assert "score=usage_gap%3AMILK" in text
    assert "has been silent for 4.0 usual intervals" in text
    assert HOSTILE not in text
    leaving = admin.get("/customers/?score=churn&score_from=0.6").text
    assert "Ana" in leaving and "Vega" not in leaving


@pytest.mark.parametrize("chart", ["distribution", "calibration", "contest", "gaps"])
def test_each_chart_has_its_file(admin: Client, learned: None, chart: str) -> None:
    answer = admin.get(f"/insight/risk/?csv={chart}")
    assert answer["Content-Type"].startswith("text/csv")
    assert len(answer.content.splitlines()) >= 2


@pytest.fixture
def learned(send: Send) -> None:
    send(
        {"type": "identify", "userId": "ana", "traits": {"name": "Ana"}},
        {"type": "identify", "userId": "bo", "traits": {"name": "Vega"}},
        *(
            {
                "type": "track", "event": "Consent Given", "userId": user,
                "properties": {"purposes": ["profile"]},
            }
            for user in ("ana", "bo")
        ),
    )  # fmt: skip
    with db.connect() as conn:
        for kind in (_kind("churn", _churn), _kind("usage_gap", _gap)):
            models.train(conn, kind, now=clock.now())
        conn.commit()


def _kind(name: str, score: object) -> models.Kind:
    return models.Kind(name, name, name, "profile", 24.0, _train, score)  # type: ignore[arg-type]


def _train(run: models.Run) -> models.Trained:
    return models.Trained(
        parameters={},
        metrics=(models.Metric("AUC", 0.8, 0.77, 0.83, 800, 0.74, "one feature"),),
        features=(),
        n=800,
        since=run.now,
        until=run.now,
        words=(HOSTILE,),
        curves={"parts": {"shopping": PART}, "services": [SERVICE]},
    )


def _churn(run: models.Run, trained: models.Trained) -> Iterator[models.Scored]:
    yield models.Scored("churn", _rows(run, (0.63, 0.04)))


def _gap(run: models.Run, trained: models.Trained) -> Iterator[models.Scored]:
    yield models.Scored("usage_gap:MILK", _rows(run, (0.9, 0.8)))


def _rows(run: models.Run, values: tuple[float, float]) -> pa.Table:
    ids = run.engine.query("SELECT customer_id FROM people ORDER BY 1").column(0)
    reasons = ["has been silent for 4.0 usual intervals (others 0.8) (raises it)"]
    said = json.dumps({"reasons": reasons, "low": 0.02, "high": 0.7, "horizon": 28})
    return pa.table({"customer_id": ids, "value": list(values), "inputs": [said] * len(ids)})
