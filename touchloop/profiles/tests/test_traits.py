"""What is kept of what was said, whatever the order in which it arrives."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchloop.core import db
from touchloop.profiles.api import IMPORT, PERSON, TraitValue, customer, fold, record, rivals

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL = "SELECT subject_id, name, authority, value, source_id, at, tie FROM trait_values"


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect() as made:
        yield made
        made.rollback()


def said(
    name: str, value: Any, *, hour: int, tie: int = 0, authority: int = IMPORT, subject: int = 1
) -> TraitValue:
    # One message has one source and one time.
    return TraitValue(
        subject, name, authority, value, 7 + tie % 2, START + timedelta(hours=hour, microseconds=1),
        UUID(int=hour * 10 + tie),
    )  # fmt: skip


VALUES = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.text(max_size=3))
SAID = st.builds(
    said,
    st.sampled_from(["city", 'a "b"', "größe"]),
    VALUES,
    hour=st.integers(0, 3),
    tie=st.integers(0, 2),
    authority=st.sampled_from([IMPORT, PERSON]),
    subject=st.integers(1, 2),
)


@given(st.lists(st.lists(SAID, min_size=1, max_size=6), max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_newest_of_each_authority_is_kept(
    conn: db.Connection, batches: Sequence[Sequence[TraitValue]]
) -> None:
    best: dict[tuple[int, str, int], TraitValue] = {}
    for batch in batches:
        record(conn, batch)
        for one in batch:
            key = one.subject_id, one.name, one.authority
            if key not in best or (one.at, one.tie) > (best[key].at, best[key].tie):
                best[key] = one
    kept = {row[:3]: row[3:] for row in conn.execute(ALL).fetchall()}
    rows = conn.execute("SELECT count(*) FROM trait_statements").fetchone()
    conn.rollback()
    expected = {
        key: (_stored(one.value), one.source_id, one.at, one.tie) for key, one in best.items()
    }
    assert kept == expected
    assert rows == (len({(subject, authority) for subject, _, authority in best}),)


def _stored(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


@pytest.mark.parametrize("text", ["a\0b", "a\\u0000b", "\\\\u0000", "\\\0"])
def test_nul_is_left_out_and_what_looks_like_it_stays(conn: db.Connection, text: str) -> None:
    record(conn, [said("note", text, hour=1)])
    row = conn.execute("SELECT value FROM trait_values").fetchone()
    assert row == (text.replace("\0", ""),)


def test_a_customer_shows_each_fact_with_its_own_origin(conn: db.Connection) -> None:
    conn.execute(
        "INSERT INTO identifiers (id, namespace, value, customer_id, person_id, state,"
        " first_seen_at, source_id) VALUES (1, 'email', 'a@b.co', 1, 1, 'ok', now(), 7)"
    )
    record(conn, [said("city", "Rom", hour=1), said("zip", "1", hour=1)])
    record(conn, [said("city", "Bonn", hour=2, tie=1)])
    record(conn, [said("zip", "2", hour=0, authority=PERSON)])
    fold(conn, [1], allowed={}, now=START)
    facts = {fact.name: fact for fact in customer(conn, 1).facts}
    assert (facts["city"].value, facts["city"].source_id) == ("Bonn", 8)
    assert facts["city"].at == START + timedelta(hours=2, microseconds=1)
    assert (facts["zip"].value, facts["zip"].authority) == ("2", PERSON)
    assert [(one.value, one.source_id) for one in rivals(conn, [1], "zip")] == [("2", 7), ("1", 7)]


def test_the_migration_keeps_every_value_both_ways(conn: db.Connection) -> None:
    record(conn, [said("city", "Rom", hour=1), said("zip", None, hour=1)])
    record(conn, [said("city", "Bonn", hour=2, tie=1), said("age", 4, hour=3, subject=2)])
    before = conn.execute(f"{ALL} ORDER BY 1, 2, 3").fetchall()
    step = importlib.import_module("touchloop.profiles.migrations.0005_statements")
    for sql in [*step.BACKWARD, *step.FORWARD]:
        conn.execute(sql)
    assert conn.execute(f"{ALL} ORDER BY 1, 2, 3").fetchall() == before
    (rows,) = conn.execute("SELECT count(*) FROM trait_statements").fetchone() or (0,)
    assert rows == 2
