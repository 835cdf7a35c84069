"""One embedded PostgreSQL for the whole test session, without fsync, in a temporary home."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from hypothesis import HealthCheck, settings

# How long one example takes says more about who else uses the machine than about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

_HOME = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
os.environ["TOUCHLOOP_HOME"] = str(_HOME)
os.environ.pop("DATABASE_URL", None)
os.environ.pop("LAKE_URL", None)
# Threads of BLAS and OpenMP wait for each other busily, on cores that the other tests need.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Not in pyproject: pytest-django would read the settings before the home is set here.
os.environ["DJANGO_SETTINGS_MODULE"] = "touchloop.config.settings"

from django.contrib.auth.hashers import ScryptPasswordHasher  # noqa: E402

from tests import lending  # noqa: E402
from touchloop.core import postgres  # noqa: E402
from touchloop.profiles import search  # noqa: E402

postgres.start(_HOME, fsync=False)
lending.lend()
django.setup()
# A password that takes a third of a second to guess takes as long to make, for each test's staff.
ScryptPasswordHasher.work_factor, ScryptPasswordHasher.parallelism = 2**4, 1
# Three seconds are a person's patience with a list; a machine full of tests may stand still longer.
search.PATIENCE_MS = 60_000
# Further test processes must not read the settings of this one before they have a home.
del os.environ["DJANGO_SETTINGS_MODULE"]


@atexit.register
def _stop() -> None:
    postgres.stop(_HOME)
    shutil.rmtree(_HOME, ignore_errors=True)


# Minutes each: what comes last has one process working and the other waiting.
_LONGEST = ("tests/crash", "tests/engines", "tests/story", "tests/platform", "tests/wheel")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; pytest-django has just put those without a database last."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Raw connections of touchloop.core.db go to the test database as well."""
    from django.db import connection

    os.environ["TOUCHLOOP_TEST_DATABASE_URL"] = postgres.url(
        _HOME, database=connection.settings_dict["NAME"]
    )
    yield
    connection.close()
    lending.end()


@pytest.fixture(scope="session", autouse=True)
def _empty_only_what_was_filled() -> None:
    """Django's flush truncates every table and makes the permissions anew: .3 s for each test."""
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined]


def _empty_tables(_: object) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EMPTY)


_EMPTY = """
DO $$
DECLARE
  filled name;
BEGIN
  SET LOCAL session_replication_role = replica;  -- no keys, no triggers
  FOR filled IN
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
      AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
  LOOP
    EXECUTE format('DELETE FROM %I', filled);
  END LOOP;
END $$
"""
