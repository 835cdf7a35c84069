"""Looking changes nothing; one click and one form change exactly what they say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from touchloop.channels import api
from touchloop.channels.email import tokens
from touchloop.channels.email.tests.conftest import NOON, Server, Shop
from touchloop.channels.tests.conftest import told
from touchloop.consent import api as consent
from touchloop.core import clock

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def sent(shop: Shop, mail: Server) -> int:
    """The customer of a message that arrived."""
    shop.write()
    id = shop.customer()
    shop.send(id)
    return id


def ledger(shop: Shop) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for table in ("contact_grants", "use_grants", "contact_pace", "suppressions", "inbox"):
        rows += shop.conn.execute(f"SELECT '{table}', t::text FROM {table} t ORDER BY 2").fetchall()
    shop.conn.commit()
    return rows


def leave(mail: Server) -> str:
    found = re.search(
        rb"List-Unsubscribe: <https://crm\.shop\.example(/c/u/\w+)>", mail.taken[0][2]
    )
    assert found
    return found[1].decode()


def choices(id: int) -> str:
    return f"/c/p/{tokens.make(tokens.PREFERENCES, id, NOON.date().toordinal())}"


def state(shop: Shop, id: int, topic: str = "offers") -> str:
    person = consent.read(shop.conn, [id]).get(id, consent.NOBODY_SAID_ANYTHING)
    shop.conn.commit()
    return consent.decide(
        person, purpose="marketing", categories=("bought",), channel="email", topic=topic
    ).verdict


def test_a_thousand_looks_change_nothing(shop: Shop, sent: int, mail: Server) -> None:
    before = ledger(shop)
    for path in (leave(mail), choices(sent)):
        for client in (Client(), Client(headers={"User-Agent": "scanner"})):
            assert client.get(path).status_code == 200
            assert client.head(path).status_code == 200
            assert client.get(f"{path}?List-Unsubscribe=One-Click&all=no").status_code == 200
            assert client.options(path).status_code == 405
            assert client.delete(path).status_code == 405
    assert ledger(shop) == before and state(shop, sent) == "allow"


def test_one_click_without_cookies_holds_at_once(shop: Shop, sent: int, mail: Server) -> None:
    waiting = api.Wanted(sent, "marketing", "offers", "deli", "later", ("email",), {},
                         not_before=NOON + timedelta(days=2))  # fmt: skip
    api.request(shop.conn, [waiting], now=NOON)
    shop.conn.commit()
    answer = Client(enforce_csrf_checks=True).post(leave(mail), ONE_CLICK)
    assert answer.status_code == 200 and not answer.cookies
    assert state(shop, sent) == "deny" and state(shop, sent, "news") == "allow"
    assert [n["properties"]["topic"] for n in told(shop.conn) if n["event"] == "Unsubscribed"] == [
        "offers"
    ]
    at = NOON + timedelta(days=2)
    api.hand_off(shop.conn, at, 10)
    assert len(mail.taken) == 1
    assert Client().post(leave(mail), ONE_CLICK).status_code == 200  # again is no error


def test_a_post_that_says_nothing_does_nothing(shop: Shop, sent: int, mail: Server) -> None:
    before = ledger(shop)
    assert Client().post(leave(mail), {}).status_code == 400
    assert Client().post(leave(mail), {"List-Unsubscribe": "x"}).status_code == 400
    assert ledger(shop) == before


def test_the_button_on_the_page_does_the_same(shop: Shop, sent: int, mail: Server) -> None:
    page = Client().get(leave(mail)).content.decode()
    assert "Offers" in page and "p0@example.com" not in page and "Ana" not in page
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)"', page))
    answer = Client(enforce_csrf_checks=True).post(leave(mail), fields)
    assert answer.status_code == 200 and b"unsubscribed" in answer.content
    assert state(shop, sent) == "deny"


def test_the_page_shows_choices_and_nothing_else_that_is_held(shop: Shop, sent: int) -> None:
    page = Client().get(choices(sent)).content.decode()
    assert "Ana" not in page and "p0@example.com" not in page and str(sent) not in re.findall(
        r">([^<]*)<", page
    )  # fmt: skip
    assert "<script" not in page and 'lang="en"' in page
    ticked = re.findall(r'name="([^"]+)" value="([^"]+)" checked', page)
    assert ("contact:email:offers", "yes") in ticked
    assert [name for name, value in ticked if value == "yes" and name.startswith("use:")] == [
        "use:marketing"
    ]  # which she had said herself


def test_nothing_is_ticked_for_who_said_nothing(shop: Shop, mail: Server) -> None:
    shop.write()
    page = Client().get(choices(shop.customer(agreed=False))).content.decode()
    assert [name for name, _v in re.findall(r'name="([^"]+)" value="([^"]+)" checked', page)] == [
        "per_week"
    ]


def test_yes_and_no_are_kept_as_said(shop: Shop, mail: Server) -> None:
    shop.write()
    id = shop.customer(agreed=False)
    assert state(shop, id) == "ask"
    said = {"contact:email:offers": "yes", "use:personalise": "no", "contact:email:forged": "yes",
            "use:special": "yes"}  # fmt: skip
    client = Client(enforce_csrf_checks=True)
    answer = client.post(choices(id), said)
    assert answer.status_code == 303 and answer["Location"].startswith(choices(id))
    assert b"Your choices are kept" in client.get(answer["Location"]).content
    assert state(shop, id) == "allow" and state(shop, id, "forged") == "ask"
    person = consent.read(shop.conn, [id])[id]
    assert person.use["personalise", ""].state == "denied"
    assert ("special", "") not in person.use and ("email", "forged") not in person.contact
    before = ledger(shop)
    client.post(choices(id), said)
    assert ledger(shop) == before  # saying the same again writes nothing


def test_whoever_refused_marketing_is_not_overruled_by_a_topic(
    shop: Shop, mail: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write()
    id = shop.customer(agreed=False)
    shop.say_use(id, "marketing", "objected")
    shop.conn.commit()
    Client().post(choices(id), {"contact:email:offers": "yes"})
    assert state(shop, id) == "deny"
    assert "no topic brings you anything" in Client().get(choices(id)).content.decode()
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(minutes=1))
    Client().post(choices(id), {"use:marketing": "yes"})
    assert state(shop, id) == "allow"


def test_a_no_to_marketing_wins_over_a_topic_in_the_same_form(shop: Shop, mail: Server) -> None:
    shop.write()
    id = shop.customer(agreed=False)
    Client().post(choices(id), {"contact:email:offers": "yes", "use:marketing": "no"})
    assert state(shop, id) == "deny"


@pytest.mark.parametrize(("answer", "verdict"), [("no", "deny"), ("yes", "allow")])
def test_one_button_answers_everything_and_both_are_the_same_size(
    shop: Shop, sent: int, answer: str, verdict: str
) -> None:
    page = Client().get(choices(sent)).content.decode()
    yes, no = re.findall(r'<button type="submit"( name="all" value="(?:yes|no)")>', page)
    assert yes.replace("yes", "no") == no
    Client().post(choices(sent), {"all": answer, "contact:email:offers": "yes"})
    assert state(shop, sent) == verdict
    person = consent.read(shop.conn, [sent])[sent]
    word = "granted" if answer == "yes" else "denied"
    assert {person.use[p, ""].state for p in ("personalise", "profile", "measure")} == {word}


def test_a_pause_and_less_often(shop: Shop, sent: int) -> None:
    Client().post(choices(sent), {"pause": "30", "per_week": "1"})
    pace = api.paces(shop.conn, [sent])[sent]
    assert pace == api.Pace(NOON + timedelta(days=30), 1)
    shop.conn.commit()
    page = Client().get(choices(sent)).content.decode()
    assert "You have a pause until April 1, 2026" in page and "End the pause" in page
    Client().post(choices(sent), {"pause": "0", "per_week": "0"})
    assert api.paces(shop.conn, [sent])[sent] == api.Pace(None, None)
    shop.conn.commit()
    Client().post(choices(sent), {"pause": "31", "per_week": "-1"})
    assert api.paces(shop.conn, [sent])[sent] == api.Pace(None, None)


def test_wrong_old_and_gone_get_one_answer(
    shop: Shop, sent: int, mail: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = choices(sent)
    gone = f"/c/p/{tokens.make(tokens.PREFERENCES, 999_999, NOON.date().toordinal())}"
    early = NOON.date().toordinal() + 1
    wrong = [
        good[:-1] + ("0" if good[-1] != "0" else "1"), gone, "/c/p/x", "/c/p/" + "0" * 58,
        f"/c/p/{tokens.make(tokens.PREFERENCES, sent, early)}", leave(mail).replace("/u/", "/p/"),
        good.replace("/p/", "/u/"), f"/c/u/{tokens.make(tokens.UNSUBSCRIBE, 1, 999_999)}",
    ]  # fmt: skip

    def answered(path: str, method: str) -> tuple[int, str]:
        answer = getattr(Client(), method)(path, {"all": "no", **ONE_CLICK})
        return answer.status_code, re.sub(r'nonce="[^"]+"', "", answer.content.decode())

    before = ledger(shop)
    answers = {answered(path, method) for path in wrong for method in ("get", "post")}
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=401))
    answers.add(answered(good, "get"))
    assert len(answers) == 1 and answers.pop()[0] == 404
    assert Client().get(leave(mail)).status_code == 200  # unsubscribing never grows old
    assert ledger(shop) == before


def test_every_mailbox_that_asks_for_a_link_gets_one_answer(
    shop: Shop, sent: int, mail: Server
) -> None:
    pages = {
        Client(enforce_csrf_checks=True).post("/c/p/", {"address": address}).content.partition(
            b"<main>"
        )[2]
        for address in ("P0@example.com", "nobody@example.com", "no address", "", "p0@example.com")
    }  # fmt: skip
    assert len(pages) == 1
    api.hand_off(shop.conn, NOON, 10)
    assert len(mail.taken) == 2 and mail.taken[1][1] == ["p0@example.com"]
    assert b"/c/p/" in mail.taken[1][2].replace(b"=\r\n", b"")
    assert Client().get("/c/p/").status_code == 200
