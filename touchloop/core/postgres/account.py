"""Who runs the server: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchloop.core.errors import WrongSetting


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    def switch(self) -> dict[str, Any]:
        """The arguments that make `subprocess.run` run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_enter(self, folder: Path) -> bool:
        """Whether each existing folder down to this one lets the account pass."""
        return all(self._passes(step) for step in (folder, *folder.parents) if step.exists())

    def _passes(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def for_new_cluster() -> Account | None:
    """None: ourselves. As root: TOUCHLOOP_POSTGRES_USER, else `nobody`."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get("TOUCHLOOP_POSTGRES_USER", "").strip() or "nobody"
    try:
        found = pwd.getpwnam(name)
    except KeyError as error:
        raise WrongSetting(f"TOUCHLOOP_POSTGRES_USER: there is no user {name!r}") from error
    if found.pw_uid == 0:
        raise WrongSetting("TOUCHLOOP_POSTGRES_USER: PostgreSQL does not run as root")
    return Account(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid)


def owner_of(data: Path) -> Account | None:
    """The account that an existing data folder belongs to; None when that is ourselves."""
    found = data.stat()
    if found.st_uid == os.geteuid():
        return None
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    if os.geteuid() != 0:
        raise WrongSetting(
            f"TOUCHLOOP_HOME: the database in {data} belongs to the user {name}; "
            f"run Touchloop as root or as {name}"
        )
    return Account(name=name, uid=found.st_uid, gid=found.st_gid)
