"""An installation of its own for a measurement, removed afterwards: real data is never touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
