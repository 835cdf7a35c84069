"""The list and the card of models; who may train, cancel and roll back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from django.test import Client

from touchloop.console.conftest import Send
from touchloop.console.insight.models import drawing, kinds
from touchloop.core import audit, clock, db
from touchloop.insight.likeness import api as likeness
from touchloop.insight.models import api as models
from touchloop.insight.segments import api as segments

HOSTILE = "<script>alert(1)</script>"
TOLD = {"said": 0.2, "seen": 0.25, "low": 0.2, "high": 0.3, "n": 40}


def train(run: models.Run) -> models.Trained:
    auc = models.Metric("AUC", 0.84, 0.8, 0.88, 1234, 0.71, "recency")
    return models.Trained(
        parameters={"weight": 2.5},
        metrics=(auc, models.Metric("Brier", 0.11, better="lower")),
        features=models.vetted(
            [
                models.Feature("orders", "Order Completed", "bought"),
                models.Feature("nps", "Survey Answered", "survey"),
            ],
            "profile",
        ),
        n=1234,
        since=run.now,
        until=run.now,
        words=(HOSTILE,),
        curves={"calibration": [TOLD, {"said": 0.6, "seen": 0.5, "n": 60}]},
        drift={"orders": models.deciles([run.seed * x for x in range(20)])},
    )


def score(run: models.Run, trained: models.Trained) -> Iterator[models.Scored]:
    people = run.engine.query("SELECT customer_id, 0.5 AS value, '{}' AS inputs FROM people")
    yield models.Scored("leaves", people.cast(pa.schema(people.schema)))


KIND = models.Kind(
    "leaving", "Leaving", "How likely a customer stops buying", "profile", 24.0, train, score
)


@pytest.fixture(autouse=True)
def one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "every", lambda: (KIND,))


@pytest.fixture
def learned(send: Send) -> None:
    """Two versions, the second with inputs that moved much."""
    send({"type": "identify", "userId": "ana", "traits": {"name": "Ana"}})
    with db.connect() as conn:
        for _ in range(2):
            run = models.attempt(conn, KIND)
            assert run is not None and run.outcome == "done", run


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def acts() -> list[str]:
    return [entry.act for entry in audit.entries()]


def test_a_model_that_has_not_learned_says_so(admin: Client) -> None:
    assert "not yet" in text(admin, "/insight/models/")
    assert "It has not learned yet" in text(admin, "/insight/models/leaving/")
    assert admin.get("/insight/models/love/").status_code == 404
    assert admin.get("/insight/models/leaving/9/").status_code == 404


def test_the_list_says_how_good_and_how_old_each_is(learned: None, admin: Client) -> None:
    said = text(admin, "/insight/models/")
    for words in ("Leaving", "in use", "AUC", "0.840", "0.800 to 0.880", "recency 0.710", "1,234"):
        assert words in said
    assert "moved much" in said


def test_the_card_says_from_what_and_from_whom(learned: None, admin: Client) -> None:
    said = text(admin, "/insight/models/leaving/")
    assert "How likely a customer stops buying" in said
    assert "survey is never used for profile" in said
    assert "1 of 1 customers: neither learned from nor scored" in said
    assert "It said 44.0 % on average, and 40.0 % came" in said
    assert "lower is better" in said and "replaced by version 2" in said
    assert "&lt;script&gt;alert(1)" in said and HOSTILE not in said
    answer = admin.get("/insight/models/leaving/?csv=calibration")
    assert answer.content.decode().splitlines()[1] == "0.2,0.25,0.2,0.3,40"
    assert "version 1" in text(admin, "/insight/models/leaving/1/")


def test_one_trains_and_cancels_with_an_entry_in_the_audit(learned: None, admin: Client) -> None:
    assert admin.post("/insight/models/leaving/train/").status_code == 302
    said = text(admin, "/insight/models/leaving/")
    assert "It begins when the learner is free" in said and "Train now" not in said
    waiting = admin.get("/insight/models/leaving/progress/")
    assert "hx-trigger" in waiting.content.decode() and "HX-Refresh" not in waiting
    admin.post("/insight/models/leaving/cancel/")
    assert admin.get("/insight/models/leaving/progress/")["HX-Refresh"] == "true"
    assert "cancelled" in text(admin, "/insight/models/leaving/")
    admin.post("/insight/models/leaving/cancel/")
    assert acts()[:2] == ["model.cancel", "model.train"]


def test_one_goes_back_to_an_older_version(learned: None, admin: Client) -> None:
    admin.post("/insight/models/leaving/roll-back/", {"version": "1"})
    with db.connect() as conn:
        used = models.current(conn, "leaving")
        waiting = models.open_run_of(conn, "leaving")
    assert used is not None and used.number == 1
    assert waiting is not None and waiting.act == "score"
    (entry,) = audit.entries(limit=1)
    assert (entry.act, entry.before, entry.after) == (
        "model.roll_back",
        {"version": 2},
        {"version": 1},
    )
    said = text(admin, "/insight/models/leaving/")
    assert "Version 2 is newer" in said and "rolled back" in said
    admin.post("/insight/models/leaving/roll-back/", {"version": "1"})
    assert "in use already" in text(admin, "/insight/models/leaving/")
    for wrong in ("7", "x", ""):
        found = admin.post("/insight/models/leaving/roll-back/", {"version": wrong})
        assert found.status_code == 404


def test_only_who_may_edit_insight_acts(sign_in: Callable[[str], Client]) -> None:
    marketer, agent = sign_in("marketer"), sign_in("service")
    for client in (marketer, agent):
        for act in ("train", "cancel", "roll-back"):
            assert client.post(f"/insight/models/leaving/{act}/").status_code == 403
    assert not [act for act in acts() if act.startswith("model.")]


def test_calibration_points_as_trainings_give_them() -> None:
    expected = [(0.2, 0.25, 0.2, 0.3, 40)]
    assert drawing.points([TOLD]) == expected
    assert drawing.points([[0.2, 0.25, 0.2, 0.3, 40]]) == expected
    assert drawing.points({name: [value] for name, value in TOLD.items()}) == expected
    assert drawing.points([{"predicted": 0.1, "observed": 0.2}, "x", [None, 1]]) == [
        (0.1, 0.2, None, None, None)
    ]
    assert drawing.points(None) == drawing.points("x") == []


def test_a_kind_of_a_segment_has_its_card_too(send: Send, admin: Client) -> None:
    now = clock.now()
    with db.connect() as conn:
        found = segments.create(
            HOSTILE, rule={"all": []}, purpose="profile", actor=None, now=now, conn=conn
        )
        assert (
            admin.get(f"/insight/models/lookalike:{found.id}/").status_code == 404
        )  # nobody asked
        models.ask(conn, f"lookalike:{found.id}", by=None, now=now)
        conn.commit()
        listed = text(admin, "/insight/models/")
        assert f"/insight/models/lookalike:{found.id}/" in listed and HOSTILE not in listed
        card = f"/insight/models/lookalike:{found.id}/"
        assert "It begins when the learner is free" in text(admin, card)
        assert admin.post(f"{card}cancel/")["Location"] == card
        models.attempt(conn, likeness.kind_of(found.id, HOSTILE))
        conn.commit()
    said = text(admin, card)
    assert "it takes 20 members" in said and "&lt;script&gt;" in said and HOSTILE not in said
    assert admin.get(f"/insight/models/lookalike:{found.id + 1}/").status_code == 404
