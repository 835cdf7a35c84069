"""Where things lie and how to reach them, read from the environment once.

Raises WrongSetting, which names the setting, for a value that cannot be used.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from touchloop.core.errors import WrongSetting


def home() -> Path:
    """The data folder: TOUCHLOOP_HOME, else `.touchloop` in the user's home."""
    given = os.environ.get("TOUCHLOOP_HOME")
    return Path(given).expanduser().resolve() if given else Path.home() / ".touchloop"


def database_url() -> str:
    """DATABASE_URL, else the embedded server of this home."""
    given = os.environ.get("DATABASE_URL", "").strip()
    if given:
        if not given.startswith(("postgres://", "postgresql://")):
            raise WrongSetting("DATABASE_URL must start with postgresql://")
        return given
    from touchloop.core import postgres

    return postgres.url(home())


def lake_url() -> str:
    """LAKE_URL, else the folder `lake` in the home."""
    return os.environ.get("LAKE_URL", "").strip() or str(home() / "lake")


def secret_key() -> str:
    """TOUCHLOOP_SECRET_KEY, else one made once and kept in the home, readable by its owner only."""
    given = os.environ.get("TOUCHLOOP_SECRET_KEY")
    if given:
        return given
    path = home() / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


def flag(name: str, default: bool = False) -> bool:
    """A yes/no setting."""
    text = os.environ.get(name, "").strip().lower()
    if text in ("", None):
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise WrongSetting(f"{name} must be yes or no, not {text!r}")


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole-number setting, at least `least`."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) < least:
        raise WrongSetting(f"{name} must be a whole number of at least {least}, not {text!r}")
    return int(text)
