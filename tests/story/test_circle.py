"""The whole circle, from the outside: one order at a till, and what comes of it.

Everything is real: `touchloop serve` with all its parts, the client library that shops use, a mail
server, a browser, a till that speaks HTTP, and the command line at the end.
"""

from __future__ import annotations

import importlib
import json
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.platform.installation import Installation, eventually
from tests.story import shop
from touchloop.api import keys
from touchloop.channels.email.tests.conftest import Server, listening
from touchloop.console.tests.browser.conftest import browser
from touchloop.console.tests.conftest import built
from touchloop.core import clock, postgres
from touchloop.core.db import Connection

__all__ = ["browser", "built"]
pytestmark = pytest.mark.browser
WAIT = 20_000  # milliseconds that a page may take on a busy machine
NEIGHBOURS = ("cleo", "dana", "emil", "finn")


@dataclass
class World:
    """The installation that serves, and what outsiders hold of it: keys, and their mailbox."""

    house: Installation
    mail: Server
    conn: Connection
    source: dict[str, Any]
    secret: str
    agent: dict[str, Any]

    @property
    def console(self) -> str:
        return f"http://localhost:{self.house.port}"

    def library(self) -> Any:
        """What a shop has built in: the client library, told where our door is."""
        return importlib.import_module("segment.analytics.client").Client(
            self.source["write_key"], host=f"http://127.0.0.1:{self.house.port + 1}"
        )

    def till(self, path: str, **body: Any) -> dict[str, Any]:
        """What the till of store 330 is answered at the door for decisions."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.house.port + 2}{path}",
            data=json.dumps({"location": shop.STORE, **body}).encode(),
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def decide(self, who: str) -> dict[str, Any]:
        return self.till("/v1/decide", channel="store", customer=_named(who))

    def mails(self, who: str) -> list[EmailMessage]:
        """What lies in somebody's mailbox."""
        return [
            message_from_bytes(raw, policy=policy.default)
            for _sender, recipients, raw in list(self.mail.taken)
            if recipients == [f"{who}@mail.example"]
        ]

    def mail_about(self, who: str, words: str) -> EmailMessage:
        """The mail with these words in its subject, once it is there."""
        found = eventually(
            lambda: next((m for m in self.mails(who) if words in str(m["subject"])), None)
        )
        assert found, (words, [str(each["subject"]) for each in self.mails(who)])
        assert isinstance(found, EmailMessage)
        return found

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.conn.execute(query.encode(), values).fetchall()


@pytest.fixture
def world(built: None) -> Iterator[World]:
    with listening() as mail, tempfile.TemporaryDirectory(prefix="tl-story-", dir="/tmp") as home:
        house = Installation(
            home=Path(home),
            settings={
                "TOUCHLOOP_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
                "TOUCHLOOP_MAIL_FROM": "The shop <hello@shop.example>",
                "TOUCHLOOP_POSTAL_ADDRESS": "1 High Street, Springfield",
            },
        )
        try:
            house.serve()
            source = house.json("source", "add", "Shop", "--kind", "till", "--trusted")
            agent = house.json("user", "add", "sam@shop.example", "--role", "service")
            with closing(psycopg.connect(postgres.url(house.home), autocommit=True)) as conn:
                with conn.transaction():
                    shop.set_up(conn, now=clock.now())
                    _key, secret = keys.create(conn, "Tills", now=clock.now())
                yield World(house, mail, conn, source, secret, agent)
            house.stop()
        finally:
            house.destroy()


def test_one_order_goes_round_the_circle(world: World, browser: Browser) -> None:
    _everybody_shops(world)
    letter = world.mail_about("ana", "Something to taste")
    _the_mail_says_what_it_must(letter)
    _ana_looks_at_her_choices(letter, browser)
    _ben_is_shown_it_at_the_till(world)
    assert [each["offer"] for each in world.decide("ana")["offers"]] == [shop.OFFER]

    for who in NEIGHBOURS:
        _answers(world, browser, who, 9)
    _answers(world, browser, "ana", 2, "Nobody at the deli counter")
    assert eventually(lambda: world.rows("SELECT kind FROM cases WHERE state = 'open'"))
    muted = world.decide("ana")
    assert muted["offers"] == []
    [held] = muted["held"]
    assert held["stage"] == "muted" and "being looked into" in held["reason"]
    assert [each["offer"] for each in world.decide("cleo")["offers"]] == [shop.OFFER]

    with closing(browser.new_context(base_url=world.console, locale="en-GB")) as context:
        context.set_default_timeout(WAIT)
        page = context.new_page()
        _sam_signs_in(world, page)
        _the_scorecard_counts_them(page)
        _sam_closes_the_case(page)
    assert [each["offer"] for each in world.decide("ana")["offers"]] == [shop.OFFER]
    again = world.mail_about("ana", "how we dealt with it")
    assert "/c/s/" in _text(again)
    _the_story_is_told(world)


def _everybody_shops(world: World) -> None:
    """Six customers sign at the counter and pay; all but Ben agree to mail."""
    client, zone = world.library(), shop.noon(clock.now())
    for number, who in enumerate(("ana", "ben", *NEIGHBOURS)):
        traits = {"name": who.title(), "timezone": zone}
        if who != "ben":
            traits["email"] = f"{who}@mail.example"
        client.identify(who, traits)
        client.track(who, "Consent Given", shop.agreed(mail=who != "ben"))
        client.track(
            who,
            "Order Completed",
            shop.basket(number),
            context={"touchpoint": {"channel": "store", "location": shop.STORE}},
        )
    client.shutdown()
    inside = eventually(lambda: len(world.rows("SELECT 1 FROM segment_members")) == 6)
    assert inside, "the customers did not enter the segment"


def _the_mail_says_what_it_must(letter: EmailMessage) -> None:
    """Both parts, why it came, and a way out by one click (RFC 8058)."""
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.search(
        r"<http://localhost:\d+/c/u/[^>]+>", letter["List-Unsubscribe"].replace(" ", "")
    )
    assert {part.get_content_type() for part in letter.walk()} == {
        "multipart/alternative", "text/plain", "text/html",
    }  # fmt: skip
    for part in ("plain", "html"):
        said = _text(letter, part)
        assert "Taste our deli counter" in said
        assert "You shop with us and have not been at the deli counter." in said
        assert "1 High Street, Springfield" in said


def _ana_looks_at_her_choices(letter: EmailMessage, browser: Browser) -> None:
    """The link at the end leads to her choices: without sign-in, without a script."""
    found = re.search(r"Change what we send and use: (\S+)", _text(letter))
    assert found
    with closing(browser.new_context(java_script_enabled=False, locale="en-GB")) as context:
        page = context.new_page()
        page.goto(found[1], timeout=WAIT)
        expect(page.get_by_role("heading", name="Offers")).to_be_visible()
        page.get_by_role("button", name="Keep my choices").click()
        expect(page.get_by_role("status")).to_contain_text("Your choices are kept")


def _ben_is_shown_it_at_the_till(world: World) -> None:
    """Who may not be written to is told by whoever serves him."""
    ben = {"channel": "store", "customer": _named("ben")}
    found = eventually(lambda: world.till("/v1/prompts", **ben)["prompts"])
    assert [each["offer"] for each in found] == [shop.OFFER]
    assert found[0]["data"]["offer"]["heading"] == "Taste our deli counter"
    world.till("/v1/prompts/answer", prompt=found[0]["prompt"], answer="accepted")
    assert world.till("/v1/prompts", **ben)["prompts"] == []
    assert world.mails("ben") == []


def _answers(world: World, browser: Browser, who: str, score: int, words: str = "") -> None:
    """Open the invitation as a person would, and answer on the page."""
    letter = world.mail_about(who, "recommend us")
    found = re.search(r"http://localhost:\d+/c/s/[\w-]+", _text(letter))
    assert found
    with closing(browser.new_context(java_script_enabled=False, locale="en-GB")) as context:
        page = context.new_page()
        page.goto(found[0], timeout=WAIT)
        page.get_by_role("radio", name=str(score), exact=True).check()
        page.get_by_label("What is the main reason").fill(words)
        page.get_by_role("button", name="Send answer").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT)


def _sam_signs_in(world: World, page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(world.agent["email"])
    page.get_by_label("Password").fill(world.agent["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{world.console}/")


def _the_scorecard_counts_them(page: Page) -> None:
    """Five answers at store 330: four promoters and a detractor are a score of 60."""
    page.goto("/scorecards/?by=location")
    row = page.get_by_role("row").filter(has_text=shop.STORE)
    expect(row).to_contain_text("60")
    expect(row).to_contain_text("5")


def _sam_closes_the_case(page: Page) -> None:
    page.goto("/cases/")
    page.locator("a.lead").first.click()
    expect(page.locator(".case-words")).to_contain_text("Nobody at the deli counter")
    page.get_by_role("button", name="Close the case").first.click()
    dialog = page.locator("#case-close")
    dialog.locator("textarea").fill("Called Ana; there will be somebody on Fridays.")
    dialog.get_by_role("button", name="Close the case").click()
    expect(page.locator(".toast").last).to_contain_text("asked how it was")


def _the_story_is_told(world: World) -> None:
    """`touchloop story` knows each station of Ana's way."""
    told: dict[str, Any] = eventually(lambda: _whole_story(world))
    assert told, world.house.json("story", "ana")
    stations = told["stations"]
    assert any(each["what"] == "Order Completed" for each in stations["captured"])
    assert stations["understood"][0]["what"] == "entered: Never at the deli counter"
    assert stations["engaged"][0]["what"] == "To the deli counter"
    assert [each["data"]["state"] for each in stations["delivered"]] == ["handed"] * 3
    assert any("nps 2" in each["told"] for each in stations["measured"])
    assert [each["what"].partition(":")[0] for each in stations["acted"]] == [
        "case opened", "case closed",
    ]  # fmt: skip
    printed = world.house.run("story", "ana")
    assert printed.returncode == 0
    assert "another decision on store" in printed.stdout


def _whole_story(world: World) -> dict[str, Any] | None:
    """The story once the last mail stands in it as handed over."""
    told = world.house.json("story", "ana")
    states = [each["data"]["state"] for each in told["stations"]["delivered"]]
    return told if states == ["handed"] * 3 else None


def _named(who: str) -> dict[str, str]:
    return {"namespace": "user_id", "value": who}


def _text(letter: EmailMessage, part: str = "plain") -> str:
    body = letter.get_body((part,))
    assert body is not None
    return str(body.get_content())
