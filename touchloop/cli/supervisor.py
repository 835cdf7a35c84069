"""Runs the parts of Touchloop as child processes: starts, restarts, and stops them in order.

Guarantees: each part has a process group of its own, and is gone, with its own children, when
`run` returns; a part that ends is started again, later and later while it keeps ending; when this
process is killed, the guard ends the parts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from touchloop.cli import guard, runtime
from touchloop.cli.output import say
from touchloop.core import postgres
from touchloop.core.errors import TouchloopError, WrongSetting

LOOK_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
SETTLED_SECONDS = 30.0  # a part that ran this long is started again at once
WRONG_SETTING = 2


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    arguments: tuple[str, ...]
    grace: float = 15.0  # seconds to end by itself before it is killed


@dataclass(slots=True)
class _Running:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass(slots=True)
class Supervisor:
    """Parts are stopped in the order in which they are given: doors first, workers last."""

    parts: list[Part]
    home: Path | None  # of the embedded database; None: the database is somebody else's
    environment: dict[str, str] = field(default_factory=dict)
    stopping: bool = False
    hurried: bool = False

    def run(self, *, on_turn: Callable[[], None]) -> None:
        """Until a signal (or `stopping`) ends it; `on_turn` is called a few times a second."""
        watch = guard.Guard(self.home)
        running = [_Running(part) for part in self.parts]
        previous = {
            number: signal.signal(number, self._stop)
            for number in _SIGNALS
            if signal.getsignal(number) != signal.SIG_IGN  # nohup's wish is kept
        }
        try:
            while not self.stopping:
                self._recover_database()
                for child in running:
                    self._tend(child, watch)
                on_turn()
                time.sleep(LOOK_SECONDS)
        finally:
            self.stopping = True
            self._end(running)
            watch.dismiss()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """The first signal stops in order; a second one does not wait."""
        self.hurried, self.stopping = self.stopping, True

    def _recover_database(self) -> None:
        if self.home is None or postgres.is_running(self.home):
            return
        say("The database has ended unasked; starting it again.")
        try:
            postgres.start(self.home)
        except TouchloopError as error:  # a full disk is emptied, a moved folder comes back
            say(f"{error}. Trying again.")
            time.sleep(1)

    def _tend(self, child: _Running, watch: guard.Guard) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child, watch)
            return
        code = child.process.poll()
        if code is None:
            if now - child.started > SETTLED_SECONDS:
                child.pause = FIRST_PAUSE
            return
        guard.signal_groups({child.process.pid}, signal.SIGKILL)  # what it may have left behind
        watch.forget(child.process.pid)
        child.process = None
        if code == WRONG_SETTING:
            raise WrongSetting(f"{child.part.name} did not start (its words stand above)")
        say(f"{child.part.name} ended ({_how(code)}); starting it again in {child.pause:g} s.")
        child.start_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _start(self, child: _Running, watch: guard.Guard) -> None:
        child.process = subprocess.Popen(
            runtime.python("touchloop", *child.part.arguments),
            stdin=subprocess.DEVNULL,
            env=runtime.environment() | self.environment | {runtime.CHILD: str(os.getpid())},
            process_group=0,
        )
        child.started = time.monotonic()
        watch.watch(child.process.pid)

    def _end(self, running: list[_Running]) -> None:
        for child in running:
            if child.process is None:
                continue
            guard.signal_groups({child.process.pid}, signal.SIGTERM)
        for child in running:
            if child.process is None:
                continue
            self._await_end(child.process, grace=child.part.grace)
            guard.signal_groups({child.process.pid}, signal.SIGKILL)
            child.process.wait()

    def _await_end(self, process: subprocess.Popen[bytes], *, grace: float) -> None:
        give_up = time.monotonic() + grace
        while process.poll() is None and time.monotonic() < give_up and not self.hurried:
            time.sleep(0.02)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
