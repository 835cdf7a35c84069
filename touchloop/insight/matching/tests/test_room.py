"""Matching over customers: consent, suggestions, labels, merges that can be undone, homes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from touchloop.consent import api as consent
from touchloop.core import db
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.identity import api as identity
from touchloop.insight.matching import api, learning
from touchloop.insight.matching.tests import hard_people

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def conn(transactional_db: None) -> Iterator[Connection]:
    with db.connect() as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def people(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> list[hard_people.Row]:
    """Customers by the rows of the hard list, by number; the last two objected."""
    monkeypatch.setattr(learning, "RANDOM_PAIRS", 10_000)
    rows = hard_people.rows(people=40, seed=2, slips=0.08, large=8)
    for number, given, surname, born, email, phone, street, plz, city, _ in rows:
        id = int(number) + 1
        told = {"first_name": given, "last_name": surname, "birthday": born, "street": street,
                "postcode": plz, "city": city}  # fmt: skip
        conn.execute(_IDENTIFIER, {"id": id, "at": NOON})
        conn.execute(_CUSTOMER, {
            "id": id, "email": email, "phone": phone, "at": NOON, "names": list(told),
            "values": list(told.values()), "allowed": consent.ALL_BITS if id < len(rows) - 1 else 0,
        })  # fmt: skip
    return rows


def done(conn: Connection) -> api.RunInfo:
    steps: list[str] = []
    found = api.run(conn, NOON, lambda words, done: steps.append(words))
    assert found.state == "done", found.error
    assert steps
    return found


def test_a_run_suggests_with_words_keeps_its_version_and_finds_homes(
    conn: Connection, people: list[hard_people.Row]
) -> None:
    assert api.due(conn, NOON)
    found = done(conn)
    assert not api.due(conn, NOON)
    assert found.figures["records"] == len(people) - 2
    assert found.version_id is not None
    version = api.version(conn, found.version_id)
    assert version is not None
    assert {"name", "born", "email"} <= version.parameters["weights"].keys()
    truth = {int(row[0]) + 1: row[-1] for row in people}
    suggested = identity.suggestions(conn, limit=500)
    right = [truth[each.a_id] == truth[each.b_id] for each in suggested]
    assert len(right) > 10
    assert sum(right) / len(right) > 0.9
    assert all(each.reason == "alike" and each.words and each.probability for each in suggested)
    assert not {len(people), len(people) - 1} & {
        id for each in suggested for id in (each.a_id, each.b_id)
    }
    homes = api.homes(conn)
    assert homes
    assert api.home_of(conn, homes[0].customers[0]) == homes[0]
    _labels_measure_and_merge(conn, truth, suggested)


def _labels_measure_and_merge(
    conn: Connection, truth: dict[int, str], suggested: list[identity.Suggested]
) -> None:
    assert api.sure_from(conn) is None
    first, second = api.unlabelled(conn, limit=2)
    assert first.evidence
    assert api.unlabelled(conn, after=first.id) == [second]
    for pair in api.unlabelled(conn, limit=5_000):
        answer = "same" if truth[pair.a_id] == truth[pair.b_id] else "different"
        api.label(conn, pair.id, answer=answer, by=7, now=NOON)
    assert sum(api.labelled(conn).values()) > len(suggested)
    points = api.curve(conn)
    assert points[0].recall.value == 1
    identity.answer(conn, suggested[0].id, accept=False, actor_id=7)
    api.change_policy(conn, automatic=True, precision=0.9, by=7, now=NOON)
    bar = api.sure_from(conn)
    assert bar is not None
    # Again: what was declined stays away, what is sure enough is merged, and can be taken back.
    api.ask(conn, by=7, now=NOON)
    assert api.due(conn, NOON)
    again = done(conn)
    assert again.figures["merged"] > 0
    assert suggested[0].id not in {each.id for each in identity.suggestions(conn, limit=500)}
    (operation, *_) = identity.operations(conn)
    assert operation.reason.startswith("matching:") and operation.actor_id is None
    before = set(operation.before)
    identity.undo(conn, operation.id, actor_id=7)
    assert set(identity.customers_of(conn, list(before)).values()) == before


def test_labels_are_checked_and_a_suggestion_survives_other_changes(
    conn: Connection, people: list[hard_people.Row]
) -> None:
    alike = [identity.Alike(1, 2, 0.97, ("the same name",), ("another e-mail",))]
    assert identity.suggest_alike(conn, alike, now=NOON) == 1
    identity.merge(conn, 1, 3, actor_id=7, reason="seen")
    assert [each.words for each in identity.suggestions(conn)] == [("the same name",)]
    leader = identity.customers_of(conn, [2])[2]
    identity.merge(conn, leader, 1, actor_id=7, reason="seen")
    assert identity.suggestions(conn) == []  # they are one already
    with pytest.raises(Invalid):
        api.label(conn, 1, answer="perhaps", by=7, now=NOON)
    with pytest.raises(NotFound):
        api.label(conn, 999_999, answer="same", by=7, now=NOON)
    with pytest.raises(Invalid):
        api.change_policy(conn, automatic=True, precision=0.5, by=7, now=NOON)


def test_nobody_to_compare_is_said(conn: Connection) -> None:
    found = api.run(conn, NOON, lambda words, done: None)
    assert (found.state, "fewer than two" in found.error) == ("failed", True)
    assert not api.due(conn, NOON + timedelta(days=1))
    assert api.due(conn, NOON + timedelta(days=8))
    assert api.unlabelled(conn) == []
    assert api.curve(conn) == ()


def test_a_run_that_is_stopped_says_so(conn: Connection, people: list[Any]) -> None:
    class Stopped(Exception):
        pass

    def stop(words: str, done: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        api.run(conn, NOON, stop)
    last = api.latest(conn)
    assert last is not None
    assert (last.state, last.error) == ("failed", "it was stopped")


_IDENTIFIER = """
INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state, first_seen_at,
                         source_id)
VALUES (%(id)s, 'user_id', 'u' || %(id)s, %(id)s, %(id)s, 'ok', %(at)s, 1)"""
_CUSTOMER = """
INSERT INTO customers (id, email, phone, allowed, created_at, updated_at, traits)
SELECT %(id)s, %(email)s, %(phone)s, %(allowed)s, %(at)s, %(at)s,
  jsonb_object_agg(n, jsonb_build_object('v', v, 'a', 4, 's', 1, 'at', ''))
FROM unnest(%(names)s::text[], %(values)s::text[]) t(n, v)"""
