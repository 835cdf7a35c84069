"""The command line: which commands there are, and what an error looks like."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import psycopg
import typer

from touchloop.cli import (
    backup,
    basket,
    bench,
    bounces,
    deliver,
    demo,
    doctor,
    fit,
    importing,
    keys,
    lake,
    learn,
    match,
    people,
    person,
    programs,
    replay,
    serve,
    sources,
    story,
)
from touchloop.core.errors import TouchloopError, WrongSetting
from touchloop.core.version import version

OK, FAILED, WRONG_USE = 0, 1, 2

app = typer.Typer(
    name="touchloop",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(serve.web)
app.command()(serve.collect)
app.command()(serve.work)
app.command()(deliver.deliver)
app.command()(bounces.bounces)
app.command()(learn.learn)
app.command()(programs.api)
app.command()(demo.demo)
app.command("import")(importing.import_file)
app.command()(story.story)
app.command()(replay.replay)
app.command()(basket.basket)
app.command()(match.match)
app.command()(doctor.doctor)
app.command()(bench.bench)
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(fit.app, name="fit")
app.add_typer(people.app, name="user")
app.add_typer(person.app, name="person")
app.add_typer(sources.app, name="source")
app.add_typer(keys.app, name="key")
app.add_typer(lake.app, name="lake")


@app.callback()
def touchloop(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One customer, one record, one loop.

    Start with `touchloop demo`: a real retailer's year. Or with your own: `touchloop serve`,
    then `touchloop user add you@example.com --role admin`, then `touchloop source add "Web shop"`.

    Settings come from the environment: TOUCHLOOP_HOME (the data folder, `~/.touchloop` by
    default), DATABASE_URL and LAKE_URL (when one machine is outgrown), ALLOWED_HOSTS,
    TOUCHLOOP_REGION, TOUCHLOOP_WORKERS, TOUCHLOOP_DOORS, TOUCHLOOP_SECRET_KEY. Exit codes: 0 done,
    1 failed, 2 a wrong setting or a wrong call.
    """


def main() -> None:
    """The entry point. A foreseen error is one line that says what to do; no traceback."""
    if sys.argv[1:] == ["--version"]:
        print(version())
        return
    try:
        app()
    except WrongSetting as error:
        _leave(error, WRONG_USE)
    except TouchloopError as error:
        _leave(error, FAILED)
    except psycopg.OperationalError as error:
        _leave(f"the database went away: {str(error).strip().splitlines()[0]}", FAILED)
    except BrokenPipeError:  # `touchloop … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


def _leave(said: object, code: int) -> None:
    print(f"touchloop: {said}", file=sys.stderr)
    sys.exit(code)
