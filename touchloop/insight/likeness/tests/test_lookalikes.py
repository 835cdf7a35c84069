"""Lookalikes: learned from what the rule does not ask, ranked better than by chance, in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.core.errors import Invalid
from touchloop.insight.likeness import api
from touchloop.insight.likeness.logit import area, area_interval, fitted
from touchloop.insight.likeness.lookalikes import score, train
from touchloop.insight.likeness.tests.conftest import NOW
from touchloop.insight.models import api as models
from touchloop.insight.models.api import Run
from touchloop.insight.scores import api as scores
from touchloop.insight.segments import api as segment_rules


def test_what_the_rule_asks_is_refused_and_the_rest_ranks(
    run: Run, segments: tuple[int, int]
) -> None:
    deli, _loyal = segments
    found = train(deli, run)
    refused = {each.name: each.refused for each in found.features if each.refused}
    assert set(refused) == {"buys from DELI", "has had Order Completed"}
    used = [each.name for each in found.features if not each.refused]
    assert "buys from CATS" in used and "town: Porto" in used
    (metric,) = found.metrics
    assert metric.value > 0.8 > (metric.baseline or 1)
    assert metric.low is not None and metric.low > 0.7 and metric.n == 190
    assert found.curves["weights"][0]["weight"] != 0
    assert any("DELI" in word for word in found.words)
    again = train(deli, run)
    assert np.array_equal(again.parameters["weights"], found.parameters["weights"])


def test_everybody_is_scored_with_reasons(run: Run, segments: tuple[int, int]) -> None:
    deli, _loyal = segments
    (scored,) = score(deli, run, train(deli, run))
    assert scored.name == f"lookalike:{deli}" and scored.rows.num_rows == 190
    rows = {row["customer_id"]: row for row in scored.rows.to_pylist()}
    alike = [rows[id]["value"] for id in range(122, 190, 2)]
    unlike = [rows[id]["value"] for id in range(121, 190, 2)]
    assert np.mean(alike) > 5 * np.mean(unlike)
    reasons = json.loads(rows[130]["inputs"])["reasons"]
    assert "town: Porto" in reasons and len(reasons) <= 3


def test_few_members_are_a_word_and_not_a_model(run: Run, segments: tuple[int, int]) -> None:
    few = replace(run, settings={})
    few.engine.bind(
        "people", few.engine.query("SELECT customer_id FROM customers WHERE customer_id <= 30")
    )
    with pytest.raises(Invalid, match="20 members"):
        train(segments[0], few)


def test_a_threshold_by_size_is_a_rule(conn: db.Connection, segments: tuple[int, int]) -> None:
    deli, _loyal = segments
    rows = [(id, round(1 - id / 100, 2), "{}") for id in range(1, 41)]
    scores.write(conn, f"lookalike:{deli}", rows, now=NOW)
    conn.execute(
        "INSERT INTO segment_members (customer_id, segment_id, since) SELECT n, %s, %s"
        " FROM generate_series(1, 10) n",
        (deli, NOW),
    )
    (one,) = api.reach(conn, deli, size=6)
    assert (one.size, one.least) == (6, 0.84)
    steps = api.reach(conn, deli)
    assert steps[-1] == api.Reach(30, 0.6) and len(steps) == 20
    assert api.rule_for(deli, one.least)["all"][0]["score"]["value"] == 0.84
    assert api.reach(conn, 999) == []


def test_a_deleted_segment_takes_its_lookalikes_along(
    run: Run, conn: db.Connection, segments: tuple[int, int]
) -> None:
    for id in segments:
        version = conn.execute(
            "INSERT INTO model_versions (kind, number, state, word, purpose, trained_at, seconds,"
            " seed, code, n, people, everybody, parameters, metrics, features, words, curves,"
            " reference, drift, let_go, simulated, scored, score_names, blob) VALUES (%s, 1,"
            " 'in_use', '', 'profile', %s, 0, 1, '', 1, 1, 1, '{}', '[]', '[]', '[]', '{}', '{}',"
            " '{}', false, false, 1, '{}', 'x') RETURNING id",
            (f"lookalike:{id}", NOW),
        ).fetchone()
        assert version
        rows = [(customer, 0.5, "{}") for customer in (1, 2)]
        scores.write(conn, f"lookalike:{id}", rows, now=NOW, version=version[0])
    assert api.retire(conn) == {}
    deli, loyal = segments
    segment_rules.delete(deli, conn=conn)
    gone = api.retire(conn)
    assert {name: sorted(ids) for name, ids in gone.items()} == {f"lookalike:{deli}": [1, 2]}
    assert api.retire(conn) == {}
    assert [each.name for each in scores.of_customer(conn, 1)] == [f"lookalike:{loyal}"]
    (old,) = models.versions(conn, f"lookalike:{deli}")
    assert (old.state, old.word, old.usable) == ("kept", "its segment was deleted", False)


def test_the_area_counts_ties_half() -> None:
    y = np.array([True, False, True, False])
    assert area(np.array([1.0, 1.0, 1.0, 1.0]), y) == 0.5
    assert area(np.array([2.0, 1.0, 3.0, 0.0]), y) == 1.0
    low, high = area_interval(0.8, 60, 130)
    assert 0.72 < low < 0.8 < high < 0.88


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 99), st.integers(1, 6), st.floats(0.01, 10))
def test_the_fit_is_where_the_slope_is_nothing(seed: int, inputs: int, ridge: float) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(60, inputs)) * 3
    y = x[:, 0] > 0  # separable: without the ridge there would be no end
    y[:2] = [True, False]
    weights, intercept = fitted(x, y, ridge=ridge)
    chance = 1 / (1 + np.exp(-(x @ weights + intercept)))
    assert np.abs(x.T @ (chance - y) + ridge * weights).max() < 1e-2
    assert abs((chance - y).sum()) < 1e-2
