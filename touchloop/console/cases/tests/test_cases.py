"""Cases: found by who has to act, worked on, closed, opened again; by scope; undone; told on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from touchloop.console.surveys.tests.conftest import HOSTILE, Scene
from touchloop.core import audit, clock, db
from touchloop.core.accounts.models import Staff
from touchloop.records.cases import api as cases
from touchloop.records.cases.api import Case, Filter

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:600]
    text = answer.content.decode()
    assert HOSTILE not in text
    return text


def at(store: str) -> list[Case]:
    with db.connect() as conn:
        return cases.listing(conn, locations=frozenset({store}))


def opened(store: str, subject: int, kind: str = "complaint", **fields: object) -> int:
    with db.connect() as conn:
        id = cases.open_case(
            conn, subject_id=subject, kind=kind, title=f"Broken glass {HOSTILE}",
            cause=f"{kind}:{subject}:{store}", at=clock.now(), touchpoint=("store", store),
            story=f"In the jar! {HOSTILE} call me@example.com", **fields,  # type: ignore[arg-type]
        )  # fmt: skip
        conn.commit()
    assert id is not None
    return id


def manager(sign_in: SignIn, *stores: str) -> Client:
    client = sign_in("store_manager")
    Staff.objects.filter(role="store_manager").update(locations=list(stores))
    return client


def badge(text: str) -> int:
    link = text.split('href="/cases/"')[1].split("</a>")[0]
    return int(link.split('class="count')[1].split(">")[1].split("<")[0]) if "count" in link else 0


def test_nothing_waits(admin: Client) -> None:
    text = page(admin, "/cases/")
    assert "Nobody waits for an answer" in text and badge(text) == 0
    page(admin, "/cases/4711/", 404)


def test_poor_answers_open_cases_that_are_found(admin: Client, scene: Scene) -> None:
    text = page(admin, "/cases/")
    assert text.count("data-href=") == 12 and badge(text) == 12
    assert text.count("badge-hatched") == 3  # store 413 is simulated
    assert "Nothing fits" in page(admin, "/cases/?show=overdue")
    assert page(admin, "/cases/?q=minutes").count("data-href=") == 12
    assert "Nothing fits" in page(admin, "/cases/?q=%25%25")
    assert "Nothing fits" in page(admin, "/cases/?kind=request")
    assert page(admin, "/cases/?kind=request&kind=detractor").count("data-href=") == 12
    assert "Nothing fits" in page(admin, "/cases/?show=mine")
    page(admin, "/cases/?show=what&kind=x&after=%00&customer=9&sort=x")


def test_the_overdue_stand_out(admin: Client, scene: Scene) -> None:
    opened("330", scene.customers["330"][0], hours=0.001)
    with db.connect() as conn:
        conn.execute("UPDATE cases SET due_at = due_at - interval '2 hours' WHERE kind='complaint'")
        conn.commit()
    text = page(admin, "/cases/?show=overdue")
    assert text.count("data-href=") == 1 and "overdue, due 1 h ago" in text


def test_a_case_tells_its_story(admin: Client, scene: Scene) -> None:
    (case, *_) = at("330")
    text = page(admin, f"/cases/{case.id}/")
    assert "minutes" in text and "&lt;script&gt;" in text
    assert "Bought 2 products" in text and "Customer 330-" in text
    assert "Selling: no offer" in text and "Due in 47 h" in text and "What was done" in text
    simulated = page(admin, f"/cases/{at('413')[0].id}/")
    assert "badge-hatched" in simulated


def test_taken_noted_waited_for_closed_and_undone(admin: Client, scene: Scene) -> None:
    (case, *_), me = at("330"), Staff.objects.get(role="admin").pk
    here = f"/cases/{case.id}/"
    admin.post(f"{here}assign/", {"to": str(me)})
    text = page(admin, here)
    assert "owns the case" in text and f"{here}assign/?to=" in text
    assert page(admin, "/cases/?show=mine").count("data-href=") == 1
    admin.post(f"{here}note/", {"text": f"Called. {HOSTILE}"})
    admin.post(f"{here}note/", {"text": " "})
    assert "Write something first" in page(admin, here)
    admin.post(f"{here}wait/", {"text": "for her call"})
    assert "Clock stands" in page(admin, here)
    admin.post(f"{here}wait/")
    assert "This cannot be done now" in page(admin, here)
    admin.post(f"{here}resume/")
    admin.post(f"{here}close/", {"resolution": ""})
    assert "Say what was done" in page(admin, here)
    admin.post(f"{here}close/", {"resolution": f"Voucher {HOSTILE}"})
    text = page(admin, here)
    assert "asked how it was" in text and f'action="{here}reopen/"' in text
    assert "Closed in time" in text and "Nothing: the case is closed" in text
    before = case.due_at
    admin.post(f"{here}reopen/")
    with db.connect() as conn:
        again = cases.get(conn, case.id)
        assert [each.act for each in cases.history(conn, case.id)] == [
            "opened", "assigned", "noted", "waiting", "resumed", "closed", "reopened",
        ]  # fmt: skip
    assert again.state == "open" and abs(again.due_at - before) < timedelta(minutes=2)
    admin.post(f"{here}assign/?to=")
    assert [entry.act for entry in audit.entries(limit=7)] == [
        "case.assigned", "case.reopened", "case.closed", "case.resumed", "case.waits",
        "case.noted", "case.assigned",
    ]  # fmt: skip
    assert "Voucher" not in str(audit.entries(limit=7))


def test_only_who_sees_the_case_can_own_it(admin: Client, sign_in: SignIn, scene: Scene) -> None:
    manager(sign_in, "331")
    sign_in("marketer")
    (case, *_) = at("330")
    for role in ("store_manager", "marketer"):
        id = Staff.objects.get(role=role).pk
        admin.post(f"/cases/{case.id}/assign/", {"to": str(id)})
        assert "cannot own the case" in page(admin, f"/cases/{case.id}/")
    assert at("330")[0].owner_id is None


def test_many_are_taken_and_given_back(admin: Client, scene: Scene) -> None:
    ids = [str(case.id) for case in at("330")]
    admin.post("/cases/take/", {"id": [*ids, "x", "4711"]})
    text = page(admin, "/cases/")
    assert "You own 3 more cases" in text
    assert {case.owner_id for case in at("330")} == {Staff.objects.get(role="admin").pk}
    admin.post("/cases/take/", {"id": ids})
    assert "None of these is free" in page(admin, "/cases/")
    admin.post("/cases/give-back/?" + "&".join(f"id={id}" for id in ids))
    assert {case.owner_id for case in at("330")} == {None}


def test_managers_work_on_their_own_stores_only(sign_in: SignIn, scene: Scene) -> None:
    client = manager(sign_in, "330")
    text = page(client, "/cases/")
    assert text.count("data-href=") == 3 and badge(text) == 3 and "Store 331" not in text
    (other, *_) = at("331")
    page(client, f"/cases/{other.id}/", 404)
    for act in ("assign", "note", "wait", "resume", "close", "reopen"):
        answer = client.post(f"/cases/{other.id}/{act}/", {"text": "x", "resolution": "x"})
        assert answer.status_code == 404
    client.post("/cases/take/", {"id": str(other.id)})
    assert at("331")[0].owner_id is None and at("331")[0].state == "open"
    cache.clear()
    assert badge(page(manager(sign_in), "/cases/")) == 0


def test_who_may_look_only(sign_in: SignIn, scene: Scene) -> None:
    client, (case, *_) = sign_in("marketer"), at("330")
    text = page(client, f"/cases/{case.id}/")
    assert "case-close" not in text and badge(text) == 0
    assert client.post(f"/cases/{case.id}/close/", {"resolution": "x"}).status_code == 403
    assert client.post("/cases/take/", {"id": str(case.id)}).status_code == 403


def test_contact_details_in_a_story_are_masked(sign_in: SignIn, scene: Scene) -> None:
    id = opened("330", scene.customers["330"][1])
    assert "me@example.com" in page(sign_in("service"), f"/cases/{id}/")
    assert "me@example.com" not in page(sign_in("analyst"), f"/cases/{id}/")


def test_a_request_mutes_nobody(admin: Client, scene: Scene) -> None:
    id = opened("330", scene.customers["330"][0], "request")
    assert "a request mutes nobody" in page(admin, f"/cases/{id}/")
    with db.connect() as conn:
        assert cases.count(conn, where=Filter(kinds=("request",))) == 1
