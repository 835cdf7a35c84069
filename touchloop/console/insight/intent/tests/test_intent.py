"""Intent as the console shows it: visits that are on now, and nothing after they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send
from touchloop.console.insight.risk.tests.test_risk import PART
from touchloop.core import clock, db
from touchloop.insight.models import api as models
from touchloop.insight.scores.models import IntentVisit, Score


def test_without_visits_the_page_teaches_how_to_connect(admin: Client) -> None:
    text = admin.get("/insight/intent/").text
    assert "Product Added" in text and "/sources/" in text
    assert "intent-now" not in text


def test_visits_are_shown_as_they_go(admin: Client, send: Send, customer_of: CustomerOf) -> None:
    send({"type": "identify", "userId": "ana", "traits": {"name": "Ana"}})
    with db.connect() as conn:
        assert models.train(conn, _kind(), now=clock.now()) is not None
        conn.commit()
    now = clock.now()
    visit = IntentVisit.objects.create(
        customer_id=customer_of("ana"), started_us=clock.micros(now - timedelta(seconds=80)),
        last_us=clock.micros(now), counts=[2, 1, 0, 1, 0, 0, 0, 0],
    )  # fmt: skip
    Score.objects.create(
        customer_id=visit.customer_id, name="intent_buy", value=0.62, computed_at=now,
        inputs={"reasons": ["put 1 products into the cart (raises it)"], "low": 0.5, "high": 0.7},
    )  # fmt: skip
    page = admin.get("/insight/intent/").text
    assert "Ana" in page and "put 1 products into the cart" in page and "every 3s" in page
    live = admin.get("/insight/intent/now/").text
    assert "Ana" in live and "1 visit is on" in live and "into the cart 1" in live
    visit.last_us = clock.micros(now - timedelta(minutes=40))
    visit.save()
    assert "Ana" not in admin.get("/insight/intent/now/").text


@pytest.mark.parametrize("chart", ["buys", "contest"])
def test_each_chart_has_its_file(admin: Client, send: Send, chart: str) -> None:
    send({"type": "identify", "userId": "ana", "traits": {}})
    with db.connect() as conn:
        models.train(conn, _kind(), now=clock.now())
        conn.commit()
    answer = admin.get(f"/insight/intent/?csv={chart}")
    assert answer["Content-Type"].startswith("text/csv")


def _kind() -> models.Kind:
    return models.Kind("intent", "Intent", "", "profile", 24.0, _train, lambda run, trained: ())


def _train(run: models.Run) -> models.Trained:
    return models.Trained(
        parameters={"models": {}}, metrics=(), features=(), n=10, since=run.now, until=run.now,
        curves={"parts": {"intent_buy": PART}},
    )  # fmt: skip
