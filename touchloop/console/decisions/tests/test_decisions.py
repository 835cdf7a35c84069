"""Decisions: listed, laid open, replayed; and simulated side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.console.decisions import records
from touchloop.console.offers.tests.test_offers import HOSTILE, answered, make, text
from touchloop.core import clock, db
from touchloop.core.accounts.models import Staff
from touchloop.engage.decisions import api as decisions

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def nothing_compiled(transactional_db: None) -> Iterator[None]:
    """Numbers begin anew with each test's database."""
    decisions.forget()
    yield
    decisions.forget()


@pytest.fixture
def ana(send: Send, customer_of: CustomerOf) -> int:
    send(
        told("ana", name="Ana Silva", city="Porto", email="ana@secret.example"),
        order("ana", store="330"),
        told("ben", name="Ben South"), order("ben", store="331"),
    )  # fmt: skip
    return customer_of("ana")


def decide(customer: int, **more: Any) -> decisions.Decision:
    given: dict[str, Any] = {"channel": "store", "location": "330", "limit": 2} | more
    with db.connect() as conn:
        return decisions.decide(
            conn, decisions.Request(customer_id=customer, now=clock.now(), **given)
        )


def assortment() -> None:
    porto = {"traits": [{"name": "city", "value": "Porto"}]}
    make("Cheese", value=4.0, suitability=porto)
    make("Bread", value=3.0)
    make("Wine", value=2.0)
    make("Berlin only", suitability={"traits": [{"name": "city", "value": "Berlin"}]})
    make("Web only", treatments=[{"channel": "web"}])
    soon = (clock.now() + timedelta(hours=2)).isoformat()
    make("Happy hour", value=9.0, starts_at=soon)


def test_the_empty_room_says_what_a_decision_is(admin: Client) -> None:
    assert "No decision yet" in text(admin, "/decisions/")
    assert "No offer lives" in text(admin, "/decisions/simulator/")


def test_decisions_are_listed_and_filtered(
    admin: Client, ana: int, customer_of: CustomerOf
) -> None:
    assortment()
    first = decide(ana)
    other = decide(customer_of("ben"), location="331", channel="store")
    nothing = decide(ana, channel="ivr", location="")
    cheese = first.offers[0].offer_id
    with db.connect() as conn:
        answered(ana, "Offer Accepted", _offer(conn, cheese), first)
    ids = {"first": first.id, "other": other.id, "nothing": nothing.id}

    def listed(query: str) -> set[str]:
        shown = text(admin, f"/decisions/{query}")
        return {name for name, id in ids.items() if f"/decisions/{id}/" in shown}

    assert listed("") == {"first", "other", "nothing"}
    assert listed("?channel=ivr") == {"nothing"}
    assert listed("?location=331") == {"other"}
    assert listed(f"?offer={cheese}") == {"first"}
    assert listed(f"?customer={ana}") == {"first", "nothing"}
    assert listed("?holdout=everything") == set()
    assert listed("?holdout=none") == {"first", "other", "nothing"}
    assert listed("?offer=nonsense&customer=x&holdout=x") == {"first", "other", "nothing"}
    shown = text(admin, f"/decisions/?customer={ana}&offer={cheese}")
    assert "About Ana Silva" in shown
    assert "Proposed “Cheese”" in shown
    assert "Taken" in shown
    assert "Nothing fits" in text(admin, "/decisions/?location=nowhere")


def test_who_is_held_out_is_found(admin: Client, ana: int) -> None:
    with db.connect() as conn:
        decisions.change_policy(conn, {"holdout": 0.5}, actor=None, now=clock.now())
    make("Cheese")
    decision = decide(ana)
    word = "everything" if decision.holdout else "none"
    assert f"/decisions/{decision.id}/" in text(admin, f"/decisions/?holdout={word}")
    other = "none" if decision.holdout else "everything"
    assert f"/decisions/{decision.id}/" not in text(admin, f"/decisions/?holdout={other}")
    shown = text(admin, f"/decisions/{decision.id}/")
    assert ("held out from all that sells" in shown) == decision.holdout


def test_a_rare_offer_is_found_behind_many_other_decisions(
    admin: Client, ana: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "WINDOW", 3)
    make("Rare")
    rare = decide(ana)
    for _n in range(8):
        decide(ana, channel="ivr")
    assert f"/decisions/{rare.id}/" in text(admin, f"/decisions/?offer={rare.offers[0].offer_id}")
    assert "Nothing fits" in text(admin, "/decisions/?location=nowhere")


def test_the_list_goes_on_where_it_stopped(admin: Client, ana: int) -> None:
    make("Cheese")
    made = [decide(ana) for _n in range(53)]
    shown = text(admin, "/decisions/")
    assert f"/decisions/{made[0].id}/" not in shown
    after = quote(f"{made[3].at.isoformat()}~{made[3].id}")
    rest = admin.get(f"/decisions/?after={after}", headers={"X-Rows": "1"}).content.decode()
    assert [f"/decisions/{each.id}/" in rest for each in made[:4]] == [True, True, True, False]


def test_the_anatomy_says_what_was_held_back_and_weighs_factor_by_factor(
    admin: Client, ana: int
) -> None:
    assortment()
    decision = decide(ana, context={"intent": "browse"})
    with db.connect() as conn:
        answered(ana, "Offer Rejected", _offer(conn, decision.offers[1].offer_id), decision)
    shown = text(admin, f"/decisions/{decision.id}/")
    for words in (
        "Why this was proposed", "Ana Silva", "Store 330", "room for 2 offers",
        "No treatment for this place", "Not valid at this moment", "Not suitable",
        "it asks that the trait city is Berlin", "it has no treatment for store",
        "Others came first", "the trait city is Porto", "5.0 %", "4.00", "probability 100 %",
        "Refused", "browse", "none yet: starting evidence only", str(decision.id),
    ):  # fmt: skip
        assert words in shown, words
    assert shown.index(">Cheese<") < shown.index(">Bread<")
    nothing = decide(ana, channel="ivr")
    shown = text(admin, f"/decisions/{nothing.id}/")
    assert "Why nothing was proposed" in shown
    assert "No offer came as far as being weighed" in shown


def test_a_replay_gives_the_same_answer_or_shows_the_difference(admin: Client, ana: int) -> None:
    assortment()
    decision = decide(ana)
    address = f"/decisions/{decision.id}/replay/"
    assert "Same answer" in text(admin, address)
    part = admin.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Same answer" in part
    assert "<h1" not in part
    with db.connect() as conn:  # as if somebody had tampered with the record
        conn.execute(
            "UPDATE decisions SET chosen = ARRAY[chosen[2], chosen[1]] WHERE id = %s",
            (decision.id,),
        )
    changed = text(admin, address)
    assert "A different answer" in changed
    assert "Cheese · 1" in changed


def test_the_simulator_puts_answers_side_by_side(admin: Client, ana: int) -> None:
    assortment()
    with db.connect() as conn:
        before = conn.execute("SELECT count(*) FROM decisions").fetchone()
    later = f"{clock.now() + timedelta(hours=3):%Y-%m-%dT%H:%M}"
    shown = text(
        admin,
        f"/decisions/simulator/?customer={ana}&channel=store&limit=2&at={later}"
        "&trait=city&value=Berlin",
    )
    now, then, changed = shown.split('class="card stack stack-2 snug case"')[1:]
    assert now.index(">Cheese<") < now.index(">Bread<")
    assert "Happy hour" in then
    assert "new here" in then
    assert "down from 1" in then
    assert "city: Berlin" in changed
    assert "Berlin only" in changed
    assert "it asks that the trait city is Porto" in changed  # why the cheese is gone
    assert "It is now: Porto" in shown
    with db.connect() as conn:
        assert conn.execute("SELECT count(*) FROM decisions").fetchone() == before
    asks = text(admin, "/decisions/simulator/")
    assert "What would this customer get?" in asks
    found = text(admin, "/decisions/find/?to=simulator&who=silva&channel=web")
    assert f"/decisions/simulator/?channel=web&amp;customer={ana}" in found
    assert f"/decisions/?customer={ana}" in text(admin, "/decisions/find/?who=silva")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=99", "There is room for 1 to 10 offers."),
        ("at=tomorrow", "Write the moment like"),
        (f"channel={'x' * 61}", "the channel is needed"),
    ],
)
def test_what_cannot_be_asked_is_said(admin: Client, ana: int, query: str, words: str) -> None:
    make()
    assert words in text(admin, f"/decisions/simulator/?customer={ana}&{query}")


def test_the_simulator_takes_odd_input_calmly(admin: Client, ana: int) -> None:
    make()
    address = "/decisions/simulator/"
    assert admin.get(f"{address}?customer=987654321").status_code == 404
    assert text(admin, f"{address}?customer=x&limit=x")
    assert text(admin, f"{address}?customer={ana}&at=&trait=%00a&segment=99&context_name=a")


def test_hostile_words_are_only_words(admin: Client, send: Send, customer_of: CustomerOf) -> None:
    send(told("eve", name=HOSTILE, city=HOSTILE), order("eve", store="330"))
    eve, place = customer_of("eve"), HOSTILE[:100]
    make(HOSTILE, suitability={"traits": [{"name": "city", "op": "there"}]},
         treatments=[{"channel": "store", "texts": {"title": HOSTILE}}])  # fmt: skip
    decision = decide(eve, location=place, placement=place, context={HOSTILE: HOSTILE})
    for address in (
        "/decisions/", f"/decisions/{decision.id}/", f"/decisions/{decision.id}/replay/",
        f"/decisions/?location={quote(place)}&customer={eve}", "/decisions/find/?who=script",
        f"/decisions/simulator/?customer={eve}&location={quote(place)}&trait={quote(place)}"
        f"&value={quote(place)}&context_name={quote(place)}&placement={quote(place)}",
    ):  # fmt: skip
        shown = text(admin, address)
        assert "<script>alert" not in shown, address


def test_an_analyst_sees_no_contact_details(sign_in: SignIn, ana: int) -> None:
    make(suitability={"traits": [{"name": "email", "value": "ana@secret.example"}]})
    make("Not hers", suitability={"traits": [{"name": "email", "value": "eve@secret.example"}]})
    decision = decide(ana)
    admin, analyst = sign_in("admin"), sign_in("analyst")
    address = f"/decisions/{decision.id}/"
    assert "ana@secret.example" in text(admin, address)
    simulator = f"/decisions/simulator/?customer={ana}&channel=store"
    for page in (address, f"{address}replay/", simulator):
        shown = text(analyst, page)
        assert "secret.example" not in shown, page
    assert "a detail that your role does not see" in text(analyst, address)
    assert "Your role does not see this detail" in text(analyst, f"{simulator}&trait=email&value=x")


def test_a_store_manager_sees_decisions_about_customers_of_the_own_stores(
    sign_in: SignIn, ana: int, customer_of: CustomerOf
) -> None:
    make()
    hers, his = decide(ana), decide(customer_of("ben"))
    manager = sign_in("store_manager")
    Staff.objects.filter(role="store_manager").update(locations=["330"])
    shown = text(manager, "/decisions/")
    assert f"/decisions/{hers.id}/" in shown
    assert f"/decisions/{his.id}/" not in shown
    assert manager.get(f"/decisions/{hers.id}/").status_code == 200
    for path in ("", "replay/"):
        assert manager.get(f"/decisions/{his.id}/{path}").status_code == 404
    ben = customer_of("ben")
    assert manager.get(f"/decisions/simulator/?customer={ben}").status_code == 404
    assert "Ben South" not in text(manager, f"/decisions/?customer={ben}")
    assert "Ben South" not in text(manager, "/decisions/find/?who=ben")


def test_a_stranger_and_nonsense_find_nothing(admin: Client) -> None:
    assert admin.get("/decisions/00000000-0000-0000-0000-000000000000/").status_code == 404
    assert admin.get("/decisions/nonsense/").status_code == 404
    assert Client().get("/decisions/").status_code == 302


def _offer(conn: db.Connection, id: int) -> Any:
    from touchloop.engage.offers import api as offers

    return offers.get(id, conn=conn)
