"""The embedded server: for any user, in any folder, after any crash."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from touchloop.core import postgres
from touchloop.core.errors import Unavailable, WrongSetting
from touchloop.core.postgres import configuration, place, programs

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, so that the socket fits; whatever still runs there is stopped."""
    made = Path(tempfile.mkdtemp(prefix="tlp-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def new_home(folder: Path) -> Iterator[Path]:
    named = folder / "home"
    yield named
    if named.exists():
        postgres.stop(named)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home with a cluster that does not run: to make one takes a second, to copy it none."""
    outside = Path(tempfile.mkdtemp(prefix="tlp-", dir="/tmp"))
    outside.chmod(0o755)
    with postgres.running(outside / "home"):
        pass
    yield outside / "home"
    shutil.rmtree(outside, ignore_errors=True)


@pytest.fixture
def home(new_home: Path, made: Path) -> Path:
    subprocess.run(["cp", "-a", made, new_home], check=True)
    return new_home


def test_the_first_start_makes_a_durable_closed_cluster(new_home: Path) -> None:
    home = new_home
    with postgres.running(home) as url, psycopg.connect(url) as link:
        for name, value in {
            "data_checksums": "on",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "",
            "jit": "off",
            "TimeZone": "UTC",
        }.items():
            assert link.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
        assert place.of(home).sockets.stat().st_mode & 0o777 == 0o700
    assert not postgres.is_running(home)


def test_what_was_written_is_there_after_a_restart(home: Path) -> None:
    with postgres.running(home) as url:
        _write(url)
    with postgres.running(home) as url:
        assert _read(url) == 1


def test_a_killed_server_is_recovered_by_the_next_start(home: Path) -> None:
    postgres.start(home)
    _write(postgres.url(home))
    _kill_server(home)
    assert (place.of(home).data / "postmaster.pid").exists()
    with postgres.running(home) as url:
        assert _read(url) == 1


def test_a_stranger_with_the_dead_servers_number_is_not_taken_for_it(home: Path) -> None:
    postgres.start(home)
    _write(postgres.url(home))
    _kill_server(home)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = place.of(home).data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert not postgres.is_running(home)
        with postgres.running(home) as url:
            assert _read(url) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_making_leaves_nothing_half(home: Path) -> None:
    with postgres.running(home):
        pass
    data = place.of(home).data
    data.rename(data.with_name("data.new"))  # as if initdb had been killed before its last step
    (data.with_name("data.new") / "PG_VERSION").unlink()
    with postgres.running(home) as url:
        _write(url)


def test_the_last_of_several_users_stops_the_server(home: Path) -> None:
    with postgres.running(home):
        with postgres.running(home):
            pass
        assert postgres.is_running(home)
        other = _other_user(home)
    assert postgres.is_running(home)
    other.kill()  # its lock falls with it
    other.wait()
    postgres.release(home)
    assert not postgres.is_running(home)


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    home = folder / ("a-long-name-" * 8) / "home"
    with postgres.running(home) as url:
        assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
        assert len(str(place.of(home).sockets)) < place.SOCKET_PATH_LIMIT


def test_a_data_folder_of_another_major_version_is_refused_in_words(home: Path) -> None:
    with postgres.running(home):
        pass
    (place.of(home).data / "PG_VERSION").write_text("12\n")
    with pytest.raises(Unavailable, match="made by PostgreSQL 12"):
        postgres.start(home)


def test_a_full_disk_is_named() -> None:
    where = place.Place(home=Path("/h"), base=Path("/h/postgres"), account=None)
    said = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    from touchloop.core.postgres.server import _explain

    assert "the disk of /h/postgres is full" in _explain(where, said)


def test_a_wrong_local_setting_is_named(home: Path) -> None:
    with postgres.running(home):
        pass
    (place.of(home).data / configuration.LOCAL).write_text("work_mem = 'much'\n")
    with pytest.raises(Unavailable, match="work_mem|local.conf|configuration"):
        postgres.start(home)


@as_root
def test_as_root_the_server_runs_as_somebody_without_rights(home: Path) -> None:
    with postgres.running(home):
        pid = postgres.postmaster(home)
        assert pid and psutil.Process(pid).username() == "nobody"


@as_root
def test_a_home_that_the_servers_user_may_not_enter(folder: Path) -> None:
    """As with a home under /root: the cluster lies outside, and is found again."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    with postgres.running(home) as url:
        _write(url)
        outside = place.of(home).base
        assert outside.parent == programs.SHARED
    try:
        assert (home / "postgres.moved").read_text().strip() == str(outside)
        with postgres.running(home) as url:
            assert _read(url) == 1
        shutil.rmtree(home)  # who deletes a home and starts anew meets nobody of before
        with postgres.running(home) as url, psycopg.connect(url) as link:
            assert link.execute("SELECT to_regclass('kept')").fetchone() == (None,)
    finally:
        for left in programs.SHARED.glob(f"{outside.name}*"):
            shutil.rmtree(left)


@as_root
def test_a_moved_cluster_that_is_gone_is_not_replaced_by_an_empty_one(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "postgres.moved").write_text("/nowhere/at/all\n")
    with pytest.raises(WrongSetting, match="TOUCHLOOP_HOME"):
        postgres.start(home)


@as_root
def test_an_ordinary_user_runs_it_and_nobody_else_takes_it_over(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    home = folder / "home"
    with postgres.running(folder / "warm"):  # what is imported late cannot be read by the user
        pass

    def use() -> None:
        with postgres.running(home) as url:
            _write(url)
            pid = postgres.postmaster(home)
            assert pid and psutil.Process(pid).uids().real == nobody.pw_uid

    _as_user(nobody, use)
    with postgres.running(home) as url:  # root serves it as its owner
        assert _read(url) == 1
    _as_user(nobody, lambda: _use_once(home))


@as_root
def test_somebody_elses_data_is_refused_in_words(folder: Path) -> None:
    home = folder / "home"
    with postgres.running(home):
        pass

    def use() -> None:
        with pytest.raises(WrongSetting, match="belongs to|may not"):
            postgres.start(home)

    _as_user(pwd.getpwnam("daemon"), use)


def test_memory_is_taken_in_proportion() -> None:
    small = configuration.render(sockets=Path("/s"), port=1, memory=1 << 30)
    large = configuration.render(sockets=Path("/s"), port=1, memory=64 << 30)
    assert "shared_buffers = 256MB" in small and "shared_buffers = 2048MB" in large


def _use_once(home: Path) -> None:
    with postgres.running(home) as url:
        assert _read(url) == 1


def _write(url: str) -> None:
    with psycopg.connect(url) as link:
        link.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")


def _read(url: str) -> int:
    with psycopg.connect(url) as link:
        row = link.execute("SELECT n FROM kept").fetchone()
        assert row
        return int(row[0])


def _kill_server(home: Path) -> None:
    pid = postgres.postmaster(home)
    assert pid
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)


def _other_user(home: Path) -> subprocess.Popen[bytes]:
    program = (
        "import sys, time; from pathlib import Path; from touchloop.core import postgres\n"
        "with postgres.running(Path(sys.argv[1])): print('up', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE)
    assert other.stdout and other.stdout.readline() == b"up\n"
    return other


def _as_user(user: pwd.struct_passwd, work: Callable[[], None]) -> None:
    """In a fork, because the interpreter itself may lie where the user cannot read it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the user's process did not end")
