"""Campaigns, triggers and the outbox as their pages show them."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from touchloop.channels import api as channels
from touchloop.console.conftest import Send
from touchloop.console.messages import reports
from touchloop.console.messages.tests.conftest import HOSTILE, Market, SignIn, plan, text
from touchloop.core import db
from touchloop.core.accounts.models import AuditEntry
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.triggers import api as triggers
from touchloop.interactions.api import Source

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("/messages/", "/messages/triggers/", "/messages/templates/", "/messages/outbox/",
         "/messages/policy/")  # fmt: skip


def state_of(id: int) -> str:
    with db.connect() as conn:
        return campaigns.get(conn, id).state


@pytest.mark.parametrize("address", PAGES)
def test_each_list_says_what_it_is_for_when_it_is_empty(
    admin: Client, empty: Source, address: str
) -> None:
    page = text(admin, address)
    assert "Demo inbox" not in page
    if "policy" in address:
        assert "At most 1 marketing message in any 24 hours." in page
    else:
        assert 'class="empty' in page


@pytest.mark.parametrize("role", ["store_manager"])
def test_who_may_not_look(sign_in: SignIn, role: str) -> None:
    for address in PAGES:
        assert sign_in(role).get(address).status_code == 403


@pytest.mark.parametrize("role", ["service", "analyst"])
def test_who_may_look_but_not_act(sign_in: SignIn, market: Market, role: str) -> None:
    client = sign_in(role)
    page = text(client, f"/messages/campaigns/{market.campaign}/")
    assert "Pause campaign" not in page
    for address in (
        f"/messages/campaigns/{market.campaign}/state/",
        f"/messages/triggers/{market.trigger}/state/",
        "/messages/campaigns/new/",
        "/messages/templates/new/",
        "/messages/policy/change/",
    ):
        assert client.post(address, {"act": "abort", "state": "ended"}).status_code == 403
    assert sign_in("marketer").post("/messages/policy/change/").status_code == 403


def test_the_list_counts_in_a_second_request(admin: Client, market: Market) -> None:
    first = text(admin, "/messages/")
    assert 'hx-trigger="load"' in first
    assert "Win back &lt;b&gt;spring" in first
    rows = admin.get("/messages/", headers={"HX-Request": "true"}).content.decode()
    assert "…" not in rows
    assert '<small class="limits">' in rows


def test_a_campaign_shows_its_arms_and_why_members_were_held_back(
    admin: Client, market: Market
) -> None:
    page = text(admin, f"/messages/campaigns/{market.campaign}/")
    assert "Has not agreed to this yet" in page
    assert "Refused this purpose, topic or channel" in page
    assert "Regular &lt;b&gt;shoppers" in page
    assert "<b>spring" not in page
    assert "People gained" in page
    assert "whisker" in page
    for link in re.findall(rf'"(/messages/campaigns/{market.campaign}/people/[^"]*)"', page):
        assert "table" in text(admin, link.replace("&amp;", "&"))


def test_a_figure_and_the_customers_behind_it_agree(admin: Client, market: Market) -> None:
    with db.connect() as conn:
        from touchloop.core import clock

        report = campaigns.report(conn, market.campaign, now=clock.now())
    people = f"/messages/campaigns/{market.campaign}/people/"
    assert report.held
    for reason, n in report.held.items():
        rows = text(admin, f"{people}?what=held&reason={reason}")
        assert rows.count("<tr data-href") == n, reason
    for arm in report.arms:
        for what, n in (
            ("handed", arm.handed),
            ("confirmed", arm.confirmed.x),
            ("bounced", arm.bounced.x),
            ("converted", arm.converted.x),
            ("all", arm.n),
        ):
            rows = text(admin, f"{people}?what={what}&variant={arm.name}")
            assert rows.count("<tr data-href") == n, (arm.name, what)
    assert report.holdout is not None
    held_out = text(admin, f"{people}?variant=-")
    assert held_out.count("<tr data-href") == report.holdout.n


def test_a_campaign_is_planned_tried_out_started_and_stopped(admin: Client, market: Market) -> None:
    tried = admin.post("/messages/campaigns/preview/", plan(market.segment)).content.decode()
    assert "customers in the segment" in tried
    assert "Has not agreed to this yet" in tried
    assert "Variant A" in tried
    made = admin.post("/messages/campaigns/new/", plan(market.segment))
    assert made.status_code == 302, made.content.decode()[-3000:]
    address = made["Location"]
    id = int(address.strip("/").rsplit("/", 1)[1])
    assert "Not begun" in text(admin, address)
    edited = admin.post(f"{address}edit/", plan(market.segment, name="Later", holdout="10"))
    assert edited["Location"] == address
    for act, state in (
        ("start", "running"), ("pause", "paused"), ("resume", "running"), ("abort", "aborted"),
    ):  # fmt: skip
        admin.post(f"{address}state/", {"act": act})
        assert state_of(id) == state
    admin.post(f"{address}state/", {"act": "start"})
    assert state_of(id) == "aborted"
    assert "it is aborted" in text(admin, address)
    acts = AuditEntry.objects.filter(object_kind="campaign", object_id=str(id))
    assert [entry.act for entry in acts.order_by("id")] == [
        "campaign.created", "campaign.changed", "campaign.start", "campaign.pause",
        "campaign.resume", "campaign.abort",
    ]  # fmt: skip


def test_a_pause_can_be_taken_back(admin: Client, market: Market) -> None:
    address = f"/messages/campaigns/{market.campaign}/"
    with db.connect() as conn:
        conn.execute("UPDATE campaigns SET state = 'running' WHERE id = %s", (market.campaign,))
        conn.commit()
    page = admin.post(f"{address}state/", {"act": "pause"}, follow=True).content.decode()
    assert f'action="{address}undo/"' in page
    admin.post(f"{address}undo/")
    assert state_of(market.campaign) == "running"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"segment": ""}, "Choose a segment."),
        ({"template": ["", ""]}, "Choose a template"),
        ({"name": " "}, "a name is needed"),
        ({"holdout": "150"}, "a share from 0 up to 1"),
        ({"window_since": "9", "window_until": "x"}, "Write both hours"),
        ({"window_since": "9", "window_until": "18", "zone": "Mars/Base"}, "no time zone"),
        ({"variant": ["A", "A"]}, "names of their own"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_and_nothing_is_lost(
    admin: Client, market: Market, wrong: dict[str, object], said: str
) -> None:
    given = plan(market.segment, **wrong)
    answer = admin.post("/messages/campaigns/new/", given)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert said in page
    assert "Order Completed" in page
    assert "<i>deli" not in page


def test_once_begun_only_pace_and_name_change(admin: Client, market: Market) -> None:
    with db.connect() as conn:
        conn.execute("UPDATE campaigns SET state = 'running' WHERE id = %s", (market.campaign,))
        conn.commit()
    edit = f"/messages/campaigns/{market.campaign}/edit/"
    assert 'name="segment"' not in text(admin, edit)
    answer = admin.post(edit, {"name": "Slower", "per_minute": "60"})
    assert answer.status_code == 302
    with db.connect() as conn:
        found = campaigns.get(conn, market.campaign)
    assert found.plan["per_minute"] == 60
    assert found.plan["segment"] == market.segment


def test_a_trigger_reads_as_a_sentence_and_is_switched(admin: Client, market: Market) -> None:
    page = text(admin, "/messages/triggers/")
    assert "When a customer does “Order Completed”" in page
    assert "Thank &lt;u&gt;you" in page
    off = admin.post(
        f"/messages/triggers/{market.trigger}/state/", {"state": "paused"}, follow=True
    ).content.decode()
    assert "is paused" in off
    assert f"/messages/triggers/{market.trigger}/undo/live/" in off
    admin.post(f"/messages/triggers/{market.trigger}/undo/live/")
    with db.connect() as conn:
        assert triggers.get(conn, market.trigger).state == "live"
    runs = text(admin, f"/messages/triggers/{market.trigger}/")
    assert "Ana &lt;script&gt;" in runs
    assert "Versions it had" in runs
    admin.post(f"/messages/triggers/{market.trigger}/state/", {"state": "ended"})
    with db.connect() as conn:
        assert triggers.get(conn, market.trigger).state == "ended"


def test_the_outbox_is_filtered_and_a_delivery_explains_itself(
    admin: Client, market: Market
) -> None:
    page = text(admin, "/messages/outbox/")
    assert "Ana &lt;script&gt;" in page
    assert "<script>alert" not in page
    held = text(admin, "/messages/outbox/?state=held&reason=not_asked")
    assert "Has not agreed to this yet" in held
    assert "Nothing fits this filter" in text(admin, "/messages/outbox/?state=complained")
    with db.connect() as conn:
        handed = channels.deliveries(conn, channels.Which(states=["bounced"]))[0]
        kept = channels.deliveries(conn, channels.Which(reasons=["not_asked"]))[0]
    drawer = {"X-Drawer": "1"}
    one = admin.get(f"/messages/outbox/{handed.id}/", headers=drawer).content.decode()
    assert "550 5.1.1 unknown" in one
    assert "Win back &lt;b&gt;spring" in one
    assert handed.address in one
    other = admin.get(f"/messages/outbox/{kept.id}/", headers=drawer).content.decode()
    assert "What held it back" in other
    assert "must not be sent" in other
    assert text(admin, f"/messages/outbox/{kept.id}/").count('role="dialog"') >= 1
    assert admin.get("/messages/outbox/99999999999999999999/").status_code == 404


def test_who_may_not_see_addresses_does_not(sign_in: SignIn, market: Market) -> None:
    analyst = sign_in("analyst")
    with db.connect() as conn:
        one = channels.deliveries(conn, channels.Which(channels=["email"], states=["handed"]))[0]
    assert one.address
    for address in (f"/messages/outbox/{one.id}/", "/messages/inbox/", "/messages/inbox/1/"):
        answer = analyst.get(address)
        assert one.address not in answer.content.decode(), address


def test_a_new_order_of_a_member_is_seen_in_the_report(
    admin: Client, market: Market, send: Send
) -> None:
    with db.connect() as conn:
        from touchloop.core import clock

        report = campaigns.report(conn, market.campaign, now=clock.now())
    assert sum(arm.converted.x for arm in report.arms) > 0
    assert HOSTILE not in text(
        admin, f"/messages/campaigns/{market.campaign}/people/?what=converted"
    )


def test_a_large_campaign_is_drawn_first_and_counted_then(
    admin: Client, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MANY", 3)
    address = f"/messages/campaigns/{market.campaign}/"
    assert "Counting its members" in text(admin, address)
    assert "Variants side by side" in text(admin, f"{address}progress/")
    assert "Variants side by side" in text(admin, address)
