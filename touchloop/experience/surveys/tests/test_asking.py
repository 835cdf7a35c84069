"""Who is asked, who is not, and that the reason stands in the table."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchloop.channels import api as channels
from touchloop.channels.tests.conftest import told
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.experience.surveys import api
from touchloop.experience.surveys.sampling import draw, share_at
from touchloop.experience.surveys.tests.conftest import (
    NOON,
    NPS_WORDS,
    Clock,
    Make,
    People,
    order,
    stored,
    waiting_tokens,
)
from touchloop.records.cases import api as cases

STORE = ("store", "330")


def _ask(conn: Connection, survey: api.Survey, subjects: list[int], cause: str = "c") -> list[str]:
    from touchloop.core import clock

    found = api.invite(
        conn, subjects, survey=survey, touchpoint=STORE, cause=cause, now=clock.now()
    )
    conn.commit()
    assert [each.subject_id for each in found] == subjects
    assert all(each.invited == (each.reason == "") for each in found)
    return [each.reason for each in found]


def test_an_invitation_is_stored_sent_and_told(
    conn: Connection, people: People, make: Make
) -> None:
    (ana,) = people.add()
    assert _ask(conn, make(), [ana]) == [""]
    assert stored(conn) == {ana: ("invited", "")}
    (news,) = [each for each in told(conn) if each["event"] == "Survey Invited"]
    assert news["properties"] == {"survey": "visit", "kind": "nps", "channel": "post"}
    assert news["context"]["touchpoint"] == {"channel": "store", "location": "330", "stage": ""}
    ((kind, topic, data),) = conn.execute("SELECT kind, topic, data FROM deliveries").fetchall()
    assert (kind, topic) == ("survey", "surveys")
    assert [each["score"] for each in data["scores"]] == list(range(11))
    assert data["scores"][9]["link"] == data["link"] + "?score=9"
    (hashed,) = conn.execute("SELECT token_hash FROM invitations").fetchone() or (b"",)
    assert data["link"].rsplit("/", 1)[1].encode() not in bytes(hashed)


def test_the_same_cause_gives_the_same_result(conn: Connection, people: People, make: Make) -> None:
    ana, ben = people.add(2)
    survey = make()
    first = _ask(conn, survey, [ana, ben, ana, 987654])
    assert first == ["", "", "", "unknown"]
    assert _ask(conn, survey, [ana, ben, ana, 987654]) == first
    assert conn.execute("SELECT count(*) FROM deliveries").fetchone() == (2,)


def test_nobody_is_asked_twice_at_once_or_too_soon(
    conn: Connection, people: People, make: Make, held_clock: Clock
) -> None:
    (ana,) = people.add()
    visit, other = make(), make("other", quarantine_days=10, expires_days=5)
    assert _ask(conn, visit, [ana], "1") == [""]
    assert _ask(conn, visit, [ana], "2") == ["pending"]
    assert _ask(conn, other, [ana], "3") == ["pending"]
    held_clock.at += timedelta(days=15)  # the first has run out unanswered
    assert _ask(conn, visit, [ana], "4") == ["quarantine"]
    assert _ask(conn, other, [ana], "5") == ["quarantine_all"]
    held_clock.at = NOON + timedelta(days=89, hours=23)
    assert _ask(conn, visit, [ana], "6") == ["quarantine"]
    held_clock.at = NOON + timedelta(days=90)
    assert _ask(conn, visit, [ana], "7") == [""]
    states = conn.execute("SELECT state, count(*) FROM invitations GROUP BY 1").fetchall()
    assert dict(states) == {"invited": 1, "expired": 1, "not_asked": 5}


def test_the_days_of_quarantine_are_data(
    conn: Connection, people: People, make: Make, held_clock: Clock
) -> None:
    (ana,) = people.add()
    one, two = make("one", expires_days=1), make("two", quarantine_days=0)
    _ask(conn, one, [ana], "1")
    held_clock.at += timedelta(days=8)
    assert _ask(conn, two, [ana], "2") == ["quarantine_all"]
    assert api.quarantine_days(conn) == 90
    api.set_quarantine_days(conn, 7)
    assert _ask(conn, two, [ana], "3") == [""]
    with pytest.raises(Invalid):
        api.set_quarantine_days(conn, -1)


def test_a_survey_with_a_clock_of_its_own(
    conn: Connection, people: People, make: Make, held_clock: Clock
) -> None:
    (ana,) = people.add()
    visit, after = make(expires_days=1), make("after", own_clock=True, expires_days=1)
    _ask(conn, visit, [ana], "1")
    held_clock.at += timedelta(days=8)
    assert _ask(conn, after, [ana], "2") == [""]
    held_clock.at = NOON + timedelta(days=91)
    assert _ask(conn, after, [ana], "3") == ["quarantine"]  # its own
    assert _ask(conn, visit, [ana], "4") == [""]  # the other did not hold it back


def test_nobody_is_asked_while_a_case_is_open(conn: Connection, people: People, make: Make) -> None:
    (ana,) = people.add()
    case = cases.open_case(conn, subject_id=ana, kind="complaint", title="c", cause="x", at=NOON)
    assert case is not None
    survey = make()
    assert _ask(conn, survey, [ana], "1") == ["case_open"]
    cases.close_case(conn, case, by=1, resolution="done", at=NOON)
    assert _ask(conn, survey, [ana], "2") == [""]


def test_the_contact_policy_has_the_last_word(conn: Connection, people: People, make: Make) -> None:
    ana, ben = people.add(2)
    people.leave(ben)
    conn.commit()
    survey = make()
    first, second = _ask(conn, survey, [ana, ben])
    assert first == "" and second != ""
    assert stored(conn) == {ana: ("invited", ""), ben: ("not_asked", second)}
    assert conn.execute("SELECT count(token_hash) FROM invitations").fetchone() == (1,)
    assert [each["event"] for each in told(conn)].count("Survey Invited") == 1


def test_what_happened_is_asked_after_by_chance(
    conn: Connection, people: People, make: Make
) -> None:
    subjects = people.add(300)
    survey = make(share=0.3)
    happened = [order(subject, number) for number, subject in enumerate(subjects)]
    api.on_batch(conn, happened, NOON)
    conn.commit()
    reasons = Counter(stored(conn).values())
    assert set(reasons) == {("invited", ""), ("not_asked", "sampled_out")}
    assert reasons["invited", ""] == pytest.approx(90, abs=4 * sqrt(300 * 0.3 * 0.7))
    drawn = {s for n, s in enumerate(subjects) if draw(survey.seed, f"interaction:{n}") < 0.3}
    assert {subject for subject, (state, _) in stored(conn).items() if state == "invited"} == drawn
    before = stored(conn)
    api.on_batch(conn, happened, NOON)  # the batch again, after a crash
    assert stored(conn) == before
    found = api.outcomes(conn, survey_id=survey.id)
    assert sum(each.n for each in found) == 300 and found[0].reason == "sampled_out"


def test_a_small_store_can_be_asked_more(conn: Connection, people: People, make: Make) -> None:
    subjects = people.add(60)
    survey = make(share=0.0)
    api.set_share(conn, survey.id, touchpoint=("store", "7"), share=1.0)
    happened = [
        order(subject, n, location="7" if n < 20 else "330") for n, subject in enumerate(subjects)
    ]
    api.on_batch(conn, happened, NOON)
    states = stored(conn)
    assert all(states[subject] == ("invited", "") for subject in subjects[:20])
    assert all(states[subject] == ("not_asked", "sampled_out") for subject in subjects[20:])
    api.set_share(conn, survey.id, touchpoint=("store", "7"), share=None)
    assert api.shares(conn, survey.id) == {}


def test_what_does_not_concern_a_survey_leaves_nothing(
    conn: Connection, people: People, make: Make
) -> None:
    (ana,) = people.add()
    make(channel="store")
    make("off", live=False, event="Page Viewed")
    api.on_batch(
        conn,
        [
            order(ana, 1, name="Product Viewed"),
            order(ana, 2, name="Page Viewed"),
            order(ana, 3, channel="web", location=""),
            order(ana, 4, at=NOON - timedelta(hours=49)),  # an import
            order(ana, 5, at=NOON + timedelta(minutes=5)),
            order(ana, 6, name="Case Closed", properties={"ask_again": True}),
        ],
        NOON,
    )
    assert conn.execute("SELECT count(*) FROM invitations").fetchone() == (0,)


def test_closing_a_case_asks_again_but_only_when_we_say_so(
    conn: Connection, people: People, make: Make
) -> None:
    ana, ben, cid = people.add(3)
    make("recovery", event="Case Closed", own_clock=True, quarantine_days=7)
    closed: dict[str, Any] = {"name": "Case Closed", "source_slug": "touchloop"}
    api.on_batch(
        conn,
        [
            order(ana, 1, properties={"ask_again": True}, **closed),
            order(ben, 2, properties={"ask_again": False}, **closed),
            order(cid, 3, properties={"ask_again": True}, name="Case Closed", source_slug="shop"),
        ],
        NOON,
    )
    assert stored(conn) == {ana: ("invited", "")}


def test_a_case_opened_again_takes_its_question_back(
    conn: Connection, people: People, make: Make, held_clock: Clock
) -> None:
    ana, ben, cid = people.add(3)
    make("recovery", event="Case Closed", own_clock=True, quarantine_days=7)
    own: dict[str, Any] = {"source_slug": "touchloop"}

    def closed(who: int, id: int, case: int) -> Any:
        told = {"ask_again": True, "case_id": case}
        return order(who, id, name="Case Closed", properties=told, **own)

    def opened(who: int, id: int, case: int) -> Any:
        return order(who, id, name="Case Reopened", properties={"case_id": case}, **own)

    api.on_batch(conn, [closed(ana, 1, 1), closed(ben, 2, 2)], NOON)
    api.on_batch(conn, [opened(ana, 3, 1), closed(cid, 4, 3), opened(cid, 5, 3)], NOON)
    back = ("not_asked", "case_reopened")
    assert stored(conn) == {ana: back, ben: ("invited", ""), cid: back}
    conn.commit()
    channels.hand_off(conn, held_clock.at + timedelta(hours=5), 100)
    api.on_batch(conn, [opened(ben, 6, 2)], NOON)  # it is out: what is said, is said
    assert stored(conn)[ben] == ("invited", "")
    api.on_batch(conn, [closed(ana, 7, 1)], NOON)  # and once the case is closed for good
    rows = conn.execute("SELECT state FROM invitations WHERE subject_id = %s ORDER BY id", (ana,))
    assert [row[0] for row in rows.fetchall()] == ["not_asked", "invited"]


def test_a_message_that_never_left_asked_nobody(
    conn: Connection, people: People, make: Make, held_clock: Clock
) -> None:
    ana, ben = people.add(2)
    survey = make()
    _ask(conn, survey, [ana, ben])
    tokens = waiting_tokens(conn)
    people.leave(ben)
    conn.commit()
    channels.hand_off(conn, held_clock.at, 100)
    ends = [
        order(ben, 9, name=each["event"], properties=each["properties"], source_slug="touchloop")
        for each in told(conn)
    ]
    api.on_batch(conn, ends, NOON)
    states = stored(conn)
    assert states[ana] == ("invited", "")
    assert states[ben][0] == "not_asked" and states[ben][1]
    from touchloop.core.errors import NotFound

    with pytest.raises(NotFound):
        api.look(conn, tokens[ben], now=NOON)
    assert _ask(conn, survey, [ben], "later") != ["quarantine"]


def test_due_closes_what_was_not_answered_in_time(
    conn: Connection, people: People, make: Make
) -> None:
    (ana,) = people.add()
    _ask(conn, make(expires_days=3), [ana])
    assert api.due(conn, now=NOON + timedelta(days=2)) == 0
    assert api.due(conn, now=NOON + timedelta(days=3)) == 1
    assert stored(conn) == {ana: ("expired", "")}


@given(st.binary(min_size=1, max_size=16), st.text(max_size=40))
def test_a_draw_is_a_number_and_repeats(seed: bytes, cause: str) -> None:
    assert 0.0 <= draw(seed, cause) < 1.0
    assert draw(seed, cause) == draw(seed, cause)


def test_draws_are_uniform_and_seeds_differ() -> None:
    from scipy import stats

    drawn = [draw(b"seed", str(n)) for n in range(4_000)]
    assert stats.kstest(drawn, "uniform").pvalue > 0.01
    assert abs(stats.spearmanr(drawn, [draw(b"other", str(n)) for n in range(4_000)])[0]) < 0.05
    shares = {("store", "7"): 0.5, ("store", ""): 0.2}
    found = [
        share_at(at, shares=shares, otherwise=0.1) for at in (("store", "7"), STORE, ("web", ""))
    ]
    assert found == [0.5, 0.2, 0.1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("privacy", "anonymous"), ("privacy", "secret"), ("kind", "stars"), ("slug", "A b"),
        ("share", 1.5), ("via", ()), ("name", " "), ("expires_days", 0.0),
        ("quarantine_days", -1.0), ("delay_minutes", -1.0), ("fresh_hours", 1e9),
        ("words", api.Words("", "a", "b", "c")),
        ("words", api.Words("q", "a", "b", "c", (api.Rating("Staff!", "x"),))),
        ("words", api.Words("q", "a", "b", "c", (api.Rating("a", "x"), api.Rating("a", "y")))),
        ("words", api.Words("q", "a", "b", "c", tuple(api.Rating(f"r{n}", "x") for n in range(7)))),
    ],
)  # fmt: skip
def test_what_cannot_be_a_survey(make: Make, name: str, value: object) -> None:
    fields = {"slug": "s", "kind": "nps", name: value}
    with pytest.raises(Invalid):
        make(**fields)


def test_words_are_versions_and_collection_rules_stay(conn: Connection, make: Make) -> None:
    survey = make()
    other = api.Words("Another question?", "low", "high", "Why?", (api.Rating("staff", "Staff?"),))
    changed = api.change(conn, survey.id, by=1, now=NOON, words=other, share=0.5)
    assert (changed.version, changed.words, changed.share) == (2, other, 0.5)
    assert api.words_of(conn, survey.id, 1) == NPS_WORDS
    assert api.change(conn, survey.id, by=1, now=NOON, live=False).version == 2
    for name in ("privacy", "kind", "slug", "seed"):
        with pytest.raises(Invalid):
            api.change(conn, survey.id, by=1, now=NOON, **{name: "confidential"})
    with pytest.raises(Invalid, match="slug"):
        make()
    assert [each.slug for each in api.listing(conn)] == ["visit"]
    assert api.by_slug(conn, "visit").id == survey.id


def test_the_letter_leads_to_the_page(conn: Connection, people: People, make: Make) -> None:
    (ana,) = people.add()
    api.ensure_letter(conn)
    api.ensure_letter(conn)
    _ask(conn, make(), [ana])
    (data,) = conn.execute("SELECT data FROM deliveries").fetchone() or ({},)
    written = channels.email.version(conn, "survey", 0)
    assert written is not None
    words = channels.email.preview(conn, written, customer_id=ana, data=data, now=NOON)
    assert words.subject == "How likely is it that you recommend us?"
    for part in (words.html, words.text):
        assert data["link"] in part and f"{data['link']}?score=9" in part
