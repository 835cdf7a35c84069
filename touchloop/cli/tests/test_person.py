"""`touchloop person`: what is held, and its end; and a restored backup brings nobody back."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from touchloop.cli import backup, runtime
from touchloop.cli.app import app
from touchloop.core import clock, db
from touchloop.core.errors import Invalid, NotFound
from touchloop.privacy import tombstones
from touchloop.privacy.tests.test_person import conn, live

__all__ = ["conn"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def already_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runtime, "ready", nullcontext)
    monkeypatch.setattr(tombstones, "_path", lambda: tmp_path / tombstones.FILE)


def test_access_in_a_file_that_only_its_reader_can_read(
    conn: db.Connection, tmp_path: Path
) -> None:
    live(conn, "ada", "bo")
    file = tmp_path / "ada.json"
    done = CliRunner().invoke(
        app, ["person", "export", "canary-ada@example.com", "--file", str(file)]
    )
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o077 == 0
    text = file.read_text()
    assert "canary-ada" in text and "canary-bo" not in text
    assert len(json.loads(text)["held"]["interactions"]) == 3
    again = CliRunner().invoke(app, ["person", "export", "ada", "--file", str(file)])
    assert isinstance(again.exception, Invalid)  # nothing is written over


def test_erasure_is_asked_for_twice_and_survives_a_restore(
    conn: db.Connection, tmp_path: Path
) -> None:
    live(conn, "ada", "bo")
    made_at = clock.now()
    refused = CliRunner().invoke(app, ["person", "erase", "canary-ada@example.com"])
    assert isinstance(refused.exception, Invalid) and "for good" in str(refused.exception)
    done = CliRunner().invoke(app, ["person", "erase", "canary-ada@example.com", "--yes"])
    assert done.exit_code == 0, done.output
    gone = CliRunner().invoke(app, ["person", "export", "canary-ada@example.com"])
    assert isinstance(gone.exception, NotFound)
    live(conn, "ada")  # as an older backup holds her
    assert backup._erase_again(tmp_path, made_at) == 1
    users = conn.execute("SELECT value FROM identifiers WHERE namespace = 'user_id'").fetchall()
    assert users == [("bo",)]
