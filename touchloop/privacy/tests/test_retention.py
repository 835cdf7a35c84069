"""What is old enough goes, what is in use stays, and the manifest says the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from touchloop.channels.email import links
from touchloop.core import clock, db
from touchloop.privacy import api as privacy

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def conn(transactional_db: None) -> Iterator[db.Connection]:
    links.forget_numbers()
    with db.connect() as connection:
        yield connection
        connection.rollback()
    links.forget_numbers()


def test_the_manifest_says_what_the_rules_do() -> None:
    aged = {entry.table: entry.aged for entry in privacy.MANIFEST}
    for rule in privacy.RULES:
        assert aged[rule.table] == f"{rule.days} days"


def test_links_go_when_no_message_has_carried_them_for_so_long(
    conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, used = "https://shop.example/old", "https://shop.example/used"
    monkeypatch.setattr(clock, "now", lambda: NOW - timedelta(days=401))
    first = dict(links.numbers_of([old, used]))
    monkeypatch.setattr(clock, "now", lambda: NOW - timedelta(days=3))
    assert links.numbers_of([used])[used] == first[used]
    assert privacy.age(conn, now=NOW)["message_links"] == 1
    rows = conn.execute("SELECT address FROM message_links").fetchall()
    assert rows == [(used,)]


def test_returns_go_by_their_age_some_at_a_time(conn: db.Connection) -> None:
    for number in range(5):
        conn.execute(
            "INSERT INTO mail_returns (kind, word, reason, digest, at)"
            " VALUES ('other', 'ignored', '', %s, %s)",
            (hashlib.sha256(bytes([number])).digest(), NOW - timedelta(days=398 + number)),
        )
    assert privacy.age(conn, now=NOW, at_once=1)["mail_returns"] == 1
    assert privacy.age(conn, now=NOW)["mail_returns"] == 1
    assert privacy.age(conn, now=NOW)["mail_returns"] == 0
    assert conn.execute("SELECT count(*) FROM mail_returns").fetchone() == (3,)
