"""`backup` and `restore`: one file with everything, and everything from one file."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, say, show
from touchloop.cli.serve import only_one
from touchloop.core import clock, dump, postgres, settings
from touchloop.core.errors import Invalid, TouchloopError
from touchloop.core.version import version

DATABASE, SECRET = "database", "secret_key"
FRESH, OLD = "touchloop_restored", "touchloop_replaced"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def backup(
    file: Annotated[
        Path, typer.Argument(help="Where to: a name that ends in .tar.zst or .tar.gz.")
    ],
    as_json: Json = False,
) -> None:
    """Write everything into one file, while Touchloop runs or not.

    Holds the database as of one moment (the log, from which the lake can be made again, the
    customers, consent, settings, people) and the secret key. Keep it where it is safe: it holds
    personal data.

    Example:

        touchloop backup /backups/touchloop-monday.tar.zst
    """
    from touchloop.core import archive  # pyarrow takes half a second: no other command waits

    begun = time.monotonic()
    file = file.expanduser().resolve()
    archive.packing(file)  # a wrong name is said before the work, not after it
    if not file.parent.is_dir():
        raise Invalid("file", f"there is no folder {file.parent}")
    with result(as_json=as_json) as emit, runtime.ready(), _workshop() as folder:
        say("Copying the database …")
        content = dump.dump(settings.database_url(), to=folder / DATABASE)
        secret = settings.home() / SECRET
        if secret.exists() and not os.environ.get("TOUCHLOOP_SECRET_KEY"):
            shutil.copy(secret, folder / SECRET)
        from touchloop.privacy import api as privacy

        (folder / privacy.ERASED).write_text(privacy.erased_text())
        say("Packing …")
        try:
            archive.write(folder, to=file, manifest=_manifest(content))
        except OSError as error:
            raise TouchloopError(f"{file} cannot be written: {error.strerror or error}") from error
        seconds = round(time.monotonic() - begun, 1)
        emit({"file": str(file), "bytes": file.stat().st_size, "seconds": seconds})
        if not as_json:
            show(f"{file}: {file.stat().st_size / 1e6:,.1f} MB in {seconds} s.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `touchloop backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Throw away what is in the data folder now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring everything back from a backup file, and prove that it is equal.

    The file is checked whole before anything is touched; what is there now is given up only after
    the restored content was found equal. The lake is made again from the log.

    Example:

        TOUCHLOOP_HOME=/data/new touchloop restore /backups/touchloop-monday.tar.zst
    """
    begun = time.monotonic()
    from touchloop.core import archive

    settings.check()
    with result(as_json=as_json) as emit, only_one(settings.home(), port=0), _workshop() as folder:
        say("Checking the file …")
        manifest = archive.unpack(file.expanduser().resolve(), into=folder)
        if settings.embedded():
            _restore_embedded(folder / DATABASE, manifest, replace=replace)
        else:
            _restore_elsewhere(folder / DATABASE, manifest, replace=replace)
        _restore_secret(folder / SECRET)
        with runtime.ready():
            erased = _erase_again(folder, datetime.fromisoformat(manifest["made_at"]))
            say("Making the lake again from the log …")
            rows = _remake_lake()
        seconds = round(time.monotonic() - begun, 1)
        tables = sum(count for count, _ in manifest["tables"].values())
        emit(
            {
                "tables": len(manifest["tables"]),
                "rows": tables,
                "lake": rows,
                "erased_again": erased,
                "seconds": seconds,
            }
        )
        if not as_json:
            show(
                f"Restored {tables:,} rows of {len(manifest['tables'])} tables, equal to the backup"
                f" of {manifest['made_at'][:16]}; {rows:,} interactions in the lake. {seconds} s."
            )


def _manifest(content: dump.Fingerprint) -> dict[str, Any]:
    return {
        "touchloop": version(),
        "made_at": clock.now().isoformat(),
        "embedded": settings.embedded(),
        "tables": content,
    }


def _restore_embedded(folder: Path, manifest: dict[str, Any], *, replace: bool) -> None:
    """Into a database beside the present one, which gives way when the new one is proved equal."""
    home = settings.home()
    with postgres.running(home), _administration(home) as link:
        with psycopg.connect(postgres.url(home)) as present:
            if dump.tables(present) and not replace:
                raise TouchloopError(_occupied(str(home)))
        link.execute(f"DROP DATABASE IF EXISTS {FRESH} WITH (FORCE)")
        link.execute(f"CREATE DATABASE {FRESH}")
        try:
            say("Reading the database back …")
            dump.load(postgres.url(home, database=FRESH), folder=folder, replace=False)
            _prove(postgres.url(home, database=FRESH), manifest)
        except BaseException:
            link.execute(f"DROP DATABASE IF EXISTS {FRESH} WITH (FORCE)")
            raise
        link.execute(f"DROP DATABASE IF EXISTS {OLD} WITH (FORCE)")
        _close_sessions(link)
        link.execute(f"ALTER DATABASE {postgres.DATABASE} RENAME TO {OLD}")
        link.execute(f"ALTER DATABASE {FRESH} RENAME TO {postgres.DATABASE}")
        link.execute(f"DROP DATABASE {OLD} WITH (FORCE)")


def _restore_elsewhere(folder: Path, manifest: dict[str, Any], *, replace: bool) -> None:
    """Into the database of DATABASE_URL, in one transaction: all of it or nothing."""
    url = settings.database_url()
    with psycopg.connect(url) as present:
        if dump.tables(present) and not replace:
            raise TouchloopError(_occupied("the database of DATABASE_URL"))
    say("Reading the database back …")
    dump.load(url, folder=folder, replace=True)
    _prove(url, manifest)


def _occupied(what: str) -> str:
    return f"{what} is not empty; to throw away what is there, add --replace"


def _prove(url: str, manifest: dict[str, Any]) -> None:
    with psycopg.connect(url, options="-c timezone=UTC") as link:
        found = dump.fingerprint(link)
    differing = [name for name, was in manifest["tables"].items() if found.get(name) != was]
    if differing:
        raise Invalid("file", f"restored content differs from the backup in: {differing}")


@contextmanager
def _administration(home: Path) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.url(home, database="postgres"), autocommit=True) as link:
        yield link


def _close_sessions(link: psycopg.Connection[Any]) -> None:
    link.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
        [postgres.DATABASE],
    )


def _restore_secret(kept: Path) -> None:
    """Sign-ins and signatures made with the key stay valid."""
    if not kept.exists():
        return
    goal = settings.home() / SECRET
    draft = goal.with_name(f".{SECRET}-restored")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(kept.read_bytes())
    draft.rename(goal)


def _erase_again(folder: Path, made_at: datetime) -> int:
    """Whoever was erased after the backup was made stays erased; returns how many they are."""
    from touchloop.core import db
    from touchloop.privacy import api as privacy

    kept = folder / privacy.ERASED
    privacy.add_erased(kept.read_text().splitlines() if kept.exists() else [])
    with db.connect() as link:
        customers = privacy.erased_since(link, made_at)
        link.rollback()
        for customer in customers:
            privacy.erase(link, customer)
    if customers:
        say(f"Erased since the backup was made, and now again: {len(customers):,}.")
    return len(customers)


def _remake_lake() -> int:
    """The old one goes first: it may hold rows and numbers of exports unknown to the backup."""
    from touchloop.core import db
    from touchloop.flow import api as flow

    if "://" not in settings.lake_url():
        shutil.rmtree(settings.lake_url(), ignore_errors=True)
    with db.connect() as link:
        return flow.rebuild(link)


@contextmanager
def _workshop() -> Iterator[Path]:
    """A closed folder on the disk of the data folder, gone afterwards."""
    settings.home().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=settings.home()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
