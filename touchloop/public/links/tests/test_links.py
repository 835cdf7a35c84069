"""A link leads where its template led; what is kept depends on who follows, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.channels.email import links, tokens
from touchloop.channels.email.links import PERSON, SCANNER, Visit, by_whom
from touchloop.channels.email.tests.conftest import NOON, Server, Shop
from touchloop.channels.tests.conftest import told
from touchloop.core import clock

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Wait = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Wait:
    def wait(seconds: float) -> None:
        at = NOON + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: at)

    return wait


@pytest.fixture
def found(shop: Shop, mail: Server) -> list[str]:
    """The paths of the two links and the picture in a message of somebody who agreed."""
    shop.write()
    shop.send(shop.customer(measured=True))
    raw = mail.taken[0][2].replace(b"=\r\n", b"").replace(b"=3D", b"=")
    html = raw.decode("utf-8", "replace").partition("text/html")[2]
    paths = re.findall(r"https://crm\.shop\.example(/c/[lo]/[0-9a-f]+(?:\.gif)?)", html)
    assert len(paths) == 3
    return paths


def touches(shop: Shop) -> list[tuple[str, str, bool]]:
    rows = shop.conn.execute(
        "SELECT by, reason, link_id > 0 FROM message_touches ORDER BY id"
    ).fetchall()
    shop.conn.commit()
    return list(rows)


def test_a_click_leads_on_and_is_told_once(shop: Shop, found: list[str], later: Wait) -> None:
    later(3600)
    for _ in range(2):
        answer = Client().get(found[0], headers={"User-Agent": BROWSER})
        assert answer.status_code == 302
        assert answer["Location"] == "https://shop.example/deli?a=1&b=2"
        assert answer["Referrer-Policy"] == "no-referrer" and not answer.cookies
    assert touches(shop) == [(PERSON, "", True)] * 2
    clicks = [news for news in told(shop.conn) if news["event"] == "Message Clicked"]
    assert len({news["messageId"] for news in clicks}) == 1


def test_an_opening_is_a_picture(shop: Shop, found: list[str], later: Wait) -> None:
    later(3600)
    answer = Client().get(found[2], headers={"User-Agent": BROWSER})
    assert answer.status_code == 200 and answer.content.startswith(b"GIF89a")
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert touches(shop) == [(PERSON, "", False)]


def test_who_withdrew_since_is_led_on_and_nothing_is_kept(
    shop: Shop, found: list[str], later: Wait
) -> None:
    subject = shop.conn.execute("SELECT subject_id FROM deliveries").fetchone()
    assert subject is not None
    shop.say_use(subject[0], "measure", "denied")
    shop.conn.commit()
    later(3600)
    assert Client().get(found[0], headers={"User-Agent": BROWSER}).status_code == 302
    assert Client().get(found[2], headers={"User-Agent": BROWSER}).status_code == 200
    assert touches(shop) == [] and "Message Clicked" not in [n["event"] for n in told(shop.conn)]


def test_scanners_are_kept_as_what_they_are(shop: Shop, found: list[str], later: Wait) -> None:
    later(1)
    Client().get(found[0], headers={"User-Agent": BROWSER})
    later(3600)
    Client().head(found[0], headers={"User-Agent": BROWSER})
    Client().get(found[0], headers={"User-Agent": "python-requests/2"})
    Client().get(found[0])
    assert [by for by, _why, _link in touches(shop)] == [SCANNER] * 4
    assert len({why for _by, why, _link in touches(shop)}) == 3
    assert "Message Clicked" not in [news["event"] for news in told(shop.conn)]


def test_many_links_at_once_are_a_program_also_those_before(
    shop: Shop, mail: Server, later: Wait
) -> None:
    urls = "".join(f'<a href="https://shop.example/{n}">{n}</a>' for n in range(4))
    shop.write(markup="html", body=f"<p>{urls}</p>", text="x")
    shop.send(shop.customer(measured=True))
    raw = mail.taken[0][2].replace(b"=\r\n", b"").decode("utf-8", "replace")
    later(3600)
    for path in re.findall(r"crm\.shop\.example(/c/l/[0-9a-f]+)", raw):
        Client().get(path, headers={"User-Agent": BROWSER})
    assert touches(shop) == [(SCANNER, "many links at once", True)] * 4


@given(
    st.datetimes(NOON.replace(tzinfo=None)),
    st.lists(st.tuples(st.integers(1, 3), st.floats(0, 60))),
)
def test_a_person_is_whoever_gives_no_reason_to_think_otherwise(
    at: datetime, clicks: list[tuple[int, float]]
) -> None:
    at = at.replace(tzinfo=NOON.tzinfo)
    others = [(link, at - timedelta(seconds=before)) for link, before in clicks]
    by, why = by_whom(Visit(at, "GET", BROWSER), handed_at=at - timedelta(hours=1), others=others)
    close = {link for link, when in others if at - when <= links.AT_ONCE}
    assert (by == SCANNER) == (len(close) >= links.MANY_LINKS) == bool(why)


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_token_that_we_did_not_write_says_nothing(junk: bytes, place: int, change: int) -> None:
    good = bytes.fromhex(tokens.make(tokens.CLICK, 17, 4))
    assert tokens.read(tokens.CLICK, good.hex(), numbers=2) == (17, 4)
    assert tokens.read(tokens.CLICK, junk.hex(), numbers=2) is None
    at = place % len(good)
    other = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
    assert tokens.read(tokens.CLICK, other.hex(), numbers=2) is None
    assert tokens.read(tokens.UNSUBSCRIBE, good.hex(), numbers=2) is None


def test_tokens_of_a_former_secret_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLOOP_SECRET_KEY", "a" * 40)
    old = tokens.make(tokens.CLICK, 1, 2)
    monkeypatch.setenv("TOUCHLOOP_SECRET_KEY", "b" * 40)
    assert tokens.read(tokens.CLICK, old, numbers=2) is None
    monkeypatch.setenv("TOUCHLOOP_OLD_SECRET_KEYS", "c" * 40 + "," + "a" * 40)
    assert tokens.read(tokens.CLICK, old.upper(), numbers=2) == (1, 2)


@pytest.mark.parametrize(
    "path",
    [
        "/c/l/x", "/c/l/" + "0" * 58, "/c/l/https://evil.example", "/c/l/?url=https://evil.example",
        "/c/l//evil.example", "/c/l/%2F%2Fevil.example", "/c/o/x.gif", "/c/l/é", "/c/o/.gif",
    ],
)  # fmt: skip
def test_no_other_address_leads_anywhere(path: str, shop: Shop) -> None:
    answer = Client().get(path, headers={"User-Agent": BROWSER})
    assert answer.status_code == 404 and "Location" not in answer


def test_a_link_takes_nothing_but_looking(found: list[str]) -> None:
    assert Client(enforce_csrf_checks=True).post(found[0]).status_code == 405


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil", "https:evil", "javascript:x", "https://a@b.example/", "ftp://x/",
     "https://x.example/a b", "https://x.example\\@evil", "https://", "http:///x", "https://x\n/"],
)  # fmt: skip
def test_only_plain_addresses_of_the_web_may_be_led_to(address: str) -> None:
    assert not links.may_lead_to(address)
    assert links.may_lead_to("https://x.example/a?b=c&d=//e#f")
