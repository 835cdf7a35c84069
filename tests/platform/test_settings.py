"""A wrong setting is one clear line that names it; nothing is guessed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from touchloop.core import settings
from touchloop.core.errors import WrongSetting


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://localhost:port/x"),
        ("DATABASE_URL", "postgresql://localhost:5432"),
        ("LAKE_URL", "ftp://example.com/lake"),
        ("ALLOWED_HOSTS", "https://crm.example.com/"),
        ("TOUCHLOOP_URL", "crm.example.com"),
        ("TOUCHLOOP_COLLECT_URL", "in.example.com"),
        ("TOUCHLOOP_REGION", "Germany"),
        ("TOUCHLOOP_WORKERS", "0"),
        ("TOUCHLOOP_WORKERS", "many"),
        ("TOUCHLOOP_DOORS", "0"),
        ("TOUCHLOOP_DEBUG", "perhaps"),
        ("TOUCHLOOP_SECRET_KEY", "short"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=name):
        settings.check()


def test_without_any_setting_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "LAKE_URL", "ALLOWED_HOSTS", "TOUCHLOOP_REGION"):
        monkeypatch.delenv(name, raising=False)
    settings.check()
    assert settings.embedded() and settings.lake_url() == str(settings.home() / "lake")


def test_the_secret_is_made_once_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOUCHLOOP_SECRET_KEY", raising=False)
    first = settings.secret_key()
    assert len(first) >= 50 and settings.secret_key() == first
    assert (tmp_path / "home" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TOUCHLOOP_REGION": "Germany"}, "TOUCHLOOP_REGION"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:9/none"}, "DATABASE_URL"),
        ({"TOUCHLOOP_HOME": "/dev/null/home"}, "TOUCHLOOP_HOME"),
    ],
)
def test_the_command_line_says_it_in_one_line(environment: dict[str, str], says: str) -> None:
    done = _touchloop("user", "list", "--json", environment=environment)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and says in done.stderr


def test_a_wrong_call_is_exit_code_2() -> None:
    assert _touchloop("serve", "--port", "99999").returncode == 2
    assert _touchloop("no-such-command").returncode == 2


def _touchloop(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "touchloop", *arguments],
        env={k: v for k, v in os.environ.items() if k != "TOUCHLOOP_TEST_DATABASE_URL"}
        | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
