"""Offers: listed, shown with their figures, made, compared before they change, paused, ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import clock, db
from touchloop.core.accounts.models import AuditEntry, Staff
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Offer
from touchloop.interactions.api import Happened

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]
HOSTILE = '"><script>alert(1)</script>{{ 7|add:7 }} مرحبا'
FORM = {
    "name": "Cheese week", "kind": "default", "topic": "food", "value": "2.5", "lever": "10",
    "starts_at": "", "ends_at": "", "goal": "Order Completed", "goal_days": "14", "holdout": "10",
    "explore": "5", "starting_propensity": "5", "starting_evidence": "20",
    "impressions_most": "5", "impressions_days": "7", "memory_taken_days": "365",
    "memory_refusals": "1", "memory_refused_days": "30", "memory_later_days": "3",
    "suitability.where": ["trait", "context"], "suitability.name": ["city", "basket"],
    "suitability.op": ["in", "gte"], "suitability.value": ["Porto; Lyon", "20"],
    "treatment.channel": ["store", "email"], "treatment.placement": ["receipt", ""],
    "treatment.template": ["", ""], "treatment.title": ["10 % on cheese", "Cheese!"],
    "treatment.text": ["At the counter", ""], "treatment.button": ["", ""],
    "treatment.more": ["", ""],
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_compiled(transactional_db: None) -> Iterator[None]:
    """Numbers begin anew with each test's database."""
    decisions.forget()
    yield
    decisions.forget()


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def make(name: str = "Cheese week", *, state: str = "live", **definition: Any) -> Offer:
    said = {
        "treatments": [{"channel": "store", "texts": {"title": "10 % on cheese"}}],
        "explore": 0.0,
    } | definition
    with db.connect() as conn:
        return offers.create(
            name, definition=said, actor=None, now=clock.now(), state=state, conn=conn
        )


def decided(customer: int, **more: Any) -> decisions.Decision:
    with db.connect() as conn:
        request = decisions.Request(customer_id=customer, channel="store", now=clock.now(), **more)
        return decisions.decide(conn, request)


def answered(customer: int, event: str, offer: Offer, decision: decisions.Decision) -> None:
    said = {"offer": offer.slug, "decision_id": str(decision.id)}
    with db.connect() as conn:
        happened = Happened(
            abs(hash((customer, event))) % 10**9, customer, customer, "track", event, said,
            "store", "330", "", clock.now(), "till", "till",
        )  # fmt: skip
        decisions.on_batch(conn, [happened], clock.now())


@pytest.fixture
def ana(send: Send, customer_of: CustomerOf) -> int:
    send(told("ana", name=f"Ana {HOSTILE}", city="Porto"), order("ana", store="330"))
    return customer_of("ana")


def test_the_empty_list_says_what_an_offer_is(admin: Client, sign_in: SignIn) -> None:
    shown = text(admin, "/offers/")
    assert "No offer yet" in shown
    assert "Make an offer" in shown
    assert "Make an offer" not in text(sign_in("service"), "/offers/")


def test_the_list_shows_states_figures_and_filters(admin: Client, ana: int) -> None:
    now = clock.now()
    cheese = make(holdout=0.5)
    make("Later", starts_at=(now + timedelta(days=1)).isoformat())
    make("Over", ends_at=(now - timedelta(days=1)).isoformat(), kind="service")
    make("Online", treatments=[{"channel": "web"}])
    make("Draft", state="draft")
    decision = decided(ana)
    if [each.offer_id for each in decision.offers] == [cheese.id]:
        answered(ana, "Offer Shown", cheese, decision)
        answered(ana, "Offer Accepted", cheese, decision)
        assert "100 % (" in text(admin, "/offers/")
    shown = text(admin, "/offers/")
    for word in ("Cheese week", "Later", "Over", "Online", "Draft", ">soon<", ">ended<"):
        assert word in shown, word
    assert "Later" not in text(admin, "/offers/?state=now")
    soon = text(admin, "/offers/?state=soon")
    assert ">Later<" in soon
    assert ">Online<" not in soon
    assert ">Online<" in text(admin, "/offers/?channel=web")
    assert ">Cheese week<" not in text(admin, "/offers/?channel=web")
    assert ">Over<" in text(admin, "/offers/?kind=service")
    assert ">Cheese week<" in text(admin, "/offers/?q=chee")
    assert "Nothing fits" in text(admin, "/offers/?q=nowhere")
    for sort in ("name", "-shown", "taken", "-rate", "gained", "-updated", "nonsense"):
        assert "Cheese week" in text(admin, f"/offers/?sort={sort}")
    assert text(admin, "/offers/?columns=name&columns=kind&columns=channels&columns=holdout")


def test_a_page_of_an_offer_leads_to_the_people_behind_each_figure(admin: Client, ana: int) -> None:
    cheese = make(suitability={"traits": [{"name": "city", "value": "Porto"}]})
    decision = decided(ana)
    answered(ana, "Offer Shown", cheese, decision)
    answered(ana, "Offer Accepted", cheese, decision)
    shown = text(admin, f"/offers/{cheese.id}/")
    for words in ("the trait city is Porto", "10 % on cheese", "Needs a holdout", "Suitability",
                  "Without a holdout nobody can tell", "100 %", "20.7 %"):  # fmt: skip
        assert words in shown, words
    behind = text(admin, f"/offers/{cheese.id}/customers/?which=accepted")
    assert f"/customers/{ana}/" in behind
    assert f"/decisions/{decision.id}/" in behind
    assert "Nobody yet" in text(admin, f"/offers/{cheese.id}/customers/?which=rejected")
    assert text(admin, f"/offers/{cheese.id}/customers/?which=x&after=nonsense")


def test_both_sides_of_the_holdout_are_listed(admin: Client, ana: int, send: Send) -> None:
    cheese = make(holdout=0.5)
    decided(ana)
    sides = [text(admin, f"/offers/{cheese.id}/customers/?which={s}") for s in ("offered", "held")]
    assert [f"/customers/{ana}/" in side for side in sides].count(True) == 1
    assert "not yet: Order Completed" in "".join(sides)
    shown = text(admin, f"/offers/{cheese.id}/")
    assert "Side of the holdout" in shown
    assert "Nobody stands on both sides" in shown


def test_the_dumb_baseline_stands_beside_the_learned_choice(admin: Client, ana: int) -> None:
    assert "As soon as decisions are settled" in text(admin, "/offers/baseline/")
    cheese = make(explore=0.2, impressions=None)
    make("Bread", explore=0.2, impressions=None)
    for _n in range(12):
        decision = decided(ana)
        with db.connect() as conn:
            shown = offers.get(decision.offers[0].offer_id, conn=conn)
        answered(ana, "Offer Shown", shown, decision)
    with db.connect() as conn:
        decisions.learn(conn, clock.now() + timedelta(days=4))
    cache.clear()
    beside = text(admin, "/offers/baseline/")
    assert "for everybody" in beside
    assert "The learned choice" in beside
    assert "settled decision" in beside
    assert "/offers/baseline/" in text(admin, f"/offers/{cheese.id}/")


def test_an_offer_is_made_by_the_form(admin: Client) -> None:
    assert "Whom it is for" in text(admin, "/offers/new/")
    answer = admin.post("/offers/new/", {**FORM, "save": "live"})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    with db.connect() as conn:
        made = offers.named("cheese-week", conn=conn)
    assert (made.state, made.value, made.lever, made.holdout) == ("live", 2.5, 10.0, 0.1)
    assert made.suitability.traits[0].value == ["Porto", "Lyon"]
    assert made.suitability.context[0].value == 20.0
    assert [(each.channel, each.placement) for each in made.treatments] == [
        ("store", "receipt"), ("email", ""),
    ]  # fmt: skip
    assert "the trait city is one of Porto, Lyon" in text(admin, answer["Location"])
    assert AuditEntry.objects.filter(act="offer.created", object_id=str(made.id)).exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "Give the offer a name"),
        ({"value": "much"}, "Write a number."),
        ({"holdout": "95"}, "Write a number from 0 to 90."),
        ({"memory_refusals": "1.5"}, "Write a whole number."),
        ({"kind": "mandatory"}, "held back from nobody"),
        ({"starts_at": "tomorrow"}, "Write the moment like"),
        ({"starts_at": "2030-01-02T00:00", "ends_at": "2030-01-01T00:00"}, "end after it starts"),
        ({"suitability.value": ["Porto", "much"]}, "a number is expected"),
        ({"treatment.channel": ["web", "web"], "treatment.placement": ["", ""]}, "one treatment"),
        ({"treatment.channel": ["", "web"]}, "Choose the channel"),
        ({"eligibility.mode": ["in"], "eligibility.segment": ["987"]}, "no segment number 987"),
        ({"goal": ""}, "Name the event"),
        ({"name": "x" * 201}, "at most 200"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    admin: Client, change: dict[str, Any], words: str
) -> None:
    answer = admin.post("/offers/new/", {**FORM, **change, "save": "live"})
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert words in shown
    assert "field-error" in shown
    assert "10 % on cheese" in shown
    with db.connect() as conn:
        assert offers.listing(conn=conn) == []


def test_a_live_offer_needs_a_treatment_a_draft_does_not(admin: Client) -> None:
    bare = {name: value for name, value in FORM.items() if not name.startswith("treatment")}
    assert (
        "needs a treatment" in admin.post("/offers/new/", {**bare, "save": "live"}).content.decode()
    )
    assert admin.post("/offers/new/", {**bare, "save": "draft"}).status_code == 302


def test_a_change_shows_before_and_after_first(admin: Client) -> None:
    assert admin.post("/offers/new/", {**FORM, "save": "live"}).status_code == 302
    with db.connect() as conn:
        made = offers.named("cheese-week", conn=conn)
    edit = f"/offers/{made.id}/edit/"
    form = text(admin, edit)
    for value in ('value="Porto; Lyon"', 'value="20"', 'value="2.5"', "At the counter"):
        assert value in form, value
    changed = {**FORM, "value": "4", "suitability.value": ["Berlin", "20"], "version": "1"}
    asked = admin.post(edit, changed).content.decode()
    assert "Nothing is changed yet" in asked
    assert "Value when taken" in asked
    assert "<del>2.5</del>" in asked
    assert "is one of Berlin" in asked
    with db.connect() as conn:
        assert offers.get(made.id, conn=conn).version == 1
    assert 'value="Berlin"' in admin.post(edit, {**changed, "back": "1"}).content.decode()
    assert admin.post(edit, {**changed, "confirmed": "1"}).status_code == 302
    stale = admin.post(edit, {**changed, "value": "9", "confirmed": "1"})
    assert "Somebody changed this offer meanwhile" in stale.content.decode()
    past = text(admin, f"/offers/{made.id}/versions/")
    assert "Version 2" in past
    assert "<ins>4</ins>" in past
    assert "Admin" in past
    with db.connect() as conn:
        assert offers.get(made.id, conn=conn).value == 4.0
    same = admin.post(edit, {**changed, "version": "2"})
    assert same.status_code == 302
    assert AuditEntry.objects.filter(act="offer.changed").count() == 1


def test_words_that_the_form_has_no_field_for_stay(admin: Client) -> None:
    made = make(treatments=[{"channel": "web", "texts": {"title": "a", "image_alt": "Cheese"}}],
                suitability={"traits": [{"name": "code", "value": "007"}]})  # fmt: skip
    form = text(admin, f"/offers/{made.id}/edit/")
    assert "image_alt" in form
    assert 'value="&quot;007&quot;"' in form
    assert "Cheese" in text(admin, f"/offers/{made.id}/")


def test_pausing_and_ending_can_be_taken_back(admin: Client) -> None:
    made = make()
    paused = admin.post(f"/offers/{made.id}/state/paused/", follow=True).content.decode()
    assert "is paused" in paused
    assert f"/offers/{made.id}/state/live/" in paused
    assert "nobody gets it" in paused
    assert (
        "from now on" in admin.post(f"/offers/{made.id}/state/live/", follow=True).content.decode()
    )
    ended = admin.post(f"/offers/{made.id}/state/ended/", follow=True).content.decode()
    assert "has ended" in ended
    assert admin.post(f"/offers/{made.id}/state/nonsense/").status_code == 404
    bare = make("Bare", state="draft", treatments=[])
    refused = admin.post(f"/offers/{bare.id}/state/live/", follow=True).content.decode()
    assert "needs a treatment" in refused
    assert AuditEntry.objects.filter(act="offer.state").count() == 3


def test_hostile_words_are_only_words(admin: Client, ana: int) -> None:
    made = make(
        HOSTILE, topic=HOSTILE, goal=HOSTILE, holdout=0.1,
        treatments=[{"channel": "store", "placement": HOSTILE, "template": HOSTILE,
                     "texts": {"title": HOSTILE, "text": HOSTILE, HOSTILE: HOSTILE}}],
        suitability={"context": [{"name": HOSTILE, "value": HOSTILE}]},
    )  # fmt: skip
    for address in ("", "customers/", "customers/?which=held", "versions/", "edit/"):
        shown = text(admin, f"/offers/{made.id}/{address}")
        assert "<script>alert" not in shown, address
        assert " 14 مرحبا" not in shown, address
    assert "<script>alert" not in text(admin, "/offers/?q=" + "%22%3E%3Cscript%3E")
    assert (
        "<script>alert"
        not in admin.post(
            "/offers/new/", {**FORM, "name": HOSTILE, "value": HOSTILE, "goal": HOSTILE}
        ).content.decode()
    )


def test_only_who_sells_edits(sign_in: SignIn) -> None:
    made = make()
    for role in ("service", "analyst", "store_manager"):
        client = sign_in(role)
        for address in ("", "customers/", "versions/"):
            assert client.get(f"/offers/{made.id}/{address}").status_code == 200
        assert f"/offers/{made.id}/edit/" not in text(client, f"/offers/{made.id}/")
        assert client.get("/offers/new/").status_code == 403
        assert client.get(f"/offers/{made.id}/edit/").status_code == 403
        assert client.post(f"/offers/{made.id}/state/paused/").status_code == 403
    assert sign_in("marketer").get("/offers/new/").status_code == 200
    assert sign_in("marketer").get("/offers/4711/").status_code == 404


def test_a_store_manager_sees_the_people_of_the_own_stores(sign_in: SignIn, ana: int) -> None:
    cheese = make()
    answered(ana, "Offer Accepted", cheese, decided(ana))
    manager = sign_in("store_manager")
    address = f"/offers/{cheese.id}/customers/?which=accepted"
    Staff.objects.filter(role="store_manager").update(locations=["331"])
    assert f"/customers/{ana}/" not in text(manager, address)
    Staff.objects.filter(role="store_manager").update(locations=["330"])
    assert f"/customers/{ana}/" in text(manager, address)
