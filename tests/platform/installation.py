"""An installation of its own for a test: a home, three free ports, and the command line."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

START_SECONDS = 90.0


@dataclass
class Installation:
    home: Path
    port: int = field(default_factory=lambda: free_ports())
    command: tuple[str, ...] = (sys.executable, "-m", "touchloop")
    cwd: Path | None = None
    serving: subprocess.Popen[str] | None = None
    settings: dict[str, str] = field(default_factory=dict)  # of its own, over those of the test

    @property
    def environment(self) -> dict[str, str]:
        outside = {"DATABASE_URL", "LAKE_URL", "TOUCHLOOP_TEST_DATABASE_URL"}
        kept = {name: value for name, value in os.environ.items() if name not in outside}
        own = {"TOUCHLOOP_HOME": str(self.home), "TOUCHLOOP_WORKERS": "1"}
        return kept | own | self.settings

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """The one JSON object on standard output; anything else there fails."""
        done = self.run(*arguments, "--json")
        assert done.stdout.count("\n") == 1, (done.stdout, done.stderr)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def serve(self) -> dict[str, Any]:
        """Start serving, and wait until both doors answer."""
        self.serving = subprocess.Popen(
            [*self.command, "serve", "--port", str(self.port), "--json"],
            cwd=self.cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.serving.stdout
        line = self.serving.stdout.readline()
        assert line, f"serve ended with {self.serving.wait()} before it answered"
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.serving
        self.serving.send_signal(number)
        code = self.serving.wait(timeout=60)
        self.serving = None
        return code

    def post(self, write_key: str, event: dict[str, Any]) -> int:
        """Send one event as a server would; the status that came back."""
        token = base64.b64encode(f"{write_key}:".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port + 1}/v1/track",
            data=json.dumps(event).encode(),
            headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def processes(self) -> list[psutil.Process]:
        """Whatever runs for this home: the parts by their environment, the server by its folder."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def part(self, name: str) -> psutil.Process:
        """The main process of a part of `serve`."""
        return next(
            process
            for process in self.processes()
            if name in process.cmdline() and process.pid == os.getpgid(process.pid)
        )

    def await_silence(self, seconds: float = 30.0) -> list[str]:
        """Wait until nothing runs for this home any more; what is left after that time."""
        give_up = time.monotonic() + seconds
        while self.processes() and time.monotonic() < give_up:
            time.sleep(0.2)
        return [" ".join(process.cmdline()) for process in self.processes()]

    def destroy(self) -> None:
        for process in self.processes():
            process.kill()

    def _ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            if str(self.home) in process.cwd():
                return True
            return process.environ().get("TOUCHLOOP_HOME") == str(self.home)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def free_ports() -> int:
    """A port that is free together with the next two."""
    while True:
        with contextlib.ExitStack() as taken:
            first, *others = (taken.enter_context(socket.socket()) for _ in range(3))
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for distance, other in enumerate(others, 1):
                    other.bind(("127.0.0.1", port + distance))
            except (OSError, OverflowError):
                continue
            return port


def eventually(look: Any, *, seconds: float = 60.0) -> Any:
    """What `look` gives once it is true; the last answer when it never is."""
    give_up = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < give_up:
        time.sleep(0.2)
    return found
