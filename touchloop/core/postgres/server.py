"""Start, stop and share the embedded server of a home.

Guarantees: a cluster is made whole or not at all; a server that was killed is recovered by the
next start; the processes of one home share one server, and the last one that leaves stops it,
however it leaves (file locks fall with their process).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from touchloop.core.errors import Unavailable
from touchloop.core.postgres import configuration, place, programs
from touchloop.core.postgres.place import PORT, Place

USER = DATABASE = "touchloop"
RECOVERY_SECONDS = 900  # after a crash, the log since the last checkpoint is played again
RETRY_SECONDS = 30  # children of a killed postmaster need a moment to notice and to leave


def url(home: Path, *, database: str = DATABASE) -> str:
    """Connection URL of the embedded server of `home`, over its socket."""
    folder = quote(str(place.of(home).sockets), safe="")
    return f"postgresql://{USER}@/{database}?host={folder}&port={PORT}"


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The server's URL, for as long as the block lasts; the last who leaves stops the server."""
    with _mutex(home):
        _start(place.of(home), fsync=True)
        users = _open_lock(place.of(home), "users.lock")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield url(home)
    finally:
        with _mutex(home):
            os.close(users)
            _stop_unless_used(place.of(home))


def release(home: Path) -> None:
    """Stop the server unless a process of this home uses it."""
    if place.of(home).data.exists():
        with _mutex(home):
            _stop_unless_used(place.of(home))


def start(home: Path, *, fsync: bool = True) -> None:
    """Make the cluster if there is none, start it unless it runs, and make the database."""
    with _mutex(home):
        _start(place.of(home), fsync=fsync)


def stop(home: Path) -> None:
    """Stop the server, whoever uses it; nothing happens when it does not run."""
    with _mutex(home):
        _stop(place.of(home))


def is_running(home: Path) -> bool:
    """Whether a postmaster of this home's data folder is alive."""
    return _postmaster(place.of(home)) is not None


def data_folder(home: Path) -> Path:
    """Where the cluster of this home lies; not always within it (see place)."""
    return place.of(home).data


def postmaster(home: Path) -> int | None:
    """The process id of the running server."""
    found = _postmaster(place.of(home))
    return found.pid if found else None


def program(name: str) -> Path:
    """One of the newest client programs (pg_dump, psql), to be run by ourselves."""
    return programs.folder(programs.newest_major(), None) / name


@contextmanager
def _mutex(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the server of a home."""
    where = place.of(home)
    place.prepare(where)
    descriptor = _open_lock(where, "start.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(where: Place, name: str) -> int:
    descriptor = os.open(where.base / name, os.O_RDWR | os.O_CREAT, 0o600)
    if where.account:
        os.fchown(descriptor, where.account.uid, where.account.gid)
    return descriptor


def _stop_unless_used(where: Place) -> None:
    users = _open_lock(where, "users.lock")
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _stop(where)
    except BlockingIOError:
        pass  # somebody else's shared lock: the server stays for them
    finally:
        os.close(users)


def _start(where: Place, *, fsync: bool) -> None:
    if _postmaster(where) is None:
        where.major()  # refuses a data folder that none of the programs can serve
        _make_cluster(where, fsync=fsync)
        _configure(where, fsync=fsync)
        _launch(where)
    _await_ready(where)


def _make_cluster(where: Place, *, fsync: bool) -> None:
    if where.data.exists():
        return
    draft = where.base / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    options = [
        "--username", USER, "--auth=trust", "--data-checksums", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
    ]  # fmt: skip
    _run(where, "initdb", "-D", str(draft), *options, *([] if fsync else ["--no-sync"]))
    with (draft / "postgresql.conf").open("a") as file:
        file.write(f"\ninclude = '{configuration.FILE}'\n")
    draft.rename(where.data)
    place.remember(where)


def _configure(where: Place, *, fsync: bool) -> None:
    path = where.data / configuration.FILE
    path.write_text(configuration.render(sockets=where.sockets, port=PORT, fsync=fsync))
    if where.account:
        os.chown(path, where.account.uid, where.account.gid)


def _launch(where: Place) -> None:
    log = where.base / "start.log"
    give_up = time.monotonic() + RETRY_SECONDS
    while True:
        _forget_stale_pid(where)
        log.unlink(missing_ok=True)
        try:
            _run(
                where, "pg_ctl", "-D", str(where.data), "-w", "-t", str(RECOVERY_SECONDS),
                "-s", "-l", str(log), "start",
            )  # fmt: skip
            return
        except Unavailable:
            said = _last_words(where, log)
            if "still in use" not in said or time.monotonic() > give_up:
                raise Unavailable(_explain(where, said)) from None
            time.sleep(0.2)


def _forget_stale_pid(where: Place) -> None:
    """PostgreSQL clears a dead server's pid file by itself, unless another program of the same
    user now bears that number: then it would refuse for ever. We know better: it is not ours.
    """
    if _postmaster(where) is None:
        (where.data / "postmaster.pid").unlink(missing_ok=True)


def _await_ready(where: Place) -> None:
    """Until the database `touchloop` takes connections; makes it the first time."""
    give_up = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            with psycopg.connect(url(where.home, database="postgres"), autocommit=True) as link:
                if not link.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone():
                    link.execute(f"CREATE DATABASE {DATABASE}")  # a constant of ours
            return
        except psycopg.OperationalError as error:
            if _postmaster(where) is None or time.monotonic() > give_up:
                raise Unavailable(_explain(where, str(error))) from error
            time.sleep(0.05)


def _stop(where: Place) -> None:
    if _postmaster(where) is None:
        return
    _run(where, "pg_ctl", "-D", str(where.data), "-m", "fast", "-w", "-t", "120", "-s", "stop")


def _postmaster(where: Place) -> psutil.Process | None:
    """The living server of this data folder: a server's working folder is its data folder, so a
    stranger that got the number of a dead server is not taken for it.
    """
    try:
        pid = int((where.data / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return process if alive and Path(process.cwd()) == where.data.resolve() else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _run(where: Place, program: str, *arguments: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PG") and name not in ("LANG", "LANGUAGE")
    }
    done = subprocess.run(
        [where.program(program), *arguments],
        cwd="/",
        env=environment | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        umask=0o077,
        start_new_session=True,  # Ctrl-C is for us: we stop the server when its users have gone
        check=False,
        **(where.account.switch() if where.account else {}),
    )
    if done.returncode:
        raise Unavailable(_explain(where, done.stdout + done.stderr))


def _last_words(where: Place, log: Path) -> str:
    """What the server said before it gave up: in its first output, or in its own log."""
    logs = sorted((where.data / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    found = [path for path in (*logs[-1:], log) if path.exists()]
    return "\n".join(path.read_text(errors="replace")[-4000:] for path in found)


def _explain(where: Place, said: str) -> str:
    if "No space left on device" in said or "could not extend" in said:
        return f"the disk of {where.base} is full: make room, then start again"
    telling = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
    lines = telling or [line for line in said.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "it said nothing"
    return f"the database in {where.data} did not start: {last}"
