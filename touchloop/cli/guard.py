"""The guard of `serve`: when `serve` is killed, it ends what `serve` had started.

A process of its own, in a session of its own, that does nothing but read a pipe from `serve`:
`+PID` and `-PID` say which parts run, `done` that all were stopped in order. The pipe's end
without `done` means that `serve` is dead: then the guard stops the parts and, when nobody else
uses it, the database.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from touchloop.cli import runtime

GRACE_SECONDS = 8.0


class Guard:
    """The end of the pipe that `serve` holds."""

    def __init__(self, home: Path | None) -> None:
        self._process = subprocess.Popen(
            runtime.python("touchloop.cli.guard", str(home or "")),
            env=runtime.environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int) -> None:
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        self._tell(f"-{pid}")

    def dismiss(self) -> None:
        self._tell("done")
        with suppress(BrokenPipeError):
            self._pipe().close()
        self._process.wait(timeout=GRACE_SECONDS)

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError, ValueError):
            self._pipe().write(line + "\n")
            self._pipe().flush()

    def _pipe(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin


def main(home: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "done":
            return
        pid = int(word[1:])
        groups.add(pid) if word[0] == "+" else groups.discard(pid)
    end_groups(groups, grace=GRACE_SECONDS)
    if home:
        from touchloop.core import postgres

        postgres.release(Path(home))


def end_groups(groups: set[int], *, grace: float) -> None:
    """Ask the process groups to end; kill what is still there after `grace` seconds."""
    signal_groups(groups, signal.SIGTERM)
    give_up = time.monotonic() + grace
    while time.monotonic() < give_up and any(map(group_lives, groups)):
        time.sleep(0.05)
    signal_groups(groups, signal.SIGKILL)


def signal_groups(groups: set[int], number: int) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
