"""Everything a command needs before its work: settings read, database up, tables current."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg

from touchloop.core import locks, postgres, settings
from touchloop.core.errors import WrongSetting

CHILD = "TOUCHLOOP_PART_OF"  # set for the parts that `serve` starts: it has prepared all


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this very package, whatever lies in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Ours, with this very package first on the path of a child."""
    package = str(Path(__file__).resolve().parent.parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def ready(*, migrate: bool = True) -> Iterator[None]:
    """For as long as the block lasts, the database is up and Django is set up."""
    settings.check()
    with postgres.running(settings.home()) if settings.embedded() else nullcontext():
        if not settings.embedded():
            _reach_database()
        setup_django()
        if migrate and not os.environ.get(CHILD):
            migrate_tables()
        yield


def setup_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "touchloop.config.settings")
    import django

    django.setup()


def migrate_tables() -> int:
    """Bring the tables to this version; returns how many steps that took.

    Several machines may start at once: one migrates, the others wait for it.
    """
    from django.core.management import call_command

    if not pending_migrations():
        return 0
    with psycopg.connect(settings.database_url(), autocommit=True) as link:
        link.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])
        todo = len(pending_migrations())
        if todo:
            call_command("migrate", interactive=False, verbosity=0)
    return todo


def pending_migrations() -> list[str]:
    """The migrations that this version has and the database has not, in order."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _reach_database() -> None:
    try:
        psycopg.connect(settings.database_url(), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise WrongSetting(f"DATABASE_URL: the database does not answer ({said})") from error
