"""One installation from its first start to its restoration: nothing lost, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.platform.installation import Installation, eventually
from touchloop.core import postgres


@pytest.fixture(scope="module")
def house() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="tli-", dir="/tmp"))
    folder.chmod(0o755)
    made = Installation(home=folder / "home")
    yield made
    made.destroy()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def served(house: Installation) -> dict[str, Any]:
    return house.serve()


@pytest.fixture(scope="module")
def key(house: Installation, served: dict[str, Any]) -> str:
    return str(house.json("source", "add", "Web shop", "--kind", "server")["write_key"])


def test_serve_prints_its_addresses(house: Installation, served: dict[str, Any]) -> None:
    assert served["console"] == f"http://localhost:{house.port}"
    assert served["tracking"] == f"http://localhost:{house.port + 1}"
    assert served["decisions"] == f"http://localhost:{house.port + 2}"


def test_a_second_serve_is_refused_in_one_line(house: Installation, key: str) -> None:
    done = house.run("serve", "--port", str(house.port + 10))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "already serves" in done.stderr


def test_a_taken_port_is_a_wrong_setting(house: Installation, key: str) -> None:
    other = Installation(home=house.home.parent / "other", port=house.port)
    done = other.run("serve", "--port", str(house.port))
    assert done.returncode == 2 and "--port" in done.stderr


def test_an_event_is_stored_and_doctor_closes_the_sum(house: Installation, key: str) -> None:
    for number in range(5):
        assert _order(house, key, number) == 200
    assert _order(house, key, 0) == 200  # once more: a duplicate
    found = _await_doctor(house, stored=5)
    assert found["events"] == {
        "sent": 6, "stored": 5, "duplicate": 1, "quarantined": 0, "refused": 0, "erased": 0,
    }  # fmt: skip
    assert {"database", "collector", "workers", "lake", "conservation"} <= {
        check["name"] for check in found["checks"]
    }


@pytest.mark.parametrize("part", ["collect", "web", "work"])
def test_a_killed_part_is_started_again(house: Installation, key: str, part: str) -> None:
    before = house.part(part)
    before.kill()
    after = eventually(lambda: _another(house, part, before.pid))
    assert after and after.pid != before.pid


def test_a_killed_database_is_started_again(house: Installation, key: str) -> None:
    pid = postgres.postmaster(house.home)
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: postgres.postmaster(house.home) not in (None, pid))
    assert eventually(lambda: _order(house, key, 6) == 200)
    _await_doctor(house, stored=6)


def test_nothing_is_left_when_serve_itself_is_killed(house: Installation, key: str) -> None:
    house.stop(signal.SIGKILL)
    assert house.await_silence() == []


def test_the_next_start_recovers_and_sigterm_stops_everything(
    house: Installation, key: str
) -> None:
    house.serve()
    assert eventually(lambda: _order(house, key, 7) == 200)
    _await_doctor(house, stored=7)
    assert house.stop(signal.SIGTERM) == 0
    assert house.await_silence(5) == []


def test_a_backup_brings_everything_back(house: Installation, key: str) -> None:
    file = house.home.parent / "all.tar.zst"
    assert house.json("backup", str(file))["bytes"] == file.stat().st_size
    refused = house.run("restore", str(file))
    assert refused.returncode == 1 and "--replace" in refused.stderr
    before = house.json("source", "list")
    secret = (house.home / "secret_key").read_text()

    shutil.rmtree(house.home)  # the disaster
    restored = house.json("restore", str(file))
    assert restored["lake"] >= 7
    assert house.json("source", "list") == before
    assert (house.home / "secret_key").read_text() == secret
    found = house.json("doctor")
    assert found["ok"] and found["events"]["stored"] == 7, found


def test_a_damaged_backup_changes_nothing(house: Installation, key: str) -> None:
    file = house.home.parent / "all.tar.zst"
    cut = house.home.parent / "cut.tar.zst"
    cut.write_bytes(file.read_bytes()[:-1000])
    done = house.run("restore", str(cut), "--replace")
    assert done.returncode == 1 and "damaged or cut off" in done.stderr
    assert house.json("doctor")["events"]["stored"] == 7
    assert house.run("restore", str(file), "--replace").returncode == 0
    assert house.json("doctor")["events"]["stored"] == 7


def _order(house: Installation, key: str, number: int) -> int:
    try:
        return house.post(
            key,
            {
                "event": "Order Completed",
                "userId": f"customer-{number % 3}",
                "messageId": f"order-{number}",
                "timestamp": "2026-01-05T10:00:00Z",
                "properties": {"order_id": number, "revenue": 12.5},
            },
        )
    except OSError:
        return 0


def _await_doctor(house: Installation, *, stored: int) -> dict[str, Any]:
    """The doctor's word once so many are stored; fails with what it complains of."""
    give_up = time.monotonic() + 60
    while True:
        found = house.json("doctor")
        if found["ok"] and found["events"]["stored"] >= stored:
            return found
        ill = [check for check in found["checks"] if not check["ok"]]
        assert time.monotonic() < give_up, (found["events"], ill)
        time.sleep(0.2)


def _another(house: Installation, part: str, pid: int) -> Any:
    try:
        found = house.part(part)
    except (StopIteration, psutil.NoSuchProcess, ProcessLookupError):
        return None
    return found if found.pid != pid else None
