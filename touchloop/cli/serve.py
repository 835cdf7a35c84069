"""`serve`, and its parts alone: `web`, `collect`, `work`."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, say, show
from touchloop.cli.supervisor import Part, Supervisor
from touchloop.core import processes, settings
from touchloop.core.errors import TouchloopError, WrongSetting
from touchloop.core.version import version

START_SECONDS = 120.0
Port = Annotated[int, typer.Option(min=1, max=65533, help="Where the console answers.")]
Host = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is every network.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=64, help="How many workers (default: TOUCHLOOP_WORKERS).")
]


def serve(
    port: Port = 8000, host: Host = "127.0.0.1", workers: Workers = None, as_json: Json = False
) -> None:
    """Serve everything on this machine: console at PORT, tracking door at PORT + 1, the door for
    decisions at PORT + 2.

    Starts the database, brings the tables up to date, and runs the console, the doors, the
    deliveries, the learner and the workers. Ctrl-C stops all of it.

    Examples:

        touchloop serve

        touchloop serve --port 9000 --host 0.0.0.0 --workers 2
    """
    with result(as_json=as_json) as emit, everything(port=port, host=host, workers=workers) as run:

        def announce() -> None:
            show(*words(port)) if not as_json else emit(addresses(port))

        run(announce)


@contextmanager
def everything(
    *, port: int, host: str, workers: int | None
) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Prepares all, and gives the function that serves until a signal comes.

    That function is given what to do once, when every door answers.
    """
    from touchloop.lake.api import engine_name

    settings.check()
    engine_name()  # a wrong engine is said now, not by the first page that needs it
    with only_one(settings.home(), port=port):
        for number in ports(port):
            refuse_taken_port(host, number)
        with runtime.ready():
            yield lambda announce: _supervise(
                port=port, host=host, workers=workers or settings.workers(), announce=announce
            )


def ports(port: int) -> tuple[int, int, int]:
    """Where the console, the tracking door and the door for decisions answer."""
    return port, port + 1, port + 2


def addresses(port: int) -> dict[str, object]:
    console, tracking, decisions = (f"http://localhost:{number}" for number in ports(port))
    return {
        "console": console,
        "tracking": tracking,
        "decisions": decisions,
        "home": str(settings.home()),
        "pid": os.getpid(),
    }


def words(port: int) -> list[str]:
    """What `serve` prints when it is up."""
    from touchloop.core.accounts import api as accounts

    found = addresses(port)
    lines = [
        f"Touchloop {version()} is up.",
        f"  Console        {found['console']}",
        f"  Tracking door  {found['tracking']}",
        f"  Decisions      {found['decisions']}/v1/decide",
        f"  Data           {found['home']}",
    ]
    if not accounts.anybody():
        lines.append("  Nobody can sign in yet: touchloop user add you@example.com --role admin")
    return [*lines, "Ctrl-C stops it."]


def _supervise(*, port: int, host: str, workers: int, announce: Callable[[], None]) -> None:
    doors = ("--host", host)
    parts = [
        Part("The door", ("collect", "--port", str(port + 1), *doors)),
        Part(
            "The door for decisions",
            ("api", "--port", str(port + 2), *doors, "--processes", str(settings.doors())),
        ),
        Part("The console", ("web", "--port", str(port), *doors)),
        Part("Deliveries", ("deliver",), grace=30.0),
        Part("The learner", ("learn",), grace=30.0),
        *_workers(workers, name="worker"),
    ]
    supervisor = Supervisor(
        parts,
        home=_embedded_home(),
        environment={
            name: os.environ.get(name, "").strip() or str(here)
            for name, here in (
                ("TOUCHLOOP_URL", addresses(port)["console"]),  # the links in messages lead there
                ("TOUCHLOOP_COLLECT_URL", addresses(port)["tracking"]),
            )
        },
    )
    waiting = set(ports(port))
    give_up = time.monotonic() + START_SECONDS

    def look() -> None:
        if not waiting:
            return
        waiting.difference_update({number for number in waiting if _answers(host, number)})
        if not waiting:
            announce()
        elif time.monotonic() > give_up:
            raise TouchloopError(f"nothing answers at port {min(waiting)} (see above)")

    supervisor.run(on_turn=look)
    say("Stopped.")


def web(port: Port = 8000, host: Host = "127.0.0.1") -> None:
    """Serve the console alone.

    Example, on a machine for the console only:

        DATABASE_URL=postgresql://… touchloop web --host 0.0.0.0
    """
    from touchloop.config import server

    refuse_taken_port(host, port)
    with runtime.ready():
        server.serve(host=host, port=port)


def collect(
    port: Port = 8001,
    host: Host = "127.0.0.1",
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that share the port (TOUCHLOOP_DOORS)."),
    ] = None,
) -> None:
    """Serve the tracking door alone.

    Example, on a machine for collecting only:

        DATABASE_URL=postgresql://… touchloop collect --host 0.0.0.0
    """
    from touchloop.collect import app

    refuse_taken_port(host, port)
    with runtime.ready():
        app.serve(host=host, port=port, workers=processes or settings.doors())


def work(
    count: Annotated[int, typer.Option(min=1, max=64, help="How many workers.")] = 1,
    name: Annotated[str, typer.Option(help="What this worker is called in doctor.")] = "",
) -> None:
    """Take what the door has accepted through all steps, until Ctrl-C.

    Example, on a machine for work only:

        DATABASE_URL=postgresql://… touchloop work --count 4
    """
    if count == 1:
        with runtime.ready(), stop_signals() as stopped:
            from touchloop.flow import api as flow

            flow.run(stop=stopped, name=name or None)
        return
    with runtime.ready():
        workers_alone(count, name=name or socket.gethostname())(lambda: False)


def workers_alone(count: int, *, name: str = "worker") -> Callable[[Callable[[], bool]], None]:
    """A function that runs workers as child processes until a signal comes, or what it is given
    says so.
    """
    supervisor = Supervisor(_workers(count, name=name), home=_embedded_home())

    def run(stop: Callable[[], bool]) -> None:
        def look() -> None:
            supervisor.stopping = supervisor.stopping or stop()

        supervisor.run(on_turn=look)

    return run


def _workers(count: int, *, name: str) -> list[Part]:
    return [Part(f"Worker {n}", ("work", "--name", f"{name}-{n}")) for n in range(1, count + 1)]


def _embedded_home() -> Path | None:
    return settings.home() if settings.embedded() else None


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C or SIGTERM has come."""
    came: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def only_one(home: Path, *, port: int) -> Iterator[None]:
    """One `serve` for a home; the lock falls with its process."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise WrongSetting(f"TOUCHLOOP_HOME: cannot use {home} ({error.strerror})") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TouchloopError(_who_serves(descriptor, home)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(addresses(port)).encode())
        yield
    finally:
        os.close(descriptor)


def _who_serves(descriptor: int, home: Path) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return (
            f"Touchloop already serves {home}: console {found['console']}, process {found['pid']}"
        )
    except (ValueError, KeyError):  # it holds the lock, and has not yet written down where
        return f"Touchloop already serves {home}"


def refuse_taken_port(host: str, port: int) -> None:
    """Raises WrongSetting. A part that `serve` starts again is not asked: it tries until the port
    of its forerunner is free."""
    if os.environ.get(runtime.CHILD):
        return
    try:
        processes.refuse_taken_port(host, port)
    except OSError as error:
        raise WrongSetting(f"--port: cannot listen at {host}:{port} ({error.strerror})") from error


def _answers(host: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(here, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
