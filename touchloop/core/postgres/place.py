"""Where the cluster of a home lies, who owns it, and which programs serve it.

Usually everything lies in `<home>/postgres`. Two things can prevent that: a parent folder that
the server's user may not enter (a home under /root), and a path too long for a socket. Then the
cluster moves to /var/lib/touchloop, or the socket to a short folder; `doctor` tells where.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from touchloop.core.errors import Unavailable, WrongSetting
from touchloop.core.postgres import programs
from touchloop.core.postgres.account import Account, for_new_cluster, owner_of

SOCKET_PATH_LIMIT = 100  # 107 bytes in Linux, 103 in macOS
PORT = 5432  # names the socket file only: the server listens on no network address


@dataclass(frozen=True, slots=True)
class Place:
    home: Path
    base: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def sockets(self) -> Path:
        """Short enough for a socket's name, the same for every process of this home."""
        wanted = self.base / "run"
        if len(os.fsencode(wanted / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT:
            return wanted
        return Path(tempfile.gettempdir()) / f"touchloop-{_digest(self.base)}"

    def major(self) -> int:
        """The major version of the data folder, or the newest one when there is none yet."""
        try:
            found = int((self.data / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return programs.newest_major()
        if found not in programs.majors():
            brought = ", ".join(map(str, programs.majors()))
            raise Unavailable(
                f"the database in {self.data} was made by PostgreSQL {found}, but this "
                f"installation brings {brought}: back up with the Touchloop that made it, "
                f"and restore with this one"
            )
        return found

    def program(self, name: str) -> Path:
        return programs.folder(self.major(), self.account) / name


def of(home: Path) -> Place:
    """The place of this home's cluster; makes nothing."""
    try:
        return _found(home)
    except PermissionError as error:
        raise WrongSetting(f"TOUCHLOOP_HOME: may not look into {error.filename}") from error


def prepare(place: Place) -> None:
    """Make the folders of a place, closed to others."""
    try:
        _make_home(place)
        _put_aside_orphan(place)
        _own(place.base, place.account)
        _own(place.sockets, place.account)
    except PermissionError as error:
        raise WrongSetting(f"TOUCHLOOP_HOME: may not write to {error.filename}") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise WrongSetting(f"TOUCHLOOP_HOME: {error.filename} is not a folder") from error
    except OSError as error:
        raise WrongSetting(
            f"TOUCHLOOP_HOME: cannot make {error.filename} ({error.strerror})"
        ) from error


def remember(place: Place) -> None:
    """Write down where the cluster went, once it is there: a moved home must still find it."""
    if place.base.parent != place.home:
        (place.home / "postgres.moved").write_text(f"{place.base}\n")


def _found(home: Path) -> Place:
    pointer = home / "postgres.moved"
    if pointer.exists():
        base = Path(pointer.read_text().strip())
        if not (base / "data").exists():
            raise WrongSetting(
                f"TOUCHLOOP_HOME: {pointer} says that the database is in {base}, "
                f"where there is none; bring it back, or remove that file to start empty"
            )
    else:
        base = home / "postgres"
    if (base / "data").exists():
        return Place(home=home, base=base, account=owner_of(base / "data"))
    account = for_new_cluster()
    if account and not account.may_enter(home.parent):
        base = programs.SHARED / _digest(home)
    return Place(home=home, base=base, account=account)


def _make_home(place: Place) -> None:
    place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.home.stat()
    if place.account and place.base.parent == place.home and found.st_uid == os.geteuid():
        # The server's user passes through; it cannot list, and what is secret is closed by itself.
        place.home.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _put_aside_orphan(place: Place) -> None:
    """A cluster outside a home that does not know of it belonged to a home that was deleted:
    whoever deletes a home and starts anew must not meet the old customers again.
    """
    outside = place.base.parent != place.home
    if outside and (place.base / "data").exists() and not (place.home / "postgres.moved").exists():
        place.base.rename(place.base.with_name(f"{place.base.name}-left-{time.time_ns()}"))


def _own(folder: Path, account: Account | None) -> None:
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    found, owner = folder.lstat(), account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise WrongSetting(f"TOUCHLOOP_HOME: {folder} belongs to somebody else")
    folder.chmod(0o700)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
