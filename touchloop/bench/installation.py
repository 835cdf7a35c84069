"""An installation of its own for a measurement, removed afterwards: real data is never touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from touchloop.cli import runtime

MOVED = ("TOUCHLOOP_HOME", "DATABASE_URL", "LAKE_URL")


@contextmanager
def temporary() -> Iterator[Path]:
    """A fresh home with a running, durable database (fsync as in production), until the block ends.

    Must be entered before anything reads Django's settings in this process.
    """
    kept = {name: os.environ.pop(name, None) for name in MOVED}
    home = Path(tempfile.mkdtemp(prefix="touchloop-bench-"))
    os.environ["TOUCHLOOP_HOME"] = str(home)
    try:
        with runtime.ready():
            yield home
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def workers(conn: Any, count: int) -> Iterator[None]:
    """So many workers as processes of their own, ready to work, until the block ends."""
    with parts("work", count):
        while _beating(conn) < count:
            time.sleep(0.1)
        yield


@contextmanager
def parts(name: str, count: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """`touchloop NAME` as so many processes, until the block ends; they may not be ready yet."""
    from touchloop.core import db

    whole = {**runtime.environment(), **(environment or {}), "DATABASE_URL": db.url()}
    command = runtime.python("touchloop", name)
    running = [subprocess.Popen(command, env=whole) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(timeout=60)


def _beating(conn: Any) -> int:
    row = conn.execute("SELECT count(*) FROM heartbeats").fetchone()
    conn.rollback()
    return int(row[0])


def result(
    value: float, unit: str, *, target: float | None, baseline: float | None, baseline_name: str
) -> dict[str, object]:
    """One line of a bench's results."""
    return {
        "value": round(value, 3),
        "unit": unit,
        "target": target,
        "baseline": None if baseline is None else round(baseline, 3),
        "baseline_name": baseline_name,
    }
