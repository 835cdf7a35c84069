"""Brings forth parts of the product without their seconds of imports: `collect`, `work`, `deliver`.

For each line on standard input, which names a part (and a door's port), one is forked, in a session
of its own, and its number printed. It runs what the command runs, on this process's settings, until
somebody kills it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from touchloop.cli import runtime


class Nursery:
    """The process, and a way to ask it for another part."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def bear(self, *part: str | int) -> int:
        """Start one more; returns the number of its process."""
        assert self._process.stdin and self._process.stdout
        print(*part, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextlib.contextmanager
def nursery(environment: Mapping[str, str], log: Path) -> Iterator[Nursery]:
    """One that lives until the block ends; its children write to the log, and are not its care."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.nursery"],
        env=dict(environment), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=log.open("ab"), cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield Nursery(process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    runtime.setup_django()
    from touchloop.channels import api as channels
    from touchloop.collect import app
    from touchloop.flow import api as flow

    import_module("touchloop.collect.server")  # whatever a part loads is loaded before it is born
    import_module("pandas")  # by Arrow, with its first array
    channels.channels()
    parts: dict[str, Callable[..., None]] = {
        "collect": lambda port: app.serve(host="127.0.0.1", port=int(port), workers=1),
        "work": lambda: flow.run(stop=lambda: False),
        "deliver": lambda: flow.deliver(stop=lambda: False),
    }
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            child = os.fork()
            if child == 0:
                os.setsid()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                part, *words = line.split()
                parts[part](*words)
                os._exit(0)
            print(child, flush=True)


if __name__ == "__main__":
    main()
