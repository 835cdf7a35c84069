"""What the pages of the frame do: settings, sources, events, messages set aside, the palette."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from touchloop.console import database
from touchloop.console.models import SavedView
from touchloop.core import audit, clock
from touchloop.core.accounts.models import Staff
from touchloop.interactions import api as interactions
from touchloop.interactions.models import HeldMessage, InboxBlock, Kind, KindProperty, Source

HOSTILE = "<script>alert(1)</script>"


def acts() -> list[str]:
    return [entry.act for entry in audit.entries()]


@pytest.fixture
def shop(db: None) -> interactions.Source:
    return interactions.create("Shop", kind="web")


def held(source: interactions.Source, *, reason: str = "plan", n: int = 1) -> list[int]:
    """Set messages aside through the test's own connection."""
    from touchloop.console import database

    body = json.dumps({"event": HOSTILE, "messageId": "m1", "anonymousId": "a"}).encode()
    record = interactions.Record(source.id, 0, "track", None, False, body, [""], 1, "segment")
    messages = [
        interactions.Held(
            "quarantine", source.id, uuid4(), "m1", reason, HOSTILE, record, clock.now()
        )
        for _ in range(n)
    ]
    interactions.hold(database.here(), messages, now=clock.now())
    return list(HeldMessage.objects.order_by("id").values_list("id", flat=True))


# sign-in and the frame


def test_sign_in_by_password_and_out(client: Client, sign_in: Callable[[str], Client]) -> None:
    sign_in("admin")
    answer = client.post(
        "/sign-in/", {"login": "Admin@example.com", "password": "a long enough password"}
    )
    assert answer.status_code == 302
    assert client.get("/settings/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/settings/").status_code == 302


def test_nobody_signs_themselves_up(client: Client, db: None) -> None:
    assert client.get("/sign-up/").status_code == 404
    assert client.post("/sign-up/", {"email": "me@example.com"}).status_code == 404
    assert not Staff.objects.exists()


def test_who_is_switched_off_is_out_at_once(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("service")
    assert client.get("/settings/appearance/").status_code == 200
    Staff.objects.filter(role="service").update(is_active=False)
    assert client.get("/settings/appearance/").status_code == 302


def test_headers_forbid_foreign_and_inline_code(admin: Client) -> None:
    answer = admin.get("/sources/")
    policy = answer["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce and f'nonce="{nonce[1]}"'.encode() in answer.content
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    other = admin.get("/sources/")["Content-Security-Policy"]
    assert other != policy


def test_a_form_without_its_token_changes_nothing(sign_in: Callable[[str], Client]) -> None:
    sign_in("admin")
    client = Client(enforce_csrf_checks=True)
    client.force_login(Staff.objects.get(role="admin"))
    assert client.post("/sources/add/", {"name": "X", "kind": "web"}).status_code == 403
    assert not Source.objects.filter(name="X").exists()


def test_pages_for_what_is_not_there_and_not_allowed(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("store_manager")
    missing, closed = client.get("/nowhere/"), client.get("/sources/")
    assert (missing.status_code, closed.status_code) == (404, 403)
    assert b"There is nothing here" in missing.content
    assert b"Not for your role" in closed.content and b"rail-link" in closed.content
    assert b"Sign in" in Client().get("/nowhere/").content


def test_a_background_request_of_a_stranger_is_told_so(db: None) -> None:
    assert Client().get("/palette/", headers={"HX-Request": "true"}).status_code == 401


def test_the_palette_offers_rooms_and_acts_of_the_role(sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("admin").get("/palette/", {"q": "sour"}).content
    assert b"Sources" in answer and b"Add a source" in answer and b"Segments" not in answer
    assert b"Add a source" not in sign_in("analyst").get("/palette/", {"q": "sour"}).content
    nothing = sign_in("admin").get("/palette/", {"q": HOSTILE}).content
    assert HOSTILE.encode() not in nothing


def test_the_theme_is_kept_and_drawn_by_the_server(admin: Client) -> None:
    admin.post("/settings/appearance/", {"theme": "dark"})
    assert b'data-theme="dark"' in admin.get("/settings/appearance/").content
    admin.post("/settings/appearance/", {"theme": "purple"})
    assert Staff.objects.get(role="admin").theme == "dark"


# settings


def test_a_person_is_added_and_the_password_shown_once(admin: Client) -> None:
    form = {"email": "new@example.com", "role": "analyst", "name": "New", "locations": "330, 412"}
    answer = admin.post("/settings/people/add/", form)
    shown = re.search(r'id="new-password" dir="ltr">([^<]+)<', answer.content.decode())
    person = Staff.objects.get(email="new@example.com")
    assert shown and person.check_password(shown[1])
    assert person.locations == ["330", "412"]
    assert shown[1].encode() not in admin.get(f"/settings/people/{person.pk}/").content
    assert "person.added" in acts()


def test_what_is_wrong_is_said_at_the_field(admin: Client) -> None:
    answer = admin.post("/settings/people/add/", {"email": "nonsense", "role": "admin"})
    assert b"Enter an e-mail address" in answer.content
    assert Staff.objects.count() == 1


def test_the_organisation_is_changed_and_kept_in_the_audit(admin: Client) -> None:
    good = {"name": "Corner", "time_zone": "Europe/Berlin", "currency": "eur", "collector_url": ""}
    assert admin.post("/settings/", good).status_code == 302
    assert b"Corner" in admin.get("/settings/").content
    assert admin.post("/settings/", {**good, "time_zone": "Mars"}).status_code == 422
    assert acts()[0] == "organisation.changed"
    assert b"chain intact" in admin.get("/settings/audit/?check=1").content


# sources


def test_a_source_is_added_and_its_snippets_carry_its_key(admin: Client) -> None:
    answer = admin.post("/sources/add/", {"name": "Web <b>shop", "kind": "web"})
    source = Source.objects.get(name="Web <b>shop")
    assert answer["Location"] == f"/sources/{source.pk}/"
    page = admin.get(answer["Location"], headers={"host": "console.test:8000"}).content.decode()
    assert page.count(source.write_key) >= 6
    assert "http://console.test:8001" in page
    assert "Waiting for the first event" in page and "<b>shop" not in page
    assert acts()[0] == "source.added"


def test_who_may_not_manage_sees_no_key(
    shop: interactions.Source, sign_in: Callable[[str], Client]
) -> None:
    page = sign_in("analyst").get(f"/sources/{shop.id}/").content.decode()
    assert shop.write_key not in page and shop.signing_secret not in page
    assert sign_in("analyst").post(f"/sources/{shop.id}/secret/").status_code == 403


def test_the_waiting_sign_goes_when_the_first_event_came(
    admin: Client, shop: interactions.Source
) -> None:
    assert b"every 2s" in admin.get(f"/sources/{shop.id}/waiting/").content
    Source.objects.filter(pk=shop.id).update(last_seen_at=clock.now())
    assert b"every 2s" not in admin.get(f"/sources/{shop.id}/waiting/").content


def test_a_new_key_replaces_the_old(admin: Client, shop: interactions.Source) -> None:
    admin.post(f"/sources/{shop.id}/key/")
    assert Source.objects.get(pk=shop.id).write_key != shop.write_key
    assert acts()[0] == "source.key_renewed"


def test_switching_off_can_be_taken_back(admin: Client, shop: interactions.Source) -> None:
    answer = admin.post(f"/sources/{shop.id}/switch/", follow=True)
    assert not Source.objects.get(pk=shop.id).enabled
    assert f'action="/sources/{shop.id}/switch/"'.encode() in answer.content
    admin.post(f"/sources/{shop.id}/switch/")
    assert Source.objects.get(pk=shop.id).enabled
    assert acts()[:2] == ["source.switched_on", "source.switched_off"]


def test_showing_the_secret_is_kept(admin: Client, shop: interactions.Source) -> None:
    assert shop.signing_secret.encode() not in admin.get(f"/sources/{shop.id}/settings/").content
    assert shop.signing_secret.encode() in admin.post(f"/sources/{shop.id}/secret/").content
    assert acts()[0] == "source.secret_shown"


def test_a_plan_is_checked_before_it_is_kept(admin: Client, shop: interactions.Source) -> None:
    plan = {"Order Completed": {"type": "object", "required": ["order_id"]}}
    path = f"/sources/{shop.id}/plan/"
    for wrong in ("{", "[]", '{"A": {"type": "nonsense"}}'):
        answer = admin.post(path, {"plan_mode": "warn", "plan": wrong})
        assert answer.status_code == 422 and b"field-error" in answer.content
    assert Source.objects.get(pk=shop.id).plan == {}
    admin.post(path, {"plan_mode": "quarantine", "plan": json.dumps(plan)})
    kept = Source.objects.get(pk=shop.id)
    assert (kept.plan, kept.plan_mode) == (plan, "quarantine")


def test_the_house_own_source_is_nobodys_business(admin: Client) -> None:
    own = interactions.own_id(database.here())
    assert admin.get(f"/sources/{own}/").status_code == 404
    assert admin.post(f"/sources/{own}/switch/").status_code == 404


# events


def kind(name: str, *, volume: int = 1, type: str = "track") -> Kind:
    then = clock.now() - timedelta(days=3)
    made = Kind.objects.create(
        type=type,
        name=name,
        volume=volume,
        first_seen_at=then,
        last_seen_at=then,
        example={"note": HOSTILE},
    )
    KindProperty.objects.create(
        kind_id=made.pk, name="total", types=["number"], first_seen_at=then, example=HOSTILE
    )
    return made


def test_the_catalogue_is_found_sorted_and_filtered(admin: Client) -> None:
    for i, name in enumerate(("Beta", "Alpha", "Gamma")):
        kind(name, volume=i)
    kind("Home", type="page", volume=99)

    def names(query: str) -> list[str]:
        page = admin.get("/events/" + query).content.decode()
        return re.findall(r'class="lead"[^>]*>([^<]+)<', page)

    assert names("") == ["Home", "Gamma", "Alpha", "Beta"]
    assert names("?sort=name") == ["Alpha", "Beta", "Gamma", "Home"]
    assert names("?type=track&sort=-name") == ["Gamma", "Beta", "Alpha"]
    assert names("?q=ALPH") == ["Alpha"]
    assert names("?sort=nonsense&columns=nonsense") == ["Home", "Gamma", "Alpha", "Beta"]


def test_scrolling_brings_the_next_rows_only(admin: Client) -> None:
    for i in range(60):
        kind(f"Event {i:02}", volume=100 - i)
    page = admin.get("/events/").content.decode()
    more = re.search(r'hx-get="([^"]+after=50[^"]*)"', page)
    assert more and page.count('class="lead"') == 50
    rows = admin.get(more[1].replace("&amp;", "&"), headers={"X-Rows": "1"}).content.decode()
    assert rows.count('class="lead"') == 10 and "<html" not in rows and "hx-get" not in rows


def test_an_event_has_an_address_and_what_it_carries_is_escaped(admin: Client) -> None:
    one = kind("Order Completed")
    alone = admin.get(f"/events/{one.pk}/", headers={"X-Drawer": "1"}).content.decode()
    whole = admin.get(f"/events/{one.pk}/").content.decode()
    assert "<html" not in alone and "<html" in whole and 'class="drawer' in whole
    assert HOSTILE not in alone and "&lt;script&gt;" in alone
    assert admin.get("/events/99999/").status_code == 404


# messages set aside


def test_a_message_is_shown_escaped_and_replayed(admin: Client, shop: interactions.Source) -> None:
    (one,) = held(shop)
    page = admin.get(f"/held/{one}/").content.decode()
    assert "Does not fit the plan" in page and HOSTILE not in page
    admin.post("/held/replay/", {"id": [one]})
    assert HeldMessage.objects.get(pk=one).state == "replayed"
    assert InboxBlock.objects.count() == 1
    assert acts()[0] == "held.replayed"
    admin.post("/held/replay/", {"id": [one]})
    assert InboxBlock.objects.count() == 1


def test_a_discard_is_taken_back(admin: Client, shop: interactions.Source) -> None:
    ids = held(shop, n=3)
    answer = admin.post("/held/discard/", {"id": ids[:2]}, follow=True)
    undo = re.search(r'action="(/held/restore/[^"]+)"', answer.content.decode())
    assert undo and HeldMessage.objects.filter(state="discarded").count() == 2
    admin.post(undo[1])
    assert HeldMessage.objects.filter(state="held").count() == 3
    assert acts()[:2] == ["held.restored", "held.discarded"]


def test_all_that_fit_the_filter(admin: Client, shop: interactions.Source) -> None:
    held(shop, n=3)
    held(shop, reason="failed", n=2)
    admin.post("/held/discard/", {"all": "1", "state": "held", "reason": "failed"})
    assert HeldMessage.objects.filter(state="discarded").count() == 2
    page = admin.get("/held/?state=discarded").content.decode()
    assert page.count('class="lead"') == 2 and "data-pick-all" not in page


def test_who_may_only_look_decides_nothing(
    shop: interactions.Source, sign_in: Callable[[str], Client]
) -> None:
    (one,) = held(shop)
    client = sign_in("analyst")
    assert b"/held/replay/" not in client.get(f"/held/{one}/").content
    assert client.post("/held/discard/", {"id": [one]}).status_code == 403
    assert HeldMessage.objects.get(pk=one).state == "held"


def test_what_waits_is_counted_in_the_rail(admin: Client, shop: interactions.Source) -> None:
    held(shop, n=4)
    assert b"4 waiting" in admin.get("/events/").content


# saved views


def test_a_view_is_kept_used_shared_and_removed(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("analyst")
    form = {"page": "events", "name": "Orders", "query": "q=order&sort=-volume", "shared": "on"}
    client.post("/views/save/", form)
    client.post("/views/save/", {**form, "query": "q=orders"})
    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("q=orders", True)
    assert b"/events/?q=orders" in sign_in("marketer").get("/events/").content
    sign_in("marketer").post(f"/views/{view.pk}/remove/")
    assert SavedView.objects.exists()
    client.post(f"/views/{view.pk}/remove/")
    assert not SavedView.objects.exists()


def test_a_form_leads_back_to_our_own_pages_only(admin: Client) -> None:
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = admin.post(
            "/views/save/", {"page": "events", "name": "x", "query": "", "back": away}
        )
        assert answer["Location"] == "/events/"


def test_every_component_stands_on_the_living_page(admin: Client) -> None:
    page = admin.get("/ui/").content.decode()
    for shape in (
        "button-primary",
        "button-danger",
        "field-error",
        "combobox",
        "date-range",
        "chip",
        "badge-hatched",
        "stat-figure",
        "chart-plot",
        "timeline-item",
        "rule-value",
        "table-wrap",
        "toast-undo",
        "tabs",
        "empty-example",
        "skeleton",
        "<progress",
        "inline-edit",
        "diff",
        "why-panel",
        "notice",
        "palette",
        "dialog",
    ):
        assert shape in page, shape
    assert 'class="drawer' in admin.get("/ui/?drawer=1").content.decode()
