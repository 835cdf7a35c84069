"""The whole database into files and back, by PostgreSQL's own programs, with proof of equality."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, sql

from touchloop.core import postgres
from touchloop.core.errors import TouchloopError

Fingerprint = dict[str, list[int]]  # table → [rows, sum of the rows' hashes]
JOBS = 2


def dump(url: str, *, to: Path) -> Fingerprint:
    """Write the database as of one moment into a new folder; what it held tells the answer."""
    with _snapshot(url) as (link, name):
        _run(
            "pg_dump", url, "--format=directory", f"--file={to}", f"--jobs={JOBS}",
            "--compress=none", "--no-owner", "--no-privileges", f"--snapshot={name}",
        )  # fmt: skip
        return fingerprint(link)


def load(url: str, *, folder: Path, replace: bool) -> None:
    """Read a dump into a database; `replace` empties it in the same transaction."""
    clean = ("--clean", "--if-exists", "--single-transaction") if replace else (f"--jobs={JOBS}",)
    _run("pg_restore", url, *clean, "--exit-on-error", "--no-owner", "--no-privileges", str(folder))


def fingerprint(link: psycopg.Connection[Any]) -> Fingerprint:
    """Per table its rows and a sum of hashes: equal for equal content, in whatever order."""
    return {
        name: [
            int(value)
            for value in link.execute(
                sql.SQL(
                    "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"
                    " FROM {} t"
                ).format(sql.Identifier("public", name))
            ).fetchone()
            or ()
        ]
        for name in tables(link)
    }


def tables(link: psycopg.Connection[Any]) -> list[str]:
    rows = link.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    ).fetchall()
    return [row[0] for row in rows]


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    with psycopg.connect(url, options="-c timezone=UTC") as link:
        link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        link.read_only = True
        found = link.execute("SELECT pg_export_snapshot()").fetchone()
        assert found
        yield link, found[0]


def _run(program: str, url: str, *arguments: str) -> None:
    """The password goes by the environment: a command line can be read by everybody."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items()}
    password = parts.pop("password", "")
    done = subprocess.run(
        [postgres.program(program), f"--dbname={conninfo.make_conninfo(**parts)}", *arguments],
        env=os.environ | {"PGPASSWORD": password, "LC_ALL": "C", "PGTZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise TouchloopError(f"{program} failed: {said[0] if said else done.returncode}")
