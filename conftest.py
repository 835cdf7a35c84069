"""One embedded PostgreSQL for the whole test session, without fsync, in a temporary home."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest

_HOME = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
os.environ["TOUCHLOOP_HOME"] = str(_HOME)
os.environ.pop("DATABASE_URL", None)
os.environ.pop("LAKE_URL", None)
# Not in pyproject: pytest-django would read the settings before the home is set here.
os.environ["DJANGO_SETTINGS_MODULE"] = "touchloop.config.settings"

from touchloop.core import postgres  # noqa: E402

postgres.start(_HOME, fsync=False)
django.setup()


@atexit.register
def _stop() -> None:
    postgres.stop(_HOME)
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Raw connections of touchloop.core.db go to the test database as well."""
    from django.db import connection

    os.environ["TOUCHLOOP_TEST_DATABASE_URL"] = postgres.url(
        _HOME, database=connection.settings_dict["NAME"]
    )
