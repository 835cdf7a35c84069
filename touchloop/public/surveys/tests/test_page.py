"""The survey's page: without a script, without a cookie, and nothing by merely looking."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from touchloop.core.db import Connection
from touchloop.experience.surveys import api
from touchloop.experience.surveys.tests.conftest import (
    NOON,
    Clock,
    Make,
    People,
    conn,
    held_clock,
    make,
    people,
    post,
    waiting_tokens,
)

__all__ = ["conn", "held_clock", "make", "people", "post"]

STORE = ("store", "330")


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def page(conn: Connection, people: People, make: Make) -> str:
    (ana,) = people.add()
    api.invite(conn, [ana], survey=make(), touchpoint=STORE, cause="c", now=NOON)
    conn.commit()
    return f"/c/s/{waiting_tokens(conn)[ana]}"


def _shown(html: bytes) -> str:
    found = re.search(r'name="shown" value="([^"]+)"', html.decode())
    assert found
    return found[1]


def _answers(conn: Connection) -> list[tuple[int, str]]:
    conn.rollback()
    return [(given.score, given.text) for given in api.answers(conn)]


def test_looking_answers_nothing(client: Client, conn: Connection, page: str) -> None:
    for _n in range(20):
        assert client.get(page).status_code == 200
        assert client.head(page).status_code == 200
        assert client.get(page + "?score=9&text=spam&shown=x").status_code == 200
    assert client.options(page).status_code == 405
    assert client.put(page).status_code == 405
    assert _answers(conn) == [] and api.look(conn, page[5:], now=NOON).state == "invited"


def test_a_form_a_reader_can_use(client: Client, page: str) -> None:
    html = client.get(page).content.decode()
    assert html.count('type="radio" name="score"') == 11
    assert "<fieldset" in html and "<legend><h1>How likely" in html
    assert '<html lang="en"' in html and "<title>How likely" in html
    assert '<label class="why" for="text">' in html and "<script" not in html
    assert html.count("aria-describedby") == 2
    assert " checked" not in html
    assert 'value="9" checked' in client.get(page + "?score=9").content.decode()
    assert " checked" not in client.get(page + "?score=99").content.decode()
    assert " checked" not in client.get(page + "?score=%F0%9F%92%A9").content.decode()


def test_an_answer_is_kept_once_and_never_shown_again(
    client: Client, conn: Connection, page: str, held_clock: Clock
) -> None:
    shown = _shown(client.get(page).content)
    held_clock.at += timedelta(seconds=21)
    sent = {"score": "8", "text": "Good\r\nbread <b>", "shown": shown}
    answer = client.post(page, sent)
    assert answer.status_code == 200 and b"Thank you" in answer.content
    assert _answers(conn) == [(8, "Good\nbread <b>")]
    assert conn.execute("SELECT seconds FROM answers").fetchone() == (21.0,)
    for again in (
        client.post(page, {"score": "1"}),
        client.get(page),
        client.get(page + "?score=1"),
    ):
        assert again.status_code == 200 and b"Thank you" in again.content
        assert b"bread" not in again.content and b"radio" not in again.content
    assert _answers(conn) == [(8, "Good\nbread <b>")]


def test_a_missing_score_is_said_and_what_was_written_is_kept(
    client: Client, conn: Connection, page: str
) -> None:
    answer = client.post(page, {"text": "about <the> bread", "shown": "forged"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'role="alert"' in html and 'aria-describedby="error"' in html
    assert "about &lt;the&gt; bread" in html and "Something is missing" in html
    for wrong in ("11", "-1", "x", "", "9" * 50, "٣"):
        assert client.post(page, {"score": wrong}).status_code == 422
    assert client.post(page, {"score": "5", "text": "x" * 5_000}).status_code == 422
    assert _answers(conn) == []
    assert client.post(page, {"score": "5", "shown": "forged"}).status_code == 200
    assert conn.execute("SELECT seconds FROM answers").fetchone() == (None,)


def test_every_wrong_address_has_the_same_page(client: Client, page: str, make: Make) -> None:
    survey = api.address(make("other"), touchpoint=STORE)
    place = survey[survey.index("/c/") :]
    wrong = (
        "/c/s/x", page[:-1], page + "a", "/c/s/" + "A" * 300, "/c/q/none/abc", place[:-1],
        place.replace("other", "visit"), "/c/q/other/%00",
    )  # fmt: skip
    pages = {
        (answer.status_code, answer.content)
        for address in wrong
        for answer in (client.get(address),)
    }
    bare = {(status, re.sub(rb'nonce="[^"]+"', b"", content)) for status, content in pages}
    assert len(bare) == 1 and {status for status, _content in bare} == {404}
    assert client.post("/c/s/x", {"score": "5"}).status_code == 404


def test_too_late(client: Client, conn: Connection, page: str, held_clock: Clock) -> None:
    held_clock.at += timedelta(days=15)
    assert client.get(page).status_code == 410
    assert client.post(page, {"score": "5"}).status_code == 410
    assert _answers(conn) == []


def test_what_the_page_tells_the_browser(client: Client, page: str) -> None:
    answer = client.get(page)
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert "script-src" in answer["Content-Security-Policy"]
    assert not answer.cookies


def test_a_code_at_a_store(
    client: Client, conn: Connection, make: Make, people: People, held_clock: Clock
) -> None:
    ratings = (api.Rating("staff", "The people"), api.Rating("queue", "The queue"))
    words = api.Words("Satisfied?", "not at all", "very", "Why?", ratings, "See you soon!")
    survey = make("till", "csat", words=words)
    address = api.address(survey, touchpoint=STORE)
    page = address[address.index("/c/") :]
    html = client.get(page).content.decode()
    assert html.count('type="radio"') == 15 and "The queue" in html
    sent = {"score": "2", "rating_staff": "5", "rating_none": "1", "shown": _shown(html.encode())}
    assert client.post(page, sent).status_code == 422
    del sent["rating_none"]
    done = client.post(page, sent)
    assert done.status_code == 200 and b"See you soon!" in done.content
    assert _answers(conn) == [(2, "")]
    assert b"See you soon!" in client.get(page).content  # this browser answered already
    other = Client()
    assert b"See you soon!" in other.post(page, sent).content  # the same page sent again
    assert len(_answers(conn)) == 1
    assert other.post(page, {**sent, "shown": "forged"}).status_code == 404
