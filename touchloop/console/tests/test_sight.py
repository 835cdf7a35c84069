"""No page shows a store manager a customer of somebody else's stores, whatever the address says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import access, clock, db
from touchloop.core.accounts.models import Staff
from touchloop.engage.decisions import api as decisions
from touchloop.insight.segments import api as segments
from touchloop.records.cases import api as cases

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = ("", "?q=Zora&who=Zora&customer={id}&follow={id}&id={id}")


def routes(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, access.Permission]]:
    """Every address that may be looked at, with the permission it asks for."""
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, address)
        elif isinstance(entry, URLPattern) and hasattr(entry.callback, "permission"):
            yield address, entry.callback.permission


def test_no_address_leads_to_a_customer_of_another_store(
    send: Send, customer_of: CustomerOf, sign_in: Callable[[str], Client]
) -> None:
    send(
        told("ana", name="Ana Silva", email="ana@own.example"), order("ana", store="330"),
        told("zora", name="Zora Outsider", email="zora@other.example"), order("zora", store="412"),
    )  # fmt: skip
    zora = customer_of("zora")
    with db.connect() as conn:
        decided = decisions.decide(
            conn,
            decisions.Request(customer_id=zora, channel="store", location="412", now=clock.now()),
        )
        segment = segments.create(
            "Everybody", rule={"trait": {"name": "name", "type": "text", "op": "exists"}},
            purpose="service", actor=None, now=clock.now(), conn=conn,
        )  # fmt: skip
        members = "INSERT INTO segment_members VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
        conn.execute(members, (zora, segment.id, clock.now()))
        case = cases.open_case(
            conn, subject_id=zora, kind="complaint", title="Zora Outsider complains", cause="c",
            at=clock.now(), touchpoint=("store", "412"), story="zora@other.example",
        )  # fmt: skip
        conn.commit()
    client = sign_in("store_manager")
    Staff.objects.filter(role="store_manager").update(locations=["330"])
    may = access.ROLES["store_manager"]
    leaks, seen = [], 0
    for pattern, permission in routes(get_resolver()):
        if permission not in may or "<slug" in pattern or "<str" in pattern:
            continue
        room = pattern.split("/")[1]
        id = {"segments": segment.id, "cases": case}.get(room, zora)
        address = pattern.replace("<int:id>", str(id)).replace("<uuid:id>", str(decided.id))
        address = re.sub(r"<int:\w+>", str(zora), address)
        for asked in ASKED:
            answer = client.get(address + asked.format(id=zora))
            text = b"".join(answer).decode(errors="replace")
            seen += answer.status_code == 200
            if "Outsider" in text or "zora@" in text:
                leaks.append(address + asked)
    assert not leaks
    assert seen > 40
    assert "Zora Outsider" in sign_in("admin").get("/customers/?q=Zora").content.decode()
    assert "Ana Silva" in client.get("/customers/?q=Ana").content.decode()
