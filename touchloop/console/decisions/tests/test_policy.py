"""The arbitration policy: seen by all, changed by few, tried before it is kept, taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from touchloop.console.decisions.tests.test_decisions import (
    SignIn,
    ana,
    assortment,
    decide,
    nothing_compiled,
)
from touchloop.console.offers.tests.test_offers import text
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry
from touchloop.engage.decisions import api as decisions

__all__ = ["ana", "nothing_compiled"]
pytestmark = pytest.mark.django_db(transaction=True)
ALL_ON: dict[str, Any] = {
    "propensity": "on", "context": "on", "value": "on", "lever": "on",
    "weight_when": ["", ""], "weight_percent": ["", ""], "weight_topic": ["", ""],
    "weight_offer": ["", ""], "topic_name": [""], "topic_percent": [""],
    "holdout": "0", "settle_hours": "24",
}  # fmt: skip


def settings() -> decisions.Settings:
    with db.connect() as conn:
        return decisions.policy(conn).settings


def test_it_is_tried_on_recent_decisions_then_kept_then_taken_back(admin: Client, ana: int) -> None:
    assortment()
    decide(ana, limit=1)
    lunch = ALL_ON | {
        "weight_when": ["intent=lunch", ""], "weight_percent": ["50", ""],
        "weight_topic": ["bread", ""], "topic_name": ["wine"], "topic_percent": ["12,5"],
    }  # fmt: skip
    tried = admin.post("/decisions/policy/change/", lunch).content.decode()
    assert "0 of the last 1 decisions would have gone otherwise" in tried
    assert 'value="intent=lunch"' in tried and "Keep it as a new version" in tried
    assert settings() == decisions.Settings()
    kept = admin.post("/decisions/policy/change/", lunch | {"keep": "1"}, follow=True)
    assert "counts from now on" in kept.content.decode()
    assert settings().topics == {"wine": 12.5}
    assert settings().weights[0].when == {"intent": "lunch"}
    assert AuditEntry.objects.filter(act="decision_policy.changed").count() == 1
    page = text(admin, "/decisions/policy/")
    assert "wine +12.5 %" in page and "intent=lunch: bread +50 %" in page
    with db.connect() as conn:
        first = decisions.policies(conn)[-1].version
    admin.post(f"/decisions/policy/back/{first}/")
    assert settings() == decisions.Settings()
    again = admin.post(f"/decisions/policy/back/{first}/", follow=True).content.decode()
    assert "Nothing was changed" in again
    assert (
        "no such version" in admin.post("/decisions/policy/back/99/", follow=True).content.decode()
    )


def test_without_a_factor_another_offer_comes_first(admin: Client, ana: int) -> None:
    assortment()
    decide(ana, limit=1)
    off = {name: value for name, value in ALL_ON.items() if name != "value"}
    tried = admin.post("/decisions/policy/change/", off).content.decode()
    assert "would have gone otherwise" in tried and "Cheese" in tried


@pytest.mark.parametrize(
    "wrong",
    [
        {"holdout": "many"},
        {"holdout": "51"},
        {"settle_hours": "0"},
        {"weight_when": ["lunch", ""], "weight_percent": ["5", ""]},
        {"weight_when": ["intent=lunch", ""], "weight_percent": ["-100", ""]},
        {"topic_name": ["wine"], "topic_percent": ["x"]},
    ],
)
def test_nonsense_is_refused_and_stands_in_the_form(admin: Client, wrong: dict[str, Any]) -> None:
    for keep in ({}, {"keep": "1"}):
        answer = admin.post("/decisions/policy/change/", ALL_ON | wrong | keep)
        assert answer.status_code == 400
    assert settings() == decisions.Settings()


def test_who_may_not_change_it_sees_it(sign_in: SignIn) -> None:
    client = sign_in("marketer")
    assert "An admin can change it" in text(client, "/decisions/policy/")
    assert client.post("/decisions/policy/change/", ALL_ON).status_code == 403
