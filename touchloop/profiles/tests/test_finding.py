"""Finding one customer by words: of the name, of the address, of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from touchloop.core import clock, db
from touchloop.profiles import api as profiles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conn() -> Iterator[db.Connection]:
    with db.connect(autocommit=True) as made:
        yield made


def somebody(conn: db.Connection, *, name: str, email: str) -> int:
    """A customer whose address is a trait: no identifier begins with it."""
    now = clock.now()
    row = conn.execute(
        "insert into identifiers"
        " (namespace, value, customer_id, person_id, state, first_seen_at, source_id)"
        " values ('user_id', 'u', 0, 0, 'ok', %s, 1) returning id",
        [now],
    ).fetchone()
    assert row is not None
    conn.execute(
        "insert into customers (id, display_name, email, traits, created_at, updated_at)"
        " values (%s, %s, %s, '{}', %s, %s)",
        [row[0], name, email, now, now],
    )
    return int(row[0])


@pytest.mark.parametrize(
    ("email", "words"),
    [
        (
            "anna.miller@example.com",
            ["anna", "ann", "Anna.", "example", "smith", "smi exa", "anna ex"],
        ),
        ("anna_miller@example.com", ["anna", "miller", "mill smith", "anna miller", "anna exam"]),
        ("anna-miller@my-shop.example", ["anna", "miller smith", "my", "anna my"]),
        ("anna+news@x.de", ["anna", "news", "news smith", "x smith"]),
        ("jmiller84@mail.example", ["jmiller84", "jmill smith", "mail smi", "jm ma"]),
    ],
)
def test_words_of_the_address_find(conn: db.Connection, email: str, words: list[str]) -> None:
    id = somebody(conn, name="Jo Smith", email=email)
    for given in words:
        assert [match.id for match in profiles.find(conn, given)] == [id], given
    for given in ("zz", "smith zz", "iller"):
        assert not profiles.find(conn, given), given


def test_who_may_not_see_addresses_finds_by_name_only(conn: db.Connection) -> None:
    id = somebody(conn, name="Jo Smith", email="anna_miller@example.com")
    assert [match.id for match in profiles.find(conn, "smith", namespaces=["card"])] == [id]
    assert not profiles.find(conn, "miller", namespaces=["card"])
    assert not profiles.find(conn, "smith miller", namespaces=["card"])
