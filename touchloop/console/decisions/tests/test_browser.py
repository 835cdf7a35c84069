"""The rooms of offers and decisions in a real browser: made, proposed, explained, simulated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.console.offers.tests.test_offers import answered, make
from touchloop.console.tests.browser.conftest import (
    TOO_WIDE,
    Open,
    Shot,
    browser,
    looks,
    open_as,
    shot,
    window,
)
from touchloop.core import clock, db
from touchloop.engage.decisions import api as decisions
from touchloop.engage.offers import api as offers
from touchloop.engage.offers.api import Offer

__all__ = ["browser", "open_as", "shot", "window"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDEST = """[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right
 > document.documentElement.clientWidth + 1).map((e) => e.outerHTML.slice(0, 90)).slice(0, 8)"""


@pytest.fixture(autouse=True)
def nothing_compiled(transactional_db: None) -> Iterator[None]:
    """Numbers begin anew with each test's database."""
    decisions.forget()
    yield
    decisions.forget()


def treatment(title: str, text: str = "", **more: Any) -> dict[str, Any]:
    return {"channel": "store", "texts": {"title": title, "text": text}} | more


def assortment() -> list[Offer]:
    """Offers of every kind."""
    now = clock.now()
    porto = {"traits": [{"name": "city", "value": "Porto"}]}
    web = {"channel": "web", "placement": "banner", "template": "wide",
           "texts": {"title": "Käse und Wein", "text": "Nur diese Woche.", "button": "Ansehen",
                     "image_alt": "A board of cheese"}}  # fmt: skip
    return [
        make("10 % on cheese for those who have not had any for a month", value=4.0, holdout=0.2,
             suitability=porto, topic="food", lever=15.0, explore=0.05,
             treatments=[treatment("10 % on cheese", "At the counter, this week only."), web]),
        make("Bread and butter", value=3.0, holdout=0.1,
             treatments=[treatment("A loaf for the weekend")]),
        make("Wine tasting", value=2.0, starting_propensity=0.02,
             treatments=[treatment("Taste with us on Friday")]),
        make("Help with your card", kind="service", value=1.0,
             treatments=[treatment("Your card was not read: shall we replace it?")]),
        make("Berlin opening", suitability={"traits": [{"name": "city", "value": "Berlin"}]},
             treatments=[treatment("Our first store in Berlin")]),
        make("Happy hour", value=9.0, starts_at=(now + timedelta(hours=2)).isoformat(),
             treatments=[treatment("Two for one after five")]),
        make("Only on the web", treatments=[web]),
        make("Summer", ends_at=(now - timedelta(days=40)).isoformat()),
        make("Christmas hampers", state="draft"),
    ]  # fmt: skip


@pytest.fixture
def ana(send: Send, customer_of: CustomerOf) -> int:
    names = ["Ana <i>Silva</i> Wörterbuchverlagsgesellschaft", "مرحبا بن", "Cara Diaz", "Dan Ek"]
    people = [f"c{n}" for n in range(24)]
    send(*(told(who, name=names[n] if n < 4 else f"Household {n}", city="Porto")
           for n, who in enumerate(people)),
         *(order(who, store="330") for who in people))  # fmt: skip
    by_id = {each.id: each for each in assortment()}
    said = ("Offer Shown", "Offer Accepted", "Offer Rejected", "Offer Deferred")
    for n, who in enumerate(people):
        customer = customer_of(who)
        with db.connect() as conn:
            asked = decisions.Request(
                customer_id=customer, channel="store", location="330", placement="till", limit=2,
                context={"intent": "pay"}, now=clock.now() - timedelta(hours=n),
            )  # fmt: skip
            decision = decisions.decide(conn, asked)
        for each in decision.offers:
            answered(customer, said[0], by_id[each.offer_id], decision)
        if n % 2:
            answered(customer, said[n % 4], by_id[decision.offers[0].offer_id], decision)
    send(*(order(who, store="330") for who in people[::3]))
    with db.connect() as conn:
        decisions.learn(conn, clock.now() + timedelta(days=4))
    return customer_of("c0")


def test_an_offer_is_made_proposed_explained_and_simulated(
    open_as: Open, ana: int, shot: Shot
) -> None:
    page = open_as("admin", "/offers/")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Make an offer")).to_be_visible()
    page.get_by_label("Name", exact=True).first.fill("Olives")
    page.get_by_label("Value when taken").fill("40")
    suitability = page.locator("[data-policy=suitability]")
    suitability.get_by_role("button", name="Add a comparison").click()
    suitability.locator("input[name='suitability.name']").fill("city")
    suitability.locator("input[name='suitability.value']").fill("Porto")
    page.locator("select[name='treatment.channel']").select_option("store")
    page.locator("input[name='treatment.title']").fill("Olives for you")
    page.get_by_role("button", name="Add a treatment").click()
    page.locator("select[name='treatment.channel']").nth(1).select_option("email")
    shot(page, "offer-new")
    page.get_by_role("button", name="Make it and let it live").click()
    expect(page.get_by_role("heading", name="Olives", exact=True)).to_be_visible()
    expect(page.locator(".look")).to_have_count(2)
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Lever, percent").fill("25")
    page.get_by_role("button", name="Remove this treatment").nth(1).click()
    page.get_by_role("button", name="Compare before and after").click()
    expect(page.get_by_text("Nothing is changed yet")).to_be_visible()
    shot(page, "offer-compare")
    page.get_by_role("button", name="Save the change").click()
    expect(page.locator(".look")).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".toast")).to_contain_text("is paused")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".page-head .badge")).to_have_text("now")

    page.goto("/decisions/simulator/")
    page.keyboard.press("/")
    page.keyboard.type("silva")
    page.locator(".decisions-found a").first.click()
    expect(page.locator(".case")).to_have_count(2)
    expect(page.locator(".case").first.locator("a.lead").first).to_have_text("Olives")
    page.get_by_label("Trait").fill("city")
    page.get_by_label("becomes").fill("Berlin")
    page.get_by_role("button", name="Show what they would get").click()
    expect(page.locator(".case")).to_have_count(3)
    expect(page.locator(".case").last).to_contain_text("Berlin opening")
    expect(page.locator(".case-gone").last).to_contain_text("the trait city is Porto")
    shot(page, "simulator")

    page.get_by_role("link", name="Made").click()
    page.locator("main table a.lead").first.click()
    page.get_by_role("link", name="Replay").click()
    expect(page.locator("#replayed")).to_contain_text("Same answer")
    page.locator(".weighed .why summary").first.click()
    expect(page.locator(".why-panel").first).to_be_visible()
    shot(page, "decision-replayed")


def test_no_page_is_too_wide_in_any_light(open_as: Open, ana: int, shot: Shot) -> None:
    with db.connect() as conn:
        offer = next(each for each in offers.listing(conn=conn) if "cheese" in each.name)
        made = conn.execute("SELECT id FROM decisions ORDER BY at DESC LIMIT 1").fetchone()
    assert made is not None
    page = open_as("admin")
    for address in (
        "/offers/",
        f"/offers/{offer.id}/",
        f"/offers/{offer.id}/customers/",
        f"/offers/{offer.id}/versions/",
        f"/offers/{offer.id}/edit/",
        "/decisions/",
        f"/decisions/{made[0]}/",
        f"/decisions/simulator/?customer={ana}&channel=store&location=330&trait=city&value=Berlin",
    ):
        path = re.sub(r"\?.*", "", re.sub(r"[0-9a-f]{8}-[0-9a-f-]+|\d+", "one", address))
        for look in looks(page, address, 390, 1440):
            assert page.locator("h1").count() == 1, address
            assert page.evaluate(TOO_WIDE) <= 0, (address, look, page.evaluate(WIDEST))
            shot(page, f"{path.strip('/').replace('/', '-')}-{look}")
