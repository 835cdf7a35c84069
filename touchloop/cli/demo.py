"""`demo`: a real retailer's year, to look around in."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from touchloop.cli import runtime
from touchloop.cli.output import Emit, people, result, say, show
from touchloop.cli.serve import Host, Json, Port, addresses, everything, only_one, workers_alone
from touchloop.core import settings
from touchloop.core.errors import TouchloopError

if TYPE_CHECKING:
    from touchloop.demo.load import Loaded

LOADERS = 2  # workers while the year comes in
EMAIL = "demo@example.com"
SIGN_IN = "demo_sign_in.json"


def demo(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    serve: Annotated[bool, typer.Option(help="Serve afterwards, or load only.")] = True,
    live: Annotated[
        bool, typer.Option("--live", help="Go on with simulated baskets, so that pages move.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load a real retailer's year through the usual way in, and serve it.

    2,469 households, 155,848 baskets, 1.47 million lines; the year is moved so that it ends today.
    Run again, it starts at once with what is there.

    Examples:

        touchloop demo

        touchloop demo --no-serve --json
    """
    with result(as_json=as_json) as emit:
        if serve:
            _load_and_serve(port=port, host=host, live=live, emit=emit, as_json=as_json)
        else:
            _load_only(emit=emit, as_json=as_json)


def _load_only(*, emit: Emit, as_json: bool) -> None:
    settings.check()
    with only_one(settings.home(), port=0), runtime.ready():
        loaded = _in_background(workers_alone(LOADERS))
        _report(loaded, emit=emit, as_json=as_json)


def _load_and_serve(*, port: int, host: str, live: bool, emit: Emit, as_json: bool) -> None:
    workers = max(LOADERS, settings.workers())
    with _own_mail_server(), everything(port=port, host=host, workers=workers) as run:

        def announce() -> None:
            threading.Thread(target=load, name="demo", daemon=True).start()

        def load() -> None:
            try:
                _report(_load(), emit=emit, as_json=as_json)
            except Exception as error:  # the parts go on: what was loaded can be looked at
                say(f"The year could not be loaded: {error}")
                return
            if not as_json:
                show(*_words(port))
            if live:
                _replay()

        run(announce)


@contextmanager
def _own_mail_server() -> Iterator[None]:
    """What the demo mails stays on this machine, to be read in the console."""
    settings.check()
    runtime.setup_django()
    from touchloop.channels.api import email

    with email.Receiver(email.keep_in_inbox) as receiver:
        os.environ["TOUCHLOOP_SMTP_URL"] = f"smtp://{receiver.host}:{receiver.port}"
        os.environ.setdefault("TOUCHLOOP_MAIL_FROM", "Touchloop demo <shop@demo.example>")
        yield


def _in_background(run: Callable[[Callable[[], bool]], None]) -> Loaded:
    """Load while workers run; `run` is given what tells it to stop."""
    found: list[Loaded | Exception] = []

    def load() -> None:
        try:
            found.append(_load())
        except Exception as error:  # raised again below, in the main thread
            found.append(error)

    threading.Thread(target=load, name="demo", daemon=True).start()
    run(lambda: bool(found))
    if not found:
        raise TouchloopError("stopped before the year was loaded; run again to go on")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _load() -> Loaded:
    from touchloop.demo import load
    from touchloop.flow import api as flow

    columns = (
        TextColumn("The retailer's year"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task("year", total=None)
        loaded = load.load(lambda done, total: bar.update(task, completed=done, total=total))
    flow.ask_to_learn()  # in the background, once the year lies in the lake
    return loaded


def _report(loaded: Loaded, *, emit: Emit, as_json: bool) -> None:
    source, stored = asdict(loaded.source), asdict(loaded.stored)
    emit({"source": source, "stored": stored, "seconds": round(loaded.seconds, 2)})
    if source != stored:
        raise TouchloopError(f"not all of the year is stored: {stored} of {source}")
    if not as_json:
        say(
            f"{stored['households']:,} households, {stored['baskets']:,} baskets and "
            f"{stored['lines']:,} lines are stored, worth ${stored['sales_cents'] / 100:,.2f}: "
            f"equal to the retailer's files. {loaded.seconds:.1f} s."
        )


def _words(port: int) -> list[str]:
    email, password = _sign_in()
    found, told = addresses(port), _one_story()
    return [
        "",
        f"  Console        {found['console']}",
        f"  Sign in        {email}  {password}",
        f"  Tracking door  {found['tracking']}",
        f"  Decisions      {found['decisions']}/v1/decide",
        *([f"  A whole story  touchloop story {told}"] if told else []),
        "",
        "Ctrl-C stops it; the data stays.",
    ]


def _one_story() -> str:
    from touchloop.demo import loop

    return loop.went_round()


def _sign_in() -> tuple[str, str]:
    """Made once, and kept beside the data, readable by its owner only: no default password."""
    from touchloop.core.accounts import api as accounts

    path = settings.home() / SIGN_IN
    if path.exists():
        kept = json.loads(path.read_text())
        return kept["email"], kept["password"]
    found = [person for person in accounts.people() if person.email == EMAIL]
    if found:
        password = accounts.reset_password(found[0].id, actor=None)
    else:
        _, password = accounts.create_user(EMAIL, "admin", name="Demo")
    _keep(path, {"email": EMAIL, "password": password})
    return EMAIL, password


def _keep(path: Path, value: dict[str, str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file)


def _replay() -> None:
    """Simulated baskets for ever; the thread ends with the process."""
    from touchloop.demo import live

    while True:
        try:
            live.replay(stop=lambda: False)
        except psycopg.Error:  # the database was away: the replay is not worth more than a pause
            time.sleep(2)
