"""What a command says at once when it was called wrongly."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from touchloop.cli import backup, checks, importing, programs, runtime, serve
from touchloop.core import db, postgres
from touchloop.core.errors import Invalid, WrongSetting


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(**_: Any) -> None:
        raise AssertionError("it began its work")

    monkeypatch.setattr(runtime, "ready", started)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("part", [serve.web, serve.collect, programs.api])
def test_a_part_alone_does_not_share_a_port_with_a_stranger(
    part: Callable[..., None], taken: int, nothing_starts: None
) -> None:
    with pytest.raises(WrongSetting, match=f"--port: cannot listen at 127.0.0.1:{taken}"):
        part(port=taken, host="127.0.0.1")


def test_a_backup_is_told_of_a_wrong_name_before_the_work(
    tmp_path: Path, nothing_starts: None
) -> None:
    with pytest.raises(Invalid, match=r"x\.zip\.tar\.zst"):
        backup.backup(tmp_path / "x.zip")
    with pytest.raises(Invalid, match="no folder"):
        backup.backup(tmp_path / "nowhere" / "x.tar.zst")


def test_an_import_of_no_file_is_one_line(tmp_path: Path, nothing_starts: None) -> None:
    with pytest.raises(Invalid, match="no file"):
        importing.import_file(tmp_path / "none.csv")


def test_a_home_that_cannot_be_made_is_a_wrong_setting() -> None:
    with pytest.raises(WrongSetting, match="TOUCHLOOP_HOME"):
        postgres.start(Path("/proc/nowhere/home"))


def test_doctor_keeps_its_shape_when_the_tables_are_older(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "pending_migrations", lambda: ["sources.0009"])
    with db.connect() as link:
        found, events = checks.run(link)
    assert "migrations" in [check.name for check in found if not check.ok]
    assert set(events) == {"sent", "stored", "duplicate", "quarantined", "refused", "erased"}
    assert set(events.values()) == {None}
