"""Surveys: made, previewed, changed, started; who was asked and why not; answers by scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from touchloop.console.surveys.tests.conftest import (
    HOSTILE,
    SCORES,
    Make,
    Scene,
    subjects_of,
    users_answer,
)
from touchloop.core import audit, db
from touchloop.core.accounts.models import Staff
from touchloop.experience.surveys import api as surveys

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:600]
    text = answer.content.decode()
    assert HOSTILE not in text
    return text


def test_a_list(admin: Client, scene: Scene) -> None:
    text = page(admin, "/surveys/")
    assert "Your visit" in text


def manager(sign_in: SignIn, *stores: str) -> Client:
    client = sign_in("store_manager")
    Staff.objects.filter(role="store_manager").update(locations=list(stores))
    return client


def acts() -> list[str]:
    return [entry.act for entry in audit.entries()]


FORM = {
    "name": "After a visit", "kind": "csat", "privacy": "confidential", "question": "How was it?",
    "low": "bad", "high": "good", "why": "Why?", "thanks": "", "ratings": "The queue?\nThe staff?",
    "event": "Order Completed", "channel": "", "share": "12,5", "delay_minutes": "60",
    "fresh_hours": "48", "expires_days": "14", "quarantine_days": "90", "via": ["email"],
}  # fmt: skip


def test_nothing_there_yet(admin: Client, sign_in: SignIn) -> None:
    assert "No survey yet" in page(admin, "/surveys/") and "survey_new" not in page(
        sign_in("service"), "/surveys/"
    )
    page(admin, "/surveys/4711/", 404)


def test_make_one_and_start_it(admin: Client) -> None:
    assert "recommend us to a friend" in page(admin, "/surveys/new/?kind=nps")
    made = admin.post("/surveys/new/", FORM)
    assert made.status_code == 302
    with db.connect() as conn:
        (found,) = surveys.listing(conn)
    assert (found.slug, found.share, found.live, found.privacy) == (
        "after-a-visit", 0.125, False, "confidential",
    )  # fmt: skip
    assert [each.id for each in found.words.ratings] == ["the_queue", "the_staff"]
    text = page(admin, made["Location"])
    assert "The queue?" in text and "12.5 %" in text and "Start asking" in text
    admin.post(f"/surveys/{found.id}/state/", {"state": "live"})
    after = page(admin, f"/surveys/{found.id}/")
    assert "asks from now on" in after and f"/surveys/{found.id}/state/?state=paused" in after
    admin.post(f"/surveys/{found.id}/state/?state=paused")
    assert acts()[:3] == ["survey.paused", "survey.started", "survey.created"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Give the survey a name"),
        ("question", " ", "must not be empty"),
        ("share", "many", "must be a number"),
        ("share", "101", "must be from 0 to 1"),
        ("share", "nan", "must be a number"),
        ("via", [], "name at least one channel"),
        ("slug", "Not A Slug", "small letters"),
        ("kind", "smiley", "must be one of"),
        ("ratings", "\n".join(f"q{n}" for n in range(9)), "at most 6"),
        ("quarantine_days", "-1", "must be from"),
    ],
)
def test_a_wrong_form_says_where_and_keeps_what_was_typed(
    admin: Client, field: str, value: str | list[str], said: str
) -> None:
    answer = admin.post("/surveys/new/", {**FORM, "thanks": "See you", field: value})
    text = answer.content.decode()
    assert answer.status_code == 422 and said in text and "See you" in text
    with db.connect() as conn:
        assert surveys.listing(conn) == []


def test_other_words_are_a_new_version_and_questions_keep_their_ids(
    admin: Client, make: Make
) -> None:
    words = surveys.Words("Old?", "low", "high", "Why?", (surveys.Rating("queue", "Queue?"),))
    survey = make(words=words, via=("email",))
    form = {**FORM, "question": "New?", "ratings": "Queue?\nQueue!\n" + HOSTILE, "kind": "ces"}
    assert admin.post(f"/surveys/{survey.id}/edit/", form).status_code == 302
    with db.connect() as conn:
        after = surveys.get(conn, survey.id)
    assert after.version == 2 and after.kind == "nps" and after.live
    assert [each.id for each in after.words.ratings] == ["queue", "queue_2", "scriptalert1script"]
    text = page(admin, f"/surveys/{survey.id}/questions/")
    assert "Version 1" in text and "Old?" in text
    entry = audit.entries()[0]
    assert entry.act == "survey.changed" and entry.after is not None
    assert entry.after["version"] == 2 and "kind" not in entry.after


def test_the_preview_draws_what_is_typed(admin: Client, sign_in: SignIn) -> None:
    answer = admin.post("/surveys/preview/", {**FORM, "question": HOSTILE, "kind": "ces"})
    text = answer.content.decode()
    assert HOSTILE not in text and "&lt;script&gt;" in text
    assert text.count('name="preview_score"') == 7 and "inert" in text
    assert admin.post("/surveys/preview/", {}).status_code == 200
    assert sign_in("service").post("/surveys/preview/", FORM).status_code == 403


def test_answers_with_their_filters(admin: Client, scene: Scene) -> None:
    text = page(admin, f"/surveys/{scene.survey.id}/")
    assert "12 of 54 answers are simulated" in text
    assert text.count('class="answer-score"') == 50 and "after=50" in text
    more = admin.get(f"/surveys/{scene.survey.id}/?after=50", headers={"X-Rows": "1"})
    assert more.content.decode().count("<tr") == 4
    real = page(admin, f"/surveys/{scene.survey.id}/?without=simulation")
    assert real.count('class="answer-score"') == 42 and "Store 413</bdi>" not in real
    poor = page(admin, f"/surveys/{scene.survey.id}/?poor=on&place=store~330")
    assert poor.count('class="answer-score"') == 3 and "Waited 3 minutes" in poor
    assert "Nothing fits" in page(admin, f"/surveys/{scene.survey.id}/?given_until=2020-01-01")
    page(admin, f"/surveys/{scene.survey.id}/?given_from=99999&place=x&after=%00")


def test_details_are_masked_for_who_may_not_see_them(sign_in: SignIn, scene: Scene) -> None:
    assert "me@example.com" in page(sign_in("service"), f"/surveys/{scene.survey.id}/")
    assert "me@example.com" not in page(sign_in("analyst"), f"/surveys/{scene.survey.id}/")


def test_managers_see_their_own_stores_only(sign_in: SignIn, scene: Scene) -> None:
    client = manager(sign_in, "330")
    text = page(client, f"/surveys/{scene.survey.id}/")
    assert text.count('class="answer-score"') == 12
    assert "Store 330" in text and "Store 331" not in text
    codes = page(client, f"/surveys/{scene.survey.id}/codes/?place=store~331")
    assert "Store 331" not in codes and "survey-code" not in codes
    picture = f"/surveys/{scene.survey.id}/code.svg"
    assert client.get(f"{picture}?place=store~331").status_code == 404
    assert client.get(f"{picture}?place=store~330").status_code == 200
    asked = page(client, f"/surveys/{scene.survey.id}/asked/?state=answered")
    assert asked.count("Customer 330-") == 12 and "Customer 331-" not in asked
    nobody = manager(sign_in)
    assert 'class="answer-score"' not in page(nobody, f"/surveys/{scene.survey.id}/")


def test_who_was_not_asked_and_why(admin: Client, scene: Scene) -> None:
    with db.connect() as conn:
        surveys.invite(
            conn, scene.customers["330"], survey=scene.survey, touchpoint=("store", "330"),
            cause="again", now=scene.survey.created_at,
        )  # fmt: skip
        conn.commit()
    text = page(admin, f"/surveys/{scene.survey.id}/asked/")
    assert "Was asked this not long ago" in text and "not_asked · quarantine" in text
    assert "Has an open case" in text and "75 %" in text
    people = page(admin, f"/surveys/{scene.survey.id}/asked/?state=not_asked&reason=case_open")
    assert people.count("Customer 330-") == 3


def test_a_confidential_survey_names_nobody(
    admin: Client, stores: dict[str, list[str]], make: Make
) -> None:
    survey = make(privacy="confidential")
    with db.connect() as conn:
        users_answer(conn, survey, subjects_of(conn, stores["330"]), store="330", scores=SCORES)
        conn.commit()
    text = page(admin, f"/surveys/{survey.id}/")
    assert text.count('class="answer-score"') == 12 and "Customer 330-" not in text
    asked = page(admin, f"/surveys/{survey.id}/asked/?state=answered")
    assert "Customer 330-" not in asked and "not shown to anybody" in asked


def test_the_quarantine_and_the_shares(admin: Client, scene: Scene, sign_in: SignIn) -> None:
    admin.post("/surveys/quarantine/", {"days": "30"})
    assert "30 days" in page(admin, "/surveys/")
    admin.post("/surveys/quarantine/", {"days": "soon"})
    assert "must be a number" in page(admin, "/surveys/")
    address = f"/surveys/{scene.survey.id}/share/"
    admin.post(address, {"place": "store~330", "percent": "50"})
    assert "50 %" in page(admin, f"/surveys/{scene.survey.id}/questions/")
    admin.post(address, {"place": "store~330", "percent": ""})
    admin.post(address, {"place": "nowhere", "percent": "5"})
    assert "Choose a place" in page(admin, f"/surveys/{scene.survey.id}/questions/")
    with db.connect() as conn:
        assert surveys.quarantine_days(conn) == 30 and surveys.shares(conn, scene.survey.id) == {}
    assert acts()[:3] == ["survey.share", "survey.share", "survey.quarantine"]
    assert sign_in("service").post(address, {}).status_code == 403


def test_a_code_of_a_place(admin: Client, scene: Scene) -> None:
    text = page(admin, f"/surveys/{scene.survey.id}/codes/?place=store~330")
    assert "/c/q/visit/" in text and "Download PNG" in text
    svg = admin.get(f"/surveys/{scene.survey.id}/code.svg?place=store~330")
    assert svg["Content-Type"] == "image/svg+xml" and b"<svg" in svg.content
    png = admin.get(f"/surveys/{scene.survey.id}/code.png?place=store~330&download=1")
    assert png.content.startswith(b"\x89PNG") and "attachment" in png["Content-Disposition"]
    assert admin.get(f"/surveys/{scene.survey.id}/code.pdf?place=store~330").status_code == 404
