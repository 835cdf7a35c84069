"""Working with segments through the door: sizes, overlap, comparison, lookalikes, files, why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.console.segments.tests.test_segments import make, text
from touchloop.core import clock, db
from touchloop.core.accounts.models import AuditEntry
from touchloop.flow import api as flow
from touchloop.insight.likeness import api as likeness
from touchloop.insight.models import api as models
from touchloop.insight.segments import api as segments

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


@pytest.fixture
def crowd(send: Send) -> None:
    """Thirty who buy and come from Porto, thirty who do not; everybody allows profiling."""
    yes = {"type": "track", "event": "Consent Changed"}
    agreed = {"properties": {"purposes": {"profile": True}}}
    send(
        *(told(f"a{n}", name=f"Ana {n}", town="Porto") for n in range(30)),
        *(order(f"a{n}") for n in range(30)),
        *(told(f"b{n}", name=f"Ben {n}", town="Lyon") for n in range(30)),
        *(order(f"b{n}") for n in range(2)),
        *({**yes, **agreed, "userId": f"{who}{n}"} for who in "ab" for n in range(30)),
    )
    with db.connect() as conn:
        conn.execute("UPDATE customers SET allowed = 255")
        conn.commit()
        flow.export_all(conn)


def test_the_size_is_drawn_and_can_be_taken_along(admin: Client, crowd: None) -> None:
    id = make(admin)
    with db.connect() as conn:
        for days, members in ((9, 20), (4, 25)):
            conn.execute(
                "INSERT INTO segment_sizes (segment_id, hour, members) VALUES (%s, %s, %s)",
                (id, clock.now() - timedelta(days=days), members),
            )
        conn.commit()
    page = text(admin, f"/segments/{id}/moves/")
    assert "32 members: 12 more than on" in page and 'id="size_option"' in page
    lines = admin.get(f"/segments/{id}/moves/?csv=size").content.decode().splitlines()
    assert lines[0] == "When,Members" and lines[-1].endswith(",20")


def test_overlap_leads_from_a_bar_to_its_customers(admin: Client, crowd: None) -> None:
    deli, bakery = make(admin), make(admin, "Bakery", "BAKERY")
    none = make(admin, "Fish", "SEAFOOD")
    assert "Choose two to six" in text(admin, "/segments/overlap/")
    sent = admin.post("/segments/overlap/", {"id": [deli, bakery, none]})
    page = text(admin, sent["Location"])
    assert "32 of 32 customers are in more than one" in page
    option = json.loads(re.search(r'id="overlap_option"[^>]*>(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    (bar,) = option["series"][0]["data"]
    assert bar["value"] == 32
    behind = text(admin, bar["url"])
    assert "Ana 1" in behind and "and not in Fish" in behind and "Ben 9" not in behind
    assert admin.get(f"/segments/overlap/customers/?s={deli}&s={bakery}")["Location"] == (
        "/segments/overlap/"
    )


def test_what_sets_it_apart_is_asked_computed_and_leads_on(admin: Client, crowd: None) -> None:
    id = make(admin)
    assert "What do members do" in text(admin, f"/segments/{id}/apart/")
    asked = admin.post(f"/segments/{id}/apart/", {"with": "0"})
    waiting = text(admin, asked["Location"])
    assert "hx-get" in waiting and "Comparing" in waiting
    with db.connect() as conn:
        assert flow.attend_segments(conn) == 1
    done = admin.get(asked["Location"], headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == asked["Location"]
    page = text(admin, asked["Location"])
    assert "32 members against 28 of everybody else" in page
    assert "Most of all: bought from BAKERY, 100 % against 0 %" in page
    address = f"/segments/{id}/apart/customers/"
    behind = text(admin, f"{address}?kind=trait&value=town%3DLyon")
    assert "Ben 1" in behind and "Ana 1" not in behind
    for query in ("kind=event&value=Order+Completed", "kind=department&value=DELI",
                  "kind=category&value=x", "kind=channel&value=web"):  # fmt: skip
        assert ("Ana 1" in text(admin, f"{address}?{query}")) is ("category" not in query)
    assert admin.get(f"{address}?kind=password&value=x").status_code == 404
    assert admin.get(f"/segments/{id}/apart/?with=99999").status_code == 404


def test_lookalikes_are_learned_chosen_by_size_and_saved(admin: Client, crowd: None) -> None:
    id = make(admin)
    assert "Find lookalikes" in text(admin, f"/segments/{id}/alike/")
    admin.post(f"/segments/{id}/alike/learn/")
    assert "Waits for the part that learns" in text(admin, f"/segments/{id}/alike/")
    with db.connect() as conn:
        (kind,) = likeness.kinds(conn)
        run = models.attempt(conn, kind)
    assert run and run.outcome == "done", run
    page = text(admin, f"/segments/{id}/alike/?size=5")
    assert "town: Porto" in page and "Ben" in page and "own rule asks about it" in page
    kept = admin.post(f"/segments/{id}/alike/keep/", {"size": "5", "name": "Soon deli"})
    made = int(kept["Location"].strip("/").rsplit("/", 1)[1])
    with db.connect() as conn:
        soon = segments.get(made, conn=conn)
    assert soon.rule["all"][0]["score"]["name"] == f"lookalike:{id}" and soon.members >= 5
    few = make(admin, "Fish", "SEAFOOD")
    admin.post(f"/segments/{few}/alike/learn/")
    with db.connect() as conn:
        run = models.attempt(conn, likeness.kind_of(few, "Fish"))
    assert "it takes 20 members" in text(admin, f"/segments/{few}/alike/")


def test_a_file_says_who_is_left_out_and_is_noted(
    admin: Client, sign_in: SignIn, crowd: None
) -> None:
    id = make(admin)
    asked = {"purpose": "marketing", "column": ["name", "email", "trait:town"], "form": "csv"}
    counted = admin.post(f"/segments/{id}/export/", asked).content.decode()
    assert "0 of 32 members would be in the file" in counted
    assert "32 are left out: marketing needs the person" in counted
    served = {**asked, "purpose": "service", "file": "1"}
    file = admin.post(f"/segments/{id}/export/", served)
    lines = b"".join(file.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "customer,name,email,town" and len(lines) == 33 and "Porto" in lines[1]
    entry = AuditEntry.objects.get(act="segment.exported")
    assert entry.after and entry.after["written"] == 32 and entry.after["purpose"] == "service"
    wrong = admin.post(f"/segments/{id}/export/", {"purpose": "fun"})
    assert wrong.status_code == 400
    assert sign_in("service").get(f"/segments/{id}/export/").status_code == 403
    assert sign_in("analyst").post(f"/segments/{id}/export/", served).status_code == 403
    assert "user numbers" in text(sign_in("marketer"), f"/segments/{id}/export/")


def test_a_segment_can_be_decided_and_written_every_day(
    admin: Client, crowd: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLOOP_HOME", str(tmp_path))
    id = make(admin)
    admin.post(f"/segments/{id}/refresh/", {"at": "06:00"})
    assert "every day at 06:00" in text(admin, f"/segments/{id}/rule/")
    daily = {"purpose": "service", "column": ["name"], "form": "json", "daily": "1", "at": "07:30"}
    admin.post(f"/segments/{id}/export/", daily)
    assert "07:30" in text(admin, f"/segments/{id}/export/")
    tomorrow = clock.now() + timedelta(days=1)
    with monkeypatch.context() as later, db.connect() as conn:
        later.setattr(clock, "now", lambda: tomorrow)
        assert flow.attend_segments(conn) == 2
    (written,) = (tmp_path / "exports").iterdir()
    assert written.name == "deli.jsonl" and len(written.read_text().splitlines()) == 32
    assert AuditEntry.objects.filter(act="segment.exported").count() == 1
    assert "32 members" in text(admin, f"/segments/{id}/rule/")
    admin.post(f"/segments/{id}/export/stop/")
    admin.post(f"/segments/{id}/state/", {"state": "live"})
    with db.connect() as conn:
        assert segments.schedules(conn, id) == []
    answer = admin.post(f"/segments/{id}/refresh/", {"at": "late"}, follow=True)
    assert "like 06:30" in answer.content.decode()


def test_anybody_can_be_asked_why(
    admin: Client, sign_in: SignIn, crowd: None, customer_of: CustomerOf
) -> None:
    id = make(admin)
    inside = text(admin, f"/segments/{id}/why/?q=Ana 7")
    assert "In, because" in inside and "has bought from DELI" in inside
    assert "Not in, because" in text(admin, f"/segments/{id}/why/?q=b9")
    number = customer_of("b9")
    assert "Not in" in text(sign_in("analyst"), f"/segments/{id}/why/?q={number}")
    assert "Nobody was found" in text(admin, f"/segments/{id}/why/?q=Zoltan")
