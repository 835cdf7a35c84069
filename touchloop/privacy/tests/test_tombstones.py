"""An older backup brings nobody back who was erased since."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from touchloop.core import clock, db
from touchloop.privacy import person, tombstones
from touchloop.privacy.tests.test_person import conn, live

__all__ = ["conn"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUCHLOOP_SECRET_KEY", "k" * 40)
    monkeypatch.setattr(tombstones, "_path", lambda: tmp_path / tombstones.FILE)
    return tmp_path


def test_who_was_erased_is_known_when_an_older_backup_is_read(
    conn: db.Connection, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = live(conn, "ada", "bo")
    backup_made = clock.now()
    person.erase(conn, customers["ada"])
    assert tombstones.erased_since(conn, backup_made) == []
    customers = live(conn, "ada")  # as the backup has her
    assert tombstones.erased_since(conn, backup_made) == [customers["ada"]]
    assert tombstones.erased_since(conn, clock.now() + timedelta(seconds=1)) == []
    kept = (home / tombstones.FILE).read_text()
    assert "ada" not in kept and (home / tombstones.FILE).stat().st_mode & 0o077 == 0

    monkeypatch.setenv("TOUCHLOOP_SECRET_KEY", "n" * 40)
    assert tombstones.erased_since(conn, backup_made) == []
    monkeypatch.setenv("TOUCHLOOP_OLD_SECRET_KEYS", "k" * 40)
    assert tombstones.erased_since(conn, backup_made) == [customers["ada"]]


def test_what_a_backup_knew_is_added_once(conn: db.Connection, home: Path) -> None:
    person.erase(conn, live(conn, "ada")["ada"])
    kept = tombstones.text()
    (home / tombstones.FILE).unlink()
    for _ in range(2):
        tombstones.add(kept.splitlines())
    assert tombstones.text() == kept
