"""Answers: once, in one transaction with what follows, never read back, odd ones flagged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from touchloop.channels.tests.conftest import told
from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound, Unavailable
from touchloop.experience.surveys import api, places, quality
from touchloop.experience.surveys.signing import read, signed
from touchloop.experience.surveys.tests.conftest import (
    NOON,
    NPS_WORDS,
    Clock,
    Make,
    People,
    waiting_tokens,
)
from touchloop.records.cases import api as cases

Invite = Callable[..., dict[int, str]]
STORE = ("store", "330")


@pytest.fixture
def invite(conn: Connection) -> Invite:
    def ask(survey: api.Survey, subjects: list[int]) -> dict[int, str]:
        api.invite(conn, subjects, survey=survey, touchpoint=STORE, cause="c", now=NOON)
        conn.commit()
        return waiting_tokens(conn)

    return ask


def _events(conn: Connection, name: str) -> list[dict[str, object]]:
    return [each["properties"] for each in told(conn) if each["event"] == name]


def test_an_answer_its_news_and_its_case_are_one(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    token = invite(make(), [ana])[ana]
    reply = api.Reply(3, " Waited 40 minutes \0", {}, 12.5)
    assert api.answer(conn, token, reply, at=NOON) == "answered"
    conn.rollback()
    assert (
        api.answers(conn) == []
        and cases.listing(conn) == []
        and _events(conn, "Survey Answered") == []
    )
    assert api.answer(conn, token, reply, at=NOON) == "answered"
    conn.commit()
    (given,) = api.answers(conn)
    assert (given.customer_id, given.score, given.text) == (ana, 3, "Waited 40 minutes")
    assert (given.channel, given.location, given.mode, given.source) == (*STORE, "message", "")
    (answered,) = _events(conn, "Survey Answered")
    assert answered == {
        "survey": "visit", "kind": "nps", "channel": "message", "score": 3, "answer_id": given.id,
    }  # fmt: skip
    (case,) = cases.listing(conn)
    assert (case.kind, case.subject_id, case.location) == ("detractor", ana, "330")
    assert case.cause == f"answer:{given.id}" and case.story == "Waited 40 minutes"
    assert cases.selling_muted(conn, [ana]) == {ana: "detractor_open"}


def test_the_first_answer_stands(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    token = invite(make(), [ana])[ana]
    assert api.answer(conn, token, api.Reply(9), at=NOON) == "answered"
    assert api.answer(conn, token, api.Reply(0), at=NOON) == "already"
    assert [given.score for given in api.answers(conn)] == [9]
    assert cases.listing(conn) == []
    seen = api.look(conn, token, now=NOON)
    assert seen.state == "answered" and not hasattr(seen, "score")


def test_of_eight_at_once_one_is_kept(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    token = invite(make(), [ana])[ana]
    found: list[str] = []

    def give(score: int) -> None:
        with db.connect() as other:
            found.append(api.answer(other, token, api.Reply(score), at=NOON))

    threads = [threading.Thread(target=give, args=(score,)) for score in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["already"] * 7 + ["answered"]
    assert len(api.answers(conn)) == 1 and len(_events(conn, "Survey Answered")) == 1


@pytest.mark.parametrize(("kind", "poor", "good"), [("nps", 6, 7), ("csat", 2, 3), ("ces", 2, 3)])
def test_where_a_poor_score_ends(
    conn: Connection, people: People, make: Make, invite: Invite, kind: str, poor: int, good: int
) -> None:
    ana, ben = people.add(2)
    tokens = invite(make(kind=kind), [ana, ben])
    api.answer(conn, tokens[ana], api.Reply(poor), at=NOON)
    api.answer(conn, tokens[ben], api.Reply(good), at=NOON)
    assert [case.subject_id for case in cases.listing(conn)] == [ana]


@pytest.mark.parametrize(
    "reply",
    [
        api.Reply(-1), api.Reply(11), api.Reply(5, "x" * 4_001), api.Reply(5, "", {"price": 3}),
        api.Reply(5, "", {"staff": 0}), api.Reply(5, "", {"staff": 6}),
    ],
)  # fmt: skip
def test_what_is_no_answer_changes_nothing(
    conn: Connection, people: People, make: Make, invite: Invite, reply: api.Reply
) -> None:
    (ana,) = people.add()
    words = api.Words("Q?", "a", "b", "Why?", (api.Rating("staff", "Staff?"),))
    token = invite(make(words=words), [ana])[ana]
    with pytest.raises(Invalid):
        api.answer(conn, token, reply, at=NOON)
    assert api.answers(conn) == [] and api.look(conn, token, now=NOON).state == "invited"


def test_an_answer_belongs_to_the_words_that_were_sent(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    survey = make()
    token = invite(survey, [ana])[ana]
    api.change(conn, survey.id, by=1, now=NOON, words=api.Words("Other?", "a", "b", "c"))
    assert api.look(conn, token, now=NOON).words == NPS_WORDS
    api.answer(conn, token, api.Reply(9), at=NOON)
    assert conn.execute("SELECT version FROM answers").fetchone() == (1,)


def test_too_late_and_nobodys_token(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    token = invite(make(expires_days=2), [ana])[ana]
    late = NOON + timedelta(days=2)
    assert api.look(conn, token, now=late).state == "expired"
    assert api.answer(conn, token, api.Reply(9), at=late) == "expired"
    for wrong in ("", "x", token[:-1], token + "a", token.swapcase(), "\udc80"):
        with pytest.raises(NotFound):
            api.answer(conn, wrong, api.Reply(9), at=NOON)
    assert api.answers(conn) == []


def test_confidential_answers_name_nobody(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    subjects = people.add(8)
    tokens = list(invite(make(privacy="confidential"), subjects).values())
    for token in tokens[:4]:
        api.answer(conn, token, api.Reply(0, "bad"), at=NOON)
    assert api.answers(conn) == [] and cases.listing(conn) == []
    assert all(
        set(each) == {"survey", "kind", "channel"} for each in _events(conn, "Survey Answered")
    )
    for token in tokens[4:7]:
        api.answer(conn, token, api.Reply(0, "bad"), at=NOON)
    given = api.answers(conn)
    assert len(given) == 7 and {(g.customer_id, g.text) for g in given} == {(None, "")}
    assert {g.answered_at.hour for g in given} == {0}
    api.answer(conn, tokens[7], api.Reply(10, "good"), at=NOON)
    assert {g.text for g in api.answers(conn)} == {"bad", "good"}
    assert api.answers(conn, customer_id=subjects[0]) == []
    assert api.answers(conn, since=NOON) == [] and api.answers(conn, until=NOON) == []
    sent = api.invitations(conn, [subjects[0]])
    assert sent[0].answered_at is None


def test_managers_see_the_answers_of_their_stores(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    (ana,) = people.add()
    survey = make()
    token = invite(survey, [ana])[ana]
    api.answer(conn, token, api.Reply(9), at=NOON)
    assert len(api.answers(conn, locations=frozenset({"330"}))) == 1
    assert api.answers(conn, locations=frozenset({"331"})) == []
    assert api.answers(conn, locations=frozenset()) == []
    assert api.outcomes(conn, locations=frozenset({"331"})) == []
    found = (
        api.answers(conn, survey_id=survey.id, touchpoint=STORE, customer_id=ana, simulated=False),
        api.answers(conn, poor_only=True),
        api.answers(conn, simulated=True),
        api.answers(conn, touchpoint=("web", "")),
    )
    assert [len(each) for each in found] == [1, 0, 0, 0]


def test_fast_answers_and_straight_lines_are_flagged_not_dropped(
    conn: Connection, people: People, make: Make, invite: Invite
) -> None:
    subjects = people.add(24)
    ratings = tuple(api.Rating(f"r{n}", "How was it?") for n in range(4))
    tokens = invite(make(words=api.Words("Q?", "a", "b", "Why?", ratings)), subjects)
    mixed, same = {"r0": 4, "r1": 5, "r2": 4, "r3": 3}, dict.fromkeys(("r0", "r1", "r2", "r3"), 5)
    for n, subject in enumerate(subjects[:20]):
        api.answer(conn, tokens[subject], api.Reply(9, "", mixed, 20.0 + n), at=NOON)
    assert all(given.flags == () for given in api.answers(conn))
    late = [(mixed, 14.0), (mixed, 15.0), (same, 30.0), (same, 1.0)]
    for subject, (chosen, seconds) in zip(subjects[20:], late, strict=True):
        api.answer(conn, tokens[subject], api.Reply(9, "", chosen, seconds), at=NOON)
    flags = {given.customer_id: given.flags for given in api.answers(conn)}
    assert [flags[subject] for subject in subjects[20:]] == [
        ("speeder",), (), ("straight_liner",), ("speeder", "straight_liner"),
    ]  # fmt: skip
    assert not quality.is_straight({"a": 5, "b": 5, "c": 5})


# at a place


def test_a_code_answers_once_for_each_page(
    conn: Connection, make: Make, people: People, held_clock: Clock
) -> None:
    survey = make()
    address = api.address(survey, touchpoint=STORE)
    assert "/c/q/visit/" in address
    found, place = api.open_at(conn, "visit", address.rsplit("/", 1)[1])
    assert (found.id, place) == (survey.id, api.Place(*STORE))
    ticket = api.new_ticket(survey, place, now=NOON)
    later = NOON + timedelta(seconds=30)
    first = api.answer_at(conn, survey, place, ticket, api.Reply(2, "cold"), at=later)
    again = api.answer_at(conn, survey, place, ticket, api.Reply(9), at=later)
    assert (first, again) == ("answered", "already")
    (given,) = api.answers(conn)
    assert (given.mode, given.location, given.score) == ("qr", "330", 2)
    assert conn.execute("SELECT seconds FROM answers").fetchone() == (30.0,)
    (case,) = cases.listing(conn)
    assert case.location == "330"
    late = api.new_ticket(survey, place, now=NOON - timedelta(hours=13))
    assert api.answer_at(conn, survey, place, late, api.Reply(9), at=NOON) == "expired"
    assert conn.execute("SELECT count(*) FROM identifiers").fetchone() == (1,)


def test_tickets_and_places_cannot_be_made_or_moved(conn: Connection, make: Make) -> None:
    one, other = make("one"), make("two")
    token = places.place_token(one, STORE)
    place, elsewhere = api.Place(*STORE), api.Place("store", "331")
    ticket = api.new_ticket(one, place, now=NOON)
    for wrong in (token[:-2], token + "AA", "", "x" * 60, signed('["store", "1"]', "place:two")):
        with pytest.raises(NotFound):
            api.open_at(conn, "one", wrong)
    for survey, where in ((other, place), (one, elsewhere)):
        with pytest.raises(NotFound):
            api.answer_at(conn, survey, where, ticket, api.Reply(9), at=NOON)
    with pytest.raises(NotFound):
        api.open_at(conn, "two", token)
    with pytest.raises(Invalid):
        api.address(one, touchpoint=("web", ""))
    off = api.change(conn, one.id, by=1, now=NOON, live=False)
    conn.commit()
    with pytest.raises(NotFound):
        api.open_at(conn, "one", token)
    with pytest.raises(NotFound):
        api.answer_at(conn, off, place, ticket, api.Reply(9), at=NOON)
    assert api.answers(conn) == []


def test_a_place_does_not_answer_faster_than_people_do(
    conn: Connection, make: Make, people: People, held_clock: Clock
) -> None:
    survey, place = make(), api.Place(*STORE)
    for _n in range(places.MOST_A_MINUTE):
        ticket = api.new_ticket(survey, place, now=NOON)
        assert api.answer_at(conn, survey, place, ticket, api.Reply(10), at=NOON) == "answered"
    ticket = api.new_ticket(survey, place, now=NOON)
    with pytest.raises(Unavailable):
        api.answer_at(conn, survey, place, ticket, api.Reply(10), at=NOON)
    minute = NOON + timedelta(seconds=61)
    assert api.answer_at(conn, survey, place, ticket, api.Reply(10), at=minute) == "answered"


def test_signatures() -> None:
    token = signed("body", "one")
    assert read(token, "one") == "body"
    for wrong, purpose in ((token, "two"), (token + "=", "one"), (token[:-1], "one"), ("é", "one")):
        with pytest.raises(NotFound):
            read(wrong, purpose)


def test_a_code_is_a_picture_of_the_address(make: Make) -> None:
    address = api.address(make(), touchpoint=STORE)
    assert api.png(address).startswith(b"\x89PNG")
    assert api.svg(address).startswith("<svg") and "<title>" in api.svg(address)
