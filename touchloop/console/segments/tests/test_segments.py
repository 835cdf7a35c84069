"""Segments: built as a sentence, filled, explained, compared before they are changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry
from touchloop.flow import api as flow
from touchloop.insight.segments import api as segments

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


def bought(department: str) -> dict[str, Any]:
    line = {"field": "department", "op": "in", "value": [department]}
    return {"all": [{"interactions": {
        "events": ["Order Completed"], "measure": "count", "op": "gte", "value": 1, "lines": [line],
    }}]}  # fmt: skip


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def two(send: Send) -> None:
    send(told("ana", name="Ana"), order("ana"), told("ben", name="Ben"))
    with db.connect() as conn:
        flow.export_all(conn)


def make(client: Client, name: str = "Deli", department: str = "DELI") -> int:
    answer = client.post(
        "/segments/new/",
        {"name": name, "purpose": "service", "rule": json.dumps(bought(department))},
    )
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return int(answer["Location"].strip("/").rsplit("/", 1)[1])


def test_a_rule_reads_as_a_sentence_and_counts_while_it_is_built(admin: Client, two: None) -> None:
    answer = admin.post(
        "/segments/preview/", {"rule": json.dumps(bought("DELI")), "purpose": "service"}
    ).content.decode()
    assert "has bought from DELI" in answer
    assert "<b>1</b>" in answer
    assert "Ana" in answer
    wrong = admin.post("/segments/preview/", {"rule": '{"all":[{"trait":{}}]}'}).content.decode()
    assert "rule.all[0].trait" in wrong
    assert "not JSON" in admin.post("/segments/preview/", {"rule": "{"}).content.decode()


def test_a_new_segment_is_filled_and_tells_why(
    admin: Client, two: None, customer_of: CustomerOf
) -> None:
    id, ana, ben = make(admin), customer_of("ana"), customer_of("ben")
    members = text(admin, f"/segments/{id}/")
    assert "Ana" in members
    assert "Ben" not in members
    assert "In, because" in text(admin, f"/segments/{id}/why/{ana}/")
    assert "Not in, because" in text(admin, f"/segments/{id}/why/{ben}/")
    assert "Deli" in text(admin, f"/customers/{ana}/")
    assert "has bought from DELI" in text(admin, "/segments/")
    with db.connect() as conn:
        flow.export_all(conn)
    assert "1 entered and 0 left" in text(admin, f"/segments/{id}/moves/")
    assert "Ana" in text(admin, f"/segments/{id}/moves/?when=today")
    assert AuditEntry.objects.filter(act="segment.created", object_id=str(id)).exists()


def test_a_changed_rule_shows_before_and_after_and_changes_only_then(
    admin: Client, two: None
) -> None:
    id = make(admin)
    changed = {"name": "Deli", "purpose": "service", "rule": json.dumps(bought("SEAFOOD"))}
    asked = admin.post(f"/segments/{id}/edit/", changed).content.decode()
    assert "Nothing is changed yet" in asked
    assert "has bought from SEAFOOD" in asked
    with db.connect() as conn:
        assert segments.get(id, conn=conn).version == 1
    assert admin.post(f"/segments/{id}/edit/", {**changed, "confirmed": "1"}).status_code == 302
    with db.connect() as conn:
        now = segments.get(id, conn=conn)
    assert (now.version, now.members) == (2, 0)
    past = text(admin, f"/segments/{id}/rule/")
    assert "Version 1" in past
    assert "1 members before" in past
    renamed = admin.post(f"/segments/{id}/edit/", {**changed, "name": "Fish"})
    assert renamed.status_code == 302


def test_a_segment_is_paused_let_live_and_deleted(admin: Client, two: None) -> None:
    id = make(admin)
    admin.post(f"/segments/{id}/state/", {"state": "paused"})
    assert "paused" in text(admin, f"/segments/{id}/")
    admin.post(f"/segments/{id}/state/", {"state": "live"})
    flow.drain()
    assert "Ana" in text(admin, f"/segments/{id}/")
    admin.post(f"/segments/{id}/delete/")
    assert admin.get(f"/segments/{id}/").status_code == 404


def test_what_cannot_be_saved_says_why_and_keeps_what_was_written(admin: Client, two: None) -> None:
    nameless = admin.post("/segments/new/", {"name": " ", "rule": json.dumps(bought("DELI"))})
    assert nameless.status_code == 400
    assert "Give the segment a name" in nameless.content.decode()
    assert "DELI" in nameless.content.decode()
    empty = admin.post("/segments/new/", {"name": "x", "rule": '{"all":[]}'})
    assert "at least one condition" in empty.content.decode()


def test_only_editors_build(sign_in: SignIn, two: None) -> None:
    service = sign_in("service")
    assert service.get("/segments/").status_code == 200
    assert service.get("/segments/new/").status_code == 403
    assert service.post("/segments/preview/", {}).status_code == 403
    assert "Build a segment" not in text(service, "/segments/")
