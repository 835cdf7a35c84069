"""A disk that is really full: the inbox lies in a file system of two megabytes."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchloop.collect.tests.conftest import Served, messages
from touchloop.core import db
from touchloop.interactions.api import Source


@pytest.fixture
def small_disk(transactional_db: None) -> Iterator[Path]:
    """Where the inbox lies during the test; only root may make such a place."""
    folder = Path(tempfile.mkdtemp(prefix="tl-small-", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0777", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        shutil.rmtree(folder)
        pytest.skip("a file system of its own needs root and its rights")
    name = f"small_{secrets.token_hex(4)}"
    place = folder / "inbox"
    place.mkdir(mode=0o700)
    with db.connect(autocommit=True) as conn:
        row = conn.execute("SELECT current_setting('data_directory')").fetchone()
        assert row is not None
        owner = Path(row[0]).stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        conn.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        conn.execute("TRUNCATE inbox")  # deleted rows lie there until they are vacuumed
        conn.execute(f"ALTER TABLE inbox SET TABLESPACE {name}")
        try:
            yield folder
        finally:
            conn.execute("TRUNCATE inbox")
            conn.execute("ALTER TABLE inbox SET TABLESPACE pg_default")
            conn.execute(f"DROP TABLESPACE {name}")
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()


def test_a_disk_that_is_really_full(small_disk: Path, door: Served, source: Source) -> None:
    """503 with Retry-After, nothing acknowledged lost, and well again when there is room."""
    acknowledged: list[str] = []

    def send() -> int:
        ids = [uuid.uuid4().hex for _ in range(20)]
        padding = {"padding": secrets.token_hex(3_000)}  # compresses to half at best
        batch = [
            {"type": "track", "event": "E", "userId": "u", "messageId": id, "properties": padding}
            for id in ids
        ]
        reply = door.send("/v1/batch", {"batch": batch}, key=source.write_key)
        if reply.status == 200:
            acknowledged.extend(ids)
        else:
            assert (reply.json["code"], reply.headers["retry-after"]) == ("disk_full", "5")
        return reply.status

    statuses = [send() for _ in range(60)]
    assert (statuses[0], statuses[-1], set(statuses)) == (200, 503, {200, 503})
    health = door.send("/health", method="GET")
    assert (health.status, health.json["status"]) == (503, "unavailable")
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert [send() for _ in range(3)] == [200] * 3
    assert door.send("/health", method="GET").status == 200
    assert [message.message_id for message in messages()] == acknowledged
