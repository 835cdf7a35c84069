"""The page of uplift: from trials to the curve, and to whom the offer changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from psycopg.types.json import Jsonb

from touchloop.console.conftest import Send, order
from touchloop.core import clock, db
from touchloop.flow import api as flow
from touchloop.flow import trying
from touchloop.insight.models import api as models
from touchloop.insight.uplift import api as uplift

HOSTILE = "<i>bread</i>"
PEOPLE = 900


@pytest.fixture
def learned(send: Send) -> None:
    """Every second one bought for much, and only those are changed."""
    now, chance = clock.now(), np.random.default_rng(3)
    send(*(order(f"u{user}", 10.0 if user % 2 else 200.0, days=60) for user in range(PEOPLE)))
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        flow.export_all(conn)
        subjects = conn.execute(
            "SELECT id, substr(value, 2)::int FROM identifiers WHERE namespace = 'user_id'"
        ).fetchall()
        trials = []
        for subject, user in subjects:
            treated = bool(chance.random() < 0.5)
            rate = 0.25 + (0.45 if treated and user % 2 == 0 else 0.0)
            trials.append(
                uplift.Trial(HOSTILE, subject, treated, float(chance.random() < rate),
                             now - timedelta(days=20), now - timedelta(days=5))
            )  # fmt: skip
        uplift.keep_trials(conn, trials)
        run = models.attempt(conn, uplift.KINDS[0])
        assert run is not None and run.outcome == "done", run


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_without_an_experiment_the_page_says_how_to_make_one(send: Send, admin: Client) -> None:
    assert "No experiment is over yet" in text(admin, "/insight/uplift/")


def test_an_offer_shows_people_and_leads_to_them(learned: None, admin: Client) -> None:
    said = text(admin, "/insight/uplift/")
    for words in ("People gained", "Learners side by side", "Who is changed", "by lot"):
        assert words in said
    assert HOSTILE not in said
    assert "uplift%3A" in said
    rows = admin.get("/insight/uplift/?csv=qini").content.decode().splitlines()
    assert rows[0].startswith("Share treated,People gained")
    assert len(rows) == 52
    listed = text(admin, "/customers/?score=uplift:%3Ci%3Ebread%3C/i%3E&score_from=0.000001")
    assert "&lt;i&gt;bread" in listed and HOSTILE not in listed
    assert "Who is changed" in text(admin, "/insight/uplift/?offer=nothing")
    with db.connect() as conn:  # nothing is over since
        assert trying.collect_trials(conn) == 0


def test_campaigns_say_why_they_are_not_read(send: Send, admin: Client) -> None:
    now = clock.now()
    plans: list[dict[str, Any]] = [{"holdout": 0.0}, {"goal": {"event": "Bought", "days": 9}}]
    with db.connect() as conn:
        for number, (name, plan) in enumerate(zip(("No lot", HOSTILE), plans, strict=True)):
            whole = {"segment": 1, "variants": [{"name": "A", "template": "a"}]} | plan
            conn.execute(
                "INSERT INTO campaigns (slug, name, plan, state, seed, created_at, updated_at)"
                " VALUES (%s, %s, %s, 'running', '', %s, %s)",
                (f"c{number}", name, Jsonb(whole), now, now),
            )
        conn.execute(
            "INSERT INTO campaign_members SELECT id, n, CASE WHEN n %% 10 = 0 THEN '' ELSE 'A' END,"
            " 'waiting', '', n, 0, %(now)s, %(now)s FROM campaigns, generate_series(1, 50) n",
            {"now": now},
        )
        conn.commit()
        said = text(admin, "/insight/uplift/")
        assert "nobody was drawn who did not get it" in said
        assert "its time for the goal is over on" in said
        assert HOSTILE not in said and "&lt;i&gt;bread" in said
        uplift.keep_trials(
            conn, [uplift.Trial("campaign:c1", 1, True, 1.0, now, now + timedelta(days=9))]
        )
        conn.commit()
    assert "Campaign &lt;i&gt;bread" in text(admin, "/insight/uplift/")
